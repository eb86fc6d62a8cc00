import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type BillingProvider,
  checkCatalogue,
  definePrices,
  type PriceCatalogue,
  planCatalogueSync,
} from '../../src/billing/index.ts';
import { isTenantryError, uuidv7 } from '../../src/core/index.ts';
import { definePlans } from '../../src/plans/index.ts';
import { createTenancy, perUser } from '../../src/tenancy/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

const plans = definePlans(
  {
    free: { quotas: { calls: { amount: 0, per: 'month' } } },
    starter: { quotas: { calls: { amount: 500, per: 'month' } } },
    team: { quotas: { calls: { amount: 0, per: 'month', overage: 'bill' } } },
  },
  { bots: { quotas: { calls: 100 } } },
);

/** What is sold in the suite, under names that begin with a prefix. */
export function conformancePrices(prefix = 'tenantry'): PriceCatalogue {
  return definePrices(plans, {
    prefix,
    plans: {
      starter: { month: { base: { usd: 2_900, eur: 2_700 } }, year: { base: { usd: 29_000, eur: 27_000 } } },
      team: { month: { base: 2_000, seat: 500, metered: { calls: '0.5' } } },
    },
    addOns: { bots: { month: 1_000 } },
    coupons: { [`${prefix}_half`]: { percentOff: 50, duration: 'once' } },
  });
}

/** What the suite stands on. Its time begins on the last of January 2026. */
export interface ProviderWorld {
  readonly provider: BillingProvider;
  /** Those of `conformancePrices`, which the provider has. */
  readonly prices: PriceCatalogue;
  readonly now: () => Date;
  tenant(): Promise<string>;
  advance(days: number): Promise<void>;
  /** Gives a customer the means to pay by themselves, where the provider knows of such. */
  fund(customerId: string): Promise<void>;
  /** Sees to it that every invoice that is open is paid. */
  payAll(tenantId: string, customerId: string): Promise<void>;
  /** Told before each test: the customers of those before are not needed any more. */
  beginTest?(): void;
  end(): Promise<void>;
}

/** One provider, to be held against the suite. */
export interface ProviderSuite {
  readonly name: string;
  readonly make: (database: TestDatabase<unknown>) => Promise<ProviderWorld>;
  readonly skip?: boolean;
  /** Milliseconds for each test, where it is a long way to the provider. */
  readonly patience?: number;
}

/** The tenants of a world. */
export function tenantsOf({ app }: TestDatabase<unknown>): Pick<ProviderWorld, 'tenant'> {
  const tenancy = createTenancy({ db: app, strategy: perUser({ plan: 'free' }) });
  return { tenant: async () => (await tenancy.provision({ userId: uuidv7(), name: 'Ada' })).tenantId };
}

const key = () => ({ idempotencyKey: uuidv7() });

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'done',
    (error: unknown) => (isTenantryError(error) ? error.code : error),
  );
}

/** Tells what every provider does, whoever it is: the tests are the same, and so are the figures. */
export function providerSuite(title: string, { name, make, skip = false, patience }: ProviderSuite): void {
  describe.skipIf(skip)(title, { ...(patience !== undefined && { timeout: patience }) }, () =>
    tests(name, make, patience),
  );
}

