import type { DomainEvent } from '../../core/index.ts';

/** What every event of an invoice tells. Amounts are minor units. */
export interface InvoiceData {
  readonly invoiceId: string;
  readonly number: string | null;
  readonly status: string;
  readonly currency: string;
  readonly total: number;
  readonly amountRemaining: number;
}

/** What every event of a payment tells. Amounts are minor units. */
export interface PaymentData {
  readonly paymentId: string;
  readonly invoiceId: string | null;
  readonly status: string;
  readonly currency: string;
  readonly amount: number;
  readonly method: string | null;
}

/** What happens to invoices, payments, refunds and credit notes. */
export type DocumentEvent =
  /** It was made, or drafted before, and is to be paid now. */
  | DomainEvent<'invoice.issued', InvoiceData & { readonly dueAt: Date | null }>
  | DomainEvent<'invoice.paid', InvoiceData>
  /** Its status is another one: `void`, `uncollectible`, or one that nobody knows yet. */
  | DomainEvent<'invoice.changed', InvoiceData & { readonly previousStatus: string }>
  | DomainEvent<'payment.succeeded', PaymentData>
  | DomainEvent<'payment.failed', PaymentData & { readonly failureCode: string | null }>
  | DomainEvent<
      'payment.refunded',
      {
        readonly refundId: string;
        readonly paymentId: string | null;
        readonly status: string;
        readonly currency: string;
        readonly amount: number;
        readonly reason: string | null;
      }
    >
  | DomainEvent<
      'credit_note.issued',
      {
        readonly creditNoteId: string;
        readonly invoiceId: string;
        readonly number: string | null;
        readonly currency: string;
        readonly amount: number;
      }
    >;
