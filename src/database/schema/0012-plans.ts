import { isolateTable } from '../isolation-sql.ts';
import { librarySchema, serviceRole } from '../roles.ts';

const ofTenants = [
  'usage_grants',
  'usage_reservations',
  'usage_keys',
  'usage_hours',
  'limit_resources',
  'plan_trials',
  'plan_trial_fingerprints',
];

/**
 * What plans have beyond counters: what holds for one tenant alone, grants, reservations, idempotency keys, usage by the
 * hour, the resources that limits count, and trials.
 */
export const plansSchema: readonly string[] = [
  // Since when the tenant has its plan, where that is not since it was made; and what it has beyond it.
  'alter table tenantry.tenants add column plan_since timestamptz',
  'alter table tenantry.tenants add column plan_terms jsonb',
  // The earliest end of the open reservations, or an earlier moment; which alert was told; and what was billed.
  'alter table tenantry.usage_counters add column held_until timestamptz',
  'alter table tenantry.usage_counters add column alerted integer',
  'alter table tenantry.usage_counters add column exported bigint',
  'alter table tenantry.usage_counters add column exporting bigint',
  // What was used in the running hour; it goes to usage_hours when another hour begins.
  'alter table tenantry.usage_counters add column hour timestamptz',
  'alter table tenantry.usage_counters add column hour_units bigint not null default 0',
  `create table tenantry.usage_grants (
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    id uuid not null,
    meter text collate "C" not null,
    amount bigint not null check (amount > 0),
    balance bigint not null check (balance >= 0),
    held bigint not null default 0 check (held >= 0),
    priority integer not null,
    starts_at timestamptz not null,
    expires_at timestamptz,
    rollover_min bigint,
    rollover_max bigint,
    period_start timestamptz,
    pack uuid not null,
    idempotency_key text collate "C",
    metadata jsonb not null default '{}',
    created_at timestamptz not null,
    closed_at timestamptz,
    primary key (tenant_id, id)
  ) with (fillfactor = 70)`,
  'create index usage_grants_open on tenantry.usage_grants (tenant_id, meter) where closed_at is null',
  `create unique index usage_grants_key on tenantry.usage_grants (tenant_id, idempotency_key)
    where idempotency_key is not null`,
  `create table tenantry.usage_reservations (
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    id uuid not null,
    meter text collate "C" not null,
    units bigint not null check (units > 0),
    committed bigint,
    status text not null check (status in ('held', 'committed', 'released', 'expired')),
    on_expiry text not null check (on_expiry in ('release', 'commit')),
    counters jsonb not null,
    parts jsonb not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    settled_at timestamptz,
    member_id uuid,
    key_id uuid,
    primary key (tenant_id, id)
  )`,
  `create index usage_reservations_held on tenantry.usage_reservations (tenant_id, meter, expires_at)
    where status = 'held'`,
  `create table tenantry.usage_keys (
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    meter text collate "C" not null,
    key text collate "C" not null,
    units bigint not null,
    used_at timestamptz not null,
    primary key (tenant_id, meter, key)
  )`,
  // The subject is empty for the whole tenant, "m:" and "k:" before the id of a member and of a key. Of the whole tenant
  // the running hours stand in usage_counters, so that a statement that uses units writes one row.
  `create table tenantry.usage_hours (
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    meter text collate "C" not null,
    subject text collate "C" not null,
    hour timestamptz not null,
    units bigint not null,
    primary key (tenant_id, meter, subject, hour)
  ) with (fillfactor = 50)`,
  `create table tenantry.limit_resources (
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    meter text collate "C" not null,
    resource_id text collate "C" not null,
    kept integer,
    occupied_at timestamptz not null,
    primary key (tenant_id, meter, resource_id)
  )`,
  `create table tenantry.plan_trials (
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    plan text collate "C" not null,
    started_at timestamptz not null,
    ends_at timestamptz not null,
    primary key (tenant_id, plan)
  )`,
  // Who tried a plan, over all tenants: a digest of whatever the application knows people by.
  `create table tenantry.plan_trial_fingerprints (
    plan text collate "C" not null,
    fingerprint text collate "C" not null,
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    primary key (plan, fingerprint)
  )`,
  'create index plan_trial_fingerprints_tenant on tenantry.plan_trial_fingerprints (tenant_id)',
  ...ofTenants.flatMap((table) => isolateTable({ schema: librarySchema, table })),
  ...ofTenants.map((table) => `grant select, insert, update, delete on ${librarySchema}.${table} to ${serviceRole}`),
];
