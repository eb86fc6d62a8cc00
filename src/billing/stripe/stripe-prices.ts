import type Stripe from 'stripe';
import type { ProviderPrice, ProviderPrices, ProviderProduct } from '../provider/price.ts';
import type { StripeCalls } from './call-stripe.ts';
import { amountOf } from './read-subscription.ts';
import type { StripeClient } from './stripe-client.ts';
import { idOf, metadataNames } from './stripe-ids.ts';

/** At most so many lookup keys in one question. */
const mostKeys = 10;

/** The prices, products and meters of Stripe. */
export function createStripePrices(stripe: StripeClient, calls: StripeCalls): ProviderPrices {
  const expand = ['currency_options'];

  return {
    async byLookupKeys(lookupKeys) {
      const found: ProviderPrice[] = [];
      for (let start = 0; start < lookupKeys.length; start += mostKeys) {
        const keys = lookupKeys.slice(start, start + mostKeys);
        const prices = await calls.all('prices.list', 'price', (after) =>
          stripe.prices.list({
            lookup_keys: [...keys],
            active: true,
            limit: 100,
            expand: ['data.currency_options'],
            ...(after !== undefined && { starting_after: after }),
          }),
        );
        found.push(...prices.map(priceOf));
      }
      return found;
    },

    async read(id) {
      const price = await calls.maybe('prices.retrieve', 'price', () => stripe.prices.retrieve(id, { expand }));
      return price === null ? null : priceOf(price);
    },

    async create(input, { idempotencyKey }) {
      const [main, ...others] = Object.entries(input.amounts);
      if (main === undefined) throw new TypeError('a price has at least one currency');
      const amount = (value: string) =>
        /^\d+$/.test(value) ? { unit_amount: Number(value) } : { unit_amount_decimal: decimalText(value) };
      const params: Stripe.PriceCreateParams = {
        product: input.productId,
        currency: main[0],
        ...amount(main[1]),
        ...(others.length > 0 && {
          currency_options: Object.fromEntries(others.map(([currency, value]) => [currency, amount(value)])),
        }),
        lookup_key: input.lookupKey,
        transfer_lookup_key: input.transferLookupKey,
        // A later price takes the lookup key away; who has this one is still known by it.
        metadata: { [metadataNames.key]: input.soldAs ?? input.lookupKey },
        recurring: {
          interval: input.interval,
          interval_count: input.intervalCount,
          ...(input.meterId !== undefined && { usage_type: 'metered' as const, meter: input.meterId }),
        },
        ...(input.nickname !== undefined && { nickname: input.nickname }),
        expand,
      };
      return priceOf(await calls.one('prices.create', 'price', () => stripe.prices.create(params, { idempotencyKey })));
    },

    async archive(id, { idempotencyKey }) {
      const params = { active: false, expand };
      return priceOf(
        await calls.one('prices.update', 'price', () => stripe.prices.update(id, params, { idempotencyKey })),
      );
    },

    async product(id) {
      const product = await calls.maybe('products.retrieve', 'product', () => stripe.products.retrieve(id));
      return product === null ? null : productOf(product);
    },

    async createProduct({ id, name, active }, { idempotencyKey }) {
      const made = await calls.one('products.create', 'product', () =>
        stripe.products.create({ id, name, active }, { idempotencyKey }),
      );
      return productOf(made);
    },

    async renameProduct(id, name, { idempotencyKey }) {
      const changed = await calls.one('products.update', 'product', () =>
        stripe.products.update(id, { name }, { idempotencyKey }),
      );
      return productOf(changed);
    },

    async meters() {
      const all = await calls.all('billing.meters.list', 'billing.meter', (after) =>
        stripe.billing.meters.list({ limit: 100, ...(after !== undefined && { starting_after: after }) }),
      );
      return all.map(meterOf);
    },

    async createMeter({ eventName, name }, { idempotencyKey }) {
      const params: Stripe.Billing.MeterCreateParams = {
        event_name: eventName,
        display_name: name,
        default_aggregation: { formula: 'sum' },
        customer_mapping: { type: 'by_id', event_payload_key: 'stripe_customer_id' },
        value_settings: { event_payload_key: 'value' },
      };
      const made = await calls.one('billing.meters.create', 'billing.meter', () =>
        stripe.billing.meters.create(params, { idempotencyKey }),
      );
      return meterOf(made);
    },
  };
}

/**
 * A decimal as the API takes it, which is text. The client makes text of its own decimals in some places and not in
 * `currency_options`; text it sends as it is everywhere.
 */
function decimalText(text: string): Stripe.Decimal;
function decimalText(text: unknown): unknown {
  return text;
}

function priceOf(price: Stripe.Price): ProviderPrice {
  const others = Object.entries(price.currency_options ?? {}).filter(([currency]) => currency !== price.currency);
  return {
    id: price.id,
    productId: idOf(price.product) ?? '',
    lookupKey: price.lookup_key,
    soldAs: price.metadata?.[metadataNames.key] ?? price.lookup_key,
    active: price.active,
    livemode: price.livemode,
    metered: price.recurring?.usage_type === 'metered',
    meterId: price.recurring?.meter ?? null,
    interval: price.recurring?.interval ?? null,
    intervalCount: price.recurring?.interval_count ?? 1,
    amounts: Object.fromEntries([
      [price.currency, amountOf(price)],
      ...others.map(([currency, option]) => [currency, amountOf(option)]),
    ]),
  };
}

function productOf({ id, name, active }: ProviderProduct): ProviderProduct {
  return { id, name, active };
}

function meterOf(meter: Stripe.Billing.Meter): { id: string; eventName: string; active: boolean } {
  return { id: meter.id, eventName: meter.event_name, active: meter.status === 'active' };
}
