import type { PriceBook } from './price-book.ts';
import { saleOf } from './price-book.ts';
import type { ProviderItem, ProviderSubscription } from './provider/subscription.ts';

/** Our copy of a subscription. */
export interface SubscriptionRecord {
  readonly id: string;
  readonly customerId: string;
  /** The provider's word, also one that nobody knows yet. */
  readonly status: string;
  /** Null: its prices are of no plan. */
  readonly plan: string | null;
  readonly currency: string;
  readonly interval: string | null;
  /** The quantity of what is paid by the seat; null: nothing is. */
  readonly seats: number | null;
  readonly periodStart: Date | null;
  readonly periodEnd: Date | null;
  readonly trialEndsAt: Date | null;
  /** When it ends or ended; null while it goes on. */
  readonly endsAt: Date | null;
  readonly endedAt: Date | null;
  readonly paused: boolean;
  readonly scheduleId: string | null;
  /** When it changes to another plan, and to which. */
  readonly scheduledAt: Date | null;
  readonly scheduledPlan: string | null;
  readonly latestInvoiceId: string | null;
  readonly anchorAt: Date;
  readonly pastDueSince: Date | null;
  readonly metadata: { readonly [name: string]: string };
  readonly createdAt: Date;
  /** When the provider had it no more. */
  readonly goneAt: Date | null;
  readonly items: readonly ProviderItem[];
  /** When it changes without an event; not stored. */
  readonly changesAt: Date | null;
}

/** Makes our copy of what the provider has. */
export function recordOfSubscription(
  subscription: ProviderSubscription,
  prices: PriceBook,
  lookupKeyOf: (priceId: string) => string | null,
): SubscriptionRecord {
  const { items, scheduled, changesAt = null, ...same } = subscription;
  const sale = saleOf(prices, items);
  const later = scheduled?.items.flatMap(({ priceId }) => {
    const key = lookupKeyOf(priceId);
    return prices.prices.filter((price) => price.lookupKey === key && price.plan !== null);
  });
  return {
    ...same,
    plan: sale.plan,
    interval: sale.interval ?? items[0]?.interval ?? null,
    seats: sale.seats,
    scheduledAt: scheduled?.at ?? null,
    scheduledPlan: later?.[0]?.plan ?? null,
    goneAt: null,
    items: items.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    changesAt,
  };
}

/** Two copies with the same text are the same. */
export function textOfRecord({ changesAt: _, metadata, items, ...rest }: SubscriptionRecord): string {
  const told = Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const labels = Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const parts = items.map((item) => Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify([told, labels, parts]);
}
