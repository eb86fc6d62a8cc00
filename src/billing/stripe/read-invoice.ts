import type Stripe from 'stripe';
import type { ProviderCreditNote, ProviderInvoice, ProviderPayment, ProviderRefund } from '../provider/document.ts';
import { idOf, timeOf } from './stripe-ids.ts';

/** Makes of Stripe's invoice and all of its lines ours. */
export function invoiceOf(invoice: Stripe.Invoice, lines: readonly Stripe.InvoiceLineItem[]): ProviderInvoice {
  return {
    id: invoice.id ?? '',
    customerId: idOf(invoice.customer) ?? '',
    subscriptionId: idOf(invoice.parent?.subscription_details?.subscription),
    number: invoice.number ?? null,
    status: invoice.status ?? 'draft',
    currency: invoice.currency,
    subtotal: invoice.subtotal,
    tax: taxOf(invoice),
    total: invoice.total,
    amountDue: invoice.amount_due,
    amountPaid: invoice.amount_paid,
    amountRemaining: invoice.amount_remaining,
    reason: invoice.billing_reason ?? null,
    createdAt: timeOf(invoice.created),
    dueAt: timeOf(invoice.due_date),
    paidAt: timeOf(invoice.status_transitions?.paid_at),
    periodStart: timeOf(invoice.period_start),
    periodEnd: timeOf(invoice.period_end),
    url: invoice.hosted_invoice_url ?? null,
    pdfUrl: invoice.invoice_pdf ?? null,
    lines: lines.map((line) => ({
      description: line.description,
      amount: line.amount,
      quantity: line.quantity,
      priceId: idOf(line.pricing?.price_details?.price),
      proration: isProration(line),
      periodStart: timeOf(line.period.start),
      periodEnd: timeOf(line.period.end),
    })),
  };
}

/** Tells whether a line stands for a part of a period. */
export function isProration({ parent }: Stripe.InvoiceLineItem): boolean {
  return parent?.subscription_item_details?.proration ?? parent?.invoice_item_details?.proration ?? false;
}

/** The taxes of an invoice, as Stripe computed them. */
export function taxOf(invoice: Stripe.Invoice): number {
  return (invoice.total_taxes ?? []).reduce((sum, { amount }) => sum + amount, 0);
}

/**
 * Makes of a payment of an invoice ours; what came back of it is the sum of its refunds. How it was paid, why not, and its
 * receipt are the charge's, where that was asked for.
 */
export function paymentOf(
  payment: Stripe.InvoicePayment,
  customerId: string,
  refunds: readonly ProviderRefund[],
): ProviderPayment {
  const { payment_intent: intent, type } = payment.payment;
  const charge = chargeOf(payment);
  const failure = typeof intent === 'object' && payment.status === 'open' ? intent.last_payment_error : null;
  const method = charge?.payment_method_details;
  const card = method?.card;
  return {
    id: payment.id,
    customerId,
    invoiceId: idOf(payment.invoice),
    status: payment.status === 'paid' ? 'succeeded' : payment.status === 'open' ? openStatus(failure) : payment.status,
    currency: payment.currency,
    amount: payment.amount_paid ?? payment.amount_requested,
    amountRefunded: refunds
      .filter((refund) => refund.status !== 'failed' && refund.status !== 'canceled')
      .reduce((sum, refund) => sum + refund.amount, 0),
    method: method?.type ?? (type === 'payment_record' ? 'external' : null),
    failureCode: failure?.decline_code ?? failure?.code ?? null,
    createdAt: timeOf(payment.created),
    completedAt: timeOf(payment.status_transitions.paid_at),
    receiptUrl: charge?.receipt_url ?? null,
    gatewayResponse: {
      paymentIntent: intentOf(payment),
      ...(charge !== null && { charge: charge.id }),
      ...(card !== undefined && card !== null && { brand: card.brand, last4: card.last4 }),
    },
  };
}

/** A payment stays open when it was declined, since the same one is tried again. */
function openStatus(failure: unknown): 'failed' | 'pending' {
  return failure === null || failure === undefined ? 'pending' : 'failed';
}

function chargeOf({ payment: { payment_intent: intent, charge } }: Stripe.InvoicePayment): Stripe.Charge | null {
  if (typeof charge === 'object') return charge;
  return typeof intent === 'object' && typeof intent.latest_charge === 'object' ? intent.latest_charge : null;
}

/** The payment intent by which an invoice was paid. */
export function intentOf({ payment }: Stripe.InvoicePayment): string | null {
  return idOf(payment.payment_intent);
}

/** Makes of a refund ours. */
export function refundOf(refund: Stripe.Refund, paymentId: string | null): ProviderRefund {
  return {
    id: refund.id,
    paymentId,
    status: refund.status ?? 'pending',
    currency: refund.currency,
    amount: refund.amount,
    reason: refund.reason ?? null,
    createdAt: timeOf(refund.created),
  };
}

/** Makes of a credit note ours. */
export function creditNoteOf(note: Stripe.CreditNote): ProviderCreditNote {
  return {
    id: note.id,
    customerId: idOf(note.customer) ?? '',
    invoiceId: idOf(note.invoice) ?? '',
    number: note.number,
    status: note.status,
    currency: note.currency,
    amount: note.total,
    reason: note.reason ?? null,
    createdAt: timeOf(note.created),
  };
}
