import { TenantryError } from '../../core/index.ts';
import type { PriceItem } from '../catalogue/price-definitions.ts';
import type { BookPrice } from '../price-book.ts';
import type { ProviderPrice, ProviderPrices } from '../provider/price.ts';
import type { WantedItem } from '../provider/subscription.ts';
import { refused } from './ledger.ts';
import { manualId } from './manual-ids.ts';
import type { ManualOptions } from './manual-options.ts';
import type { ManualItem } from './manual-state.ts';

type Named = BookPrice & Partial<Pick<PriceItem, 'productId' | 'productName' | 'agreed'>>;

/** A price that was agreed with a customer: the lookup key of the list, then `@`, the amount and the currency. */
const agreedKey = /^(.+)@(\d{1,12})([a-z]{3})$/;

/** The prices of the provider "manual" are those of the list: their ids are their lookup keys, and nothing is made. */
export function createManualPrices({ prices: book, livemode = true }: ManualOptions): ProviderPrices {
  const prices: readonly Named[] = book?.prices ?? [];
  const productOf = ({ productId, lookupKey }: Named): string => productId ?? lookupKey;
  const nothingMade = (operation: string): never => {
    throw new TenantryError('billing_unsupported', { provider: 'manual', operation });
  };
  const read = (id: string): ProviderPrice | null => {
    const found = findPrice(prices, id);
    if (found === undefined) return null;
    const { price, amounts } = found;
    const { per, meter, interval, intervalCount } = price;
    return {
      id,
      productId: productOf(price),
      lookupKey: id,
      soldAs: price.lookupKey,
      active: true,
      livemode,
      metered: per === 'usage',
      meterId: meter,
      interval,
      intervalCount,
      amounts,
    };
  };
  return {
    byLookupKeys: async (keys) => keys.flatMap((key) => read(key) ?? []),
    read: async (id) => read(id),
    create: async ({ lookupKey }) => read(lookupKey) ?? nothingMade('prices'),
    archive: async () => nothingMade('prices'),
    async product(id) {
      const price = prices.find((one) => productOf(one) === id);
      return price === undefined ? null : { id, name: price.productName ?? id, active: true };
    },
    createProduct: async (product) => product,
    renameProduct: async (id, name) => ({ id, name, active: true }),
    async meters() {
      const names = new Set(prices.flatMap(({ meter }) => meter ?? []));
      return [...names].map((name) => ({ id: name, eventName: name, active: true }));
    },
    createMeter: async () => nothingMade('meters'),
  };
}

/** A price of the list by its id, or one that was agreed with a customer. */
function findPrice(
  prices: readonly Named[],
  id: string,
): { readonly price: Named; readonly amounts: { readonly [currency: string]: string } } | undefined {
  const own = prices.find(({ lookupKey }) => lookupKey === id);
  if (own !== undefined && own.agreed !== true) return { price: own, amounts: own.amounts };
  const [, key, amount = '0', currency = ''] = agreedKey.exec(id) ?? [];
  const price = prices.find(({ lookupKey, agreed: open }) => lookupKey === key && open === true);
  return price === undefined ? undefined : { price, amounts: { [currency]: amount } };
}

/** What items that are wished for become; those that were there keep their ids. */
export function itemsOf(
  { prices: book }: ManualOptions,
  wanted: readonly WantedItem[],
  {
    customerId,
    currency,
    ids,
    operation,
  }: { readonly customerId: string; readonly currency: string; readonly ids: () => string; readonly operation: string },
): readonly ManualItem[] {
  const items = wanted.map(({ id, priceId, quantity }): ManualItem => {
    const found = findPrice(book?.prices ?? [], priceId);
    if (found === undefined) throw refused(operation, `there is no price "${priceId.slice(0, 80)}"`);
    const { price, amounts } = found;
    const unitAmount = amounts[currency];
    if (unitAmount === undefined) throw refused(operation, `the price "${priceId}" is not had in ${currency}`);
    const metered = price.per === 'usage';
    if (metered && quantity !== undefined) throw refused(operation, 'what is paid by usage has no quantity');
    if (!metered && !(Number.isSafeInteger(quantity ?? 1) && (quantity ?? 1) >= 0)) {
      throw refused(operation, 'a quantity is a whole number from 0');
    }
    return {
      id: id ?? manualId('item', customerId, ids()),
      priceId,
      lookupKey: price.lookupKey,
      name: price.productName ?? price.lookupKey,
      quantity: metered ? null : (quantity ?? 1),
      meter: price.meter,
      unitAmount,
      interval: price.interval,
      intervalCount: price.intervalCount,
    };
  });
  const [first] = items;
  if (first === undefined) throw refused(operation, 'a subscription has at least one price');
  const apart = items.find((one) => one.interval !== first.interval || one.intervalCount !== first.intervalCount);
  if (apart !== undefined) throw refused(operation, 'the prices of a subscription are due at the same time');
  return items;
}
