import type { InvoiceRow, SubscriptionItemRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { cardOf } from './charge.ts';
import { draftInvoice } from './draft-invoice.ts';
import { itemLine, usageLine } from './lines.ts';
import { attemptPayment, finalizeInvoice } from './pay-invoice.ts';
import { periodAt } from './periods.ts';

/** How an item begins. */
export interface NewItem {
  readonly price: string;
  readonly quantity: number | null;
  readonly metadata: Record<string, string>;
}

/** How a subscription begins. */
export interface NewSubscription {
  readonly customer: string;
  readonly currency: string;
  readonly items: readonly NewItem[];
  readonly metadata: Record<string, string>;
  readonly description?: string | null;
  readonly trialEnd?: number | null;
  readonly trialEndBehavior?: 'cancel' | 'create_invoice' | 'pause';
  readonly anchor?: number | null;
  readonly proration?: 'create_prorations' | 'none' | 'always_invoice';
  readonly collection?: 'charge_automatically' | 'send_invoice';
  readonly daysUntilDue?: number | null;
  readonly defaultPaymentMethod?: string | null;
  readonly paymentBehavior?: string;
  readonly paymentSettings?: SubscriptionRow['payment_settings'];
  readonly automaticTax?: boolean;
  readonly cancelAt?: number | null;
  readonly cancelAtPeriodEnd?: boolean;
  /** Tells of the subscription before it is paid, while it is still incomplete: Checkout does. */
  readonly early?: boolean;
  /** Makes the discounts once the subscription has its id. */
  readonly discounts?: (subscription: string) => readonly string[];
}

/** Begins a subscription with its first invoice, and charges it where that is asked for. */
export function startSubscription(world: World, start: NewSubscription): SubscriptionRow {
  const subscription = blank(world, start);
  world.subscriptions.set(subscription.id, subscription);
  subscription.discounts = start.discounts?.(subscription.id) ?? [];
  const invoice = firstInvoice(world, subscription, start.proration ?? 'create_prorations');
  const customer = world.customers.get(start.customer);
  if (customer !== undefined) customer.currency ??= start.currency;
  const { collection_method: collection } = subscription;
  const pays = collection === 'charge_automatically' && start.paymentBehavior !== 'default_incomplete';
  const succeeds = pays && cardOf(world, invoice)?.own.behaviour === 'ok';
  const settled = invoice.amount_due === 0 || collection === 'send_invoice' || succeeds;
  const trial = subscription.trial_end !== null && subscription.trial_end > world.now;
  const early = start.early === true && invoice.amount_due > 0;
  subscription.status = settled && !early ? (trial ? 'trialing' : 'active') : 'incomplete';
  world.tell('customer.subscription.created', subscription);
  if (collection === 'send_invoice' && invoice.amount_due > 0) return subscription;
  finalizeInvoice(world, invoice);
  if (pays && invoice.amount_due > 0) attemptPayment(world, invoice, { first: !succeeds });
  return subscription;
}

function blank(world: World, start: NewSubscription): SubscriptionRow {
  const id = world.id('sub');
  const trialEnd = start.trialEnd ?? null;
  const trial = trialEnd !== null && trialEnd > world.now;
  const anchor = trial ? trialEnd : (start.anchor ?? world.now);
  const items = start.items.map((item): SubscriptionItemRow => {
    const recurring = world.prices.get(item.price)?.recurring;
    const period = recurring == null ? { start: world.now, end: anchor } : periodAt(anchor, recurring, world.now);
    return {
      id: world.id('si'),
      object: 'subscription_item',
      created: world.now,
      metadata: { ...item.metadata },
      current_period_start: world.now,
      current_period_end: trial ? trialEnd : period.end,
      discounts: [],
      price: item.price,
      quantity: item.quantity,
      subscription: id,
    };
  });
  const atEnd = start.cancelAtPeriodEnd === true ? Math.min(...items.map((item) => item.current_period_end)) : null;
  return {
    id,
    object: 'subscription',
    created: world.now,
    metadata: start.metadata,
    automatic_tax: start.automaticTax ?? false,
    billing_cycle_anchor: anchor,
    cancel_at: atEnd ?? start.cancelAt ?? null,
    cancel_at_period_end: start.cancelAtPeriodEnd ?? false,
    canceled_at: atEnd === null && start.cancelAt == null ? null : world.now,
    cancellation_details: { comment: null, feedback: null, reason: null },
    collection_method: start.collection ?? 'charge_automatically',
    currency: start.currency,
    customer: start.customer,
    days_until_due: start.daysUntilDue ?? null,
    default_payment_method: start.defaultPaymentMethod ?? null,
    description: start.description ?? null,
    discounts: [],
    ended_at: null,
    items,
    latest_invoice: null,
    pause_collection: null,
    payment_settings: start.paymentSettings ?? {
      payment_method_options: null,
      payment_method_types: null,
      save_default_payment_method: 'off',
    },
    pending_update: null,
    schedule: null,
    start_date: world.now,
    status: 'incomplete',
    paused: null,
    trial_end: trial ? trialEnd : null,
    trial_end_behavior: start.trialEndBehavior ?? 'create_invoice',
    trial_start: trial ? world.now : null,
    own: { trialWillEndTold: false },
  };
}

function firstInvoice(world: World, subscription: SubscriptionRow, proration: string): InvoiceRow {
  const trial = subscription.trial_end !== null;
  const lines = subscription.items.flatMap((item) => {
    const recurring = world.prices.get(item.price)?.recurring;
    const period = { start: item.current_period_start, end: item.current_period_end };
    if (recurring?.usage_type === 'metered') {
      return [usageLine(world, subscription, item, { start: period.start, end: period.start })];
    }
    if (trial || recurring == null) return [itemLine(world, subscription, item, period, { trial })];
    const whole = periodAt(subscription.billing_cycle_anchor, recurring, world.now);
    const part = (period.end - period.start) / (whole.end - whole.start);
    if (part < 1 && proration === 'none') return [];
    return [itemLine(world, subscription, item, period, { part })];
  });
  return draftInvoice(world, {
    customer: subscription.customer,
    currency: subscription.currency,
    subscription,
    reason: 'subscription_create',
    lines,
  });
}
