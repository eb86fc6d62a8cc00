import Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as hybridPrices from '../../examples/billing/hybrid.ts';
import * as developerPrices from '../../examples/billing/per-developer.ts';
import * as organizationPrices from '../../examples/billing/per-organization.ts';
import * as receptionistPrices from '../../examples/billing/receptionist.ts';
import * as voucherPrices from '../../examples/billing/vouchers.ts';
import { definePrices, manualProvider, type PriceCatalogue, stripeProvider } from '../../src/billing/index.ts';
import { isTenantryError } from '../../src/core/index.ts';
import { createTenantry, hybridSeats, perOrg, perUser } from '../../src/index.ts';
import { definePlans, type PlanCatalogue, type PlanDefinitions } from '../../src/plans/index.ts';
import type { Strategy, StrategyName } from '../../src/tenancy/index.ts';
import { createFakeStripe, type FakeStripe, fixedClock } from '../../src/testing/index.ts';
import { urls } from '../support/billing-world.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

/*
 * The price set-ups of the examples, and more of what they stand for: each from the sign-up to the invoice that was paid, and
 * to the limit that holds.
 */

let database: TestDatabase<Record<never, never>>;
beforeEach(async () => {
  database = await postgresDatabase();
});
afterEach(() => database.destroy());

const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (isTenantryError(error) ? error.code : error),
  );

/** A program that sells by a Stripe that is none, with its catalogue in place. */
async function program<const Definitions extends PlanDefinitions, Name extends StrategyName>(
  plans: PlanCatalogue<Definitions>,
  prices: PriceCatalogue,
  strategy: Strategy<Name, keyof Definitions & string>,
) {
  const fake = createFakeStripe({ clock: fixedClock('2026-03-01T09:00:00Z') });
  const stripe = new Stripe('sk_test_models', {
    httpClient: Stripe.createFetchHttpClient(fake.fetch),
    maxNetworkRetries: 0,
  });
  const tenantry = createTenantry({
    db: database.app,
    plans,
    strategy,
    clock: fake.clock,
    billing: { provider: stripeProvider({ stripe, livemode: false, webhookSecret: 'whsec_fake' }), prices },
  });
  const { billing } = tenantry;
  expect((await billing.checkPrices()).every(({ problem }) => problem === 'missing')).toBe(true);
  await billing.catalogue.apply(await billing.catalogue.plan());
  expect(await billing.checkPrices()).toEqual([]);
  fake.webhooks.connect({
    async handler(body, headers) {
      await billing.receive(body, headers);
      return 200;
    },
  });
  const settle = async () => {
    for (let rounds = 0; rounds < 30; rounds += 1) {
      await fake.webhooks.drain();
      const { events, customers, seats, usage } = await billing.processDue();
      if (events.done + customers.done + seats.done + usage.done === 0 && fake.webhooks.waiting === 0) return;
    }
    throw new Error('billing does not come to rest');
  };
  const buy = async (tenantId: string, plan: keyof Definitions & string) => {
    const { sessionId } = await billing.checkout({ tenantId, plan, ...urls });
    fake.completeCheckout(sessionId);
    await settle();
  };
  const advance = async (days: number) => {
    await fake.advance({ days });
    await settle();
  };
  return { ...tenantry, fake, settle, buy, advance };
}

/** The totals of the invoices that a tenant paid, the oldest first. */
async function paid(
  {
    billing,
  }: {
    readonly billing: {
      invoices(tenantId: string): Promise<readonly { number: string | null; status: string; total: number }[]>;
    };
  },
  tenantId: string,
): Promise<number[]> {
  const invoices = [...(await billing.invoices(tenantId))];
  expect(invoices.map(({ status }) => status)).toEqual(invoices.map(() => 'paid'));
  // What happened in the same second is told apart by the number alone.
  return invoices.sort((a, b) => ((a.number ?? '') < (b.number ?? '') ? -1 : 1)).map(({ total }) => total);
}

function quantities(fake: FakeStripe): unknown[] {
  return fake.list('subscription').map((subscription) => {
    const items = subscription.items;
    return typeof items === 'object' && items !== null && 'data' in items && Array.isArray(items.data)
      ? items.data.map((item: { quantity?: number }) => item.quantity ?? null)
      : [];
  });
}

