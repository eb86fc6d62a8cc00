import { TenantryError } from '../../core/index.ts';
import type { PriceBook } from '../price-book.ts';
import type { BillingProvider } from '../provider.ts';
import { comparePrice, type PriceProblem } from './compare-price.ts';
import { findPrices } from './plan-catalogue-sync.ts';
import { checkCoupons } from './plan-coupon-sync.ts';

/**
 * Looks whether the provider has every price of the list as it should be: made, on sale, with the amounts in their
 * currencies, at the interval, and in the mode of the provider; and every coupon and promotion code. Call it when the
 * program starts.
 *
 * @returns What is wrong; nothing when all is well.
 *
 * @example
 * ```ts
 * import { type BillingProvider, checkCatalogue, type PriceCatalogue } from 'tenantry/billing';
 *
 * async function tellOfPrices(provider: BillingProvider, prices: PriceCatalogue): Promise<void> {
 *   for (const problem of await checkCatalogue(provider, prices)) console.warn(problem);
 * }
 * ```
 */
export async function checkCatalogue(
  provider: BillingProvider,
  catalogue: PriceBook,
): Promise<readonly PriceProblem[]> {
  const found = await findPrices(provider, catalogue);
  const metered = catalogue.prices.some(({ per }) => per === 'usage');
  const meters = metered ? await provider.prices.meters() : [];
  const { livemode } = provider;
  const problems = catalogue.prices
    .filter(({ agreed }) => agreed !== true)
    .flatMap((item) => comparePrice(item, found.get(item.lookupKey), { livemode, meters }));
  return [...problems, ...(await checkCoupons(provider, catalogue.coupons))];
}

/**
 * Like {@link checkCatalogue}, and throws for the first thing that is wrong.
 *
 * @throws TenantryError `config_invalid` whose path is the lookup key.
 *
 * @example
 * ```ts
 * import { type BillingProvider, type PriceCatalogue, requireCatalogue } from 'tenantry/billing';
 *
 * async function start(provider: BillingProvider, prices: PriceCatalogue): Promise<void> {
 *   await requireCatalogue(provider, prices); // no request is served with prices that are not sold
 * }
 * ```
 */
export async function requireCatalogue(provider: BillingProvider, catalogue: PriceBook): Promise<void> {
  const [first, ...more] = await checkCatalogue(provider, catalogue);
  if (first !== undefined) throw catalogueRefusal(first, more.length);
}

/** The error for a price that is not as it should be. */
export function catalogueRefusal({ lookupKey, problem, detail }: PriceProblem, more = 0): TenantryError {
  const others = more === 0 ? '' : `; ${more} more`;
  return new TenantryError('config_invalid', { path: lookupKey, problem: `${problem}: ${detail}${others}` });
}
