import { TenantryError } from '../../core/index.ts';
import type { ProviderCoupon, ProviderCoupons } from '../provider/coupon.ts';
import type { ManualOptions } from './manual-options.ts';

/** The coupons of the provider "manual" are those of the list, and nothing is made. There is no page to type a code in. */
export function createManualCoupons({ prices: book }: ManualOptions): ProviderCoupons {
  const coupons = book?.coupons ?? {};
  const nothingMade = (): never => {
    throw new TenantryError('billing_unsupported', {
      provider: 'manual',
      operation: 'coupons that are not in its list',
    });
  };
  const read = (id: string): ProviderCoupon | null => (Object.hasOwn(coupons, id) ? (coupons[id] ?? null) : null);
  return {
    read: async (id) => read(id),
    create: async ({ id }) => read(id) ?? nothingMade(),
    rename: async (id) => read(id) ?? nothingMade(),
    async codes(code) {
      const all = Object.values(coupons).flatMap((coupon) => coupon.codes);
      const same = all.filter((one) => one.code.toLowerCase() === code.toLowerCase());
      return same.map((one) => ({ ...one, id: one.code, active: true }));
    },
    createCode: async () => nothingMade(),
    endCode: async () => nothingMade(),
  };
}
