import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definePrices, manualProvider, planCatalogueSync, stripeProvider } from '../../src/billing/index.ts';
import { isTenantryError, uuidv7 } from '../../src/core/index.ts';
import { createTenantry, perOrg } from '../../src/index.ts';
import { definePlans } from '../../src/plans/index.ts';
import { createFakeStripe, fixedClock } from '../../src/testing/index.ts';
import { unwrapStripeWebhook } from '../../src/webhooks/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

const plans = definePlans({
  free: { quotas: { calls: { amount: 50, per: 'month' } } },
  pro: { quotas: { calls: { amount: 100, per: 'month', overage: 'bill' } } },
});
const prices = definePrices(plans, { plans: { pro: { month: { base: 2_900, metered: { calls: '2' } } } } });

let database: TestDatabase<Record<never, never>>;
beforeAll(async () => {
  database = await postgresDatabase({ connections: 30 });
});
afterAll(() => database.destroy());

const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (isTenantryError(error) ? error.code : error),
  );

function program() {
  const clock = fixedClock('2026-03-01T09:00:00Z');
  const told: string[] = [];
  const tenantry = createTenantry({
    db: database.app,
    plans,
    strategy: perOrg({ plan: 'free' }),
    clock,
    events: async (event) => {
      told.push(event.name);
    },
    billing: { provider: manualProvider({ prices, daysUntilDue: 14 }), prices, pastDue: { graceDays: 3 } },
  });
  const organization = async () =>
    (await tenantry.organizations.create({ name: 'Practice', owner: { userId: uuidv7() } })).tenantId;
  return { ...tenantry, clock, told, organization };
}

