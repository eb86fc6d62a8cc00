import type { NewItem } from '../billing/start-subscription.ts';
import { named } from '../look-up.ts';
import type { Params } from '../params.ts';
import { invalid } from '../refusal.ts';
import type { PriceRow, SubscriptionItemRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { createPrice } from './prices.ts';

/** Reads the items of a new subscription. */
export function readNewItems(world: World, list: readonly Params[] | undefined): readonly NewItem[] {
  if (list === undefined || list.length === 0) {
    throw invalid('Missing required param: items.', { code: 'parameter_missing', param: 'items' });
  }
  if (list.length > 20) throw invalid('A subscription can have at most 20 items.', { param: 'items' });
  const items = list.map((entry, index) => {
    const price = priceOf(world, entry, `items[${index}]`);
    return { price: price.id, quantity: quantityOf(entry, price, `items[${index}]`, 1), metadata: entry.metadata() };
  });
  noTwice(items);
  return items;
}

/** The items a subscription has after a request: some changed, some new, some gone. */
export function readChangedItems(
  world: World,
  subscription: SubscriptionRow,
  list: readonly Params[],
): { readonly items: SubscriptionItemRow[]; readonly clear: ReadonlySet<string> } {
  let items = [...subscription.items];
  const clear = new Set<string>();
  for (const [index, entry] of list.entries()) {
    const path = `items[${index}]`;
    const id = entry.text('id');
    if (id === undefined) {
      items.push(newItem(world, subscription, entry, path));
      continue;
    }
    const old = items.find((item) => item.id === id);
    if (old === undefined) throw invalid(`No such subscription item: '${id}'`, missingAt(`${path}[id]`));
    if (entry.flag('clear_usage') === true) clear.add(id);
    if (entry.flag('deleted') === true) items = items.filter((item) => item !== old);
    else items = items.map((item) => (item === old ? changedItem(world, subscription, old, entry, path) : item));
  }
  if (items.length === 0) throw invalid('A subscription must have at least one item.', { param: 'items' });
  noTwice(items);
  return { items, clear };
}

/** An item as a request changes it. */
export function changedItem(
  world: World,
  subscription: SubscriptionRow,
  old: SubscriptionItemRow,
  entry: Params,
  path: string,
): SubscriptionItemRow {
  const before = world.prices.get(old.price);
  const changes = entry.has('price') || entry.has('price_data');
  const price = changes ? priceOf(world, entry, path) : before;
  if (price === undefined) return old;
  const { currency } = subscription;
  fitsCurrency(price, currency, path);
  const swapped = price.recurring?.usage_type !== before?.recurring?.usage_type;
  const quantity = quantityOf(entry, price, path, swapped ? 1 : old.quantity);
  return { ...old, price: price.id, quantity, metadata: entry.metadata(old.metadata) };
}

/** A further item of a subscription. */
export function newItem(world: World, subscription: SubscriptionRow, entry: Params, path: string): SubscriptionItemRow {
  const price = priceOf(world, entry, path);
  fitsCurrency(price, subscription.currency, path);
  return {
    id: world.id('si'),
    object: 'subscription_item',
    created: world.now,
    metadata: entry.metadata(),
    current_period_start: world.now,
    current_period_end: world.now,
    discounts: [],
    price: price.id,
    quantity: quantityOf(entry, price, path, 1),
    subscription: subscription.id,
  };
}

/** The currency that all prices of new items share. */
export function currencyOf(world: World, items: readonly NewItem[], wanted: string | undefined): string {
  const [first] = items;
  const currency = wanted ?? (first === undefined ? undefined : world.prices.get(first.price)?.currency) ?? 'usd';
  for (const [index, { price: id }] of items.entries()) {
    const price = world.prices.get(id);
    if (price !== undefined) fitsCurrency(price, currency, `items[${index}]`);
  }
  return currency;
}

/** A price that can be subscribed to. */
export function priceOf(world: World, entry: Params, path: string): PriceRow {
  const data = entry.hash('price_data');
  const id = entry.text('price') ?? entry.text('plan');
  const param = path === '' ? 'price' : `${path}[price]`;
  if (id === undefined && data === undefined) {
    throw invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  }
  const price =
    id === undefined && data !== undefined ? createPrice(world, data) : named(world.prices, id ?? '', 'price', param);
  if (!price.active) {
    throw invalid(`The price specified is inactive. This field only accepts active prices.`, { param });
  }
  if (price.recurring === null) {
    throw invalid(
      'The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.',
      { param },
    );
  }
  return price;
}

/** The quantity of an item: metered ones have none. */
export function quantityOf(entry: Params, price: PriceRow, path: string, before: number | null): number | null {
  const quantity = entry.number('quantity');
  const param = path === '' ? 'quantity' : `${path}[quantity]`;
  if (price.recurring?.usage_type === 'metered') {
    if (quantity === undefined) return null;
    throw invalid(
      `Quantity should not be specified where usage_type is \`metered\`. Remove quantity from \`${path}\``,
      { param },
    );
  }
  if (quantity !== undefined && (!Number.isInteger(quantity) || quantity < 0)) {
    throw invalid('Invalid non-negative integer', { code: 'parameter_invalid_integer', param });
  }
  return quantity ?? before ?? 1;
}

function fitsCurrency(price: PriceRow, currency: string, path: string): void {
  if (currency in price.currency_options) return;
  throw invalid(
    `The price specified only supports \`${Object.keys(price.currency_options).join('`, `')}\`. This doesn't match the expected currency: \`${currency}\`.`,
    { param: path === '' ? 'price' : `${path}[price]` },
  );
}

function noTwice(items: readonly { readonly price: string }[]): void {
  const seen = new Set<string>();
  for (const { price } of items) {
    if (seen.has(price)) {
      throw invalid(`Cannot add multiple subscription items with the same plan: ${price}`, { param: 'items' });
    }
    seen.add(price);
  }
}

function missingAt(param: string): { readonly code: string; readonly param: string } {
  return { code: 'resource_missing', param };
}
