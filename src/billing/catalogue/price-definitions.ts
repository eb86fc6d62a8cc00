import type { PlanCatalogue, PlanDefinitions, PlanNameOf, QuotaNameOf } from '../../plans/index.ts';
import type { BookPrice, PriceBook } from '../price-book.ts';
import type { NewCoupon, NewPromotionCode } from '../provider/coupon.ts';
import type { Interval } from '../provider/subscription.ts';

/** A price: whole minor units (such as cents) of the list's currency, or of each currency: `{ usd: 2900, eur: 2700 }`. */
export type PriceAmount = number | { readonly [currency: string]: number };

/** The price of one unit of metered use; a text says parts of a minor unit: `'0.25'` is a quarter of a cent. */
export type UnitPrice = number | string | { readonly [currency: string]: number | string };

/** What a seat costs. */
export interface SeatPriceDefinition {
  readonly amount: PriceAmount;
  /** How many seats the base price contains; none when absent. */
  readonly included?: number;
  /** Which seats are billed: those that members have `taken` (the default), or those that are `bought`. */
  readonly counts?: SeatCount;
}

/** Which seats are billed. */
export type SeatCount = 'taken' | 'bought';

/** What a plan costs per interval. A plan may have each part alone: a base, seats, or metered use only. */
export interface OfferDefinition<Quota extends string = string> {
  /** What an organization pays, however many it has; `'agreed'` where that is agreed with each, as `agreed` says when one subscribes. */
  readonly base?: PriceAmount | 'agreed';
  /** What each seat costs. */
  readonly seat?: PriceAmount | SeatPriceDefinition;
  /** What each unit beyond a quota costs, by the name of the quota, whose plan says `overage: 'bill'`. */
  readonly metered?: { readonly [Name in Quota]?: UnitPrice };
}

/** What a plan or an add-on costs, by the interval at which it can be had. */
export type ByInterval<Value> = { readonly [Per in Interval]?: Value };

/** A reduction that customers are given: either a part or an amount. */
export interface CouponDefinition {
  /** What the customer reads on the bill, at most 40 characters; the id when absent. */
  readonly name?: string;
  /** Percent of the price, above 0 and at most 100. */
  readonly percentOff?: number;
  /** An amount of each invoice. */
  readonly amountOff?: PriceAmount;
  readonly duration: CouponItem['duration'];
  /** For how many months a `repeating` one holds. */
  readonly months?: number;
  /** Until when it can be given; without end when absent. Stripe takes five years ahead at most. */
  readonly redeemBy?: Date;
  /**
   * What payers type in to be given it, where a checkout has `promotionCodes`, such as `WELCOME`: letters, digits and `-`;
   * capital letters are the same as small ones.
   */
  readonly codes?: { readonly [code: string]: PromotionCodeDefinition };
}

/** How a promotion code may be used. */
export interface PromotionCodeDefinition {
  /** How often in all; as often as anybody likes when absent. */
  readonly maxRedemptions?: number;
  /** Until when; without end when absent. */
  readonly expiresAt?: Date;
  /** True: only by who never paid before. */
  readonly firstTime?: boolean;
}

/** A coupon of the list, with its promotion codes. */
export interface CouponItem extends NewCoupon {
  readonly codes: readonly NewPromotionCode[];
}

/** What plans and add-ons cost. A plan that is not named is free, or agreed with each customer. */
export interface PriceDefinitions<Definitions extends PlanDefinitions = PlanDefinitions> {
  /** The currency of amounts that name none; `usd` when absent. */
  readonly currency?: string;
  /** Begins the keys of prices and products, so that several programs can share one account; `tenantry` when absent. */
  readonly prefix?: string;
  readonly plans: {
    readonly [Plan in PlanNameOf<Definitions>]?: ByInterval<OfferDefinition<QuotaNameOf<Definitions>>>;
  };
  /** What one of an add-on costs. */
  readonly addOns?: { readonly [name: string]: ByInterval<PriceAmount> };
  /** What customers can be given off, by ids of yours, which are the provider's too. */
  readonly coupons?: { readonly [id: string]: CouponDefinition };
}

/**
 * One price of the list. What is paid by the tenant or the seat is licensed: billed by a quantity that is set. What is paid
 * by usage is metered: it has no quantity, ever, and is billed by what a meter counted.
 */
export interface PriceItem extends BookPrice {
  /** Names the product that the price is of. */
  readonly productId: string;
  /** What the customer reads on the bill. */
  readonly productName: string;
  /** Of seats: how many the base price contains. */
  readonly included: number;
  /** Of seats: which are counted. */
  readonly counts: SeatCount;
  /** True for a base that is agreed with each customer: it has no amounts, and the provider has no price of that key. */
  readonly agreed: boolean;
}

/** A plan at an interval: the prices that make up its subscription. */
export interface Offer {
  readonly plan: string;
  readonly interval: Interval;
  /** The currencies in which all of its prices can be had. */
  readonly currencies: readonly string[];
  readonly prices: readonly PriceItem[];
  /** How many days it can be tried; 0: it cannot. */
  readonly trialDays: number;
}

/** A checked, frozen price list; made by `definePrices`. */
export interface PriceCatalogue extends PriceBook {
  /** Every price, in the order of the definition. */
  readonly prices: readonly PriceItem[];
  readonly offers: readonly Offer[];
  readonly prefix: string;
  /** The currency of amounts that named none. */
  readonly currency: string;
  /** Every currency in which something can be had. */
  readonly currencies: readonly string[];
  readonly coupons: { readonly [id: string]: CouponItem };
  /** The plans and add-ons that the prices are of. */
  readonly plans: PlanCatalogue;
}
