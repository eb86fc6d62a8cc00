import { librarySchema, serviceRole } from '../roles.ts';

/**
 * What a re-tenanting changed in the library's own tables, row by row, so that it can be returned; and what was written
 * since and had no place when it was. Like the tables of migrations they belong to no tenant.
 */
export const retenantingSchema: readonly string[] = [
  `create table tenantry.retenant_people (
    retenanting text collate "C" not null,
    unit text collate "C" not null,
    position integer not null,
    table_name text collate "C" not null,
    before jsonb,
    after jsonb,
    joined boolean not null default false,
    primary key (retenanting, unit, position)
  )`,
  `create table tenantry.retenant_kept (
    retenanting text collate "C" not null,
    unit text collate "C" not null,
    table_name text collate "C" not null,
    row_key text collate "C" not null,
    row_data jsonb not null,
    reason text not null,
    primary key (retenanting, unit, table_name, row_key)
  )`,
  // The units of a re-tenanting: one old tenant each, with where it stands.
  `create table tenantry.retenant_units (
    retenanting text collate "C" not null,
    unit text collate "C" not null,
    position integer not null,
    old_tenant_id uuid not null,
    main_tenant_id uuid not null,
    targets integer not null,
    stays boolean not null,
    chosen boolean not null,
    people jsonb not null,
    stage text not null,
    progress jsonb not null default '{}',
    row_count bigint not null default 0,
    started_at timestamptz,
    finished_at timestamptz,
    primary key (retenanting, unit)
  )`,
  // Where the rows of a unit go that a rule tells apart: by a user, by a key of the application, by the row itself.
  `create table tenantry.retenant_ways (
    retenanting text collate "C" not null,
    unit text collate "C" not null,
    kind text collate "C" not null,
    value text collate "C" not null,
    tenant_id uuid not null,
    primary key (retenanting, unit, kind, value)
  )`,
  // What becomes of each row of the application: whole as it was where more than its tenant changes.
  `create table tenantry.retenant_rows (
    retenanting text collate "C" not null,
    unit text collate "C" not null,
    table_name text collate "C" not null,
    old_tenant_id uuid not null,
    old_key text collate "C" not null,
    new_tenant_id uuid not null,
    new_key text collate "C" not null,
    action text not null check (action in ('move', 'join', 'copy', 'use', 'change', 'drop')),
    part integer not null default 0,
    before json,
    after json,
    primary key (retenanting, unit, table_name, old_tenant_id, old_key, new_tenant_id)
  )`,
  'create index retenant_rows_new on tenantry.retenant_rows (retenanting, table_name, new_tenant_id, new_key)',
  // What was there before a unit: rows of the old tenant, and the sum of what stands in them beside the tenant.
  `create table tenantry.retenant_baselines (
    retenanting text collate "C" not null,
    unit text collate "C" not null,
    table_name text collate "C" not null,
    row_count bigint not null,
    checksum numeric not null,
    primary key (retenanting, unit, table_name)
  )`,
  ...['retenant_people', 'retenant_kept', 'retenant_units', 'retenant_ways', 'retenant_rows', 'retenant_baselines'].map(
    (table) => `grant select, insert, update, delete on ${librarySchema}.${table} to ${serviceRole}`,
  ),
];
