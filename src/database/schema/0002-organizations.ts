/** Organizations and their members. */
export const organizationsSchema: readonly string[] = [
  `create table tenantry.organizations (
    tenant_id uuid primary key references tenantry.tenants (tenant_id) on delete cascade,
    slug text not null,
    seats_bought integer check (seats_bought >= 0),
    seats_taken integer not null default 0 check (seats_taken >= 0),
    created_at timestamptz not null,
    updated_at timestamptz not null
  )`,
  `create table tenantry.members (
    tenant_id uuid not null references tenantry.organizations (tenant_id) on delete cascade,
    id uuid not null,
    user_id text collate "C" not null,
    email text,
    name text,
    role text not null,
    status text not null default 'active' check (status in ('active', 'pending', 'suspended', 'removed')),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    unique (tenant_id, user_id)
  )`,
  'create index members_user on tenantry.members (user_id, tenant_id)',
];
