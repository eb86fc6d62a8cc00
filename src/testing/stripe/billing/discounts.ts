import type { CouponRow, CustomerRow, DiscountRow, LineRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { periodAt } from './periods.ts';

/** The discounts that stand now: of the subscription, or else of its customer. */
export function standingDiscounts(
  world: World,
  customer: CustomerRow | undefined,
  subscription: SubscriptionRow | undefined,
): readonly DiscountRow[] {
  const own = subscription?.discounts ?? [];
  const ids = own.length > 0 ? own : customer?.discount == null ? [] : [customer.discount];
  return ids.flatMap((id) => {
    const discount = world.discounts.get(id);
    const ended = discount === undefined || discount.own.used || (discount.end !== null && discount.end <= world.now);
    return ended ? [] : [discount];
  });
}

/** Takes discounts off the lines of an invoice, and says how much each of them took. */
export function applyDiscounts(world: World, lines: readonly LineRow[], discounts: readonly DiscountRow[]) {
  for (const line of lines) line.discount_amounts = [];
  const totals: { amount: number; discount: string }[] = [];
  for (const { id, coupon: couponId } of discounts) {
    const coupon = world.coupons.get(couponId);
    if (coupon === undefined) continue;
    const eligible = lines.filter((line) => line.discountable && line.amount > 0 && appliesTo(world, coupon, line));
    const sum = eligible.reduce((total, line) => total + rest(line), 0);
    const currency = eligible[0]?.currency ?? '';
    const off = coupon.percent_off !== null ? null : Math.min(coupon.amounts_off[currency] ?? 0, sum);
    let left = off ?? 0;
    let taken = 0;
    for (const [index, line] of eligible.entries()) {
      const share =
        off === null
          ? Math.round((rest(line) * (coupon.percent_off ?? 0)) / 100)
          : index === eligible.length - 1
            ? left
            : Math.round((off * rest(line)) / Math.max(1, sum));
      line.discount_amounts = [...line.discount_amounts, { amount: share, discount: id }];
      left -= share;
      taken += share;
    }
    totals.push({ amount: taken, discount: id });
  }
  return totals;
}

/** The part that percent coupons leave of a price: prorations are counted net of them. */
export function percentLeft(world: World, discounts: readonly DiscountRow[]): number {
  return discounts.reduce((left, { coupon }) => left * (1 - (world.coupons.get(coupon)?.percent_off ?? 0) / 100), 1);
}

/** When a discount that begins now ends. */
export function discountEnd(world: World, coupon: CouponRow): number | null {
  if (coupon.duration !== 'repeating' || coupon.duration_in_months === null) return null;
  const { duration_in_months: months } = coupon;
  const recurring = { interval: 'month', interval_count: months, meter: null, usage_type: 'licensed' } as const;
  return periodAt(world.now, recurring, world.now).end;
}

function rest(line: LineRow): number {
  return line.amount - line.discount_amounts.reduce((sum, { amount }) => sum + amount, 0);
}

function appliesTo(world: World, coupon: CouponRow, line: LineRow): boolean {
  if (coupon.applies_to === null) return true;
  const product = line.price === null ? undefined : world.prices.get(line.price)?.product;
  return product !== undefined && coupon.applies_to.includes(product);
}
