import Stripe from 'stripe';
import { definePrices } from '../../src/billing/catalogue/define-prices.ts';
import type { BillingRuleOptions } from '../../src/billing/index.ts';
import { stripeProvider } from '../../src/billing/index.ts';
import type { AnyDatabase } from '../../src/database/index.ts';
import { createTenantry, hybridSeats, type TenantryEvent } from '../../src/index.ts';
import { definePlans } from '../../src/plans/index.ts';
import { createFakeStripe, type FakeStripe, type FakeStripeOptions } from '../../src/testing/index.ts';
import { stripeSchema } from './stripe-shop.ts';

/** Plans of each way of paying. */
const billingPlans = definePlans({
  free: { quotas: { calls: { amount: 50, per: 'month' } } },
  pro: { quotas: { calls: { amount: 2_000, per: 'month', overage: 'bill' } }, features: ['webhooks'] },
  team: { quotas: { calls: { amount: 5_000, per: 'month', overage: 'bill' } } },
  tried: { quotas: { calls: { amount: 500, per: 'month' } }, trialDays: 14 },
});

/** What they cost. */
const billingPrices = definePrices(billingPlans, {
  plans: {
    pro: { month: { base: { usd: 2_900, eur: 2_700 } }, year: { base: { usd: 29_000, eur: 27_000 } } },
    team: { month: { base: 2_000, seat: 500, metered: { calls: '0.5' } } },
    tried: { month: { base: 900 } },
  },
});

export const webhookSecret = 'whsec_fake';

/** A Stripe that is none, with a client and the prices. */
export interface BillingWorld {
  readonly fake: FakeStripe;
  readonly stripe: Stripe;
}

/** Makes the fake and what is sold at it. */
export async function billingWorld(options: FakeStripeOptions = {}): Promise<BillingWorld> {
  const fake = createFakeStripe(options);
  stripeSchema().watch(fake);
  const stripe = clientOf(fake);
  for (const plan of ['pro', 'team', 'tried']) await stripe.products.create({ id: `tenantry_${plan}`, name: plan });
  const meter = await stripe.billing.meters.create({
    event_name: 'tenantry_calls',
    display_name: 'Calls',
    default_aggregation: { formula: 'sum' },
  });
  for (const price of billingPrices.prices) {
    const [main, ...others] = Object.entries(price.amounts);
    if (main === undefined) continue;
    const amount = (text: string) =>
      /^\d+$/.test(text) ? { unit_amount: Number(text) } : { unit_amount_decimal: Stripe.Decimal.from(text) };
    await stripe.prices.create({
      product: `tenantry_${price.plan}`,
      currency: main[0],
      ...amount(main[1]),
      ...(others.length > 0 && {
        currency_options: Object.fromEntries(others.map(([currency, text]) => [currency, amount(text)])),
      }),
      lookup_key: price.lookupKey,
      recurring: {
        interval: price.interval,
        ...(price.per === 'usage' && { usage_type: 'metered' as const, meter: meter.id }),
      },
    });
  }
  return { fake, stripe };
}

/** Stripe's own client, which speaks with the fake. It tries nothing again by itself. */
export function clientOf(fake: FakeStripe, fetch: FakeStripe['fetch'] = fake.fetch): Stripe {
  return new Stripe('sk_test_fake', { httpClient: Stripe.createFetchHttpClient(fetch), maxNetworkRetries: 0 });
}

/** A program that bills by the fake. */
export function billingProgram(
  db: AnyDatabase,
  { fake, stripe }: BillingWorld,
  { events, ...rules }: BillingRuleOptions & { readonly events?: (event: TenantryEvent) => void } = {},
) {
  return createTenantry({
    db,
    plans: billingPlans,
    strategy: hybridSeats({ plan: 'free' }),
    clock: fake.clock,
    ...(events !== undefined && { events: async (event: TenantryEvent) => events(event) }),
    billing: {
      provider: stripeProvider({ stripe, livemode: false, webhookSecret }),
      prices: billingPrices,
      ...rules,
    },
  });
}

/** The program of {@link billingProgram}. */
export type BillingProgram = ReturnType<typeof billingProgram>;

/** Sends the fake's events to the program, as an endpoint would. */
export function connect({ fake }: BillingWorld, { billing }: BillingProgram): () => void {
  return fake.webhooks.connect({
    secret: webhookSecret,
    async handler(body, headers) {
      await billing.receive(body, headers);
      return 200;
    },
  });
}

/** Delivers everything and works on it until nothing is left. */
export async function settle({ fake }: BillingWorld, { billing }: BillingProgram): Promise<void> {
  await fake.webhooks.drain();
  for (let rounds = 0; rounds < 50; rounds += 1) {
    const { events, customers, seats, usage } = await billing.processDue();
    const moved = [events.done, events.retried, customers.done, seats.done, usage.done];
    if (moved.every((count) => count === 0) && fake.webhooks.waiting === 0) return;
    await fake.webhooks.drain();
  }
  throw new Error('billing does not come to rest');
}

/** What is asked of a checkout, but who asks and where it leads. */
export type Wish = Omit<Parameters<BillingProgram['billing']['checkout']>[0], 'tenantId' | keyof typeof urls>;

/** Where a checkout leads. */
export const urls = { successUrl: 'https://app.test/thanks', cancelUrl: 'https://app.test/plans' };

/** Buys for a tenant and pays, until the program knows of it. */
export async function buy(world: BillingWorld, program: BillingProgram, tenantId: string, wish: Wish): Promise<void> {
  const { sessionId } = await program.billing.checkout({ tenantId, ...wish, ...urls });
  world.fake.completeCheckout(sessionId);
  await settle(world, program);
}
