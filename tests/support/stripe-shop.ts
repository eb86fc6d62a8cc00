import Stripe from 'stripe';
import { afterAll, expect } from 'vitest';
import { createFakeStripe, type FakeStripe, type FakeStripeOptions } from '../../src/testing/index.ts';
import { createStripeSchema, type StripeSchema } from './stripe-schema.ts';

/** A fake Stripe with its real client and a few prices, every exchange of which is held against the schema. */
export interface StripeShop {
  readonly fake: FakeStripe;
  readonly stripe: Stripe;
  /** Per month, in US dollars: a flat base, a seat, and calls by the meter. Per year: the base. */
  readonly prices: { readonly base: string; readonly seat: string; readonly calls: string; readonly yearly: string };
  readonly product: string;
  customer(options?: { readonly card?: 'ok' | 'declines' | 'requires-action' | 'none' }): Promise<string>;
}

let shared: StripeSchema | undefined;

/** The one check of a test file. At its end the file fails where a request or an answer did not fit. */
export function stripeSchema(): StripeSchema {
  shared ??= createStripeSchema();
  return shared;
}

afterAll(() => {
  if (shared === undefined) return;
  expect([...new Set(shared.problems)].slice(0, 20)).toEqual([]);
  console.log(shared.summary());
});

/** The client of Stripe, talking to a fake; it never retries by itself. */
export function clientOf(fake: FakeStripe, key = 'sk_test_shop', fetch: FakeStripe['fetch'] = fake.fetch): Stripe {
  return new Stripe(key, { httpClient: Stripe.createFetchHttpClient(fetch), maxNetworkRetries: 0, telemetry: false });
}

/** Opens a shop. */
export async function openShop(options: FakeStripeOptions = {}): Promise<StripeShop> {
  const fake = createFakeStripe(options);
  stripeSchema().watch(fake);
  const stripe = clientOf(fake);
  const product = (await stripe.products.create({ name: 'Pro' })).id;
  const meter = await stripe.billing.meters.create({
    display_name: 'Calls',
    event_name: 'calls',
    default_aggregation: { formula: 'sum' },
  });
  const month = { interval: 'month' } as const;
  const price = async (params: Omit<Stripe.PriceCreateParams, 'product' | 'currency'>): Promise<string> =>
    (await stripe.prices.create({ product, currency: 'usd', ...params })).id;
  const prices = {
    base: await price({ unit_amount: 3000, recurring: month, lookup_key: 'base' }),
    seat: await price({ unit_amount: 1000, recurring: month, lookup_key: 'seat' }),
    calls: await price({
      unit_amount_decimal: Stripe.Decimal.from('0.5'),
      recurring: { ...month, usage_type: 'metered', meter: meter.id },
      lookup_key: 'calls',
    }),
    yearly: await price({ unit_amount: 30_000, recurring: { interval: 'year' }, lookup_key: 'yearly' }),
  };
  return {
    fake,
    stripe,
    prices,
    product,
    async customer({ card = 'ok' } = {}) {
      const { id } = await stripe.customers.create({ email: 'ada@example.com' });
      if (card !== 'none') fake.setCard(id, card);
      return id;
    },
  };
}

/** What a refused call says, as plain data. */
export async function refusalOf(
  call: Promise<unknown>,
): Promise<{ type: string; code: string | undefined; status: number | undefined; param: string | undefined }> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    return { type: error.type, code: error.code, status: error.statusCode, param: error.param };
  }
  throw new Error('the call was not refused');
}

/** Seconds since 1970 of a date. */
export function at(date: string): number {
  return Math.floor(new Date(date).getTime() / 1000);
}

/** What the invoices of a shop say, oldest first. */
export function invoices({ fake }: StripeShop): unknown[] {
  return fake.list('invoice').map(({ billing_reason, total, status }) => [billing_reason, total, status]);
}