describe('developer tools', () => {
  it('per organization: $50 a month for five developers, and the sixth has no seat', async () => {
    const { plans, prices } = organizationPrices;
    const world = await program(plans, prices, perOrg({ plan: 'none', seats: 5 }));
    const { tenantId } = await world.organizations.create({ name: 'Acme', owner: { userId: 'ada' } });
    expect(await world.plans.consume(tenantId, 'projects')).toMatchObject({ ok: false, reason: 'limit_reached' });
    await world.buy(tenantId, 'organization');
    expect(await paid(world, tenantId)).toEqual([5_000]);
    for (let n = 2; n <= 5; n += 1)
      await world.organizations.members.add({ tenantId, userId: `dev ${n}`, role: 'member' });
    expect(await codeOf(world.organizations.members.add({ tenantId, userId: 'dev 6', role: 'member' }))).toBe(
      'seats_exhausted',
    );
    await world.settle();
    // What is paid does not depend on how many they are.
    expect(quantities(world.fake)).toEqual([[1]]);
    expect(await world.plans.consume(tenantId, 'projects', 20)).toMatchObject({ ok: true });
    expect(await world.plans.consume(tenantId, 'projects')).toMatchObject({ ok: false });
    await world.advance(32);
    expect(await paid(world, tenantId)).toEqual([5_000, 5_000]);
  });

  it('per developer: $10 a month each, who is an organization of one seat', async () => {
    const { plans, prices } = developerPrices;
    const world = await program(plans, prices, perUser({ plan: 'none' }));
    const { tenantId } = await world.tenancy.provision({ userId: 'ada', name: 'Ada' });
    const other = await world.tenancy.provision({ userId: 'eve', name: 'Eve' });
    await world.buy(tenantId, 'developer');
    expect(quantities(world.fake)).toEqual([[1]]);
    expect(await paid(world, tenantId)).toEqual([1_000]);
    expect(await world.plans.consume(tenantId, 'calls', 100)).toMatchObject({ ok: true });
    expect(await world.plans.consume(tenantId, 'calls')).toMatchObject({ ok: false, reason: 'quota_exceeded' });
    expect(await world.plans.consume(other.tenantId, 'calls')).toMatchObject({ ok: false });
    expect(await world.billing.invoices(other.tenantId)).toEqual([]);
  });

  it('hybrid: $20, $5 a developer, and what each of them used beyond the quota', async () => {
    const { plans, prices } = hybridPrices;
    const world = await program(plans, prices, hybridSeats({ plan: 'none', seats: 10 }));
    const { tenantId, owner } = await world.organizations.create({ name: 'Acme', owner: { userId: 'ada' } });
    await world.buy(tenantId, 'team');
    expect(await paid(world, tenantId)).toEqual([2_500]);
    const { member: eve } = await world.organizations.members.add({ tenantId, userId: 'eve', role: 'member' });
    await world.organizations.members.add({ tenantId, userId: 'sam', role: 'member' });
    await world.settle();
    expect(quantities(world.fake)).toEqual([[1, 3, null]]);
    expect((await world.billing.state(tenantId)).subscription?.seats).toBe(3);
    await world.plans.consume(tenantId, 'calls', 900, { memberId: owner.id });
    await world.plans.consume(tenantId, 'calls', 400, { memberId: eve.id });
    const byMember = await world.plans.usageByMember(tenantId, 'calls');
    expect(byMember.items.map(({ used }) => used).sort()).toEqual([400, 900]);
    expect(await world.billing.reportUsage(tenantId)).toBe(300);
    expect(await world.billing.reportUsage(tenantId)).toBe(0);
    // As much as was agreed, and no more.
    expect(await world.plans.consume(tenantId, 'calls', 4_701)).toMatchObject({ ok: false });
    await world.advance(32);
    const [, second] = await paid(world, tenantId);
    const [last] = await world.billing.invoices(tenantId);
    const usage = last?.lines.find(({ amount, proration }) => amount === 600 && !proration);
    expect(usage).toBeDefined();
    // The base, three seats, 300 calls, and two seats for all of March but the moment that passed.
    expect(second).toBe(2_000 + 1_500 + 600 + 1_000);
    await world.organizations.members.remove({ tenantId, memberId: eve.id });
    await world.settle();
    expect(quantities(world.fake)).toEqual([[1, 2, null]]);
  });

  it('metered use alone, late use, an add-on, a trial, and another currency', async () => {
    const plans = definePlans(
      {
        none: { quotas: { calls: { amount: 0, per: 'month' } } },
        payg: { quotas: { calls: { amount: 0, per: 'month', overage: 'bill' } } },
        pro: { quotas: { calls: { amount: 100, per: 'month' } }, trialDays: 14 },
      },
      { more: { quotas: { calls: 50 } } },
    );
    const prices = definePrices(plans, {
      plans: { payg: { month: { metered: { calls: '2.5' } } }, pro: { month: { base: { usd: 2_000, jpy: 3_000 } } } },
      addOns: { more: { month: { usd: 700, jpy: 1_000 } } },
    });
    const world = await program(plans, prices, perUser({ plan: 'none' }));
    const { tenantId } = await world.tenancy.provision({ userId: 'ada', name: 'Ada' });
    await world.buy(tenantId, 'payg');
    expect(await world.plans.consume(tenantId, 'calls', 1_000)).toMatchObject({ ok: true });
    await world.advance(1);
    // What is told too late for its invoice comes on the next one.
    await world.advance(29);
    expect(await world.plans.consume(tenantId, 'calls', 400)).toMatchObject({ ok: true });
    await world.advance(3);
    expect((await paid(world, tenantId)).at(-1)).toBe(2_500);
    await world.advance(31);
    expect((await paid(world, tenantId)).at(-1)).toBe(1_000);

    const tried = (await world.tenancy.provision({ userId: 'eve', name: 'Eve' })).tenantId;
    const wish = { tenantId: tried, plan: 'pro', currency: 'jpy', addOns: { more: 2 }, ...urls } as const;
    const { sessionId, trialDays } = await world.billing.checkout(wish);
    expect(trialDays).toBe(14);
    world.fake.completeCheckout(sessionId);
    await world.settle();
    expect((await world.billing.state(tried)).status).toBe('trialing');
    // 100 of the plan and 50 of each add-on.
    expect(await world.plans.consume(tried, 'calls', 200)).toMatchObject({ ok: true });
    expect(await world.plans.consume(tried, 'calls')).toMatchObject({ ok: false });
    await world.advance(15);
    expect(await paid(world, tried)).toEqual([0, 5_000]);
    expect((await world.billing.invoices(tried))[0]?.currency).toBe('jpy');
    await world.billing.swap({ tenantId: tried, plan: 'pro', addOns: {}, proration: 'none' });
    await world.advance(31);
    expect(await world.plans.check(tried, 'calls')).toMatchObject({ limit: 100 });
  });
});

