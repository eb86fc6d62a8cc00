import { atPath, named } from '../look-up.ts';
import { inRange, page, pageParams } from '../paginate.ts';
import type { Params } from '../params.ts';
import { present } from '../present.ts';
import { invalid } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { CurrencyOption, PriceRow, ProductRow, Recurring, Tier } from '../rows.ts';
import type { World } from '../world.ts';

export const priceRoutes: Routes = {
  Prices_create: {
    takes:
      'active billing_scheme currency currency_options lookup_key metadata nickname product product_data recurring tax_behavior tiers tiers_mode transfer_lookup_key transform_quantity unit_amount unit_amount_decimal',
    run: ({ world, params }) => present(world, createPrice(world, params)),
  },
  Prices_retrieve: { takes: '', run: ({ world, id }) => present(world, atPath(world.prices, id(), 'price')) },
  Prices_update: {
    takes: 'active currency_options lookup_key metadata nickname tax_behavior transfer_lookup_key',
    run({ world, params, id }) {
      const row = atPath(world.prices, id(), 'price');
      const key = params.textOrNull('lookup_key');
      if (key != null) claimKey(world, key, params.flag('transfer_lookup_key') === true, row);
      world.change('price.updated', row, (kept) => {
        if (key !== undefined) kept.lookup_key = key;
        kept.active = params.flag('active') ?? kept.active;
        kept.metadata = params.metadata(kept.metadata);
        kept.tax_behavior = params.text('tax_behavior') ?? kept.tax_behavior;
        const nickname = params.textOrNull('nickname');
        if (nickname !== undefined) kept.nickname = nickname;
        kept.currency_options = { ...kept.currency_options, ...currencyOptions(params) };
      });
      return present(world, row);
    },
  },
  Prices_list: {
    takes: `${pageParams} active created currency lookup_keys product recurring type`,
    run({ world, params }) {
      const active = params.flag('active');
      const keys = params.texts('lookup_keys');
      if (keys !== undefined && keys.length > 10) {
        throw invalid('You may only specify up to 10 lookup keys.', { param: 'lookup_keys' });
      }
      const recurring = params.hash('recurring');
      const wanted = (row: PriceRow): boolean =>
        (active === undefined || row.active === active) &&
        (keys === undefined || (row.lookup_key !== null && keys.includes(row.lookup_key))) &&
        same(params.text('product'), row.product) &&
        same(params.text('currency'), row.currency) &&
        same(params.text('type'), row.type) &&
        same(recurring?.text('interval'), row.recurring?.interval) &&
        same(recurring?.text('usage_type'), row.recurring?.usage_type) &&
        same(recurring?.text('meter'), row.recurring?.meter ?? undefined) &&
        inRange(params, 'created', row.created);
      const rows = [...world.prices.values()].filter(wanted).reverse();
      return page(
        params,
        '/v1/prices',
        rows.map((row) => ({ id: row.id, wire: () => present(world, row) })),
      );
    },
  },
};

function same(wanted: string | undefined, is: string | undefined): boolean {
  return wanted === undefined || wanted === is;
}

/** Makes a price from what a request says of it. */
export function createPrice(world: World, params: Params, ofProduct?: string): PriceRow {
  const recurring = recurringOf(world, params.hash('recurring'));
  const currency = params.need('currency');
  const options = { ...currencyOptions(params), [currency]: optionOf(params) };
  const tiered = params.text('billing_scheme') === 'tiered';
  if (tiered !== params.has('tiers') || tiered !== params.has('tiers_mode')) {
    throw invalid('A tiered price takes `billing_scheme=tiered`, `tiers` and `tiers_mode` together.', {
      param: 'tiers',
    });
  }
  if (!tiered && options[currency]?.unit_amount_decimal == null) {
    throw invalid('You must specify either `unit_amount` or `unit_amount_decimal`.', { code: 'parameter_missing' });
  }
  const key = params.text('lookup_key') ?? null;
  const product = ofProduct ?? productOf(world, params);
  if (key !== null) claimKey(world, key, params.flag('transfer_lookup_key') === true);
  const packing = params.hash('transform_quantity');
  const row: PriceRow = {
    id: world.id('price'),
    object: 'price',
    created: world.now,
    metadata: params.metadata(),
    active: params.flag('active') ?? true,
    billing_scheme: tiered ? 'tiered' : 'per_unit',
    currency,
    currency_options: options,
    lookup_key: key,
    nickname: params.text('nickname') ?? null,
    product,
    recurring,
    tax_behavior: params.text('tax_behavior') ?? 'unspecified',
    tiers_mode: params.text('tiers_mode') ?? null,
    transform_quantity:
      packing === undefined
        ? null
        : { divide_by: packing.number('divide_by') ?? 1, round: packing.text('round') ?? 'up' },
    type: recurring === null ? 'one_time' : 'recurring',
  };
  world.prices.set(row.id, row);
  world.tell('price.created', row);
  return row;
}

