import { isolateTable } from '../isolation-sql.ts';
import { librarySchema, serviceRole } from '../roles.ts';

const tenant = 'tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade';

const ofTenants = [
  'billing_customers',
  'billing_subscriptions',
  'billing_subscription_items',
  'billing_checkouts',
  'billing_trials',
  'billing_trial_fingerprints',
  'billing_flags',
  'billing_invoices',
  'billing_payments',
  'billing_refunds',
  'billing_credit_notes',
  'billing_invoice_numbers',
  'billing_revenue',
  'billing_manual_objects',
];

/**
 * Billing: our copies of what the provider has, and what we are in the middle of. What names a tenant at the provider is
 * in `tenant_lookups` (`provider_customer`). Amounts are minor units of their currency.
 */
export const billingSchema: readonly string[] = [
  // One row says how a tenant stands. Whoever holds the lease is the only one who speaks with the provider about it.
  `create table tenantry.billing_customers (
    ${tenant},
    provider text collate "C" not null,
    provider_id text collate "C",
    livemode boolean not null,
    email text,
    generation integer not null default 1,
    version bigint not null default 1,
    lease uuid,
    lease_until timestamptz,
    subscription_id text collate "C",
    status text collate "C",
    plan text collate "C",
    ends_at timestamptz,
    past_due_since timestamptz,
    grace_until timestamptz,
    duplicates integer not null default 0,
    balance jsonb not null default '{}',
    due_at timestamptz,
    synced_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id)
  )`,
  'create index billing_customers_due on tenantry.billing_customers (tenant_id, due_at) where due_at is not null',
  `create table tenantry.billing_subscriptions (
    ${tenant},
    id text collate "C" not null,
    customer_id text collate "C" not null,
    status text collate "C" not null,
    plan text collate "C",
    currency text collate "C" not null,
    billing_interval text collate "C",
    seats integer,
    period_start timestamptz,
    period_end timestamptz,
    trial_ends_at timestamptz,
    ends_at timestamptz,
    ended_at timestamptz,
    paused boolean not null default false,
    schedule_id text collate "C",
    scheduled_at timestamptz,
    scheduled_plan text collate "C",
    latest_invoice_id text collate "C",
    anchor_at timestamptz not null,
    past_due_since timestamptz,
    metadata jsonb not null default '{}',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    gone_at timestamptz,
    primary key (tenant_id, id)
  )`,
  `create table tenantry.billing_subscription_items (
    tenant_id uuid not null,
    subscription_id text collate "C" not null,
    id text collate "C" not null,
    price_id text collate "C" not null,
    lookup_key text collate "C",
    kind text not null check (kind in ('licensed', 'metered')),
    quantity integer,
    currency text collate "C" not null,
    unit_amount numeric,
    billing_interval text collate "C",
    interval_count integer not null default 1,
    period_start timestamptz,
    period_end timestamptz,
    primary key (tenant_id, subscription_id, id),
    foreign key (tenant_id, subscription_id) references tenantry.billing_subscriptions (tenant_id, id) on delete cascade,
    check ((kind = 'metered') = (quantity is null))
  )`,
  // Written before the provider is asked, so that what was asked can be asked again word for word: a page of the provider's
  // on which one pays, or a subscription that is made without one.
  `create table tenantry.billing_checkouts (
    ${tenant},
    id uuid not null,
    kind text not null check (kind in ('page', 'direct')),
    status text not null check (status in ('creating', 'open', 'complete', 'expired', 'failed')),
    plan text collate "C" not null,
    request jsonb not null,
    request_hash text collate "C" not null,
    session_id text collate "C",
    url text,
    trial_days integer,
    expires_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id)
  )`,
  `create unique index billing_checkouts_open on tenantry.billing_checkouts (tenant_id)
    where status in ('creating', 'open')`,
  `create table tenantry.billing_trials (
    ${tenant},
    plan text collate "C" not null,
    subscription_id text collate "C",
    started_at timestamptz not null,
    ends_at timestamptz,
    primary key (tenant_id)
  )`,
  // Over all tenants: a digest of whatever the application knows people by.
  `create table tenantry.billing_trial_fingerprints (
    fingerprint text collate "C" not null,
    ${tenant},
    primary key (fingerprint)
  )`,
  'create index billing_trial_fingerprints_tenant on tenantry.billing_trial_fingerprints (tenant_id)',
  // What must be taken to the provider: raised within the transaction that changed it, lowered by the one writer.
  `create table tenantry.billing_flags (
    ${tenant},
    kind text not null check (kind in ('seats', 'usage')),
    raised bigint not null default 1,
    settled bigint not null default 0,
    attempts integer not null default 0,
    due_at timestamptz not null,
    error text,
    telling jsonb not null default '{}',
    updated_at timestamptz not null,
    primary key (tenant_id, kind)
  )`,
  'create index billing_flags_due on tenantry.billing_flags (tenant_id, due_at) where raised > settled',
  `create table tenantry.billing_invoices (
    ${tenant},
    id text collate "C" not null,
    customer_id text collate "C",
    subscription_id text collate "C",
    number text collate "C",
    status text collate "C" not null,
    currency text collate "C" not null,
    subtotal bigint not null,
    tax bigint not null,
    total bigint not null,
    amount_due bigint not null,
    amount_paid bigint not null,
    amount_remaining bigint not null,
    reason text collate "C",
    url text,
    pdf_url text,
    lines jsonb not null default '[]',
    metadata jsonb not null default '{}',
    due_at timestamptz,
    paid_at timestamptz,
    period_start timestamptz not null,
    period_end timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id)
  )`,
  'create index billing_invoices_time on tenantry.billing_invoices (tenant_id, created_at, id)',
  `create table tenantry.billing_payments (
    ${tenant},
    id text collate "C" not null,
    invoice_id text collate "C",
    status text collate "C" not null,
    method text collate "C",
    currency text collate "C" not null,
    amount bigint not null,
    amount_refunded bigint not null default 0,
    failure_code text collate "C",
    receipt_url text,
    gateway text collate "C",
    transaction_id text collate "C",
    gateway_response jsonb,
    recorded_by text,
    completed_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id)
  )`,
  'create index billing_payments_invoice on tenantry.billing_payments (tenant_id, invoice_id)',
  `create table tenantry.billing_refunds (
    ${tenant},
    id text collate "C" not null,
    payment_id text collate "C",
    status text collate "C" not null,
    currency text collate "C" not null,
    amount bigint not null,
    reason text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id)
  )`,
  `create table tenantry.billing_credit_notes (
    ${tenant},
    id text collate "C" not null,
    invoice_id text collate "C" not null,
    number text collate "C",
    status text collate "C" not null,
    currency text collate "C" not null,
    amount bigint not null,
    reason text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id)
  )`,
  `create table tenantry.billing_invoice_numbers (
    ${tenant},
    series text collate "C" not null,
    last bigint not null,
    primary key (tenant_id, series)
  )`,
  // Each change of what a subscription brings per month, in whole minor units.
  `create table tenantry.billing_revenue (
    ${tenant},
    id uuid not null,
    subscription_id text collate "C" not null,
    plan text collate "C",
    currency text collate "C" not null,
    monthly bigint not null,
    previous_monthly bigint not null,
    changed_at timestamptz not null,
    primary key (tenant_id, id)
  )`,
  'create index billing_revenue_time on tenantry.billing_revenue (tenant_id, changed_at)',
  // The provider "manual" has no server: what it would keep there it keeps here.
  `create table tenantry.billing_manual_objects (
    ${tenant},
    kind text collate "C" not null,
    id text collate "C" not null,
    data jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, kind, id)
  )`,
  ...ofTenants.flatMap((table) => isolateTable({ schema: librarySchema, table })),
  ...ofTenants.map((table) => `grant select, insert, update, delete on ${librarySchema}.${table} to ${serviceRole}`),
];
