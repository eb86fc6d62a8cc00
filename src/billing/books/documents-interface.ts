import type { CallOptions } from '../../database/index.ts';
import type { ProviderCreditNote, ProviderInvoice, ProviderPayment, ProviderRefund } from '../provider/document.ts';

/** Our copy of an invoice. Amounts are minor units; a tax is the provider's or yours, never computed here. */
export type Invoice = Omit<ProviderInvoice, 'customerId'> & { readonly customerId: string | null };
/** Our copy of a payment: one attempt, that went well or not. Amounts are minor units. */
export type Payment = Omit<ProviderPayment, 'customerId'>;
/** Our copy of a refund. */
export type Refund = ProviderRefund;
/** Our copy of a credit note. */
export type CreditNote = Omit<ProviderCreditNote, 'customerId'>;

/** Which part of a list is wanted, the newest first. */
export interface DocumentPage extends CallOptions {
  /** The id of the last one of the part before. */
  readonly after?: string;
  /** How many at most, 1 to 1,000; 100 when absent. */
  readonly limit?: number;
}

/** An invoice with everything that was paid, given back and credited. */
export interface InvoiceDetails {
  readonly invoice: Invoice;
  readonly payments: readonly Payment[];
  readonly refunds: readonly Refund[];
  readonly creditNotes: readonly CreditNote[];
}

/** A payment to be given back, wholly or in part. */
export interface RefundInput {
  readonly tenantId: string;
  readonly paymentId: string;
  /** Minor units; all that is left when absent. */
  readonly amount?: number;
  readonly reason?: string;
  /** The same refund, however often it is sent, is made once: name the form or the case that it comes from. */
  readonly idempotencyKey?: string;
}

/** An invoice to be credited. */
export interface CreditInput {
  readonly tenantId: string;
  readonly invoiceId: string;
  /** Minor units. */
  readonly amount: number;
  readonly reason?: string;
  /** The same credit, however often it is sent, is given once. */
  readonly idempotencyKey?: string;
}

/** Invoices, payments, refunds and credit notes of a tenant. What can be no id is refused with `name_invalid`. */
export interface BillingDocuments {
  /**
   * Lists invoices, the newest first.
   *
   * @throws TenantryError `tenant_not_found`, `amount_invalid` for a limit.
   */
  invoices(tenantId: string, options?: DocumentPage & { readonly status?: string }): Promise<readonly Invoice[]>;
  /** Reads an invoice with all that belongs to it; null where the tenant has none of that id. */
  invoice(tenantId: string, invoiceId: string, options?: CallOptions): Promise<InvoiceDetails | null>;
  /**
   * Lists payments, the newest first; `receiptUrl` leads to the receipt where the provider writes one.
   *
   * @throws TenantryError `tenant_not_found`, `amount_invalid` for a limit.
   */
  payments(
    tenantId: string,
    options?: DocumentPage & { readonly invoiceId?: string; readonly status?: string },
  ): Promise<readonly Payment[]>;
  /**
   * Gives a payment back: once for each `idempotencyKey`; where none is given, once for what is asked for before the refund
   * is known, and again afterwards.
   *
   * @throws TenantryError `provider_refused` for a payment that the tenant has not, or more than is left of it;
   * `amount_invalid`; `provider_unavailable`.
   */
  refund(input: RefundInput): Promise<Refund>;
  /**
   * Credits an invoice: an open one owes less. It is done once as `refund` is.
   *
   * @throws TenantryError as `refund`, and `billing_unsupported`.
   */
  credit(input: CreditInput): Promise<CreditNote>;
}
