import type { InvoiceRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { cancelSubscription } from './cancel.ts';
import { day } from './periods.ts';

/** What a paid invoice does to its subscription and customer. */
export function afterPayment(world: World, invoice: InvoiceRow): void {
  const subscription = subscriptionOf(world, invoice);
  const customer = world.customers.get(invoice.customer);
  if (customer?.delinquent === true && !owes(world, invoice.customer)) {
    world.change('customer.updated', customer, (kept) => {
      kept.delinquent = false;
    });
  }
  if (subscription === undefined) return;
  const { pending_update: pending, status } = subscription;
  if (subscription.latest_invoice !== invoice.id && status !== 'incomplete') return;
  world.change('customer.subscription.updated', subscription, (kept) => {
    if (pending !== null) {
      kept.items = pending.items;
      kept.pending_update = null;
    }
    if (['incomplete', 'past_due', 'unpaid'].includes(kept.status)) {
      kept.status = kept.trial_end !== null && kept.trial_end > world.now ? 'trialing' : 'active';
    }
  });
}

/** What a failed payment does: the first one leaves the subscription incomplete, a later one makes it past due. */
export function afterFailure(
  world: World,
  invoice: InvoiceRow,
  { action }: { readonly action: boolean },
  first: boolean,
): void {
  const subscription = subscriptionOf(world, invoice);
  const { retryDays, afterRetries } = world.settings;
  const wait = first ? undefined : retryDays[invoice.own.failures];
  invoice.own.failures += 1;
  const retried = wait !== undefined && invoice.auto_advance;
  world.change('invoice.updated', invoice, (kept) => {
    kept.next_payment_attempt = retried && wait !== undefined ? world.now + wait * day : null;
  });
  world.tell('invoice.payment_failed', invoice);
  if (action) world.tell('invoice.payment_action_required', invoice);
  const customer = world.customers.get(invoice.customer);
  if (customer?.delinquent === false && !first) {
    world.change('customer.updated', customer, (kept) => {
      kept.delinquent = true;
    });
  }
  if (subscription === undefined || first || ended(subscription)) return;
  if (subscription.latest_invoice !== invoice.id) return;
  if (retried) {
    if (subscription.status === 'unpaid') return;
    world.change('customer.subscription.updated', subscription, (kept) => {
      kept.status = 'past_due';
    });
    return;
  }
  if (afterRetries === 'cancel') {
    cancelSubscription(world, subscription, { reason: 'payment_failed' });
    return;
  }
  world.change('customer.subscription.updated', subscription, (kept) => {
    kept.status = afterRetries;
  });
}

/** A voided first invoice ends an incomplete subscription; a voided last one clears a debt. */
export function afterVoid(world: World, invoice: InvoiceRow): void {
  const subscription = subscriptionOf(world, invoice);
  if (subscription === undefined || subscription.latest_invoice !== invoice.id) return;
  if (subscription.status === 'incomplete' && invoice.billing_reason === 'subscription_create') {
    world.change('customer.subscription.updated', subscription, (kept) => {
      kept.status = 'incomplete_expired';
      kept.ended_at = world.now;
    });
    return;
  }
  if (subscription.status !== 'past_due' && subscription.status !== 'unpaid') return;
  world.change('customer.subscription.updated', subscription, (kept) => {
    kept.status = 'active';
  });
}

/** Whether a subscription is over for good. */
export function ended(subscription: SubscriptionRow): boolean {
  return subscription.status === 'canceled' || subscription.status === 'incomplete_expired';
}

function subscriptionOf(world: World, invoice: InvoiceRow): SubscriptionRow | undefined {
  const found = invoice.subscription === null ? undefined : world.subscriptions.get(invoice.subscription);
  return found === undefined || ended(found) ? undefined : found;
}

function owes(world: World, customer: string): boolean {
  return [...world.invoices.values()].some(
    (invoice) => invoice.customer === customer && invoice.status === 'open' && invoice.own.failures > 0,
  );
}
