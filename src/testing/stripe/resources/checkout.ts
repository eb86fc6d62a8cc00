import { expireSession } from '../billing/due.ts';
import { day, hour } from '../billing/periods.ts';
import { atPath, named } from '../look-up.ts';
import { page, pageOf, pageParams } from '../paginate.ts';
import type { Params } from '../params.ts';
import { presentSessionItems } from '../present/checkout.ts';
import { present } from '../present.ts';
import { invalid } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { CheckoutSessionRow, PriceRow, SessionItem } from '../rows.ts';
import type { World } from '../world.ts';
import { readDiscounts } from './coupons.ts';
import { customerOf } from './customers.ts';
import { createPrice } from './prices.ts';
import { sameCurrency, trialBehaviorOf } from './subscription-input.ts';

export const checkoutRoutes: Routes = {
  Checkout_Sessions_create: {
    takes:
      'allow_promotion_codes automatic_tax billing_address_collection cancel_url client_reference_id currency customer customer_creation customer_email customer_update discounts expires_at line_items locale metadata mode payment_method_collection return_url subscription_data success_url tax_id_collection ui_mode',
    run({ world, params }) {
      const row = readSession(world, params);
      world.sessions.set(row.id, row);
      return present(world, row);
    },
  },
  Checkout_Sessions_retrieve: {
    takes: '',
    run: ({ world, id }) => present(world, atPath(world.sessions, id(), 'checkout.session', 'session')),
  },
  Checkout_Sessions_list: {
    takes: `${pageParams} created customer status subscription payment_intent`,
    run({ world, params }) {
      const [customer, status, subscription] = [
        params.text('customer'),
        params.text('status'),
        params.text('subscription'),
      ];
      const intent = params.text('payment_intent');
      const rows = [...world.sessions.values()].filter(
        (row) =>
          (customer === undefined || row.customer === customer) &&
          (status === undefined || row.status === status) &&
          (intent === undefined || row.payment_intent === intent) &&
          (subscription === undefined || row.subscription === subscription),
      );
      return pageOf(world, params, '/v1/checkout/sessions', rows);
    },
  },
  Checkout_Sessions_update: {
    takes: 'metadata',
    run({ world, params, id }) {
      const row = atPath(world.sessions, id(), 'checkout.session', 'session');
      row.metadata = params.metadata(row.metadata);
      return present(world, row);
    },
  },
  Checkout_Sessions_expire: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.sessions, id(), 'checkout.session', 'session');
      if (row.status !== 'open') {
        throw invalid(
          `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of ${row.status}.`,
        );
      }
      expireSession(world, row);
      return present(world, row);
    },
  },
  Checkout_Sessions_listLineItems: {
    takes: pageParams,
    run({ world, params, id }) {
      const row = atPath(world.sessions, id(), 'checkout.session', 'session');
      const { data } = presentSessionItems(world, row);
      const items = Array.isArray(data) ? data : [];
      return page(
        params,
        `/v1/checkout/sessions/${row.id}/line_items`,
        items.map((item) => ({ id: String(item.id), wire: () => item })),
      );
    },
  },
};

