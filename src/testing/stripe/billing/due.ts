import type { CheckoutSessionRow, InvoiceRow, ScheduleRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { cancelSubscription } from './cancel.ts';
import { attemptPayment, voidInvoice } from './pay-invoice.ts';
import { day, hour } from './periods.ts';
import { advanceInvoice, endSubscription, renewSubscription } from './renew.ts';
import { nextPhase } from './schedule-phases.ts';
import { ended } from './settle.ts';

/** Something that Stripe does by itself when its time has come. */
export interface Due {
  readonly at: number;
  run(): void;
}

/** What comes next, in the order of time; what falls on the same second has a fixed order. */
export function nextDue(world: World): Due | undefined {
  let next: Due | undefined;
  for (const due of allDue(world)) {
    if (next === undefined || due.at < next.at) next = due;
  }
  return next;
}

function* allDue(world: World): Generator<Due> {
  for (const session of world.sessions.values()) yield* sessionDue(world, session);
  for (const schedule of world.schedules.values()) yield* scheduleDue(world, schedule);
  for (const subscription of world.subscriptions.values()) yield* subscriptionDue(world, subscription);
  for (const invoice of world.invoices.values()) yield* invoiceDue(world, invoice);
}

function* sessionDue(world: World, session: CheckoutSessionRow): Generator<Due> {
  if (session.status !== 'open') return;
  yield { at: session.expires_at, run: () => expireSession(world, session) };
}

/** Ends an open session that nobody completed. */
export function expireSession(world: World, session: CheckoutSessionRow): void {
  session.status = 'expired';
  world.tell('checkout.session.expired', session);
}

function* scheduleDue(world: World, schedule: ScheduleRow): Generator<Due> {
  const phase = schedule.phases[schedule.own.phase];
  if (phase === undefined) return;
  const run = (): void => nextPhase(world, schedule);
  if (schedule.status === 'not_started') yield { at: phase.start_date, run };
  if (schedule.status === 'active') yield { at: phase.end_date, run };
}

function* subscriptionDue(world: World, subscription: SubscriptionRow): Generator<Due> {
  if (ended(subscription)) return;
  const { cancel_at: cancelAt, trial_end: trialEnd, pause_collection: pause } = subscription;
  if (subscription.status === 'incomplete') {
    yield { at: subscription.created + 23 * hour, run: () => expireIncomplete(world, subscription) };
    return;
  }
  if (cancelAt !== null) yield { at: cancelAt, run: () => endSubscription(world, subscription) };
  if (subscription.pending_update !== null) {
    yield { at: subscription.pending_update.expires_at, run: () => dropPending(world, subscription) };
  }
  if (subscription.status === 'paused') return;
  if (trialEnd !== null && subscription.status === 'trialing' && !subscription.own.trialWillEndTold) {
    const run = (): void => {
      subscription.own.trialWillEndTold = true;
      world.tell('customer.subscription.trial_will_end', subscription);
    };
    yield { at: Math.max(subscription.created, trialEnd - 3 * day), run };
  }
  if (pause?.resumes_at != null) {
    const run = (): void =>
      world.change('customer.subscription.updated', subscription, (kept) => {
        kept.pause_collection = null;
      });
    yield { at: pause.resumes_at, run };
  }
  if (!['active', 'trialing', 'past_due', 'unpaid'].includes(subscription.status)) return;
  const end = Math.min(...subscription.items.map((item) => item.current_period_end));
  if (Number.isFinite(end)) yield { at: end, run: () => renewSubscription(world, subscription) };
}

function expireIncomplete(world: World, subscription: SubscriptionRow): void {
  const invoice = subscription.latest_invoice === null ? undefined : world.invoices.get(subscription.latest_invoice);
  if (invoice?.status === 'open') {
    voidInvoice(world, invoice);
    return;
  }
  cancelSubscription(world, subscription, { reason: null });
}

function dropPending(world: World, subscription: SubscriptionRow): void {
  const invoice = subscription.latest_invoice === null ? undefined : world.invoices.get(subscription.latest_invoice);
  world.change('customer.subscription.pending_update_expired', subscription, (kept) => {
    kept.pending_update = null;
  });
  if (invoice?.status === 'open') voidInvoice(world, invoice);
}

function* invoiceDue(world: World, invoice: InvoiceRow): Generator<Due> {
  if (invoice.status === 'draft' && invoice.auto_advance && invoice.automatically_finalizes_at !== null) {
    yield { at: invoice.automatically_finalizes_at, run: () => advanceInvoice(world, invoice) };
  }
  if (invoice.status !== 'open') return;
  if (invoice.auto_advance && invoice.next_payment_attempt !== null) {
    yield { at: invoice.next_payment_attempt, run: () => attemptPayment(world, invoice) };
  }
  if (invoice.collection_method === 'send_invoice' && invoice.due_date !== null && invoice.own.failures === 0) {
    yield { at: invoice.due_date, run: () => passDueDate(world, invoice) };
  }
}

function passDueDate(world: World, invoice: InvoiceRow): void {
  invoice.own.failures += 1;
  world.tell('invoice.overdue', invoice);
  const subscription = invoice.subscription === null ? undefined : world.subscriptions.get(invoice.subscription);
  if (subscription?.status !== 'active' || subscription.latest_invoice !== invoice.id) return;
  world.change('customer.subscription.updated', subscription, (kept) => {
    kept.status = 'past_due';
  });
}
