import type { CouponRow, DiscountRow, PriceRow, ProductRow, PromotionCodeRow } from '../rows.ts';
import type { Wire } from '../wire.ts';
import type { World } from '../world.ts';

export function presentProduct(world: World, row: ProductRow): Wire {
  return {
    ...row,
    livemode: world.livemode,
    package_dimensions: null,
    tax_details: null,
    type: 'service',
  };
}

export function presentPrice(world: World, row: PriceRow): Wire {
  const { currency_options: options, recurring, ...fields } = row;
  const own = options[row.currency];
  return {
    ...fields,
    custom_unit_amount: null,
    livemode: world.livemode,
    recurring: recurring === null ? null : { ...recurring, trial_period_days: null },
    unit_amount: own?.unit_amount ?? null,
    unit_amount_decimal: own?.unit_amount_decimal ?? null,
  };
}

/** The old name of a recurring price, which items still carry. */
export function presentPlan(world: World, row: PriceRow): Wire {
  const own = row.currency_options[row.currency];
  return {
    id: row.id,
    object: 'plan',
    active: row.active,
    amount: own?.unit_amount ?? null,
    amount_decimal: own?.unit_amount_decimal ?? null,
    billing_scheme: row.billing_scheme,
    created: row.created,
    currency: row.currency,
    interval: row.recurring?.interval ?? 'month',
    interval_count: row.recurring?.interval_count ?? 1,
    livemode: world.livemode,
    metadata: row.metadata,
    meter: row.recurring?.meter ?? null,
    nickname: row.nickname,
    product: row.product,
    tiers_mode: row.tiers_mode,
    transform_usage: row.transform_quantity,
    trial_period_days: null,
    usage_type: row.recurring?.usage_type ?? 'licensed',
  };
}

/** What a price costs in its other currencies, for who asks to expand it. */
export function presentCurrencyOptions(row: PriceRow): Wire {
  return Object.fromEntries(
    Object.entries(row.currency_options).map(([currency, { tiers, ...option }]) => [
      currency,
      { custom_unit_amount: null, ...option, ...(tiers === null ? {} : { tiers }) },
    ]),
  );
}

export function presentCoupon(world: World, row: CouponRow): Wire {
  const { deleted: _, applies_to: _products, amounts_off: _amounts, ...fields } = row;
  return { ...fields, livemode: world.livemode, valid: isRedeemable(world, row) };
}

/** Whether a coupon may still be used. */
export function isRedeemable(world: World, row: CouponRow): boolean {
  if (row.deleted || (row.redeem_by !== null && row.redeem_by <= world.now)) return false;
  return row.max_redemptions === null || row.times_redeemed < row.max_redemptions;
}

export function presentPromotionCode(world: World, row: PromotionCodeRow): Wire {
  const { coupon, first_time_transaction: first, ...fields } = row;
  return {
    ...fields,
    active: isUsable(world, row),
    customer_account: null,
    livemode: world.livemode,
    promotion: { coupon, type: 'coupon' },
    restrictions: { first_time_transaction: first, minimum_amount: null, minimum_amount_currency: null },
  };
}

/** Whether a promotion code may still be used. */
export function isUsable(world: World, row: PromotionCodeRow): boolean {
  const coupon = world.coupons.get(row.coupon);
  if (!row.active || coupon === undefined || !isRedeemable(world, coupon)) return false;
  if (row.expires_at !== null && row.expires_at <= world.now) return false;
  return row.max_redemptions === null || row.times_redeemed < row.max_redemptions;
}

export function presentDiscount(_world: World, row: DiscountRow): Wire {
  const { own: _, coupon, ...fields } = row;
  return {
    ...fields,
    customer_account: null,
    invoice: null,
    invoice_item: null,
    source: { coupon, type: 'coupon' },
    subscription_item: null,
  };
}

/** What is answered for a discount that was taken away. */
export function presentDeletedDiscount(world: World, row: DiscountRow): Wire {
  const { end: _, ...fields } = presentDiscount(world, row);
  return { ...fields, deleted: true };
}