/** A lookup key names one price; another may take it over only when the request says so. */
function claimKey(world: World, key: string, transfer: boolean, own?: PriceRow): void {
  for (const row of world.prices.values()) {
    if (row.lookup_key !== key || row === own) continue;
    if (!transfer) {
      throw invalid(`A price (\`${row.id}\`) already uses that lookup key.`, { param: 'lookup_key' });
    }
    world.change('price.updated', row, (kept) => {
      kept.lookup_key = null;
    });
  }
}

function productOf(world: World, params: Params): string {
  const data = params.hash('product_data');
  if (data === undefined) return named(world.products, params.need('product'), 'product', 'product').id;
  const row: ProductRow = {
    id: data.text('id') ?? world.id('prod'),
    object: 'product',
    created: world.now,
    metadata: data.metadata(),
    active: data.flag('active') ?? true,
    default_price: null,
    description: null,
    images: [],
    marketing_features: [],
    name: data.need('name'),
    shippable: null,
    statement_descriptor: data.text('statement_descriptor') ?? null,
    tax_code: data.text('tax_code') ?? null,
    unit_label: data.text('unit_label') ?? null,
    updated: world.now,
    url: null,
  };
  world.products.set(row.id, row);
  world.tell('product.created', row);
  return row.id;
}

function recurringOf(world: World, params: Params | undefined): Recurring | null {
  if (params === undefined) return null;
  const interval = params.text('interval');
  if (interval !== 'day' && interval !== 'week' && interval !== 'month' && interval !== 'year') {
    throw invalid('Missing required param: recurring[interval].', {
      code: 'parameter_missing',
      param: 'recurring[interval]',
    });
  }
  const metered = params.text('usage_type') === 'metered';
  const meter = params.text('meter') ?? null;
  if (metered && meter === null) {
    throw invalid('Metered prices must be backed by a meter: pass `recurring[meter]`.', { param: 'recurring[meter]' });
  }
  if (!metered && meter !== null) {
    throw invalid('Only metered prices may have a meter.', { param: 'recurring[meter]' });
  }
  if (meter !== null) named(world.meters, meter, 'billing meter', 'recurring[meter]');
  const count = params.number('interval_count') ?? 1;
  const most = { day: 1095, week: 156, month: 36, year: 3 }[interval];
  if (!Number.isInteger(count) || count < 1 || count > most) {
    throw invalid('Invalid interval_count: at most three years.', { param: 'recurring[interval_count]' });
  }
  return { interval, interval_count: count, meter, usage_type: metered ? 'metered' : 'licensed' };
}

function currencyOptions(params: Params): Record<string, CurrencyOption> {
  const options = params.hash('currency_options');
  return Object.fromEntries(
    (options?.names ?? []).flatMap((currency) => {
      const option = options?.hash(currency);
      return option === undefined ? [] : [[currency, optionOf(option)]];
    }),
  );
}

function optionOf(params: Params): CurrencyOption {
  const { unit_amount, unit_amount_decimal } = amounts(params, 'unit_amount');
  const tiers = params.hashes('tiers')?.map((tier): Tier => {
    const upTo = tier.raw('up_to');
    const last = upTo === 'inf' || upTo === undefined || upTo === null ? null : Number(upTo);
    const flat = amounts(tier, 'flat_amount');
    return {
      up_to: last,
      ...amounts(tier, 'unit_amount'),
      flat_amount: flat.unit_amount,
      flat_amount_decimal: flat.unit_amount_decimal,
    };
  });
  return { unit_amount, unit_amount_decimal, tax_behavior: params.text('tax_behavior') ?? null, tiers: tiers ?? null };
}

/** An amount and its decimal form; a fraction of a minor unit has only the latter. */
function amounts(params: Params, name: string): { unit_amount: number | null; unit_amount_decimal: string | null } {
  const whole = params.number(name);
  if (whole !== undefined && !Number.isInteger(whole)) {
    throw invalid(`Invalid integer: ${whole}`, { code: 'parameter_invalid_integer', param: name });
  }
  const text = params.text(`${name}_decimal`);
  if (text !== undefined && !/^\d{1,15}(\.\d{1,12})?$/.test(text)) {
    throw invalid(`Invalid decimal: ${text}; must contain at maximum twelve decimal places.`, {
      code: 'parameter_invalid_string',
      param: `${name}_decimal`,
    });
  }
  if (text !== undefined && whole !== undefined) {
    throw invalid(`You may only specify one of these parameters: ${name}, ${name}_decimal.`, { param: name });
  }
  const decimal = text ?? (whole === undefined ? null : String(whole));
  if (decimal === null) return { unit_amount: null, unit_amount_decimal: null };
  return { unit_amount: Number.isInteger(Number(decimal)) ? Number(decimal) : null, unit_amount_decimal: decimal };
}
