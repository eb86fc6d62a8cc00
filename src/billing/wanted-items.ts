import { TenantryError } from '../core/index.ts';
import { type BookPrice, type PriceBook, pricesOfPlan } from './price-book.ts';
import type { PriceIndex } from './price-index.ts';
import type { ProviderItem, WantedItem } from './provider/subscription.ts';
import { type SeatFigures, seatQuantity } from './seats/seat-quantity.ts';

/** What a tenant is to have. */
export interface PlanWish {
  readonly plan: string;
  readonly interval: string;
  readonly currency: string;
  /** The seats that there are; a price by the seat says which of them are paid. */
  readonly seats: SeatFigures;
  /** How many of each add-on; what a subscription has beside is kept when absent. */
  readonly addOns?: { readonly [name: string]: number } | undefined;
  /** What was agreed with the tenant for what has no amount in the list, in minor units. */
  readonly agreed?: number | undefined;
}

/**
 * The items of a subscription to a plan. With the items of one that is there each price takes the place of the one that
 * counts the same, so that its usage and its discounts stay; what is of no plan stays as it is.
 *
 * @throws TenantryError `plan_not_sold`.
 */
export async function wantedItems(
  book: PriceBook,
  index: PriceIndex,
  wish: PlanWish,
  current: readonly ProviderItem[] = [],
): Promise<readonly WantedItem[]> {
  const { plan, interval, currency, seats, addOns } = wish;
  const bookOf = (item: ProviderItem): BookPrice | undefined =>
    book.prices.find(({ lookupKey }) => lookupKey === item.lookupKey);
  const left = new Set(current);
  const takePlaceOf = (price: BookPrice): { readonly id?: string } => {
    for (const item of left) {
      const old = bookOf(item);
      if (old === undefined || placeOf(old) !== placeOf(price)) continue;
      // What is paid by usage cannot become what is paid by number.
      if ((item.kind === 'metered') !== (price.per === 'usage')) continue;
      left.delete(item);
      return { id: item.id };
    }
    return {};
  };
  const wanted: WantedItem[] = [];
  const add = async (price: BookPrice, quantity: number): Promise<void> => {
    const had = current.find(({ lookupKey }) => lookupKey === price.lookupKey);
    if (price.agreed === true && wish.agreed === undefined && had !== undefined) {
      // What was agreed holds until something else is agreed.
      wanted.push({ ...takePlaceOf(price), priceId: had.priceId, quantity });
      return;
    }
    const found =
      price.agreed === true && wish.agreed !== undefined
        ? await index.agreed(price, { amount: wish.agreed, currency })
        : Object.hasOwn(price.amounts, currency)
          ? await index.ofKey(price)
          : undefined;
    if (found === undefined) throw new TenantryError('plan_not_sold', { plan, interval, currency });
    wanted.push({ ...takePlaceOf(price), priceId: found.id, ...(price.per !== 'usage' && { quantity }) });
  };
  for (const price of requireSold(book, wish)) {
    const quantity = price.per === 'seat' ? seatQuantity(price, seats) : 1;
    // A page where one pays sells none of nothing; the seats come when there are some.
    if (quantity > 0) await add(price, quantity);
  }
  for (const [name, quantity] of Object.entries(addOns ?? quantitiesOf(current, bookOf))) {
    const prices = book.prices.filter((price) => price.addOn === name && price.interval === interval);
    if (prices.length === 0) throw new TenantryError('plan_not_sold', { plan: name, interval, currency });
    if (quantity > 0) for (const price of prices) await add(price, quantity);
  }
  for (const item of left) {
    if (bookOf(item) !== undefined) continue;
    wanted.push({ id: item.id, priceId: item.priceId, ...(item.kind === 'licensed' && { quantity: item.quantity }) });
  }
  return wanted;
}

/** The prices of a plan at an interval. @throws TenantryError `plan_not_sold`. */
export function requireSold(
  book: PriceBook,
  { plan, interval, currency }: Pick<PlanWish, 'plan' | 'interval' | 'currency'>,
): readonly BookPrice[] {
  const parts = pricesOfPlan(book, plan, interval);
  if (parts.length === 0) throw new TenantryError('plan_not_sold', { plan, interval, currency });
  return parts;
}

/** What a price counts: of two with the same place one replaces the other. */
function placeOf({ addOn, per, quota }: BookPrice): string {
  return JSON.stringify([addOn, per, quota]);
}

function quantitiesOf(
  items: readonly ProviderItem[],
  bookOf: (item: ProviderItem) => BookPrice | undefined,
): Record<string, number> {
  const found: Record<string, number> = {};
  for (const item of items) {
    const addOn = bookOf(item)?.addOn;
    if (addOn !== null && addOn !== undefined && item.kind === 'licensed') found[addOn] = item.quantity;
  }
  return found;
}

/** Tells whether items are what is there already. */
export function sameItems(wanted: readonly WantedItem[], current: readonly ProviderItem[]): boolean {
  if (wanted.length !== current.length) return false;
  return current.every((item) =>
    wanted.some(
      ({ id, priceId, quantity }) =>
        id === item.id && priceId === item.priceId && (item.kind === 'metered' || item.quantity === quantity),
    ),
  );
}
