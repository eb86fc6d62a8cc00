import type { ProviderCall } from './call.ts';

/** A coupon to be made: what customers are given off. */
export interface NewCoupon {
  /** Ours, so that it is the same in test and in live mode. */
  readonly id: string;
  /** What the customer reads on the bill. */
  readonly name: string;
  /** Above 0 and at most 100; null for one that takes off amounts. */
  readonly percentOff: number | null;
  /** By currency, in minor units, the main one first; empty for one that takes off a part. */
  readonly amountsOff: { readonly [currency: string]: number };
  readonly duration: 'once' | 'forever' | 'repeating';
  /** For how many months a `repeating` one holds; null for the others. */
  readonly months: number | null;
  /** Until when it can be given; null: without end. */
  readonly redeemBy: Date | null;
}

/** A coupon as the provider has it. */
export type ProviderCoupon = Omit<NewCoupon, 'duration'> & { readonly duration: string };

/** A promotion code to be made: what payers type in to be given a coupon. */
export interface NewPromotionCode {
  /** Capital letters are the same as small ones. */
  readonly code: string;
  readonly couponId: string;
  /** How often it can be used in all; null: as often as anybody likes. */
  readonly maxRedemptions: number | null;
  readonly expiresAt: Date | null;
  /** True where only who never paid before can use it. */
  readonly firstTime: boolean;
}

/** A promotion code as the provider has it. */
export interface ProviderPromotionCode extends NewPromotionCode {
  readonly id: string;
  /** False where it was taken back, is used up or is too old. */
  readonly active: boolean;
}

/** What customers are given off. */
export interface ProviderCoupons {
  /** Reads one coupon; null when the provider does not know it. */
  read(id: string): Promise<ProviderCoupon | null>;
  /** Makes a coupon. */
  create(input: NewCoupon, call: ProviderCall): Promise<ProviderCoupon>;
  /** Gives a coupon another name. Nothing else of it can be changed. */
  rename(id: string, name: string, call: ProviderCall): Promise<ProviderCoupon>;
  /** All promotion codes of that text, also those that cannot be used any more, the newest first. */
  codes(code: string): Promise<readonly ProviderPromotionCode[]>;
  /** Makes a promotion code. */
  createCode(input: NewPromotionCode, call: ProviderCall): Promise<ProviderPromotionCode>;
  /** Takes a promotion code back; who used it keeps what it gave. */
  endCode(id: string, call: ProviderCall): Promise<ProviderPromotionCode>;
}
