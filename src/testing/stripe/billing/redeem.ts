import type { DiscountRow } from '../rows.ts';
import type { World } from '../world.ts';
import { discountEnd } from './discounts.ts';

/** What a request wants taken off. */
export interface WantedDiscount {
  readonly coupon: string;
  readonly promotion: string | null;
  /** The id of a discount that is there: it goes on, and nothing is redeemed. */
  readonly kept?: string;
}

/** Redeems discounts for a subscription. */
export function redeem(
  world: World,
  wanted: readonly WantedDiscount[],
  of: { readonly customer: string; readonly subscription: string; readonly session?: string },
): readonly string[] {
  return wanted.flatMap(({ coupon: id, promotion, kept }) => {
    if (kept !== undefined) return [kept];
    const coupon = world.coupons.get(id);
    if (coupon === undefined) return [];
    coupon.times_redeemed += 1;
    const code = promotion === null ? undefined : world.promotionCodes.get(promotion);
    if (code !== undefined) code.times_redeemed += 1;
    const row: DiscountRow = {
      id: world.id('di'),
      object: 'discount',
      coupon: id,
      promotion_code: promotion,
      customer: of.customer,
      subscription: of.subscription,
      checkout_session: of.session ?? null,
      start: world.now,
      end: discountEnd(world, coupon),
      own: { used: false },
    };
    world.discounts.set(row.id, row);
    world.tell('customer.discount.created', row);
    return [row.id];
  });
}
