import { cleanText, TenantryError } from '../../core/index.ts';
import { isMoment } from '../../core/moment.ts';
import type { NewPromotionCode } from '../provider/coupon.ts';
import type { CouponDefinition, CouponItem, PromotionCodeDefinition } from './price-definitions.ts';
import { readAmounts } from './read-amounts.ts';

/**
 * Reads the coupons of a price list.
 *
 * @throws TenantryError `config_invalid` with the path.
 */
export function readCoupons(
  definitions: { readonly [id: string]: CouponDefinition },
  currency: string,
): { readonly [id: string]: CouponItem } {
  const codes = new Map<string, string>();
  const items = Object.entries(definitions).map(([id, definition]) => {
    const item = readCoupon(`prices.coupons.${id}`, id, definition, currency);
    for (const { code } of item.codes) {
      const other = codes.get(code.toLowerCase());
      if (other !== undefined) refuse(`prices.coupons.${id}.codes.${code}`, `is the same as "${other}"`);
      codes.set(code.toLowerCase(), code);
    }
    return [id, Object.freeze(item)] as const;
  });
  return Object.freeze(Object.fromEntries(items));
}

function readCoupon(path: string, id: string, definition: CouponDefinition, currency: string): CouponItem {
  const { percentOff, amountOff, duration, months, redeemBy, codes = {} } = definition;
  if (!/^[\w-]{1,200}$/.test(id)) refuse(path, 'is named by letters, digits, "_" and "-"');
  if ((percentOff === undefined) === (amountOff === undefined)) refuse(path, 'has either percentOff or amountOff');
  if (percentOff !== undefined && !(percentOff > 0 && percentOff <= 100)) {
    refuse(`${path}.percentOff`, 'must be above 0 and at most 100');
  }
  if (!['once', 'forever', 'repeating'].includes(duration)) refuse(`${path}.duration`, 'is once, forever or repeating');
  const counted = months !== undefined && Number.isInteger(months) && months > 0;
  if (duration === 'repeating' ? !counted : months !== undefined) {
    refuse(`${path}.months`, 'says for how many months, of a repeating one only');
  }
  return {
    id,
    name: readName(`${path}.name`, definition.name ?? id.slice(0, 40)),
    percentOff: percentOff ?? null,
    amountsOff: amountOff === undefined ? {} : readAmountsOff(`${path}.amountOff`, amountOff, currency),
    duration,
    months: months ?? null,
    redeemBy: readTime(`${path}.redeemBy`, redeemBy),
    codes: Object.entries(codes).map(([code, how]) => readCode(`${path}.codes.${code}`, id, code, how)),
  };
}

function readAmountsOff(
  path: string,
  amountOff: NonNullable<CouponDefinition['amountOff']>,
  currency: string,
): { readonly [currency: string]: number } {
  const amounts = Object.entries(readAmounts(path, amountOff, currency, false));
  return Object.fromEntries(
    amounts.map(([name, text]) => {
      if (Number(text) === 0) refuse(path, 'must be whole minor units above 0');
      return [name, Number(text)];
    }),
  );
}

function readCode(
  path: string,
  couponId: string,
  code: string,
  { maxRedemptions, expiresAt, firstTime = false }: PromotionCodeDefinition,
): NewPromotionCode {
  if (!/^[a-z0-9-]{1,100}$/i.test(code)) refuse(path, 'is made of letters, digits and "-"');
  if (maxRedemptions !== undefined && !(Number.isSafeInteger(maxRedemptions) && maxRedemptions > 0)) {
    refuse(`${path}.maxRedemptions`, 'must be a whole number above 0');
  }
  const until = readTime(`${path}.expiresAt`, expiresAt);
  return { code, couponId, maxRedemptions: maxRedemptions ?? null, expiresAt: until, firstTime };
}

function readName(path: string, name: string): string {
  try {
    return cleanText('name', name, 40);
  } catch {
    return refuse(path, 'must be a text of at most 40 characters');
  }
}

/** Providers count seconds. */
function readTime(path: string, time: Date | undefined): Date | null {
  if (time === undefined) return null;
  if (!isMoment(time)) refuse(path, 'must be a date');
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}

function refuse(path: string, problem: string): never {
  throw new TenantryError('config_invalid', { path, problem });
}
