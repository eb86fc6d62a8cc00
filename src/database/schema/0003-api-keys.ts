/** API keys: the key itself, and its digest, which is unique over all tenants. */
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
    enabled boolean not null default true,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, member_id) references tenantry.members (tenant_id, id) on delete cascade
  )`,
  'create index api_keys_member on tenantry.api_keys (tenant_id, member_id)',
  `create table tenantry.api_key_digests (
    digest text collate "C" primary key,
    tenant_id uuid not null,
    key_id uuid not null,
    foreign key (tenant_id, key_id) references tenantry.api_keys (tenant_id, id) on delete cascade
  )`,
  'create index api_key_digests_key on tenantry.api_key_digests (tenant_id, key_id)',
];
