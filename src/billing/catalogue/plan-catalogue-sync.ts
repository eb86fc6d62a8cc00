import type { BookPrice, PriceBook } from '../price-book.ts';
import type { ProviderPrice } from '../provider/price.ts';
import type { BillingProvider } from '../provider.ts';
import { comparePrice, type PriceProblem } from './compare-price.ts';
import { type CouponStep, planCouponSync } from './plan-coupon-sync.ts';
import type { PriceItem } from './price-definitions.ts';

/** One thing that a sync of the catalogue would do at the provider. */
export type CatalogueStep =
  | { readonly do: 'create-product'; readonly productId: string; readonly name: string }
  | {
      readonly do: 'rename-product';
      readonly productId: string;
      readonly name: string;
      readonly previousName: string;
    }
  | { readonly do: 'create-meter'; readonly eventName: string; readonly name: string }
  | { readonly do: 'create-price'; readonly item: PriceItem }
  /** A price cannot be changed: another takes its lookup key, and who has the one before keeps it. */
  | {
      readonly do: 'replace-price';
      readonly item: PriceItem;
      readonly priceId: string;
      readonly because: readonly PriceProblem[];
    }
  | CouponStep;

/** What a sync of the catalogue would do. Making it changes nothing. */
export interface CatalogueSync {
  readonly provider: string;
  readonly livemode: boolean;
  /** In the order in which they are done. */
  readonly steps: readonly CatalogueStep[];
  /** How many prices, coupons and promotion codes are as they should be. */
  readonly unchanged: number;
  /** What a sync cannot mend: nothing is done while there is any. */
  readonly problems: readonly PriceProblem[];
}

/**
 * Compares the price list with the provider, and plans what makes the provider follow: products, meters and prices that
 * are missing are made, names are corrected, a price that differs is replaced. So it is with
 * coupons and promotion codes, but that a coupon of other terms is a problem.
 *
 * @example
 * ```ts
 * import { type BillingProvider, planCatalogueSync, type PriceCatalogue } from 'tenantry/billing';
 *
 * async function isUpToDate(provider: BillingProvider, prices: PriceCatalogue): Promise<boolean> {
 *   const { steps, problems } = await planCatalogueSync(provider, prices);
 *   return steps.length + problems.length === 0;
 * }
 * ```
 */
export async function planCatalogueSync(provider: BillingProvider, catalogue: PriceBook): Promise<CatalogueSync> {
  const items = catalogue.prices.map(itemOf);
  const { prices, livemode } = provider;
  const found = await findPrices(provider, catalogue);
  const meters = items.some(({ per }) => per === 'usage') ? await prices.meters() : [];
  const steps: CatalogueStep[] = [];
  for (const item of uniqueBy(items, ({ productId }) => productId)) {
    const { productId, productName: name } = item;
    const product = await prices.product(productId);
    if (product === null) steps.push({ do: 'create-product', productId, name });
    else if (product.name !== name) {
      steps.push({ do: 'rename-product', productId, name, previousName: product.name });
    }
  }
  for (const { meter: eventName, quota } of uniqueBy(items, ({ meter }) => meter ?? '')) {
    if (eventName === null || quota === null) continue;
    const has = meters.some((meter) => meter.eventName === eventName && meter.active);
    if (!has) steps.push({ do: 'create-meter', eventName, name: quota });
  }
  const blocked: PriceProblem[] = [];
  let unchanged = 0;
  for (const item of items) {
    if (item.agreed) continue;
    const price = found.get(item.lookupKey);
    const problems = comparePrice(item, price, { livemode, meters });
    if (problems.length === 0) unchanged += 1;
    else if (price === undefined) steps.push({ do: 'create-price', item });
    else if (problems.some(({ problem }) => problem === 'livemode')) blocked.push(...problems);
    else steps.push({ do: 'replace-price', item, priceId: price.id, because: problems });
  }
  const coupons = await planCouponSync(provider, catalogue.coupons);
  return {
    provider: provider.name,
    livemode,
    steps: [...steps, ...coupons.steps],
    unchanged: unchanged + coupons.unchanged,
    problems: [...blocked, ...coupons.problems],
  };
}

/** The prices of the list that the provider has, by lookup key. */
export async function findPrices(
  { prices }: BillingProvider,
  { prices: items }: PriceBook,
): Promise<ReadonlyMap<string, ProviderPrice>> {
  const keys = items.flatMap(({ lookupKey, agreed }) => (agreed === true ? [] : [lookupKey]));
  if (keys.length === 0) return new Map();
  const found = await prices.byLookupKeys(keys);
  return new Map(found.flatMap((price) => (price.lookupKey === null ? [] : [[price.lookupKey, price] as const])));
}

/** A price of a book that was not made by `definePrices` is a product of its own, named by its key. */
function itemOf(price: BookPrice & Partial<PriceItem>): PriceItem {
  const { lookupKey, productId = lookupKey.replaceAll(/[^a-z0-9_-]/gi, '_'), productName = lookupKey } = price;
  const { included = 0, counts = 'taken', agreed = false } = price;
  return { ...price, productId, productName, included, counts, agreed };
}

function uniqueBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
