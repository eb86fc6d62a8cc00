/**
 * API keys: the key itself, and the digests by which its secrets are found, unique over all tenants. A key has several
 * while an old secret still opens after a rotation.
 */
export const apiKeysSchema: readonly string[] = [
  `create table tenantry.api_keys (
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    id uuid not null,
    name text,
    environment text not null,
    start text not null,
    scheme text not null,
    scopes text[] not null,
    member_id uuid,
    team_id uuid,
    created_by text,
    enabled boolean not null default true,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    rotated_at timestamptz,
    last_used_at timestamptz,
    allowed_ips text[],
    metadata jsonb,
    rate_limit jsonb,
    uses_amount bigint check (uses_amount >= 0),
    uses_per text,
    uses_count bigint not null default 0 check (uses_count >= 0),
    uses_period timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, member_id) references tenantry.members (tenant_id, id) on delete cascade
  ) with (fillfactor = 80)`,
  'create index api_keys_member on tenantry.api_keys (tenant_id, member_id)',
  `create index api_keys_team on tenantry.api_keys (tenant_id, team_id) where team_id is not null`,
  // A hash that another system made and that no digest can be computed for stands in "hash"; its digest names where it is
  // looked up.
  `create table tenantry.api_key_digests (
    digest text collate "C" primary key,
    tenant_id uuid not null,
    key_id uuid not null,
    expires_at timestamptz,
    hash text,
    foreign key (tenant_id, key_id) references tenantry.api_keys (tenant_id, id) on delete cascade
  )`,
  'create index api_key_digests_key on tenantry.api_key_digests (tenant_id, key_id)',
];
