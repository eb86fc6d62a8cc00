import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definePrices, stripeProvider } from '../../src/billing/index.ts';
import { uuidv7 } from '../../src/core/index.ts';
import { createTenantry, hybridSeats } from '../../src/index.ts';
import { definePlans } from '../../src/plans/index.ts';
import { signStripeWebhook } from '../../src/webhooks/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { openSandbox, type StripeSandbox, testKey } from '../support/stripe-sandbox.ts';
import { type StripeStandIn, startStandIn } from '../support/stripe-stand-in.ts';

/*
 * A program that bills at a Stripe which is reached over the network. No webhook comes in from there: events are fetched,
 * signed with a secret of the program's own, and handed in, each of them twice and the newest first.
 */

const secret = 'whsec_of_the_run';
const sandboxKey = process.env.TENANTRY_STRIPE_KEY;

const plans = definePlans({
  free: { quotas: { calls: { amount: 50, per: 'month' } } },
  pro: { quotas: { calls: { amount: 500, per: 'month' } } },
  team: { quotas: { calls: { amount: 1_000, per: 'month', overage: 'bill' } } },
});

function program(database: TestDatabase<Record<never, never>>, sandbox: StripeSandbox) {
  const prices = definePrices(plans, {
    prefix: sandbox.prefix,
    plans: {
      pro: { month: { base: 2_900 } },
      team: { month: { base: 2_000, seat: 500, metered: { calls: '2' } } },
    },
  });
  const tenantry = createTenantry({
    db: database.app,
    plans,
    strategy: hybridSeats({ plan: 'free' }),
    clock: sandbox.now,
    billing: { provider: stripeProvider({ stripe: sandbox.stripe, livemode: false, webhookSecret: secret }), prices },
  });
  return { ...tenantry, prices };
}

describe('a key', () => {
  it('of the live mode, or none at all, is not sent anywhere', () => {
    for (const key of ['sk_live_1', 'rk_live_1', 'pk_test_1', '', 'sk_test_', 'sk_test_1 ', 'SK_TEST_1']) {
      expect(() => openSandbox({ key, url: 'http://127.0.0.1:9' }), key).toThrow('this key is not used');
    }
    expect(testKey('sk_test_1')).toBe('sk_test_1');
    expect(testKey('rk_test_1')).toBe('rk_test_1');
    const told = () => testKey('sk_live_secret');
    expect(told).toThrow('it is a live key');
    expect(told).not.toThrow('secret');
  });
});

