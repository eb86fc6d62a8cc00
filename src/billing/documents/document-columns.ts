import type { DocumentDrift } from '../document-mirror.ts';
import type { ProviderCreditNote, ProviderInvoice, ProviderPayment, ProviderRefund } from '../provider/document.ts';

/** One column of a copy: its name, its type in PostgreSQL, and what a document says of it. */
export interface DocumentColumn<Document> {
  readonly name: string;
  readonly type: 'text' | 'bigint' | 'timestamptz' | 'jsonb';
  readonly of: (document: Document) => unknown;
}

/** How a kind of document is copied. */
export interface DocumentTable<Document> {
  readonly what: DocumentDrift['what'];
  readonly table: string;
  readonly columns: readonly DocumentColumn<Document>[];
}

type Maker<Document> = (name: string, of: (document: Document) => unknown) => DocumentColumn<Document>;

function makers<Document>(): { readonly [Type in DocumentColumn<Document>['type']]: Maker<Document> } {
  const made =
    (type: DocumentColumn<Document>['type']): Maker<Document> =>
    (name, of) => ({ name, type, of });
  return { text: made('text'), bigint: made('bigint'), timestamptz: made('timestamptz'), jsonb: made('jsonb') };
}

const invoice = makers<ProviderInvoice>();
const payment = makers<ProviderPayment>();
const refund = makers<ProviderRefund>();
const note = makers<ProviderCreditNote>();

/** Invoices. */
export const invoiceTable: DocumentTable<ProviderInvoice> = {
  what: 'invoice',
  table: 'billing_invoices',
  columns: [
    invoice.text('customer_id', (one) => one.customerId),
    invoice.text('subscription_id', (one) => one.subscriptionId),
    invoice.text('number', (one) => one.number),
    invoice.text('status', (one) => one.status),
    invoice.text('currency', (one) => one.currency),
    invoice.bigint('subtotal', (one) => one.subtotal),
    invoice.bigint('tax', (one) => one.tax),
    invoice.bigint('total', (one) => one.total),
    invoice.bigint('amount_due', (one) => one.amountDue),
    invoice.bigint('amount_paid', (one) => one.amountPaid),
    invoice.bigint('amount_remaining', (one) => one.amountRemaining),
    invoice.text('reason', (one) => one.reason),
    invoice.text('url', (one) => one.url),
    invoice.text('pdf_url', (one) => one.pdfUrl),
    invoice.jsonb('lines', (one) => one.lines),
    invoice.jsonb('metadata', (one) => one.metadata ?? {}),
    invoice.timestamptz('due_at', (one) => one.dueAt),
    invoice.timestamptz('paid_at', (one) => one.paidAt),
    invoice.timestamptz('period_start', (one) => one.periodStart),
    invoice.timestamptz('period_end', (one) => one.periodEnd),
    invoice.timestamptz('created_at', (one) => one.createdAt),
  ],
};

/** Payments. */
export const paymentTable: DocumentTable<ProviderPayment> = {
  what: 'payment',
  table: 'billing_payments',
  columns: [
    payment.text('invoice_id', (one) => one.invoiceId),
    payment.text('status', (one) => one.status),
    payment.text('method', (one) => one.method),
    payment.text('currency', (one) => one.currency),
    payment.bigint('amount', (one) => one.amount),
    payment.bigint('amount_refunded', (one) => one.amountRefunded),
    payment.text('failure_code', (one) => one.failureCode),
    payment.text('receipt_url', (one) => one.receiptUrl),
    payment.text('gateway', (one) => one.gateway ?? null),
    payment.text('transaction_id', (one) => one.transactionId ?? null),
    payment.jsonb('gateway_response', (one) => one.gatewayResponse),
    payment.text('recorded_by', (one) => one.recordedBy ?? null),
    payment.timestamptz('completed_at', (one) => one.completedAt ?? null),
    payment.timestamptz('created_at', (one) => one.createdAt),
  ],
};

/** Refunds. */
export const refundTable: DocumentTable<ProviderRefund> = {
  what: 'refund',
  table: 'billing_refunds',
  columns: [
    refund.text('payment_id', (one) => one.paymentId),
    refund.text('status', (one) => one.status),
    refund.text('currency', (one) => one.currency),
    refund.bigint('amount', (one) => one.amount),
    refund.text('reason', (one) => one.reason),
    refund.timestamptz('created_at', (one) => one.createdAt),
  ],
};

/** Credit notes. */
export const creditNoteTable: DocumentTable<ProviderCreditNote> = {
  what: 'credit_note',
  table: 'billing_credit_notes',
  columns: [
    note.text('invoice_id', (one) => one.invoiceId),
    note.text('number', (one) => one.number),
    note.text('status', (one) => one.status),
    note.text('currency', (one) => one.currency),
    note.bigint('amount', (one) => one.amount),
    note.text('reason', (one) => one.reason),
    note.timestamptz('created_at', (one) => one.createdAt),
  ],
};
