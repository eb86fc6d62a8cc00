import type { InvoiceRow, LineRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { cancelSubscription } from './cancel.ts';
import { cardOf } from './charge.ts';
import { type Draft, draftInvoice, pendingItems } from './draft-invoice.ts';
import { itemLine, usageLine } from './lines.ts';
import { attemptPayment, finalizeInvoice, giveUp, voidInvoice } from './pay-invoice.ts';
import { periodAt } from './periods.ts';

/** Ends the periods that are over, opens the next ones, and drafts the invoice for both. */
export function renewSubscription(world: World, subscription: SubscriptionRow): void {
  const trialEnded = subscription.status === 'trialing';
  if (trialEnded && endTrialWithoutCard(world, subscription)) return;
  world.change('customer.subscription.updated', subscription, (kept) => {
    const cycle = openPeriods(world, kept);
    if (trialEnded) kept.status = 'active';
    draftInvoice(world, {
      ...cycle,
      customer: kept.customer,
      currency: kept.currency,
      subscription: kept,
      reason: 'subscription_cycle',
      autoAdvance: kept.status !== 'unpaid' && kept.pause_collection?.behavior !== 'keep_as_draft',
    });
  });
}

/** How an item goes on whose price somebody took away. */
const monthly = { interval: 'month', interval_count: 1, meter: null, usage_type: 'licensed' } as const;

/** Moves the items whose period is over into the next one, and says what is to be billed for that. */
export function openPeriods(
  world: World,
  subscription: SubscriptionRow,
): Required<Pick<Draft, 'lines' | 'metered' | 'period'>> {
  const lines: LineRow[] = [];
  const metered: InvoiceRow['own']['metered'][number][] = [];
  const trial = subscription.status === 'trialing';
  let period = { start: world.now, end: world.now };
  for (const item of subscription.items) {
    if (item.current_period_end > world.now) continue;
    const recurring = world.prices.get(item.price)?.recurring ?? monthly;
    const over = { start: item.current_period_start, end: item.current_period_end };
    const next = periodAt(subscription.billing_cycle_anchor, recurring, item.current_period_end);
    period = over;
    item.current_period_start = over.end;
    item.current_period_end = next.end;
    if (recurring.usage_type === 'metered') {
      if (trial) continue;
      lines.push(usageLine(world, subscription, item, over));
      metered.push({ item: item.id, ...over });
    } else {
      lines.push(itemLine(world, subscription, item, { start: over.end, end: next.end }));
    }
  }
  return { lines, metered, period };
}

/** Makes a draft final when its hour has come, and pays it as the subscription says. */
export function advanceInvoice(world: World, invoice: InvoiceRow): void {
  const subscription = invoice.subscription === null ? undefined : world.subscriptions.get(invoice.subscription);
  const paused = subscription?.pause_collection ?? null;
  finalizeInvoice(world, invoice);
  if (invoice.status !== 'open') return;
  if (paused?.behavior === 'void') voidInvoice(world, invoice);
  else if (paused?.behavior === 'mark_uncollectible') giveUp(world, invoice);
  else if (invoice.collection_method === 'charge_automatically') attemptPayment(world, invoice);
  else world.tell('invoice.sent', invoice);
}

/** Ends a subscription at the time it was told to, with a last invoice for what is still owed. */
export function endSubscription(world: World, subscription: SubscriptionRow): void {
  const invoice = finalInvoice(world, subscription);
  cancelSubscription(world, subscription, { reason: 'cancellation_requested' });
  if (invoice !== undefined) advanceInvoice(world, invoice);
}

/** The invoice for use that was not billed and for what is pending; none where nothing is owed. */
export function finalInvoice(world: World, subscription: SubscriptionRow): InvoiceRow | undefined {
  const lines = subscription.items.flatMap((item) => {
    if (world.prices.get(item.price)?.recurring?.usage_type !== 'metered' || subscription.status === 'trialing')
      return [];
    const period = { start: item.current_period_start, end: world.now };
    // What was used in this very second is on no later invoice.
    const line = usageLine(world, subscription, item, { ...period, end: world.now + 1 });
    return line.quantity === 0 ? [] : [{ ...line, period }];
  });
  const { customer, currency } = subscription;
  if (lines.length === 0 && pendingItems(world, { customer, currency, subscription }).length === 0) return undefined;
  return draftInvoice(world, { customer, currency, subscription, reason: 'subscription_cycle', lines });
}

function endTrialWithoutCard(world: World, subscription: SubscriptionRow): boolean {
  const { trial_end_behavior: behavior, collection_method: collection } = subscription;
  if (collection === 'send_invoice' || cardOf(world, subscription) !== undefined || behavior === 'create_invoice') {
    return false;
  }
  if (behavior === 'cancel') {
    cancelSubscription(world, subscription, { reason: null });
    return true;
  }
  world.change('customer.subscription.paused', subscription, (kept) => {
    kept.status = 'paused';
    kept.paused = { type: 'trial_end_without_payment_method', at: world.now };
  });
  return true;
}
