import type { Unstamped } from '../ground.ts';
import type { ProviderDocuments, ProviderInvoice, ProviderPayment } from '../provider/document.ts';
import type { DocumentEvent, InvoiceData, PaymentData } from './events.ts';
import type { StoredDocument } from './store.ts';

/** What of the documents was written anew. */
export interface ChangedDocuments {
  readonly invoices: readonly StoredDocument[];
  readonly payments: readonly StoredDocument[];
  readonly refunds: readonly StoredDocument[];
  readonly creditNotes: readonly StoredDocument[];
}

type Told = Unstamped<DocumentEvent>;

/** What is told of documents that changed. A change that is no change of the status is told of by nothing. */
export function documentEvents(tenantId: string, documents: ProviderDocuments, changed: ChangedDocuments): Told[] {
  const moved = (stored: readonly StoredDocument[]) => stored.filter((one) => one.status !== one.previousStatus);
  const told: Told[] = [];
  for (const { id, previousStatus } of moved(changed.invoices)) {
    const invoice = documents.invoices.find((one) => one.id === id);
    if (invoice !== undefined) told.push(...invoiceEvents(tenantId, invoice, previousStatus));
  }
  for (const { id } of moved(changed.payments)) {
    const payment = documents.payments.find((one) => one.id === id);
    if (payment !== undefined) told.push(...paymentEvents(tenantId, payment));
  }
  for (const { id, previousStatus } of changed.refunds) {
    const refund = documents.refunds.find((one) => one.id === id);
    if (refund === undefined || previousStatus !== null) continue;
    const { paymentId, status, currency, amount, reason } = refund;
    const data = { refundId: id, paymentId, status, currency, amount, reason };
    told.push({ name: 'payment.refunded', tenantId, data });
  }
  for (const { id, previousStatus } of changed.creditNotes) {
    const note = documents.creditNotes.find((one) => one.id === id);
    if (note === undefined || previousStatus !== null) continue;
    const { invoiceId, number, currency, amount } = note;
    told.push({
      name: 'credit_note.issued',
      tenantId,
      data: { creditNoteId: id, invoiceId, number, currency, amount },
    });
  }
  return told;
}

function invoiceEvents(tenantId: string, invoice: ProviderInvoice, previousStatus: string | null): Told[] {
  const { id: invoiceId, number, status, currency, total, amountRemaining, dueAt } = invoice;
  const data: InvoiceData = { invoiceId, number, status, currency, total, amountRemaining };
  const wasIssued = previousStatus !== null && previousStatus !== 'draft';
  const issued: Told = { name: 'invoice.issued', tenantId, data: { ...data, dueAt } };
  const paid: Told = { name: 'invoice.paid', tenantId, data };
  if (status === 'draft') return [];
  if (status === 'paid') return wasIssued ? [paid] : [issued, paid];
  if (!wasIssued) return [issued];
  return [{ name: 'invoice.changed', tenantId, data: { ...data, previousStatus } }];
}

function paymentEvents(tenantId: string, payment: ProviderPayment): Told[] {
  const { id: paymentId, invoiceId, status, currency, amount, method, failureCode } = payment;
  const data: PaymentData = { paymentId, invoiceId, status, currency, amount, method };
  if (status === 'succeeded') return [{ name: 'payment.succeeded', tenantId, data }];
  if (status === 'failed') return [{ name: 'payment.failed', tenantId, data: { ...data, failureCode } }];
  return [];
}
