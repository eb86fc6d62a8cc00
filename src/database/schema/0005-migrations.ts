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
    rule text not null,
    primary key (source_key, migration)
  )`,
  'create index migration_map_tenant on tenantry.migration_map (migration, tenant_id)',
  // Which member each row of a person is; several rows may be one person.
  `create table tenantry.migration_people (
    migration text collate "C" not null references tenantry.migrations (name) on delete cascade,
    row_key text collate "C" not null,
    tenant_id uuid not null,
    member_id uuid not null,
    person text collate "C" not null,
    user_id text collate "C" not null,
    primary key (row_key, migration)
  )`,
  'create index migration_people_person on tenantry.migration_people (tenant_id, person, migration)',
  'create index migration_people_member on tenantry.migration_people (tenant_id, member_id, migration)',
  'create index migration_people_user on tenantry.migration_people (tenant_id, user_id, migration)',
  // What else was made of a row: the id of its key, or the member and permission of its grant.
  `create table tenantry.migration_parts (
    migration text collate "C" not null references tenantry.migrations (name) on delete cascade,
    part text collate "C" not null,
    row_key text collate "C" not null,
    tenant_id uuid not null,
    made text collate "C" not null,
    primary key (row_key, part, migration)
  )`,
  'create index migration_parts_made on tenantry.migration_parts (tenant_id, made, part, migration)',
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
    aside boolean not null default false,
    primary key (migration, table_name, row_key)
  )`,
  // A user who becomes a member later is looked for among what was set aside.
  `create index migration_quarantine_user on tenantry.migration_quarantine using hash ((row_data ->> 'user_id'))`,
  // What earlier rollbacks kept, out of the way of a migration that is begun again.
  `create table tenantry.migration_kept (
    migration text collate "C" not null references tenantry.migrations (name) on delete cascade,
    rollback integer not null,
    table_name text collate "C" not null,
    row_key text collate "C" not null,
    row_data json not null,
    reason text not null,
    primary key (migration, rollback, table_name, row_key)
  )`,
  // What the new application changed since the switch: which columns are in the legacy tables, wait for a lock, or have no place.
  `create table tenantry.migration_changes (
    migration text collate "C" not null references tenantry.migrations (name) on delete cascade,
    table_name text collate "C" not null,
    row_key text collate "C" not null,
    tenant_id uuid not null,
    done text[] not null,
    left_out text[] not null,
    pending text[] not null,
    row_data json not null,
    primary key (migration, table_name, row_key)
  )`,
  `create index migration_changes_pending on tenantry.migration_changes (migration, tenant_id) where pending <> '{}'`,
  // How many rows of each table a rollback brought back.
  `create table tenantry.migration_returned (
    migration text collate "C" not null references tenantry.migrations (name) on delete cascade,
    table_name text collate "C" not null,
    row_count bigint not null,
    primary key (migration, table_name)
  )`,
  // Why the last run stopped, until a later one gets past it. A row of its own: that of the migration may be locked.
  `create table tenantry.migration_failures (
    migration text collate "C" primary key references tenantry.migrations (name) on delete cascade,
    stage text not null,
    step text,
    code text not null,
    sqlstate text,
    message text not null,
    remedy text not null,
    failed_at timestamptz not null
  )`,
  // Whoever applies it waits. A row of its own, since a step holds that of the migration.
  `create table tenantry.migration_pauses (
    migration text collate "C" primary key references tenantry.migrations (name) on delete cascade,
    paused_by text not null,
    paused_at timestamptz not null
  )`,
  // What was done, by whom: entries are added and never changed, and outlive the migration.
  `create table tenantry.migration_audit (
    id bigint generated always as identity primary key,
    migration text collate "C" not null,
    event text not null,
    stage text not null,
    plan_hash text not null,
    actor text not null,
    role text not null,
    application text,
    host text,
    os_user text,
    began_at timestamptz not null,
    ended_at timestamptz not null,
    step_count integer not null,
    row_count bigint not null,
    steps json not null,
    details json not null
  )`,
  'create index migration_audit_migration on tenantry.migration_audit (migration, id)',
  `create function tenantry.migration_audit_stays() returns trigger language plpgsql as $$
    begin
      raise exception 'entries of tenantry.migration_audit are added and never changed' using errcode = 'integrity_constraint_violation';
    end $$`,
  `create trigger migration_audit_stays before update or delete or truncate on tenantry.migration_audit
    for each statement execute function tenantry.migration_audit_stays()`,
];
