import type { AnyDatabase } from '../../database/index.ts';
import type { Terms } from '../../plans/index.ts';
import { type PriceBook, saleOf } from '../price-book.ts';
import { isOver } from '../standing.ts';
import type { SubscriptionRecord } from '../subscription-record.ts';

/** What sets how many of an add-on a tenant has: `plans.terms`. */
export type AddOnTerms = Pick<Terms, 'of' | 'setAddOn'>;

/**
 * Gives a tenant the add-ons that its subscription pays for, and takes away those of the price list that it does not. Add-ons
 * that the list does not sell are agreed otherwise, and stay. Called in the transaction that wrote the subscription.
 */
export async function applyAddOns(
  { prices, terms }: { readonly prices: PriceBook; readonly terms: AddOnTerms },
  tx: AnyDatabase,
  tenantId: string,
  subscription: SubscriptionRecord | undefined,
): Promise<void> {
  const sold = new Set(prices.prices.flatMap(({ addOn }) => addOn ?? []));
  if (sold.size === 0 || subscription === undefined) return;
  const paid = isOver(subscription) ? {} : saleOf(prices, subscription.items).addOns;
  const before = await terms.of(tenantId, { db: tx });
  for (const name of sold) {
    const wanted = paid[name] ?? 0;
    if ((before?.addOns?.[name]?.quantity ?? 0) !== wanted) await terms.setAddOn(tenantId, name, wanted, { db: tx });
  }
}
