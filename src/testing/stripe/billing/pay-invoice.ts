import type { InvoiceRow, PaymentMethodRow } from '../rows.ts';
import type { World } from '../world.ts';
import { moveBalance } from './balance.ts';
import { type Attempt, cardOf, chargeCard, openPayment, paymentOf } from './charge.ts';
import { recountUsage, totalInvoice } from './draft-invoice.ts';
import { afterFailure, afterPayment, afterVoid } from './settle.ts';

/** Makes a draft final: it gets its number, and the customer's balance is used. */
export function finalizeInvoice(world: World, invoice: InvoiceRow): void {
  recountUsage(world, invoice);
  totalInvoice(world, invoice);
  const customer = world.customers.get(invoice.customer);
  const applied = invoice.amount_due - invoice.total;
  if (customer !== undefined && applied !== 0) {
    moveBalance(world, customer, {
      amount: -applied,
      currency: invoice.currency,
      type: invoice.total < 0 ? 'invoice_too_small' : 'applied_to_invoice',
      invoice: invoice.id,
    });
  }
  useOnce(world, invoice);
  world.change('invoice.finalized', invoice, (kept) => {
    kept.status = 'open';
    kept.automatically_finalizes_at = null;
    kept.ending_balance = customer?.balance ?? 0;
    kept.status_transitions = { ...kept.status_transitions, finalized_at: world.now };
    if (customer === undefined) return;
    kept.number = `${customer.invoice_prefix}-${String(customer.next_invoice_sequence).padStart(4, '0')}`;
    customer.next_invoice_sequence += 1;
  });
  if (invoice.amount_due > 0) openPayment(world, invoice);
  else markPaid(world, invoice);
}

/** Tries to pay an open invoice with a card, and follows what comes of it. */
export function attemptPayment(
  world: World,
  invoice: InvoiceRow,
  options: { readonly card?: PaymentMethodRow | undefined; readonly first?: boolean } = {},
): Attempt {
  if (invoice.status !== 'open') return { ok: true };
  const payment = paymentOf(world, invoice);
  const intent = payment === undefined ? undefined : world.paymentIntents.get(payment.payment_intent);
  if (intent === undefined) {
    invoice.next_payment_attempt = null;
    return { ok: true };
  }
  const attempt = chargeCard(world, intent, options.card ?? cardOf(world, invoice));
  invoice.attempted = true;
  invoice.attempt_count += 1;
  if (attempt.ok) markPaid(world, invoice);
  else afterFailure(world, invoice, attempt, options.first === true);
  return attempt;
}

/** Marks an open invoice as paid: by its card, or outside Stripe. */
export function markPaid(world: World, invoice: InvoiceRow, { outside = false } = {}): void {
  const payment = paymentOf(world, invoice);
  if (payment !== undefined) {
    if (outside) {
      payment.status = 'canceled';
      payment.canceled_at = world.now;
    } else {
      payment.status = 'paid';
      payment.amount_paid = payment.amount_requested;
      payment.paid_at = world.now;
      world.tell('invoice_payment.paid', payment);
    }
  }
  world.change('invoice.paid', invoice, (kept) => {
    kept.status = 'paid';
    kept.amount_paid = outside ? 0 : kept.amount_due - kept.pre_payment_credit_notes_amount;
    kept.amount_remaining = outside ? kept.amount_remaining : 0;
    if (outside) kept.amount_remaining = 0;
    kept.attempted = true;
    kept.auto_advance = false;
    kept.next_payment_attempt = null;
    kept.status_transitions = { ...kept.status_transitions, paid_at: world.now };
  });
  world.tell('invoice.payment_succeeded', invoice);
  afterPayment(world, invoice);
}

/** Voids an open invoice: it is as if it were nought. */
export function voidInvoice(world: World, invoice: InvoiceRow): void {
  cancelPayment(world, invoice);
  world.change('invoice.voided', invoice, (kept) => {
    kept.status = 'void';
    kept.auto_advance = false;
    kept.next_payment_attempt = null;
    kept.status_transitions = { ...kept.status_transitions, voided_at: world.now };
  });
  const customer = world.customers.get(invoice.customer);
  const used = invoice.amount_due - invoice.total;
  if (customer !== undefined && used !== 0) {
    moveBalance(world, customer, {
      amount: used,
      currency: invoice.currency,
      type: 'unapplied_from_invoice',
      invoice: invoice.id,
    });
  }
  afterVoid(world, invoice);
}

/** Gives up on an open invoice. */
export function giveUp(world: World, invoice: InvoiceRow): void {
  world.change('invoice.marked_uncollectible', invoice, (kept) => {
    kept.status = 'uncollectible';
    kept.auto_advance = false;
    kept.next_payment_attempt = null;
    kept.status_transitions = { ...kept.status_transitions, marked_uncollectible_at: world.now };
  });
}

function cancelPayment(world: World, invoice: InvoiceRow): void {
  const payment = paymentOf(world, invoice);
  const intent = payment === undefined ? undefined : world.paymentIntents.get(payment.payment_intent);
  if (payment === undefined || intent === undefined || payment.status === 'paid') return;
  payment.status = 'canceled';
  payment.canceled_at = world.now;
  world.change('payment_intent.canceled', intent, (kept) => {
    kept.status = 'canceled';
    kept.canceled_at = world.now;
  });
}

/** A coupon of duration `once` is used up by the first invoice that it took something off. */
function useOnce(world: World, invoice: InvoiceRow): void {
  for (const { discount: id } of invoice.total_discount_amounts) {
    const discount = world.discounts.get(id);
    if (discount === undefined || world.coupons.get(discount.coupon)?.duration !== 'once') continue;
    discount.own.used = true;
    const subscription = discount.subscription === null ? undefined : world.subscriptions.get(discount.subscription);
    if (subscription !== undefined) subscription.discounts = subscription.discounts.filter((each) => each !== id);
  }
}
