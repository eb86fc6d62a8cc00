import type Stripe from 'stripe';
import type { ProviderItem, ProviderSubscription, ScheduledChange } from '../provider/subscription.ts';
import { idOf, metadataNames, timeOf } from './stripe-ids.ts';

/** What must be asked for beside a subscription, where it has it. */
export interface Beside {
  readonly schedule: Stripe.SubscriptionSchedule | null;
  /** Its invoices that are not paid, where something is owed. */
  readonly owed: readonly Stripe.Invoice[];
  /** What its prices cost in its currency, by their ids, where their own is another one. */
  readonly amounts: ReadonlyMap<string, string | null>;
}

/** Tells whether something is owed, so that the invoices that are not paid say since when. */
export function owes({ status }: Stripe.Subscription): boolean {
  return status === 'past_due' || status === 'unpaid';
}

/** Makes of Stripe's subscription one with a single end and a single period. */
export function readSubscription(subscription: Stripe.Subscription, beside: Beside): ProviderSubscription {
  const items = subscription.items.data.map((item) => itemOf(item, subscription.currency, beside.amounts));
  const ends = items.flatMap(({ periodEnd }) => (periodEnd === null ? [] : [periodEnd.getTime()]));
  const periodEnd = ends.length === 0 ? null : new Date(Math.min(...ends));
  const first = items.find((item) => item.periodEnd?.getTime() === periodEnd?.getTime());
  const endedAt = timeOf(subscription.ended_at);
  return {
    id: subscription.id,
    customerId: idOf(subscription.customer) ?? '',
    status: subscription.status,
    currency: subscription.currency,
    items,
    createdAt: timeOf(subscription.created),
    anchorAt: timeOf(subscription.billing_cycle_anchor),
    periodStart: first?.periodStart ?? null,
    periodEnd,
    trialEndsAt: timeOf(subscription.trial_end),
    pastDueSince: owes(subscription) ? pastDueSince(beside.owed) : null,
    // Stripe says it in three ways; each alone may be the one that is set.
    endsAt: endedAt ?? timeOf(subscription.cancel_at) ?? (subscription.cancel_at_period_end ? periodEnd : null),
    endedAt,
    paused: subscription.status === 'paused' || (subscription.pause_collection ?? null) !== null,
    scheduleId: idOf(subscription.schedule),
    scheduled: scheduledOf(beside.schedule, subscription),
    latestInvoiceId: idOf(subscription.latest_invoice),
    metadata: subscription.metadata,
  };
}

function itemOf(item: Stripe.SubscriptionItem, currency: string, amounts: Beside['amounts']): ProviderItem {
  const { price } = item;
  const common = {
    id: item.id,
    priceId: price.id,
    lookupKey: lookupKeyOf(price),
    currency,
    unitAmount: price.currency === currency ? amountOf(price) : (amounts.get(price.id) ?? null),
    interval: price.recurring?.interval ?? 'month',
    intervalCount: price.recurring?.interval_count ?? 1,
    periodStart: timeOf(item.current_period_start),
    periodEnd: timeOf(item.current_period_end),
  };
  return price.recurring?.usage_type === 'metered'
    ? { kind: 'metered', ...common }
    : { kind: 'licensed', quantity: item.quantity ?? 1, ...common };
}

/** The lookup key under which a price is or was sold. */
export function lookupKeyOf(price: Pick<Stripe.Price, 'metadata' | 'lookup_key'>): string | null {
  return price.metadata?.[metadataNames.key] ?? price.lookup_key ?? null;
}

/** Decimals come as objects of the client's, or as text. */
export function amountOf(price: Pick<Stripe.Price, 'unit_amount' | 'unit_amount_decimal'>): string | null {
  if (price.unit_amount_decimal !== null && price.unit_amount_decimal !== undefined) {
    return String(price.unit_amount_decimal);
  }
  return typeof price.unit_amount === 'number' ? String(price.unit_amount) : null;
}

/** The oldest counts: days of grace do not begin anew with each period that is not paid either. */
function pastDueSince(owed: readonly Stripe.Invoice[]): Date | null {
  const since = owed.map(({ due_date, status_transitions, created }) =>
    (timeOf(due_date) ?? timeOf(status_transitions?.finalized_at) ?? timeOf(created)).getTime(),
  );
  return since.length === 0 ? null : new Date(Math.min(...since));
}

/** The first phase that comes after the running one, where it changes anything. */
function scheduledOf(
  schedule: Stripe.SubscriptionSchedule | null,
  subscription: Stripe.Subscription,
): ScheduledChange | null {
  if (schedule === null || schedule.status !== 'active') return null;
  const start = schedule.current_phase?.end_date;
  const phase = schedule.phases.find(({ start_date }) => start_date === start);
  if (phase === undefined || start === undefined || subscription.ended_at !== null) return null;
  return {
    at: timeOf(start),
    items: phase.items.map((item) => ({ priceId: idOf(item.price) ?? '', quantity: item.quantity ?? null })),
  };
}