describe('a phone receptionist', () => {
  const { plans, prices } = receptionistPrices;

  it('Free, Starter for $29, Pro for $99: what is paid is what may be used', async () => {
    const world = await program(plans, prices, perOrg({ plan: 'free' }));
    const { tenantId } = await world.organizations.create({ name: 'Salon', owner: { userId: 'ada' } });
    expect(await world.plans.consume(tenantId, 'calls', 50)).toMatchObject({ ok: true });
    expect(await world.plans.consume(tenantId, 'calls')).toMatchObject({ ok: false, limit: 50 });
    expect(await world.plans.has(tenantId, 'api')).toBe(false);
    await world.buy(tenantId, 'starter');
    expect(await paid(world, tenantId)).toEqual([2_900]);
    expect(await world.plans.has(tenantId, 'api')).toBe(true);
    expect(await world.plans.consume(tenantId, 'bots', 3)).toMatchObject({ ok: true });
    expect(await world.plans.consume(tenantId, 'bots')).toMatchObject({ ok: false, limit: 3 });
    const { proration, prorationDate } = await world.billing.preview({ tenantId, plan: 'pro', proration: 'invoice' });
    expect(proration).toBe(7_000);
    await world.billing.swap({ tenantId, plan: 'pro', proration: 'invoice', prorationDate });
    await world.settle();
    expect(await paid(world, tenantId)).toEqual([2_900, 7_000]);
    expect(await world.plans.consume(tenantId, 'bots', 7)).toMatchObject({ ok: true, limit: 10 });
    expect(await world.plans.has(tenantId, 'webhooks')).toBe(true);

    // The card is refused: the plan stays for the days of grace, then it falls to Free.
    const customerId = (await world.billing.state(tenantId)).customerId ?? '';
    world.fake.setCard(customerId, 'declines');
    await world.advance(32);
    expect((await world.billing.state(tenantId)).status).toBe('past_due');
    expect(await world.plans.has(tenantId, 'webhooks')).toBe(true);
    await world.advance(20);
    expect(await world.plans.has(tenantId, 'webhooks')).toBe(false);
    expect(await world.plans.check(tenantId, 'calls')).toMatchObject({ limit: 50 });
  });

  it('Enterprise: what was agreed, by invoice', async () => {
    const world = await program(plans, prices, perOrg({ plan: 'free' }));
    const { tenantId } = await world.organizations.create({ name: 'Chain', owner: { userId: 'ada' } });
    expect(await codeOf(world.billing.subscribe({ tenantId, plan: 'enterprise', interval: 'year' }))).toBe(
      'plan_not_sold',
    );
    const wish = { tenantId, plan: 'enterprise', interval: 'year', agreed: 2_400_000, daysUntilDue: 30 } as const;
    expect(await world.billing.subscribe(wish)).toMatchObject({ plan: 'enterprise', status: 'active' });
    await world.settle();
    expect(await world.plans.consume(tenantId, 'calls', 1_000_000)).toMatchObject({ ok: true });
    await world.advance(1);
    const [open] = await world.billing.invoices(tenantId);
    expect(open).toMatchObject({ status: 'open', total: 2_400_000 });
    expect((await world.billing.page({ tenantId })).owed).toEqual({ usd: 2_400_000 });
    world.fake.payInvoice(open?.id ?? '');
    await world.settle();
    expect(await paid(world, tenantId)).toEqual([2_400_000]);
    expect((await world.billing.page({ tenantId })).monthly).toEqual({ amount: 200_000, currency: 'usd' });
    // The price that was agreed is of one customer: the list is as it was.
    expect((await world.billing.catalogue.plan()).steps).toEqual([]);
  });
});

