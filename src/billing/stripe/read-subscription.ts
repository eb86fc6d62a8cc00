import type Stripe from 'stripe';
import type { ProviderItem, ProviderSubscription, ScheduledChange } from '../provider/subscription.ts';
import { idOf, metadataNames, timeOf } from './stripe-ids.ts';

/** What must be asked for beside a subscription, where it has it. */
export interface Beside {
  readonly schedule: Stripe.SubscriptionSchedule | null;
  /** Its newest invoice, where something is owed. */
  readonly invoice: Stripe.Invoice | null;
}

/** Tells whether something is owed, so that the newest invoice says since when. */
export function owes({ status }: Stripe.Subscription): boolean {
  return status === 'past_due' || status === 'unpaid';
}

/** Makes of Stripe's subscription one with a single end and a single period. */
export function readSubscription(subscription: Stripe.Subscription, beside: Beside): ProviderSubscription {
  const items = subscription.items.data.map(itemOf);
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
    pastDueSince: owes(subscription) ? pastDueSince(beside.invoice) : null,
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

function itemOf(item: Stripe.SubscriptionItem): ProviderItem {
  const { price } = item;
  const common = {
    id: item.id,
    priceId: price.id,
    lookupKey: price.metadata?.[metadataNames.key] ?? price.lookup_key ?? null,
    currency: price.currency,
    unitAmount: amountOf(price),
    interval: price.recurring?.interval ?? 'month',
    intervalCount: price.recurring?.interval_count ?? 1,
    periodStart: timeOf(item.current_period_start),
    periodEnd: timeOf(item.current_period_end),
  };
  return price.recurring?.usage_type === 'metered'
    ? { kind: 'metered', ...common }
    : { kind: 'licensed', quantity: item.quantity ?? 1, ...common };
}

/** Decimals come as objects of the client's, or as text. */
export function amountOf(price: Pick<Stripe.Price, 'unit_amount' | 'unit_amount_decimal'>): string | null {
  if (price.unit_amount_decimal !== null && price.unit_amount_decimal !== undefined) {
    return String(price.unit_amount_decimal);
  }
  return typeof price.unit_amount === 'number' ? String(price.unit_amount) : null;
}

function pastDueSince(invoice: Stripe.Invoice | null): Date | null {
  if (invoice === null) return null;
  return timeOf(invoice.due_date) ?? timeOf(invoice.status_transitions?.finalized_at) ?? timeOf(invoice.created);
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