describe('the books', () => {
  it('number invoices without gaps, for each tenant, also when many are written at once and some are not', async () => {
    const { billing, organization } = program();
    const tenants = [await organization(), await organization()];
    const line = { description: 'Session', amount: 4_000 };
    const issue = (tenantId: string, fails: boolean) =>
      database.app.transaction().execute(async (tx) => {
        const invoice = await billing.books.issueInvoice({ tenantId, currency: 'usd', lines: [line] }, { db: tx });
        if (fails) throw new Error('never mind');
        return invoice.number;
      });
    const wishes = Array.from({ length: 40 }, (_, n) => issue(tenants[n % 2] ?? '', n % 5 === 0));
    await Promise.allSettled(wishes);
    for (const tenantId of tenants) {
      const numbers = (await billing.invoices(tenantId)).map(({ number }) => number).sort();
      expect(numbers).toEqual(numbers.map((_, place) => `INV-${String(place + 1).padStart(4, '0')}`));
      expect(numbers).toHaveLength(16);
    }
  });

  it('take payments in parts, decide pending ones, and refuse what cannot be', async () => {
    const { billing, organization, told } = program();
    const tenantId = await organization();
    const wish = { tenantId, currency: 'usd', lines: [{ description: 'Pass', amount: 10_000 }], tax: 700 };
    const invoice = await billing.books.issueInvoice({ ...wish, idempotencyKey: 'one' });
    expect((await billing.books.issueInvoice({ ...wish, idempotencyKey: 'one' })).id).toBe(invoice.id);
    expect(invoice).toMatchObject({ subtotal: 10_000, tax: 700, total: 10_700, status: 'open' });
    const pay = { tenantId, invoiceId: invoice.id, method: 'cash' } as const;
    await billing.books.recordPayment({ ...pay, amount: 5_000 });
    const pending = await billing.books.recordPayment({ ...pay, method: 'bank_transfer', status: 'pending' });
    expect(pending).toMatchObject({ status: 'pending', amount: 5_700, completedAt: null });
    expect((await billing.invoice(tenantId, invoice.id))?.invoice.amountRemaining).toBe(5_700);
    expect(await codeOf(billing.books.recordPayment({ ...pay, amount: 5_701 }))).toBe('amount_invalid');
    expect(await codeOf(billing.books.recordPayment({ ...pay, amount: 0.5 }))).toBe('amount_invalid');
    expect(await codeOf(billing.books.recordPayment({ ...pay, amount: -1 }))).toBe('amount_invalid');
    const settled = { tenantId, paymentId: pending.id, status: 'succeeded' } as const;
    await billing.books.settlePayment(settled);
    await billing.books.settlePayment(settled);
    expect(await codeOf(billing.books.settlePayment({ ...settled, status: 'failed' }))).toBe('provider_refused');
    expect(await codeOf(billing.books.recordPayment(pay))).toBe('amount_invalid');
    expect((await billing.invoice(tenantId, invoice.id))?.invoice).toMatchObject({
      status: 'paid',
      amountRemaining: 0,
    });
    expect(told.filter((name) => name.startsWith('invoice.') || name.startsWith('payment.'))).toEqual([
      'invoice.issued',
      'payment.succeeded',
      'invoice.paid',
      'payment.succeeded',
    ]);
    const other = await organization();
    expect(await billing.invoice(other, invoice.id)).toBeNull();
    expect(await codeOf(billing.books.recordPayment({ ...pay, tenantId: other }))).toBe('provider_refused');
    expect(await codeOf(billing.refund({ tenantId: other, paymentId: pending.id }))).toBe('provider_refused');
    expect(await codeOf(billing.books.issueInvoice({ ...wish, tenantId: uuidv7() }))).toBe('tenant_not_found');
    expect(await codeOf(billing.books.issueInvoice({ ...wish, currency: 'dollar' }))).toBe('config_invalid');
    expect(await codeOf(billing.books.issueInvoice({ ...wish, lines: [] }))).toBe('amount_invalid');
  });

  it('come in pages, each once, though all are of the same moment', async () => {
    const { billing, organization } = program();
    const tenantId = await organization();
    const made: string[] = [];
    for (let count = 0; count < 7; count += 1) {
      const lines = [{ description: 'Pass', amount: 100 }];
      const { id } = await billing.books.issueInvoice({ tenantId, currency: 'usd', lines });
      await billing.books.recordPayment({ tenantId, invoiceId: id, method: 'cash' });
      made.push(id);
    }
    const walk = async (
      read: (after?: string) => Promise<readonly { readonly id: string; readonly createdAt: Date }[]>,
    ) => {
      const found = [...(await read())];
      for (let page = found; page.length > 0; ) {
        page = [...(await read(page.at(-1)?.id))];
        found.push(...page);
      }
      expect(new Set(found.map(({ createdAt }) => createdAt.getTime())).size).toBe(1);
      return found.map(({ id }) => id);
    };
    const part = (after?: string) => ({ limit: 3, ...(after !== undefined && { after }) });
    const invoices = await walk((after) => billing.invoices(tenantId, part(after)));
    expect(invoices).toHaveLength(7);
    expect(new Set(invoices)).toEqual(new Set(made));
    const payments = await walk((after) => billing.payments(tenantId, part(after)));
    expect([payments.length, new Set(payments).size]).toEqual([7, 7]);
  });

  it('give back once for a double click, credit what is open, and give up what is not paid', async () => {
    const { billing, organization } = program();
    const tenantId = await organization();
    const issue = (amount: number) =>
      billing.books.issueInvoice({ tenantId, currency: 'usd', lines: [{ description: 'Pass', amount }] });
    const first = await issue(9_000);
    const payment = await billing.books.recordPayment({ tenantId, invoiceId: first.id, method: 'card_terminal' });
    const wish = { tenantId, paymentId: payment.id, amount: 2_000, reason: 'late', idempotencyKey: 'case 7' };
    const [one, two] = await Promise.all([billing.refund(wish), billing.refund(wish)]);
    expect([two.id, (await billing.refund(wish)).id]).toEqual([one.id, one.id]);
    const more = { ...wish, idempotencyKey: 'case 8' };
    expect(await codeOf(billing.refund({ ...more, amount: 7_001 }))).toBe('provider_refused');
    expect((await billing.invoice(tenantId, first.id))?.refunds).toHaveLength(1);
    const second = await issue(5_000);
    const credit = { tenantId, invoiceId: second.id, amount: 1_500, idempotencyKey: 'case 9' };
    const [note, again] = await Promise.all([billing.credit(credit), billing.credit(credit)]);
    expect([again.id, (await billing.credit(credit)).id]).toEqual([note.id, note.id]);
    expect(note).toMatchObject({ number: 'CN-0001', amount: 1_500 });
    expect((await billing.page({ tenantId })).owed).toEqual({ usd: 3_500 });
    await billing.books.closeInvoice({ tenantId, invoiceId: second.id, status: 'void' });
    expect((await billing.page({ tenantId })).owed).toEqual({});
    expect((await billing.invoices(tenantId, { limit: 1 }))[0]?.id).toBe(second.id);
    expect((await billing.invoices(tenantId, { after: second.id })).map(({ id }) => id)).toEqual([first.id]);
    // What a paid invoice is credited is used by the next one.
    await billing.credit({ tenantId, invoiceId: first.id, amount: 3_000 });
    expect(await issue(4_000)).toMatchObject({ total: 4_000, amountDue: 1_000 });
    // Two cases at the same moment are two refunds, though both saw the same payment.
    const both = [100, 200].map((amount) => billing.refund({ ...more, amount, idempotencyKey: `case ${amount}` }));
    expect((await Promise.all(both)).map(({ amount }) => amount)).toEqual([100, 200]);
    expect((await billing.invoice(tenantId, first.id))?.payments[0]?.amountRefunded).toBe(2_300);
    // Clicks of one moment need no name.
    const unnamed = { tenantId, paymentId: payment.id, amount: 2_000 };
    const clicks = await Promise.all(Array.from({ length: 20 }, () => billing.refund(unnamed)));
    expect(new Set(clicks.map(({ id }) => id)).size).toBe(1);
    const rest = { ...wish, amount: 4_700, idempotencyKey: 'the rest' };
    const last = await billing.refund(rest);
    expect((await billing.refund(rest)).id).toBe(last.id);
  });

  it('carry a subscription: it asks, waits, falls back to what is free, and comes back when it is paid', async () => {
    const { billing, organization, plans: entitlements, clock } = program();
    const tenantId = await organization();
    expect(
      await codeOf(
        billing.checkout({ tenantId, plan: 'pro', successUrl: 'https://a.test', cancelUrl: 'https://a.test' }),
      ),
    ).toBe('billing_unsupported');
    await billing.subscribe({ tenantId, plan: 'pro' });
    const day = 86_400_000;
    const stands = async () => {
      await billing.processDue();
      const { status } = await billing.state(tenantId);
      return [status, (await entitlements.check(tenantId, 'calls')).limit];
    };
    expect(await stands()).toEqual(['active', 100]);
    clock.advance(15 * day);
    expect(await stands()).toEqual(['past_due', 100]);
    clock.advance(4 * day);
    expect(await stands()).toEqual(['past_due', 50]);
    await billing.sync(tenantId);
    const [invoice] = await billing.invoices(tenantId, { status: 'open' });
    await billing.books.recordPayment({ tenantId, invoiceId: invoice?.id ?? '', method: 'bank_transfer' });
    expect(await stands()).toEqual(['active', 100]);
  });
});

