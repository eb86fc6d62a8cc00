/** The state of migrations between tenancies. These tables belong to no tenant and are out of the application's reach. */
export const migrationsSchema: readonly string[] = [
  `create table tenantry.migrations (
    name text collate "C" primary key,
    stage text not null,
    definition_hash text not null,
    plan_hash text not null,
    catalogue jsonb not null,
    plan jsonb not null,
    actor text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    holder text,
    holder_pid integer,
    lease_token bigint not null default 0,
    lease_until timestamptz
  )`,
  `create table tenantry.migration_steps (
    migration text collate "C" not null references tenantry.migrations (name) on delete cascade,
    step text collate "C" not null,
    position integer not null,
    stage text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    row_count bigint not null default 0,
    primary key (migration, step)
  )`,
  `create table tenantry.migration_checkpoints (
    migration text collate "C" not null references tenantry.migrations (name) on delete cascade,
    table_name text collate "C" not null,
    last_key jsonb,
    upper_bound jsonb,
    row_count bigint not null default 0,
    finished boolean not null default false,
    primary key (migration, table_name)
  )`,
  `create table tenantry.migration_map (
    migration text collate "C" not null references tenantry.migrations (name) on delete cascade,
    source_key text collate "C" not null,
    group_key text collate "C" not null,
    tenant_id uuid not null,
    member_key text collate "C",
    rule text not null,
    primary key (source_key, migration)
  )`,
  'create index migration_map_tenant on tenantry.migration_map (migration, tenant_id)',
  `create table tenantry.migration_baselines (
    migration text collate "C" not null references tenantry.migrations (name) on delete cascade,
    table_name text collate "C" not null,
    row_count bigint not null,
    checksum text not null,
    writes bigint not null,
    primary key (migration, table_name)
  )`,
  `create table tenantry.migration_quarantine (
    migration text collate "C" not null references tenantry.migrations (name) on delete cascade,
    table_name text collate "C" not null,
    row_key text collate "C" not null,
    row_data json not null,
    reason text not null,
    primary key (migration, table_name, row_key)
  )`,
];
