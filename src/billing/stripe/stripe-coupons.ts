import type Stripe from 'stripe';
import type { ProviderCoupon, ProviderCoupons, ProviderPromotionCode } from '../provider/coupon.ts';
import type { StripeCalls } from './call-stripe.ts';
import type { StripeClient } from './stripe-client.ts';
import { idOf, secondsOf, timeOf } from './stripe-ids.ts';

/** The coupons and promotion codes of Stripe. */
export function createStripeCoupons(stripe: StripeClient, calls: StripeCalls): ProviderCoupons {
  const expand = ['currency_options'];

  return {
    async read(id) {
      const coupon = await calls.maybe('coupons.retrieve', 'coupon', () => stripe.coupons.retrieve(id, { expand }));
      return coupon === null ? null : couponOf(coupon);
    },

    async create({ id, name, percentOff, amountsOff, duration, months, redeemBy }, { idempotencyKey }) {
      const [main, ...others] = Object.entries(amountsOff);
      const params: Stripe.CouponCreateParams = {
        id,
        name,
        duration,
        ...(percentOff !== null && { percent_off: percentOff }),
        ...(main !== undefined && { currency: main[0], amount_off: main[1] }),
        ...(others.length > 0 && {
          currency_options: Object.fromEntries(others.map(([currency, amount]) => [currency, { amount_off: amount }])),
        }),
        ...(months !== null && { duration_in_months: months }),
        ...(redeemBy !== null && { redeem_by: secondsOf(redeemBy) }),
        expand,
      };
      return couponOf(
        await calls.one('coupons.create', 'coupon', () => stripe.coupons.create(params, { idempotencyKey })),
      );
    },

    async rename(id, name, { idempotencyKey }) {
      return couponOf(
        await calls.one('coupons.update', 'coupon', () =>
          stripe.coupons.update(id, { name, expand }, { idempotencyKey }),
        ),
      );
    },

    async codes(code) {
      const found = await calls.all('promotionCodes.list', 'promotion_code', (after) =>
        stripe.promotionCodes.list({ code, limit: 100, ...(after !== undefined && { starting_after: after }) }),
      );
      return found.map(codeOf);
    },

    async createCode({ code, couponId, maxRedemptions, expiresAt, firstTime }, { idempotencyKey }) {
      const params: Stripe.PromotionCodeCreateParams = {
        promotion: { type: 'coupon', coupon: couponId },
        code,
        ...(maxRedemptions !== null && { max_redemptions: maxRedemptions }),
        ...(expiresAt !== null && { expires_at: secondsOf(expiresAt) }),
        ...(firstTime && { restrictions: { first_time_transaction: true } }),
      };
      return codeOf(
        await calls.one('promotionCodes.create', 'promotion_code', () =>
          stripe.promotionCodes.create(params, { idempotencyKey }),
        ),
      );
    },

    async endCode(id, { idempotencyKey }) {
      return codeOf(
        await calls.one('promotionCodes.update', 'promotion_code', () =>
          stripe.promotionCodes.update(id, { active: false }, { idempotencyKey }),
        ),
      );
    },
  };
}

function couponOf(coupon: Stripe.Coupon): ProviderCoupon {
  const { id, currency, amount_off: amount } = coupon;
  const others = Object.entries(coupon.currency_options ?? {}).filter(([name]) => name !== currency);
  return {
    id,
    name: coupon.name ?? id,
    percentOff: coupon.percent_off,
    amountsOff:
      currency === null || amount === null
        ? {}
        : Object.fromEntries([[currency, amount], ...others.map(([name, option]) => [name, option.amount_off])]),
    duration: coupon.duration,
    months: coupon.duration_in_months,
    redeemBy: timeOf(coupon.redeem_by),
  };
}

function codeOf(found: Stripe.PromotionCode): ProviderPromotionCode {
  return {
    id: found.id,
    code: found.code,
    couponId: idOf(found.promotion.coupon) ?? '',
    active: found.active,
    maxRedemptions: found.max_redemptions,
    expiresAt: timeOf(found.expires_at),
    firstTime: found.restrictions.first_time_transaction,
  };
}
