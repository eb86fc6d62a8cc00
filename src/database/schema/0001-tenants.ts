/** Tenants, and what names one tenant among all. */
export const tenantsSchema: readonly string[] = [
  `create table tenantry.tenants (
    tenant_id uuid primary key,
    kind text not null check (kind in ('program', 'user', 'organization')),
    name text not null,
    status text not null default 'active' check (status in ('active', 'suspended', 'maintenance', 'moved')),
    plan text not null,
    subscription_status text,
    anchor_at timestamptz not null,
    entitlement_revision bigint not null default 1,
    metadata jsonb not null default '{}',
    created_at timestamptz not null,
    updated_at timestamptz not null
  )`,
  `create table tenantry.tenant_lookups (
    kind text not null,
    value text collate "C" not null,
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    primary key (kind, value)
  )`,
  'create index tenant_lookups_tenant on tenantry.tenant_lookups (tenant_id, kind)',
  // Where tenants went that are no more: one row with an empty user_id says it for whoever asks, others for one user.
  `create table tenantry.tenant_moves (
    old_tenant_id uuid not null,
    user_id text collate "C" not null,
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    role text,
    primary key (old_tenant_id, user_id)
  )`,
  'create index tenant_moves_tenant on tenantry.tenant_moves (tenant_id)',
  'create index tenant_moves_user on tenantry.tenant_moves (user_id)',
];