describe('what all tenants bring', () => {
  it('is told to super admins, by plan, with what went, and the look is recorded', async () => {
    const { billing, organization, platform, audit, clock } = program();
    const [one, two] = [await organization(), await organization()];
    const by = { by: { userId: 'root' }, reason: 'board' };
    await billing.subscribe({ tenantId: one, plan: 'pro' });
    await billing.subscribe({ tenantId: two, plan: 'pro' });
    const before = await platform.revenue({ ...by, from: clock() });
    const mrr = before.recurring[0]?.mrr ?? 0;
    clock.advance(86_400_000);
    await billing.cancel({ tenantId: two, when: 'now' });
    await billing.sync(one);
    const [invoice] = await billing.invoices(one, { status: 'open' });
    await billing.books.recordPayment({ tenantId: one, invoiceId: invoice?.id ?? '', method: 'cash' });
    const from = new Date(clock().getTime() - 3_600_000);
    const { recurring, takings } = await platform.revenue({ ...by, from, to: clock() });
    expect(recurring[0]).toMatchObject({ currency: 'usd', previousMrr: mrr, mrr: mrr - 2_900, churned: 2_900 });
    expect(recurring[0]?.tenants.churned).toBe(1);
    expect(recurring[0]?.byPlan[0]).toMatchObject({ plan: 'pro', mrr: mrr - 2_900 });
    expect(takings).toEqual([{ currency: 'usd', paid: 2_900, refunded: 0 }]);
    const seen = await audit.platform.list({ actions: ['platform.read'] });
    expect(seen.items.length).toBeGreaterThanOrEqual(2);
    expect(await codeOf(platform.revenue({ ...by, from: clock(), to: new Date(0) }))).toBe('config_invalid');
  });
});

