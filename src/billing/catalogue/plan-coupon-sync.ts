import type { NewPromotionCode } from '../provider/coupon.ts';
import type { BillingProvider } from '../provider.ts';
import { codeText, compareCoupon, comparePromotionCode, couponText } from './compare-coupon.ts';
import type { PriceProblem } from './compare-price.ts';
import type { CouponItem } from './price-definitions.ts';

/** One thing that a sync of the catalogue would do about coupons. */
export type CouponStep =
  | {
      readonly do: 'create-coupon';
      readonly coupon: CouponItem;
      /** What it gives, for people. */
      readonly detail: string;
    }
  | {
      readonly do: 'rename-coupon';
      readonly couponId: string;
      readonly name: string;
      readonly previousName: string;
    }
  | {
      readonly do: 'create-code';
      readonly code: NewPromotionCode;
      /** How it may be used, for people. */
      readonly detail: string;
    }
  /** A promotion code cannot be changed: another takes its text, and is counted anew. */
  | {
      readonly do: 'replace-code';
      readonly code: NewPromotionCode;
      readonly codeId: string;
      /** Whether it can still be used, and is taken back. */
      readonly active: boolean;
      /** For people: what was expected, and what is there. */
      readonly detail: string;
    };

/** What a sync would do about coupons. */
export interface CouponSync {
  readonly steps: readonly CouponStep[];
  readonly unchanged: number;
  readonly problems: readonly PriceProblem[];
}

/**
 * Compares the coupons of the list with the provider's. What is missing is made. A coupon with other terms cannot be
 * mended: it cannot be changed, and another of the same id would mean something else to whoever has it.
 */
export async function planCouponSync(
  { coupons }: BillingProvider,
  items: { readonly [id: string]: CouponItem } = {},
): Promise<CouponSync> {
  const steps: CouponStep[] = [];
  const problems: PriceProblem[] = [];
  let unchanged = 0;
  for (const item of Object.values(items)) {
    const coupon = await coupons.read(item.id);
    const differs = compareCoupon(item, coupon);
    if (coupon === null) steps.push({ do: 'create-coupon', coupon: item, detail: couponText(item) });
    else if (differs.length > 0) {
      problems.push(...differs.map((one) => ({ ...one, detail: `${one.detail}; give the new one another id` })));
    } else if (coupon.name !== item.name) {
      steps.push({ do: 'rename-coupon', couponId: item.id, name: item.name, previousName: coupon.name });
    } else unchanged += 1;
    for (const code of item.codes) {
      const { problems: because, previous, taken } = comparePromotionCode(code, await coupons.codes(code.code));
      if (because.length === 0) unchanged += 1;
      else if (taken) problems.push(...because);
      else if (previous === undefined) steps.push({ do: 'create-code', code, detail: codeText(code) });
      else {
        const detail = because.map((one) => one.detail).join('; ');
        steps.push({ do: 'replace-code', code, codeId: previous.id, active: previous.active, detail });
      }
    }
  }
  return { steps, unchanged, problems };
}

/** What is wrong with the coupons at the provider; nothing when all is well. */
export async function checkCoupons(
  { coupons }: BillingProvider,
  items: { readonly [id: string]: CouponItem } = {},
): Promise<readonly PriceProblem[]> {
  const problems: PriceProblem[] = [];
  for (const item of Object.values(items)) {
    problems.push(...compareCoupon(item, await coupons.read(item.id)));
    for (const code of item.codes) {
      problems.push(...comparePromotionCode(code, await coupons.codes(code.code)).problems);
    }
  }
  return problems;
}