function readSession(world: World, params: Params): CheckoutSessionRow {
  const mode = params.text('mode') ?? 'payment';
  if (mode !== 'subscription' && mode !== 'setup') {
    throw invalid('The fake simulates the modes `subscription` and `setup` only.', { param: 'mode' });
  }
  const customer = params.text('customer') ?? null;
  const email = params.text('customer_email') ?? null;
  if (customer !== null && email !== null) {
    throw invalid('You may only specify one of these parameters: customer, customer_email.', { param: 'customer' });
  }
  const known = customer === null ? undefined : customerOf(world, customer);
  const items = mode === 'setup' ? [] : readLines(world, params.hashes('line_items'));
  const prices = items.flatMap(({ price }) => world.prices.get(price) ?? []);
  const currency = currencyOf(prices, params.text('currency'));
  if (known !== undefined && currency !== null) sameCurrency(world, known, currency);
  const expires = params.number('expires_at') ?? world.now + day;
  if (expires < world.now + hour / 2 || expires > world.now + day) {
    throw invalid(
      'The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.',
      {
        param: 'expires_at',
      },
    );
  }
  if (params.has('discounts') && params.has('allow_promotion_codes')) {
    throw invalid('You may only specify one of these parameters: allow_promotion_codes, discounts.');
  }
  const taxed = params.hash('automatic_tax')?.flag('enabled') === true;
  const filledIn = params.hash('customer_update')?.text('address') === 'auto';
  if (taxed && known !== undefined && known.address === null && !filledIn) {
    throw invalid(
      'Automatic tax calculation in Checkout requires a valid address on the Customer. Set `customer_update[address]` to "auto".',
      { code: 'customer_tax_location_invalid' },
    );
  }
  const ui = params.text('ui_mode') ?? 'hosted_page';
  if (ui === 'hosted_page' && !params.has('success_url')) {
    throw invalid('Missing required param: success_url.', { code: 'parameter_missing', param: 'success_url' });
  }
  const wanted = readDiscounts(world, params.hashes('discounts'), { customer, currency });
  return {
    id: world.id(world.livemode ? 'cs_live' : 'cs_test'),
    object: 'checkout.session',
    created: world.now,
    metadata: params.metadata(),
    allow_promotion_codes: params.flag('allow_promotion_codes') ?? null,
    automatic_tax: taxed,
    cancel_url: params.text('cancel_url') ?? null,
    client_reference_id: params.text('client_reference_id') ?? null,
    currency,
    customer,
    customer_creation: customer === null && mode === 'subscription' ? 'always' : null,
    customer_email: email,
    discounts: wanted.map(({ coupon, promotion }) => ({
      coupon: promotion === null ? coupon : null,
      promotion_code: promotion,
    })),
    expires_at: expires,
    invoice: null,
    items,
    locale: params.text('locale') ?? null,
    mode,
    payment_intent: null,
    payment_method_collection: params.text('payment_method_collection') ?? (mode === 'subscription' ? 'always' : null),
    payment_status: mode === 'setup' ? 'no_payment_required' : 'unpaid',
    setup_intent: null,
    status: 'open',
    subscription: null,
    success_url: params.text('success_url') ?? null,
    ui_mode: ui,
    own: subscriptionData(world, params.hash('subscription_data')),
  };
}

function subscriptionData(world: World, data: Params | undefined): CheckoutSessionRow['own'] {
  const trialEnd = data?.number('trial_end') ?? null;
  if (trialEnd !== null && trialEnd < world.now + 2 * day) {
    throw invalid('The `trial_end` date has to be at least 2 days in the future.', {
      param: 'subscription_data[trial_end]',
    });
  }
  return {
    subscriptionMetadata: data?.metadata() ?? {},
    description: data?.text('description') ?? null,
    trialDays: data?.number('trial_period_days') ?? null,
    trialEnd,
    trialEndBehavior: (data === undefined ? undefined : trialBehaviorOf(data)) ?? 'create_invoice',
    anchor: data?.number('billing_cycle_anchor') ?? null,
    proration: data?.text('proration_behavior') === 'none' ? 'none' : 'create_prorations',
  };
}

function readLines(world: World, list: readonly Params[] | undefined): readonly SessionItem[] {
  if (list === undefined || list.length === 0) {
    throw invalid('Missing required param: line_items.', { code: 'parameter_missing', param: 'line_items' });
  }
  const items = list.map((entry, index): SessionItem => {
    const path = `line_items[${index}]`;
    const data = entry.hash('price_data');
    const price =
      data === undefined
        ? named(world.prices, entry.need('price'), 'price', `${path}[price]`)
        : createPrice(world, data);
    if (!price.active) throw invalid('The price specified is inactive.', { param: `${path}[price]` });
    const metered = price.recurring?.usage_type === 'metered';
    const quantity = entry.number('quantity');
    if (metered && quantity !== undefined) {
      throw invalid('Quantity should not be specified where usage_type is `metered`.', { param: `${path}[quantity]` });
    }
    if (!metered && quantity === undefined) {
      throw invalid('Quantity is required.', { code: 'parameter_missing', param: `${path}[quantity]` });
    }
    return { id: world.id('li'), price: price.id, quantity: quantity ?? null };
  });
  if (items.every(({ price }) => world.prices.get(price)?.recurring == null)) {
    throw invalid('You must provide at least one recurring price in `subscription` mode.', { param: 'line_items' });
  }
  return items;
}

function currencyOf(prices: readonly PriceRow[], wanted: string | undefined): string | null {
  const [first] = prices;
  const currency = wanted ?? first?.currency ?? null;
  for (const price of prices) {
    if (currency !== null && !(currency in price.currency_options)) {
      throw invalid(`All prices of a Checkout Session must support the currency \`${currency}\`.`, {
        param: 'line_items',
      });
    }
  }
  return currency;
}
