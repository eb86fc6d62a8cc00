import type { InvoiceRow, SubscriptionItemRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { changeItems, type ItemChange } from './change-items.ts';
import { buildInvoice } from './draft-invoice.ts';
import { prorate } from './prorations.ts';
import { redeem, type WantedDiscount } from './redeem.ts';
import { openPeriods } from './renew.ts';
import { type NewSubscription, startSubscription } from './start-subscription.ts';

/** What would be billed: the next invoice of a subscription, or the one that a change would cause at once. */
export function previewInvoice(
  world: World,
  subscription: SubscriptionRow,
  change: ItemChange & {
    readonly items?: readonly SubscriptionItemRow[];
    readonly cancelNow?: boolean;
    readonly discounts?: readonly WantedDiscount[];
  },
): InvoiceRow {
  const copy = copyOf(world, subscription.customer);
  const kept = copy.subscriptions.get(subscription.id) ?? subscription;
  const { customer, currency } = kept;
  if (change.discounts !== undefined) {
    kept.discounts = redeem(copy, change.discounts, { customer, subscription: kept.id });
  }
  if (change.cancelNow === true) {
    if (change.proration !== 'none') prorate(copy, kept, kept.items, [], change.prorationDate ?? copy.now);
    return buildInvoice(copy, { customer, currency, subscription: kept, reason: 'upcoming', lines: [] });
  }
  const before = kept.latest_invoice;
  if (change.items !== undefined) changeItems(copy, kept, change.items, change);
  const made = kept.latest_invoice === null ? undefined : copy.invoices.get(kept.latest_invoice);
  if (made !== undefined && made.id !== before) return { ...made, billing_reason: 'upcoming' };
  const next = Math.min(...kept.items.map((item) => item.current_period_end));
  copy.now = Math.max(copy.now, next);
  const { lines, metered, period } = openPeriods(copy, kept);
  return buildInvoice(copy, { customer, currency, subscription: kept, reason: 'upcoming', lines, metered, period });
}

/** What the first invoice of a subscription would be. */
export function previewStart(world: World, wanted: readonly WantedDiscount[], start: NewSubscription): InvoiceRow {
  const copy = copyOf(world, start.customer);
  const subscription = startSubscription(copy, {
    ...start,
    paymentBehavior: 'default_incomplete',
    discounts: (id) => redeem(copy, wanted, { customer: start.customer, subscription: id }),
  });
  const invoice = subscription.latest_invoice === null ? undefined : copy.invoices.get(subscription.latest_invoice);
  if (invoice === undefined) throw new Error('a subscription begins with an invoice');
  return { ...invoice, billing_reason: 'upcoming' };
}

/** A world in which a customer's objects may be changed without anybody noticing. */
function copyOf(world: World, customer: string): World {
  const mine = <Kept extends { readonly customer: string | null }>(table: ReadonlyMap<string, Kept>) =>
    new Map([...table].map(([id, row]) => [id, row.customer === customer ? structuredClone(row) : row]));
  const owner = world.customers.get(customer);
  const customers = new Map(world.customers);
  if (owner !== undefined) customers.set(customer, structuredClone(owner));
  return {
    ...world,
    customers,
    coupons: structuredClone(world.coupons),
    promotionCodes: structuredClone(world.promotionCodes),
    subscriptions: mine(world.subscriptions),
    invoices: mine(world.invoices),
    invoiceItems: mine(world.invoiceItems),
    discounts: mine(world.discounts),
    schedules: mine(world.schedules),
    invoicePayments: new Map(world.invoicePayments),
    paymentIntents: new Map(world.paymentIntents),
    charges: new Map(world.charges),
    balanceTransactions: new Map(world.balanceTransactions),
    events: new Map(),
    listeners: new Set(),
    tell: () => undefined,
    change: (_type, object, change) => change(object),
  };
}
