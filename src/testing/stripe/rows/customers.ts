import type { Value } from '../wire.ts';
import type { Kept } from './kept.ts';

export interface CustomerRow extends Kept<'customer'> {
  address: Value;
  balance: number;
  currency: string | null;
  delinquent: boolean;
  description: string | null;
  discount: string | null;
  email: string | null;
  invoice_prefix: string;
  invoice_settings: { default_payment_method: string | null; footer: string | null };
  name: string | null;
  next_invoice_sequence: number;
  phone: string | null;
  preferred_locales: readonly string[];
  shipping: Value;
  tax_exempt: string;
}

export type CardBehaviour = 'ok' | 'declines' | 'requires-action';

export interface PaymentMethodRow extends Kept<'payment_method'> {
  customer: string | null;
  readonly type: 'card';
  billing_details: { address: Value; email: string | null; name: string | null; phone: string | null };
  card: { brand: string; exp_month: number; exp_year: number; fingerprint: string; last4: string };
  readonly own: { behaviour: CardBehaviour; decline: string };
}

export interface BalanceTransactionRow extends Kept<'customer_balance_transaction'> {
  readonly amount: number;
  readonly checkout_session: string | null;
  readonly credit_note: string | null;
  readonly currency: string;
  readonly customer: string;
  description: string | null;
  readonly ending_balance: number;
  readonly invoice: string | null;
  readonly type: string;
}

export interface TaxIdRow {
  readonly id: string;
  readonly object: 'tax_id';
  readonly created: number;
  readonly customer: string;
  readonly type: string;
  readonly value: string;
}
