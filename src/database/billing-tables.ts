import type { ColumnType, Generated } from 'kysely';

/** A whole number that PostgreSQL stores in 64 bits; drivers read it as a string, a number or a bigint. */
type Bigint = ColumnType<string | number | bigint, number | bigint, number | bigint>;
type Json = ColumnType<Record<string, unknown>, string | undefined, string>;

/** `tenantry.billing_customers`: how a tenant stands with the provider, in one row. */
export interface BillingCustomerTable {
  tenant_id: string;
  provider: string;
  /** NULL: none was made yet, or the provider deleted it. */
  provider_id: string | null;
  livemode: boolean;
  email: string | null;
  /** Counts up when a customer is gone at the provider, so that another one can be made. */
  generation: Generated<number>;
  /** Counts up with every change that the provider told, and with every wish that it refused. */
  version: ColumnType<string | number | bigint, number | undefined, number>;
  /** Who alone may speak with the provider about the tenant, and until when. */
  lease: string | null;
  lease_until: Date | null;
  /** The subscription that counts; NULL: none. */
  subscription_id: string | null;
  /** Its state, in the provider's word. */
  status: string | null;
  /** The plan that it stands for. */
  plan: string | null;
  ends_at: Date | null;
  past_due_since: Date | null;
  grace_until: Date | null;
  /** How many subscriptions go on beside the one that counts. */
  duplicates: Generated<number>;
  balance: Json;
  /** When to look again without being told. */
  due_at: Date | null;
  synced_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** `tenantry.billing_subscriptions`: our copies of the provider's. */
export interface BillingSubscriptionTable {
  tenant_id: string;
  id: string;
  customer_id: string;
  status: string;
  /** NULL: its prices are of no plan. */
  plan: string | null;
  currency: string;
  billing_interval: string | null;
  /** The quantity of what is paid by the seat; NULL: nothing is. */
  seats: number | null;
  period_start: Date | null;
  period_end: Date | null;
  trial_ends_at: Date | null;
  ends_at: Date | null;
  ended_at: Date | null;
  paused: boolean;
  schedule_id: string | null;
  scheduled_at: Date | null;
  scheduled_plan: string | null;
  latest_invoice_id: string | null;
  anchor_at: Date;
  past_due_since: Date | null;
  metadata: Json;
  created_at: Date;
  updated_at: Date;
  /** When the provider had it no more. */
  gone_at: Date | null;
}

/** `tenantry.billing_subscription_items`: the prices of subscriptions. */
export interface BillingSubscriptionItemTable {
  tenant_id: string;
  subscription_id: string;
  id: string;
  price_id: string;
  lookup_key: string | null;
  kind: 'licensed' | 'metered';
  /** NULL for metered ones alone. */
  quantity: number | null;
  currency: string;
  /** Minor units, with fractions; drivers read it as text. NULL: tiers. */
  unit_amount: ColumnType<string | null, string | null, string | null>;
  billing_interval: string | null;
  interval_count: Generated<number>;
  period_start: Date | null;
  period_end: Date | null;
}

/** `tenantry.billing_checkouts`: checkouts and subscriptions that were wished for. At most one of a tenant is not over. */
export interface BillingCheckoutTable {
  tenant_id: string;
  id: string;
  kind: 'page' | 'direct';
  status: 'creating' | 'open' | 'complete' | 'expired' | 'failed';
  plan: string;
  request: ColumnType<Record<string, unknown>, string, never>;
  request_hash: string;
  session_id: string | null;
  url: string | null;
  trial_days: number | null;
  expires_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** `tenantry.billing_trials`: the one trial of a tenant. */
export interface BillingTrialTable {
  tenant_id: string;
  plan: string;
  subscription_id: string | null;
  started_at: Date;
  ends_at: Date | null;
}

/** `tenantry.billing_flags`: what must be taken to the provider. It waits while `raised` is greater than `settled`. */
export interface BillingFlagTable {
  tenant_id: string;
  kind: 'seats' | 'usage';
  raised: ColumnType<string | number | bigint, number | undefined, number>;
  settled: ColumnType<string | number | bigint, number | undefined, number>;
  attempts: Generated<number>;
  due_at: Date;
  error: string | null;
  /** Usage that the provider is being told of, by its identifier, until all of it was told. */
  telling: Generated<unknown>;
  updated_at: Date;
}

/** `tenantry.billing_invoices`. Amounts are minor units. */
export interface BillingInvoiceTable {
  tenant_id: string;
  id: string;
  customer_id: string | null;
  subscription_id: string | null;
  number: string | null;
  status: string;
  currency: string;
  subtotal: Bigint;
  tax: Bigint;
  total: Bigint;
  amount_due: Bigint;
  amount_paid: Bigint;
  amount_remaining: Bigint;
  reason: string | null;
  url: string | null;
  pdf_url: string | null;
  lines: ColumnType<readonly unknown[], string, string>;
  /** The application's own facts, such as what was bought for whom. */
  metadata: Json;
  due_at: Date | null;
  paid_at: Date | null;
  period_start: Date;
  period_end: Date;
  created_at: Date;
  updated_at: Date;
}

/** `tenantry.billing_payments`: attempts to be paid. Amounts are minor units. */
export interface BillingPaymentTable {
  tenant_id: string;
  id: string;
  invoice_id: string | null;
  status: string;
  method: string | null;
  currency: string;
  amount: Bigint;
  amount_refunded: ColumnType<string | number | bigint, number | bigint | undefined, number | bigint>;
  failure_code: string | null;
  receipt_url: string | null;
  /** The gateway or terminal it went through, and what it is called there. */
  gateway: string | null;
  transaction_id: string | null;
  gateway_response: ColumnType<Record<string, unknown> | null, string | null, string | null>;
  /** Who wrote it down, where nobody's machine did. */
  recorded_by: string | null;
  /** When it was decided. */
  completed_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** `tenantry.billing_refunds`. */
export interface BillingRefundTable {
  tenant_id: string;
  id: string;
  payment_id: string | null;
  status: string;
  currency: string;
  amount: Bigint;
  reason: string | null;
  created_at: Date;
  updated_at: Date;
}

/** `tenantry.billing_credit_notes`. */
export interface BillingCreditNoteTable {
  tenant_id: string;
  id: string;
  invoice_id: string;
  number: string | null;
  status: string;
  currency: string;
  amount: Bigint;
  reason: string | null;
  created_at: Date;
  updated_at: Date;
}

/** `tenantry.billing_revenue`: each change of what a subscription brings per month, in minor units. */
export interface BillingRevenueTable {
  tenant_id: string;
  id: string;
  subscription_id: string;
  plan: string | null;
  currency: string;
  monthly: Bigint;
  previous_monthly: Bigint;
  changed_at: Date;
}

/** `tenantry.billing_manual_objects`: what the provider "manual" keeps. */
export interface BillingManualObjectTable {
  tenant_id: string;
  kind: string;
  id: string;
  data: ColumnType<Record<string, unknown>, string, string>;
  created_at: Date;
  updated_at: Date;
}

/** `tenantry.billing_transition_steps`: what a change of tenancy asks of the provider. */
export interface BillingTransitionStepTable {
  tenant_id: string;
  transition: string;
  id: string;
  /** The order in which they are done. */
  place: number;
  step: ColumnType<Record<string, unknown>, string, never>;
  /** How often the provider said no. */
  refusals: Generated<number>;
  error: string | null;
  created_at: Date;
  done_at: Date | null;
}

/** The tables of billing as Kysely sees them, named with their schema. */
export interface BillingDatabase {
  'tenantry.billing_customers': BillingCustomerTable;
  'tenantry.billing_subscriptions': BillingSubscriptionTable;
  'tenantry.billing_subscription_items': BillingSubscriptionItemTable;
  'tenantry.billing_checkouts': BillingCheckoutTable;
  'tenantry.billing_trials': BillingTrialTable;
  'tenantry.billing_trial_fingerprints': { fingerprint: string; tenant_id: string };
  'tenantry.billing_flags': BillingFlagTable;
  'tenantry.billing_invoices': BillingInvoiceTable;
  'tenantry.billing_payments': BillingPaymentTable;
  'tenantry.billing_refunds': BillingRefundTable;
  'tenantry.billing_credit_notes': BillingCreditNoteTable;
  'tenantry.billing_invoice_numbers': { tenant_id: string; series: string; last: Bigint };
  'tenantry.billing_revenue': BillingRevenueTable;
  'tenantry.billing_manual_objects': BillingManualObjectTable;
  'tenantry.billing_transition_steps': BillingTransitionStepTable;
}