function tests(name: string, make: ProviderSuite['make'], patience: number | undefined): void {
  let database: TestDatabase<unknown>;
  let world: ProviderWorld;
  let provider: BillingProvider;

  beforeAll(async () => {
    database = await postgresDatabase();
    world = await make(database);
    ({ provider } = world);
  }, patience);
  beforeEach(() => world.beginTest?.());
  afterAll(async () => {
    await world?.end();
    await database.destroy();
  }, patience);

  const keyOf = (rest: string): string => `${world.prices.prefix}.${rest}`;

  async function customer(): Promise<{ readonly tenantId: string; readonly customerId: string }> {
    const tenantId = await world.tenant();
    const { id } = await provider.customers.create({ tenantId, name: 'Ada' }, key());
    await world.fund(id);
    return { tenantId, customerId: id };
  }

  async function priceId(lookupKey: string): Promise<string> {
    const [price] = await provider.prices.byLookupKeys([lookupKey]);
    if (price === undefined) throw new Error(`no price ${lookupKey}`);
    return price.id;
  }

  const teamItems = async (seats: number) => [
    { priceId: await priceId(keyOf('team.base.month')), quantity: 1 },
    { priceId: await priceId(keyOf('team.seat.month')), quantity: seats },
    { priceId: await priceId(keyOf('team.metered.calls.month')) },
  ];

  async function team(seats: number, call = key()) {
    const who = await customer();
    const wish = { ...who, plan: 'team', currency: 'usd', items: await teamItems(seats) };
    return { ...who, wish, subscription: await provider.subscriptions.create(wish, call) };
  }

  const invoicesOf = async (customerId: string) =>
    [...(await provider.money.documents({ customerId })).invoices].sort(
      (a, b) => a.createdAt.getTime() - b.createdAt.getTime(),
    );

  it('says who it is', () => {
    expect(provider.name).toBe(name);
    expect(typeof provider.livemode).toBe('boolean');
  });

  it('makes one customer for one wish, and knows nothing of ids that it never gave', async () => {
    const tenantId = await world.tenant();
    const call = key();
    const first = await provider.customers.create({ tenantId, name: 'Ada' }, call);
    const again = await provider.customers.create({ tenantId, name: 'Ada' }, call);
    expect(again).toEqual(first);
    expect(first).toMatchObject({ tenantId, deleted: false, balance: {} });
    expect(await provider.customers.read(first.id)).toEqual(first);
    expect(await provider.customers.read('cus_unknown')).toBeNull();
    expect(await provider.subscriptions.read('sub_unknown')).toBeNull();
    expect(await provider.subscriptions.list('cus_unknown').catch(() => [])).toEqual([]);
    expect(await provider.money.invoice('in_unknown')).toBeNull();
  });

  it('has the prices of the list, once they are there', async () => {
    expect(await checkCatalogue(provider, world.prices)).toEqual([]);
    const [metered, base] = await Promise.all([
      provider.prices.byLookupKeys([keyOf('team.metered.calls.month')]),
      provider.prices.byLookupKeys([keyOf('starter.base.month'), keyOf('gone')]),
    ]);
    expect(metered[0]).toMatchObject({ metered: true, amounts: { usd: '0.5' }, interval: 'month', active: true });
    expect(base).toHaveLength(1);
    expect(base[0]).toMatchObject({ metered: false, amounts: { usd: '2900', eur: '2700' } });
    expect((await planCatalogueSync(provider, world.prices)).steps).toEqual([]);
  });

  it('makes one subscription for one wish, with a quantity for what has one', async () => {
    const call = key();
    const { wish, subscription, customerId } = await team(3, call);
    expect((await provider.subscriptions.create(wish, call)).id).toBe(subscription.id);
    expect(await provider.subscriptions.list(customerId)).toHaveLength(1);
    expect(subscription).toMatchObject({ customerId, status: 'active', currency: 'usd', endsAt: null, endedAt: null });
    expect(subscription.items.map((item) => (item.kind === 'metered' ? 'metered' : item.quantity))).toEqual([
      1,
      3,
      'metered',
    ]);
    expect(subscription.items.some((item) => item.kind === 'metered' && 'quantity' in item)).toBe(false);
    // The last of January: the period ends with February.
    expect(subscription.periodEnd?.toISOString().slice(0, 10)).toBe('2026-02-28');
    const [invoice] = await invoicesOf(customerId);
    expect(invoice).toMatchObject({ total: 3_500, currency: 'usd', subscriptionId: subscription.id });
    expect(invoice?.lines.reduce((sum, { amount }) => sum + amount, 0)).toBe(3_500);
  });

  it('refuses prices that are not there', async () => {
    const who = await customer();
    const wish = { ...who, plan: 'team', currency: 'usd', items: [{ priceId: 'price_unknown', quantity: 1 }] };
    expect(await codeOf(provider.subscriptions.create(wish, key()))).toBe('provider_refused');
  });

  it('sets quantities, however often the same', async () => {
    const { subscription } = await team(2);
    const seat = subscription.items.find(({ lookupKey }) => lookupKey === keyOf('team.seat.month'));
    const set = async (quantity: number) => {
      const wish = { id: seat?.id ?? '', quantity, proration: 'none' as const };
      const after = await provider.subscriptions.setQuantity(subscription.id, wish, key());
      return after.items.flatMap((item) => (item.kind === 'licensed' ? [item.quantity] : []));
    };
    expect(await set(7)).toEqual([1, 7]);
    expect(await set(7)).toEqual([1, 7]);
    expect(await set(0)).toEqual([1, 0]);
  });

  it('tells beforehand what a change costs, and then it costs that', async () => {
    const who = await customer();
    const starter = [{ priceId: await priceId(keyOf('starter.base.month')), quantity: 1 }];
    const subscription = await provider.subscriptions.create(
      { ...who, plan: 'starter', currency: 'usd', items: starter },
      key(),
    );
    await world.payAll(who.tenantId, who.customerId);
    await world.advance(7);
    const [item] = subscription.items;
    const items = [{ id: item?.id ?? '', priceId: await priceId(keyOf('team.base.month')), quantity: 3 }];
    const change = { items, proration: 'invoice' as const, prorationDate: world.now() };
    const preview = await provider.subscriptions.preview(subscription.id, change);
    // Three quarters of the period are left: 6,000 less 2,900.
    expect(preview.proration).toBe(2_325);
    expect((await provider.subscriptions.read(subscription.id))?.items[0]?.priceId).toBe(item?.priceId);
    await provider.subscriptions.change(subscription.id, change, key());
    const last = (await invoicesOf(who.customerId)).at(-1);
    expect(last?.total).toBe(2_325);
    expect(last?.lines.every(({ proration }) => proration)).toBe(true);
  });

  it('changes when the period ends, or not when that is taken back', async () => {
    const { subscription } = await team(1);
    const seat = await priceId(keyOf('team.seat.month'));
    const items = subscription.items.map(({ id, priceId: price, kind }) => ({
      id,
      priceId: price,
      ...(kind === 'licensed' && { quantity: price === seat ? 9 : 1 }),
    }));
    const seatsOf = async () => {
      const read = await provider.subscriptions.read(subscription.id);
      return read?.items.flatMap((item) => (item.kind === 'licensed' && item.priceId === seat ? [item.quantity] : []));
    };
    const later = await provider.subscriptions.changeAtPeriodEnd(subscription.id, items, key());
    expect(later.scheduled?.at).toEqual(subscription.periodEnd);
    expect(await seatsOf()).toEqual([1]);
    const released = await provider.subscriptions.releaseScheduled(subscription.id, key());
    expect(released.scheduled).toBeNull();
    await provider.subscriptions.changeAtPeriodEnd(subscription.id, items, key());
    await world.advance(40);
    expect(await seatsOf()).toEqual([9]);
  });

  it('ends at once, at the end of the period, at a time, or not when that is taken back', async () => {
    const { subscription } = await team(1);
    const later = await provider.subscriptions.cancel(subscription.id, 'period-end', key());
    expect(later).toMatchObject({ status: 'active', endsAt: subscription.periodEnd });
    expect((await provider.subscriptions.keep(subscription.id, key())).endsAt).toBeNull();
    const at = new Date(world.now().getTime() + 5 * 86_400_000);
    expect((await provider.subscriptions.cancel(subscription.id, at, key())).endsAt).toEqual(at);
    await world.advance(6);
    expect(await provider.subscriptions.read(subscription.id)).toMatchObject({ status: 'canceled', endedAt: at });

    const other = await team(1);
    const ended = await provider.subscriptions.cancel(other.subscription.id, 'now', key());
    expect(ended).toMatchObject({ status: 'canceled', endedAt: world.now() });
    expect(await codeOf(provider.subscriptions.keep(other.subscription.id, key()))).toBe('provider_refused');
  });

  it('stands still and goes on', async () => {
    const { subscription } = await team(1);
    expect(await provider.subscriptions.pause(subscription.id, null, key())).toMatchObject({ paused: true });
    const resumed = await provider.subscriptions.unpause(subscription.id, key());
    expect(resumed).toMatchObject({ paused: false, status: 'active' });
  });

  it('is tried before it is paid', async () => {
    const who = await customer();
    const items = [{ priceId: await priceId(keyOf('starter.base.month')), quantity: 1 }];
    const wish = { ...who, plan: 'starter', currency: 'usd', items, trialDays: 14 };
    const tried = await provider.subscriptions.create(wish, key());
    expect(tried.status).toBe('trialing');
    expect(tried.trialEndsAt?.getTime()).toBe(tried.createdAt.getTime() + 14 * 86_400_000);
    expect((await invoicesOf(who.customerId)).reduce((sum, { total }) => sum + total, 0)).toBe(0);
    await world.advance(15);
    await provider.subscriptions.read(tried.id);
    await world.payAll(who.tenantId, who.customerId);
    expect(await provider.subscriptions.read(tried.id)).toMatchObject({ status: 'active' });
    expect((await invoicesOf(who.customerId)).at(-1)?.total).toBe(2_900);
  });

  it('is reduced by a coupon, and sold in several currencies', async () => {
    const who = await customer();
    const items = [{ priceId: await priceId(keyOf('starter.base.month')), quantity: 1 }];
    const wish = { ...who, plan: 'starter', currency: 'eur', items, coupon: `${world.prices.prefix}_half` };
    const made = await provider.subscriptions.create(wish, key());
    expect(made.currency).toBe('eur');
    // What it costs in that currency, not in the main one of the price.
    expect(made.items[0]).toMatchObject({ currency: 'eur', unitAmount: '2700' });
    const [listed] = await provider.subscriptions.list(who.customerId);
    expect(listed?.items).toEqual(made.items);
    expect((await invoicesOf(who.customerId)).at(-1)).toMatchObject({ total: 1_350, currency: 'eur' });
  });

  it('renews, numbers its invoices, and bills what was used once', async () => {
    const { customerId, tenantId, subscription } = await team(1);
    const at = world.now();
    const told = { identifier: uuidv7(), customerId, eventName: `${world.prices.prefix}_calls`, units: 1_001, at };
    // Sent again after an answer that was lost, with a key of its own: what names the usage is the identifier.
    await provider.meter(told, key());
    await codeOf(provider.meter(told, key()));
    await provider.meter({ ...told, identifier: uuidv7(), units: 1 }, key());
    await world.advance(32);
    await provider.subscriptions.read(subscription.id);
    await world.payAll(tenantId, customerId);
    const invoices = await invoicesOf(customerId);
    expect(invoices.map(({ total }) => total)).toEqual([2_500, 2_500 + 501]);
    const numbers = invoices.map(({ number }) => number);
    expect(new Set(numbers).size).toBe(2);
    expect([...numbers].sort()).toEqual(numbers);
    expect(numbers.map((number) => Number(/\d+$/.exec(number ?? '')?.[0]))).toEqual([1, 2]);
  });

  it('is paid, and gives back what was paid, never more', async () => {
    const { customerId, tenantId } = await team(1);
    await world.payAll(tenantId, customerId);
    const { invoices, payments } = await provider.money.documents({ customerId });
    expect(invoices[0]).toMatchObject({ status: 'paid', amountPaid: 2_500, amountRemaining: 0 });
    const [payment] = payments;
    expect(payment).toMatchObject({ status: 'succeeded', amount: 2_500, invoiceId: invoices[0]?.id });
    const call = key();
    const wish = { paymentId: payment?.id ?? '', amount: 1_000 };
    const refund = await provider.money.refund(wish, call);
    expect(refund).toMatchObject({ amount: 1_000, currency: 'usd', status: 'succeeded', paymentId: payment?.id });
    expect((await provider.money.refund(wish, call)).id).toBe(refund.id);
    expect(await codeOf(provider.money.refund({ ...wish, amount: 2_000 }, key()))).toBe('provider_refused');
    const after = await provider.money.documents({ customerId, invoiceIds: [invoices[0]?.id ?? ''] });
    expect(after.payments[0]?.amountRefunded).toBe(1_000);
    expect(after.refunds.map(({ id }) => id)).toEqual([refund.id]);
  });

  it('credits what was paid once for one wish, for the next invoice, and never more than it was', async () => {
    const { customerId, tenantId } = await team(1);
    await world.payAll(tenantId, customerId);
    const [invoice] = await invoicesOf(customerId);
    const call = key();
    const wish = { invoiceId: invoice?.id ?? '', amount: 700 };
    const note = await provider.money.createCreditNote(wish, call);
    expect(note).toMatchObject({ amount: 700, currency: 'usd', status: 'issued', invoiceId: invoice?.id });
    expect((await provider.money.createCreditNote(wish, call)).id).toBe(note.id);
    expect(await codeOf(provider.money.createCreditNote({ ...wish, amount: 1_801 }, key()))).toBe('provider_refused');
    expect((await provider.money.documents({ customerId })).creditNotes.map(({ id }) => id)).toEqual([note.id]);
    expect((await provider.customers.read(customerId))?.balance).toEqual({ usd: -700 });
    await world.advance(32);
    await provider.subscriptions.list(customerId);
    await world.payAll(tenantId, customerId);
    expect((await invoicesOf(customerId)).at(-1)).toMatchObject({ total: 2_500, amountPaid: 1_800, status: 'paid' });
  });
}