describe('the catalogue at the provider', () => {
  it('is planned first, made, mended where it differs, and refused in the wrong mode', async () => {
    const fake = createFakeStripe();
    const clientOf = (key: string) =>
      new Stripe(key, { httpClient: Stripe.createFetchHttpClient(fake.fetch), maxNetworkRetries: 0 });
    const stripe = clientOf('sk_test_catalogue');
    const make = (list: typeof prices, livemode = false) =>
      createTenantry({
        db: database.app,
        plans,
        strategy: perOrg({ plan: 'free' }),
        billing: { provider: stripeProvider({ stripe, livemode, webhookSecret: 'whsec_x' }), prices: list },
      }).billing;
    const billing = make(prices);
    const plan = await billing.catalogue.plan();
    expect(plan.steps.map((step) => step.do)).toEqual([
      'create-product',
      'create-product',
      'create-meter',
      'create-price',
      'create-price',
    ]);
    expect(fake.list('price')).toEqual([]);
    expect((await billing.checkPrices()).map(({ problem }) => problem)).toEqual(['missing', 'missing']);
    // Killed on the way: the next plan has what is left.
    fake.fail({ how: 'timeout-after-effect', next: 1, match: { method: 'POST', path: '/v1/prices' } });
    expect(await codeOf(billing.catalogue.apply(plan))).toBe('provider_unavailable');
    const rest = await billing.catalogue.plan();
    expect(rest.steps.map((step) => step.do)).toEqual(['create-price']);
    await billing.catalogue.apply(rest);
    expect(await billing.catalogue.plan()).toMatchObject({ steps: [], unchanged: 2, problems: [] });

    const dearer = definePrices(plans, {
      plans: { pro: { month: { base: { usd: 3_900, eur: 3_500 }, metered: { calls: { usd: '2', eur: '2' } } } } },
    });
    const changed = make(dearer);
    expect((await changed.checkPrices()).map(({ problem }) => problem)).toEqual(['amount', 'currency', 'currency']);
    const replace = await changed.catalogue.plan();
    expect(replace.steps.map((step) => step.do)).toEqual(['replace-price', 'replace-price']);
    await changed.catalogue.apply(replace);
    expect(await changed.checkPrices()).toEqual([]);
    // There and back: the price of before is made anew, and not taken from the cache of the provider.
    await billing.catalogue.apply(await billing.catalogue.plan());
    await changed.catalogue.apply(await changed.catalogue.plan());
    await billing.catalogue.apply(await billing.catalogue.plan());
    expect(await billing.checkPrices()).toEqual([]);
    expect(fake.list('price').filter(({ active }) => active)).toHaveLength(2);

    const tools = { db: database.app, clock: fake.clock, ids: uuidv7, unwrapStripe: unwrapStripeWebhook };
    const live = stripeProvider({ stripe, livemode: true, webhookSecret: 'whsec_x' })(tools);
    expect(await codeOf(planCatalogueSync(live, prices))).toBe('provider_mode_mismatch');
  });
});
