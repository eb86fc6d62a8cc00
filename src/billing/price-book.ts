import type { CouponItem } from './catalogue/price-definitions.ts';
import type { Interval, ProviderItem } from './provider/subscription.ts';

/** One price under which something is sold, by its lookup key. */
export interface BookPrice {
  /** The same in every environment; the provider's ids are not. */
  readonly lookupKey: string;
  /** What it is a part of: a plan, or an add-on. The other is null. */
  readonly plan: string | null;
  readonly addOn: string | null;
  /** What is counted: the tenant once, its seats, or the usage of a quota. */
  readonly per: 'tenant' | 'seat' | 'usage';
  /** The quota whose usage is counted, and the name of the provider's meter; null for the rest. */
  readonly quota: string | null;
  readonly meter: string | null;
  readonly interval: Interval;
  readonly intervalCount: number;
  /** By currency (ISO 4217, in lower case), in minor units as decimal numbers in text. */
  readonly amounts: { readonly [currency: string]: string };
  /** True where the amount is agreed with each customer; then there are no amounts. */
  readonly agreed?: boolean;
}

/** All prices under which the plans are sold. */
export interface PriceBook {
  readonly prices: readonly BookPrice[];
  /** What customers can be given off, by id; nothing when absent. */
  readonly coupons?: { readonly [id: string]: CouponItem };
}

/** What a subscription stands for. */
export interface Sale {
  /** Null where none of its prices is of a plan. */
  readonly plan: string | null;
  readonly interval: string | null;
  /** The quantity of what is paid by the seat; null where nothing is. */
  readonly seats: number | null;
  /** How many of each add-on. */
  readonly addOns: { readonly [name: string]: number };
}

/** The prices of which a plan is made for an interval. */
export function pricesOfPlan(
  { prices }: PriceBook,
  plan: string,
  interval: string,
  intervalCount = 1,
): readonly BookPrice[] {
  return prices.filter(
    (price) => price.plan === plan && price.interval === interval && price.intervalCount === intervalCount,
  );
}

/** Tells what the items of a subscription stand for. Prices that the book does not have stand for nothing. */
export function saleOf({ prices }: PriceBook, items: readonly ProviderItem[]): Sale {
  const addOns: Record<string, number> = {};
  let plan: string | null = null;
  let interval: string | null = null;
  let seats: number | null = null;
  for (const item of items) {
    const price = prices.find(({ lookupKey }) => lookupKey === item.lookupKey);
    if (price === undefined) continue;
    const quantity = item.kind === 'licensed' ? item.quantity : 1;
    if (price.addOn !== null) addOns[price.addOn] = (addOns[price.addOn] ?? 0) + quantity;
    if (price.plan === null) continue;
    plan ??= price.plan;
    interval ??= price.interval;
    if (price.per === 'seat' && item.kind === 'licensed') seats = (seats ?? 0) + quantity;
  }
  return { plan, interval, seats, addOns };
}
