import type { NewCoupon, NewPromotionCode, ProviderCoupon, ProviderPromotionCode } from '../provider/coupon.ts';
import type { PriceProblem } from './compare-price.ts';

/** Compares a coupon of the list with the one at the provider, but for its name. */
export function compareCoupon(item: NewCoupon, found: ProviderCoupon | null): readonly PriceProblem[] {
  const { id: lookupKey } = item;
  if (found === null) return [{ lookupKey, problem: 'missing', detail: `there is no coupon "${lookupKey}"` }];
  const [wanted, is] = [couponText(item), couponText(found)];
  return wanted === is ? [] : [{ lookupKey, problem: 'coupon', detail: `expected ${wanted}, it is ${is}` }];
}

/**
 * Compares a promotion code of the list with those of its text at the provider. One that is used up, too old or was taken
 * back there is left so, as long as the list says the same of it.
 */
export function comparePromotionCode(
  item: NewPromotionCode,
  found: readonly ProviderPromotionCode[],
): {
  readonly problems: readonly PriceProblem[];
  /** The one that counts of those that are of the coupon. */
  readonly previous: ProviderPromotionCode | undefined;
  /** True where the text is that of another coupon. */
  readonly taken: boolean;
} {
  const { code: lookupKey, couponId } = item;
  const own = found.filter((one) => one.couponId === couponId);
  const previous = own.find(({ active }) => active) ?? own[0];
  const other = found.find((one) => one.couponId !== couponId && one.active);
  const told = (problem: PriceProblem['problem'], detail: string) => ({ lookupKey, problem, detail });
  if (other !== undefined) {
    return { previous, taken: true, problems: [told('promotion-code', `it leads to the coupon "${other.couponId}"`)] };
  }
  if (previous === undefined) {
    return { previous, taken: false, problems: [told('missing', `there is no promotion code "${lookupKey}"`)] };
  }
  const [wanted, is] = [codeText(item), codeText(previous)];
  const problems = wanted === is ? [] : [told('promotion-code', `expected ${wanted}, it is ${is}`)];
  return { previous, taken: false, problems };
}

/** What a coupon gives, for people. */
export function couponText({ percentOff, amountsOff, duration, months, redeemBy }: ProviderCoupon): string {
  const amounts = Object.entries(amountsOff).map(([currency, amount]) => `${amount} ${currency}`);
  const off = percentOff === null ? `${amounts.toSorted().join(', ')} in minor units` : `${percentOff} %`;
  const howLong = duration === 'repeating' ? `for ${months} months` : duration;
  return `${off} off ${howLong}${redeemBy === null ? '' : ` until ${redeemBy.toISOString()}`}`;
}

/** How a promotion code may be used, for people. */
export function codeText({ maxRedemptions, expiresAt, firstTime }: NewPromotionCode): string {
  return [
    maxRedemptions === null ? 'any number of times' : `${maxRedemptions} times`,
    ...(expiresAt === null ? [] : [`until ${expiresAt.toISOString()}`]),
    ...(firstTime ? ['for the first payment'] : []),
  ].join(', ');
}
