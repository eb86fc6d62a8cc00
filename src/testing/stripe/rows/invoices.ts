import type { Kept, Metadata } from './kept.ts';

export interface LineRow {
  readonly id: string;
  readonly object: 'line_item';
  readonly amount: number;
  readonly currency: string;
  readonly description: string | null;
  discount_amounts: readonly { readonly amount: number; readonly discount: string }[];
  readonly discountable: boolean;
  readonly invoice_item: string | null;
  readonly metadata: Metadata;
  readonly period: { readonly start: number; readonly end: number };
  readonly price: string | null;
  readonly proration: boolean;
  readonly quantity: number | null;
  readonly subscription: string | null;
  readonly subscription_item: string | null;
  /** Tax on top of the amount after discounts. */
  tax: number;
}

export interface InvoiceItemRow extends Kept<'invoiceitem'> {
  readonly amount: number;
  readonly currency: string;
  readonly customer: string;
  readonly description: string | null;
  readonly discountable: boolean;
  invoice: string | null;
  readonly period: { readonly start: number; readonly end: number };
  readonly price: string | null;
  readonly proration: boolean;
  readonly quantity: number;
  readonly subscription: string | null;
  readonly subscription_item: string | null;
}

export interface InvoiceRow extends Kept<'invoice'> {
  amount_due: number;
  amount_overpaid: number;
  amount_paid: number;
  amount_remaining: number;
  attempt_count: number;
  attempted: boolean;
  auto_advance: boolean;
  automatically_finalizes_at: number | null;
  automatic_tax: boolean;
  readonly billing_reason: string;
  collection_method: 'charge_automatically' | 'send_invoice';
  readonly currency: string;
  readonly customer: string;
  default_payment_method: string | null;
  description: string | null;
  discounts: readonly string[];
  due_date: number | null;
  ending_balance: number | null;
  footer: string | null;
  lines: LineRow[];
  next_payment_attempt: number | null;
  number: string | null;
  readonly period_start: number;
  readonly period_end: number;
  post_payment_credit_notes_amount: number;
  pre_payment_credit_notes_amount: number;
  starting_balance: number;
  status: 'draft' | 'open' | 'paid' | 'uncollectible' | 'void';
  status_transitions: {
    finalized_at: number | null;
    marked_uncollectible_at: number | null;
    paid_at: number | null;
    voided_at: number | null;
  };
  readonly subscription: string | null;
  readonly subscription_metadata: Metadata | null;
  subtotal: number;
  total: number;
  tax: number;
  total_discount_amounts: readonly { readonly amount: number; readonly discount: string }[];
  readonly own: {
    /** The items whose periods this invoice opens; their usage is counted again when it is finalized. */
    metered: readonly { item: string; start: number; end: number }[];
    failures: number;
  };
}

export interface InvoicePaymentRow extends Kept<'invoice_payment'> {
  amount_paid: number | null;
  amount_requested: number;
  readonly currency: string;
  readonly invoice: string;
  readonly payment_intent: string;
  status: string;
  paid_at: number | null;
  canceled_at: number | null;
}

export interface PaymentIntentRow extends Kept<'payment_intent'> {
  readonly amount: number;
  amount_received: number;
  canceled_at: number | null;
  readonly client_secret: string;
  readonly currency: string;
  readonly customer: string;
  readonly invoice: string | null;
  last_payment_error: { code: string; decline_code: string; message: string } | null;
  latest_charge: string | null;
  payment_method: string | null;
  status: string;
}

export interface ChargeRow extends Kept<'charge'> {
  readonly amount: number;
  amount_refunded: number;
  readonly currency: string;
  readonly customer: string;
  readonly failure_code: string | null;
  readonly failure_message: string | null;
  readonly paid: boolean;
  readonly payment_intent: string;
  readonly payment_method: string | null;
  refunded: boolean;
  readonly status: 'succeeded' | 'failed';
}

export interface RefundRow extends Kept<'refund'> {
  readonly amount: number;
  readonly charge: string;
  readonly currency: string;
  readonly customer: string;
  readonly payment_intent: string;
  readonly payment_method: string | null;
  readonly reason: string | null;
  status: string;
}

export interface CreditNoteLine {
  readonly id: string;
  readonly amount: number;
  readonly description: string | null;
  readonly invoice_line_item: string | null;
  readonly quantity: number | null;
  readonly unit_amount: number | null;
}

export interface CreditNoteRow extends Kept<'credit_note'> {
  readonly amount: number;
  readonly currency: string;
  readonly customer: string;
  customer_balance_transaction: string | null;
  readonly invoice: string;
  readonly lines: readonly CreditNoteLine[];
  memo: string | null;
  readonly number: string;
  readonly out_of_band_amount: number | null;
  readonly post_payment_amount: number;
  readonly pre_payment_amount: number;
  readonly reason: string | null;
  refunds: readonly { readonly refund: string; readonly amount_refunded: number }[];
  status: string;
  voided_at: number | null;
}
