import type { InvoiceRow, LineRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { applyDiscounts, standingDiscounts } from './discounts.ts';
import { pendingLine, usageLine } from './lines.ts';
import { day, hour } from './periods.ts';

/** What a new invoice is made of. */
export interface Draft {
  readonly customer: string;
  readonly currency: string;
  readonly subscription?: SubscriptionRow;
  readonly reason: string;
  readonly lines: readonly LineRow[];
  readonly metered?: InvoiceRow['own']['metered'];
  readonly period?: { readonly start: number; readonly end: number };
  /** Whether what is pending on the subscription or customer is taken in. */
  readonly pending?: boolean;
  /** Seconds until the invoice finalizes itself. */
  readonly finalizesIn?: number;
  readonly autoAdvance?: boolean;
  readonly collection?: 'charge_automatically' | 'send_invoice';
  readonly daysUntilDue?: number | null;
  readonly metadata?: Record<string, string>;
  readonly description?: string | null;
  readonly paymentMethod?: string | null;
}

/** Makes an invoice that is not final, without telling of it. */
export function buildInvoice(world: World, draft: Draft): InvoiceRow {
  const { subscription } = draft;
  const id = world.id('in');
  const pending = draft.pending === false ? [] : pendingItems(world, draft);
  for (const item of pending) item.invoice = id;
  const collection = draft.collection ?? subscription?.collection_method ?? 'charge_automatically';
  const days = draft.daysUntilDue ?? subscription?.days_until_due ?? null;
  const period = draft.period ?? { start: world.now, end: world.now };
  const invoice: InvoiceRow = {
    id,
    object: 'invoice',
    created: world.now,
    metadata: draft.metadata ?? {},
    amount_due: 0,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_remaining: 0,
    attempt_count: 0,
    attempted: false,
    auto_advance: draft.autoAdvance ?? true,
    automatically_finalizes_at: draft.autoAdvance === false ? null : world.now + (draft.finalizesIn ?? hour),
    automatic_tax: subscription?.automatic_tax ?? false,
    billing_reason: draft.reason,
    collection_method: collection,
    currency: draft.currency,
    customer: draft.customer,
    default_payment_method: draft.paymentMethod ?? null,
    description: draft.description ?? null,
    discounts: [],
    due_date: collection === 'send_invoice' ? world.now + (days ?? 30) * day : null,
    ending_balance: null,
    footer: null,
    lines: [...pending.map((item) => pendingLine(world, item)), ...draft.lines],
    next_payment_attempt: null,
    number: null,
    period_start: period.start,
    period_end: period.end,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    starting_balance: world.customers.get(draft.customer)?.balance ?? 0,
    status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    subscription: subscription?.id ?? null,
    subscription_metadata: subscription === undefined ? null : { ...subscription.metadata },
    subtotal: 0,
    total: 0,
    tax: 0,
    total_discount_amounts: [],
    own: { metered: draft.metered ?? [], failures: 0 },
  };
  totalInvoice(world, invoice);
  return invoice;
}

/** Makes an invoice, remembers it and tells of it. */
export function draftInvoice(world: World, draft: Draft): InvoiceRow {
  const invoice = buildInvoice(world, draft);
  world.invoices.set(invoice.id, invoice);
  if (draft.subscription !== undefined) draft.subscription.latest_invoice = invoice.id;
  world.tell('invoice.created', invoice);
  return invoice;
}

/** Counts the usage of a draft again: events may have come late. */
export function recountUsage(world: World, invoice: InvoiceRow): void {
  const subscription = invoice.subscription === null ? undefined : world.subscriptions.get(invoice.subscription);
  if (subscription === undefined) return;
  for (const { item: id, start, end } of invoice.own.metered) {
    const item = subscription.items.find((candidate) => candidate.id === id);
    if (item === undefined) continue;
    const { amount, quantity, description } = usageLine(world, subscription, item, { start, end });
    invoice.lines = invoice.lines.map((line) =>
      line.subscription_item === id && line.invoice_item === null && line.price === item.price
        ? { ...line, amount, quantity, description }
        : line,
    );
  }
}

/** Sums an invoice up: discounts, total, what is due after the customer's balance. */
export function totalInvoice(world: World, invoice: InvoiceRow): void {
  const customer = world.customers.get(invoice.customer);
  const subscription = invoice.subscription === null ? undefined : world.subscriptions.get(invoice.subscription);
  const discounts = standingDiscounts(world, customer, subscription);
  invoice.total_discount_amounts = applyDiscounts(world, invoice.lines, discounts);
  invoice.discounts = discounts.map(({ id }) => id);
  invoice.subtotal = invoice.lines.reduce((sum, { amount }) => sum + amount, 0);
  invoice.tax = applyTax(world, invoice);
  const off = invoice.total_discount_amounts.reduce((sum, { amount }) => sum + amount, 0);
  invoice.total = invoice.subtotal - off + invoice.tax;
  invoice.starting_balance = customer?.balance ?? 0;
  invoice.amount_due = Math.max(
    0,
    invoice.total + (invoice.total > 0 ? Math.max(invoice.starting_balance, -invoice.total) : 0),
  );
  invoice.amount_remaining = invoice.amount_due;
}

/** Puts the account's tax on the lines, where it is to be computed; who is exempt has none. */
function applyTax(world: World, invoice: InvoiceRow): number {
  const exempt = world.customers.get(invoice.customer)?.tax_exempt !== 'none';
  const percent = invoice.automatic_tax && !exempt ? world.settings.taxPercent : 0;
  for (const line of invoice.lines) {
    const off = line.discount_amounts.reduce((sum, { amount }) => sum + amount, 0);
    line.tax = Math.round(((line.amount - off) * percent) / 100);
  }
  return invoice.lines.reduce((sum, { tax }) => sum + tax, 0);
}

/** What waits on a customer or subscription for its next invoice. */
export function pendingItems(world: World, draft: Pick<Draft, 'customer' | 'currency' | 'subscription'>) {
  return [...world.invoiceItems.values()].filter(
    (item) =>
      item.invoice === null &&
      item.customer === draft.customer &&
      item.currency === draft.currency &&
      (item.subscription === null || item.subscription === draft.subscription?.id),
  );
}