describe.each([
  { title: 'the fake behind an address', key: 'stand-in', patience: 60_000 },
  { title: "Stripe's sandbox (TENANTRY_STRIPE_KEY)", key: sandboxKey, patience: 900_000 },
])('a program at $title', ({ key, patience }) => {
  describe.skipIf(key === undefined)('', { timeout: patience }, () => {
    let database: TestDatabase<Record<never, never>>;
    let standIn: StripeStandIn | undefined;
    let sandbox: StripeSandbox;
    let world: ReturnType<typeof program>;

    beforeAll(async () => {
      database = await postgresDatabase();
      standIn = key === 'stand-in' ? await startStandIn() : undefined;
      sandbox = openSandbox(standIn ?? { key: key ?? '', url: process.env.TENANTRY_STRIPE_URL });
      world = program(database, sandbox);
      await world.billing.catalogue.apply(await world.billing.catalogue.plan());
      expect(await world.billing.checkPrices()).toEqual([]);
      await sandbox.events();
    }, patience);
    afterAll(async () => {
      await sandbox?.cleanUp(world.prices);
      await standIn?.close();
      await database.destroy();
      expect(standIn?.problems ?? []).toEqual([]);
    }, patience);

    /** Hands in what happened, until a state is there. Events come a moment after what they tell of. */
    async function until(reached: () => Promise<boolean>): Promise<void> {
      const { billing } = world;
      for (let looks = 0; looks < 60; looks += 1) {
        for (const event of (await sandbox.events()).toReversed()) {
          const body = JSON.stringify(event);
          const headers = signStripeWebhook({ timestamp: sandbox.now(), body, secret });
          expect(await billing.receive(body, headers)).toMatchObject({ status: 200, repeated: false });
          expect(await billing.receive(body, headers)).toMatchObject({ status: 200, repeated: true });
        }
        for (let rounds = 0; rounds < 20; rounds += 1) {
          const { events, customers, seats, usage } = await billing.processDue();
          if (events.done + customers.done + seats.done + usage.done === 0) break;
        }
        if (await reached()) return;
        if (standIn === undefined) await new Promise((resolve) => setTimeout(resolve, 2000));
      }
      throw new Error('it did not come to this');
    }

    async function organization(): Promise<string> {
      sandbox.leaveBehind();
      const owner = { userId: uuidv7() };
      return (await world.organizations.create({ name: 'Acme', owner, seats: null })).tenantId;
    }

    /** What is paid: the totals of the invoices, the oldest first. */
    async function paid(tenantId: string): Promise<number[]> {
      const invoices = await world.billing.invoices(tenantId, { status: 'paid' });
      return invoices.map(({ total }) => total).reverse();
    }

    it('base, seats and use: what members are and use is on the invoices, and nothing differs', async () => {
      const { billing, organizations, plans: entitlements } = world;
      const tenantId = await organization();
      // By invoice at first: the customer has no card yet.
      await billing.subscribe({ tenantId, plan: 'team', daysUntilDue: 14 });
      const { customerId } = await billing.state(tenantId);
      await sandbox.fund(customerId ?? '');
      const owes = async () => (await billing.page({ tenantId })).owed.usd === 2_500;
      // A first invoice that is sent is a draft for an hour.
      await sandbox.advance(1);
      await until(owes);
      const [open] = await billing.invoices(tenantId, { status: 'open' });
      await sandbox.payInvoice(open?.id ?? '');
      await until(async () => (await paid(tenantId)).length === 1);
      for (const userId of ['eve', 'sam']) await organizations.members.add({ tenantId, userId, role: 'member' });
      await until(async () => (await billing.state(tenantId)).subscription?.seats === 3);
      await entitlements.consume(tenantId, 'calls', 1_300);
      expect(await billing.reportUsage(tenantId)).toBe(300);
      expect(await billing.reportUsage(tenantId)).toBe(0);
      await sandbox.advance(20);
      await until(async () => true);
      await sandbox.advance(10);
      await until(async () => (await billing.invoices(tenantId, { status: 'open' })).length === 1);
      const [second] = await billing.invoices(tenantId, { status: 'open' });
      // The base, three seats, 300 calls; and two seats for 27 of 28 days.
      const seats = second?.lines.filter(({ proration }) => proration).reduce((sum, { amount }) => sum + amount, 0);
      expect((second?.total ?? 0) - (seats ?? 0)).toBe(2_000 + 1_500 + 600);
      expect(Math.abs((seats ?? 0) - (1_000 * 27) / 28)).toBeLessThanOrEqual(1);
      expect((await billing.reconcile({ tenantId })).drift).toEqual([]);
    });

    it('a card that pays: its receipt, money back, a credit for the next invoice, and an end', async () => {
      const { billing } = world;
      const tenantId = await organization();
      await billing.subscribe({ tenantId, plan: 'pro', daysUntilDue: 14 });
      const { customerId } = await billing.state(tenantId);
      await sandbox.fund(customerId ?? '');
      await sandbox.advance(1);
      await until(async () => (await billing.invoices(tenantId, { status: 'open' })).length === 1);
      const [open] = await billing.invoices(tenantId, { status: 'open' });
      await sandbox.payInvoice(open?.id ?? '');
      await until(async () => (await billing.payments(tenantId, { status: 'succeeded' })).length === 1);
      const [payment] = await billing.payments(tenantId);
      expect(payment).toMatchObject({ amount: 2_900, method: 'card', invoiceId: open?.id });
      expect(payment?.receiptUrl).toMatch(/^https:\/\//);
      const refund = { tenantId, paymentId: payment?.id ?? '', amount: 900 };
      expect((await billing.refund(refund)).amount).toBe(900);
      expect((await billing.payments(tenantId))[0]?.amountRefunded).toBe(900);
      const note = await billing.credit({ tenantId, invoiceId: open?.id ?? '', amount: 500 });
      expect(note.amount).toBe(500);
      expect((await billing.sync(tenantId)).balance).toEqual({ usd: -500 });
      await billing.cancel({ tenantId, when: 'period-end' });
      await sandbox.advance(15);
      await until(async () => true);
      await sandbox.advance(20);
      await until(async () => (await billing.state(tenantId)).status === 'canceled');
      expect((await billing.state(tenantId)).plan).toBe('free');
      expect((await billing.reconcile({ tenantId })).drift).toEqual([]);
    });

    it('a customer who is deleted there is forgotten here, and another one is made', async () => {
      const { billing } = world;
      const tenantId = await organization();
      await billing.subscribe({ tenantId, plan: 'pro', daysUntilDue: 14 });
      const { customerId } = await billing.state(tenantId);
      await sandbox.stripe.customers.del(customerId ?? '');
      await until(async () => (await billing.state(tenantId)).customerId === null);
      expect((await billing.state(tenantId)).plan).toBe('free');
      await billing.subscribe({ tenantId, plan: 'pro', daysUntilDue: 14 });
      const made = await billing.state(tenantId);
      expect(made).toMatchObject({ plan: 'pro', status: 'active' });
      expect(made.customerId).not.toBe(customerId);
    });
  });
});