describe('a practice', () => {
  it('vouchers are grants that come with a payment by transfer, in cash or at a terminal', async () => {
    const { plans, prices, voucherTypes } = voucherPrices;
    const clock = fixedClock('2026-03-01T09:00:00Z');
    const {
      billing,
      organizations,
      plans: entitlements,
    } = createTenantry({
      db: database.app,
      plans,
      strategy: perOrg({ plan: 'practice' }),
      clock,
      billing: { provider: manualProvider({ prices }), prices },
    });
    const { tenantId } = await organizations.create({ name: 'Practice', owner: { userId: 'ada' } });
    for (const [place, { name, price, sessions, spare, validDays, method }] of voucherTypes.entries()) {
      const voucherId = `voucher-${place}`;
      const invoice = await billing.books.issueInvoice({
        tenantId,
        currency: 'usd',
        lines: [{ description: name, amount: price }],
        metadata: { clientId: '17', voucherId },
        idempotencyKey: voucherId,
      });
      expect(invoice.number).toBe(`INV-000${place + 1}`);
      // The client bought it, and has paid nothing yet.
      expect(await entitlements.grants.list(tenantId, 'sessions', { all: true })).toHaveLength(place * 2);
      const payment = {
        tenantId,
        invoiceId: invoice.id,
        method,
        gateway: 'front desk',
        gatewayResponse: { approved: true, pan: '4242424242424242' },
        recordedBy: 'ada',
        idempotencyKey: voucherId,
      };
      // The payment and what it buys stand or fall together, however often the form is sent.
      for (let sent = 0; sent < 2; sent += 1) {
        await database.app.transaction().execute(async (tx) => {
          await billing.books.recordPayment(payment, { db: tx });
          const grant = { amount: sessions, spare, validDays, idempotencyKey: voucherId, metadata: { voucherId } };
          await entitlements.grants.add(tenantId, 'sessions', { ...grant, db: tx });
        });
      }
    }
    expect((await billing.invoices(tenantId)).map(({ number, status, total }) => [number, status, total])).toEqual([
      ['INV-0003', 'paid', 79_999],
      ['INV-0002', 'paid', 19_999],
      ['INV-0001', 'paid', 39_999],
    ]);
    const payments = await billing.payments(tenantId);
    expect(payments.map(({ method, status }) => [method, status])).toEqual([
      ['card_terminal', 'succeeded'],
      ['cash', 'succeeded'],
      ['bank_transfer', 'succeeded'],
    ]);
    expect(payments[0]?.gatewayResponse).toEqual({ approved: true, pan: '••••4242' });
    // 38 sessions and 8 spare ones; then no more.
    expect(await entitlements.consume(tenantId, 'sessions', 46)).toMatchObject({ ok: true });
    expect(await entitlements.consume(tenantId, 'sessions')).toMatchObject({ ok: false, reason: 'quota_exceeded' });
  });
});
