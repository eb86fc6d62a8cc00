import type { Clock } from '../core/index.ts';
import { type AgreedAmount, agreedPrice } from './catalogue/agreed-price.ts';
import type { BookPrice, PriceBook } from './price-book.ts';
import type { ProviderPrice } from './provider/price.ts';
import type { BillingProvider } from './provider.ts';

const freshMilliseconds = 300_000;

/** Which of the provider's ids the prices of the book have. */
export interface PriceIndex {
  /** The price that has the lookup key now; undefined where the provider has none. */
  ofKey(price: BookPrice): Promise<ProviderPrice | undefined>;
  /** The lookup key under which a price is or was sold; null where it never had one. */
  keyOf(priceId: string): Promise<string | null>;
  /** The price for what was agreed with a customer. */
  agreed(price: BookPrice, amount: AgreedAmount): Promise<ProviderPrice>;
}

/** Makes what remembers the provider's prices for some minutes; one that is missing is asked for each time. */
export function createPriceIndex(book: PriceBook, provider: BillingProvider, clock: Clock): PriceIndex {
  const byKey = new Map<string, ProviderPrice>();
  const keys = new Map<string, string | null>();
  let readAt = Number.NEGATIVE_INFINITY;

  async function read(): Promise<void> {
    const found = await provider.prices.byLookupKeys([...new Set(book.prices.map(({ lookupKey }) => lookupKey))]);
    byKey.clear();
    for (const price of found) {
      if (price.lookupKey === null || !price.active) continue;
      byKey.set(price.lookupKey, price);
      keys.set(price.id, price.lookupKey);
    }
    readAt = clock().getTime();
  }

  return {
    agreed: (price, amount) => agreedPrice(provider, price, amount),

    async ofKey({ lookupKey }) {
      if (clock().getTime() - readAt > freshMilliseconds || !byKey.has(lookupKey)) await read();
      return byKey.get(lookupKey);
    },

    async keyOf(priceId) {
      const known = keys.get(priceId);
      if (known !== undefined) return known;
      const price = await provider.prices.read(priceId);
      const key = price?.soldAs ?? price?.lookupKey ?? null;
      keys.set(priceId, key);
      return key;
    },
  };
}
