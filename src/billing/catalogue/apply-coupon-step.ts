import { createHash } from 'node:crypto';
import type { NewPromotionCode, ProviderCoupons } from '../provider/coupon.ts';
import type { CouponStep } from './plan-coupon-sync.ts';

/** Does one step about coupons. */
export async function applyCouponStep(coupons: ProviderCoupons, step: CouponStep): Promise<void> {
  switch (step.do) {
    case 'create-coupon': {
      const { codes: _, ...coupon } = step.coupon;
      await coupons.create(coupon, { idempotencyKey: keyOf('coupon', coupon) });
      return;
    }
    case 'rename-coupon': {
      const { couponId, name, previousName } = step;
      await coupons.rename(couponId, name, { idempotencyKey: keyOf('rename coupon', [couponId, previousName, name]) });
      return;
    }
    case 'create-code':
      await createCode(coupons, step.code, 'first');
      return;
    case 'replace-code':
      if (step.active) await coupons.endCode(step.codeId, { idempotencyKey: keyOf('end code', step.codeId) });
      await createCode(coupons, step.code, step.codeId);
  }
}

/** One that comes back after another is a wish of its own. */
async function createCode(coupons: ProviderCoupons, code: NewPromotionCode, previous: string): Promise<void> {
  await coupons.createCode(code, { idempotencyKey: keyOf('code', [code, previous]) });
}

function keyOf(operation: string, wish: unknown): string {
  return `catalogue ${operation} ${createHash('sha256').update(JSON.stringify(wish)).digest('hex').slice(0, 40)}`;
}
