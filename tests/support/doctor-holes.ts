import type { DoctorOptions, FindingCode } from '../../src/tenancy/index.ts';

/** A hole to plant in the clean sample. */
export interface Hole {
  readonly code: FindingCode;
  readonly title: string;
  readonly plant: readonly string[];
  /** True needs a database of its own. */
  readonly alone?: boolean;
  readonly options?: DoctorOptions;
}

const tenant = `tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid`;

/** A policy in place of the one that the table has. */
function policy(expressions: string, kind = ''): string[] {
  return ['drop policy tenantry_tenant on tasks', `create policy tenantry_tenant on tasks ${kind} ${expressions}`];
}

/** A policy beside the one that the table has. */
function beside(expressions: string, kind = ''): string[] {
  return [`create policy beside on tasks ${kind} ${expressions}`];
}

function both(condition: string): string {
  return `using (${condition}) with check (${condition})`;
}

/** A new table of tenants, in order. */
export function tenantTable(name: string, columns: string): string[] {
  return [
    `create table ${name} (tenant_id uuid not null, ${columns})`,
    `alter table ${name} enable row level security`,
    `alter table ${name} force row level security`,
    `create policy tenantry_tenant on ${name} using (${tenant}) with check (${tenant})`,
    `create policy tenantry_service on ${name} to tenantry_service using (true) with check (true)`,
    `grant select, insert, update, delete on ${name} to tenantry_app`,
  ];
}

const definer = (body: string, rest = '') =>
  `create function public.peek() returns bigint language sql security definer ${rest} as $$ ${body} $$`;

export const holes: readonly Hole[] = [
  { code: 'table_without_tenant', title: 'a table without the tenant', plant: ['create table loose (body text)'] },
  {
    code: 'tenant_nullable',
    title: 'a tenant that may be NULL',
    plant: [
      ...tenantTable('drafts', 'body text'),
      'create index on drafts (tenant_id)',
      'alter table drafts alter tenant_id drop not null',
    ],
  },
  {
    code: 'tenant_default',
    title: 'a tenant with a constant default',
    plant: [`alter table tasks alter tenant_id set default '00000000-0000-0000-0000-000000000001'`],
  },
  {
    code: 'rls_disabled',
    title: 'a table without row-level security',
    plant: ['alter table tasks disable row level security'],
  },
  {
    code: 'rls_disabled',
    title: 'a new table with nothing',
    plant: ['create table naked (tenant_id uuid primary key)', 'grant select on naked to tenantry_app'],
  },
  {
    code: 'rls_not_forced',
    title: 'row-level security that is not forced',
    plant: ['alter table tasks no force row level security'],
  },
  { code: 'policy_missing', title: 'a table without a policy', plant: ['drop policy tenantry_tenant on tasks'] },
  { code: 'policy_true', title: 'a policy that is always true', plant: beside('using (true)') },
  { code: 'policy_true', title: 'a policy that takes every row', plant: beside('with check (true)', 'for insert') },
  { code: 'policy_true', title: 'a policy that is always true in place of the tenant’s', plant: policy(both('true')) },
  {
    code: 'policy_or',
    title: 'a setting that switches the policy off',
    plant: policy(both(`${tenant} or current_setting('app.bypass', true) = 'on'`)),
  },
  {
    code: 'policy_or',
    title: 'rows without a tenant for everybody',
    plant: policy(both(`tenant_id is null or ${tenant}`)),
  },
  { code: 'policy_public', title: 'a policy of another column for PUBLIC', plant: beside(both(`title = 'public'`)) },
  {
    code: 'policy_unbound',
    title: 'a policy of another column for a role',
    plant: beside(both(`title = 'public'`), 'to tenantry_app'),
  },
  {
    code: 'policy_unbound',
    title: 'a policy that a missing tenant opens',
    plant: beside(
      both(`tenant_id = coalesce(nullif(current_setting('tenantry.tenant_id', true), '')::uuid, tenant_id)`),
      'to tenantry_app',
    ),
  },
  {
    code: 'policy_other_setting',
    title: 'a policy that reads another setting',
    plant: policy(both(`tenant_id = nullif(current_setting('app.tenant', true), '')::uuid`)),
  },
  {
    code: 'policy_subquery',
    title: 'a policy with a subquery',
    plant: policy(both(`tenant_id = (select nullif(current_setting('tenantry.tenant_id', true), '')::uuid)`)),
  },
  {
    code: 'policy_subquery',
    title: 'a policy that asks another table',
    plant: policy(
      both(
        `tenant_id in (select m.tenant_id from tenantry.members m where m.user_id = current_setting('app.user', true))`,
      ),
    ),
  },
  {
    code: 'policy_cast',
    title: 'a policy that casts the column',
    plant: policy(both(`tenant_id::text = current_setting('tenantry.tenant_id', true)`)),
  },
  {
    code: 'policy_volatile',
    title: 'a policy with a volatile call',
    plant: policy(both(`${tenant} and clock_timestamp() > '2000-01-01'`)),
  },
  {
    code: 'policy_volatile',
    title: 'a policy that calls a volatile function of the application',
    plant: [
      `create function public.whose() returns uuid language sql as $$ select nullif(current_setting('tenantry.tenant_id', true), '')::uuid $$`,
      ...policy(both('tenant_id = public.whose()')),
    ],
  },
  { code: 'policy_check_missing', title: 'a policy without WITH CHECK', plant: policy(`using (${tenant})`) },
  {
    code: 'policy_setting_strict',
    title: 'a policy that reads the setting without missing_ok',
    plant: policy(both(`tenant_id = nullif(current_setting('tenantry.tenant_id'), '')::uuid`)),
  },
  {
    code: 'policy_setting_empty',
    title: 'a policy that casts an empty setting',
    plant: policy(both(`tenant_id = current_setting('tenantry.tenant_id', true)::uuid`)),
  },
  {
    code: 'foreign_key_crosses',
    title: 'a foreign key without the tenant',
    plant: [
      ...tenantTable('labels', 'id uuid not null unique, primary key (tenant_id, id)'),
      'alter table tasks add column label_id uuid, add constraint tasks_label foreign key (label_id) references labels (id) on delete set null',
    ],
    options: { level: 'warning' },
  },
  {
    code: 'unique_crosses',
    title: 'a unique column over all tenants',
    plant: ['alter table projects add column email text unique'],
  },
  {
    code: 'unique_crosses',
    title: 'a unique index on an expression',
    alone: true,
    plant: ['create unique index projects_slug on projects (lower(slug)) where not private'],
  },
  {
    code: 'key_over_all_tenants',
    title: 'a key that the database makes',
    plant: [
      ...tenantTable('orders', 'id bigint generated always as identity primary key'),
      'create index on orders (tenant_id)',
    ],
  },
  {
    code: 'tenant_index_missing',
    title: 'a table without an index of the tenant',
    plant: tenantTable('lines', 'body text'),
    alone: true,
  },
  {
    code: 'index_not_by_tenant',
    title: 'an index that does not begin with the tenant',
    alone: true,
    plant: ['create index tasks_by_title on tasks (title desc)'],
  },
  {
    code: 'view_without_invoker',
    title: 'a view of its owner',
    plant: ['create view all_tasks as select * from open_tasks'],
  },
  {
    code: 'materialized_view',
    title: 'a materialized view over tenants',
    plant: ['create materialized view titles as select title from tasks', 'grant select on titles to tenantry_app'],
  },
  {
    code: 'foreign_table',
    title: 'a foreign table',
    plant: [
      'create foreign data wrapper nothing',
      'create server elsewhere foreign data wrapper nothing',
      'create foreign table remote (tenant_id uuid) server elsewhere',
      'grant select on remote to tenantry_app',
    ],
  },
  {
    code: 'partition_open',
    title: 'a partition that is reached directly',
    plant: ['grant select on events_2026 to tenantry_app'],
  },
  {
    code: 'inheritance_child',
    title: 'a table that inherits',
    plant: [
      'create table tasks_old () inherits (tasks)',
      'create index on tasks_old (tenant_id)',
      'grant select on tasks_old to tenantry_app',
    ],
  },
  {
    code: 'definer_function',
    title: 'a function that reads tenants as its owner',
    plant: [definer('select count(*) from tasks', 'set search_path = public, pg_temp')],
  },
  {
    code: 'definer_function',
    title: 'a function with a body that is parsed',
    plant: [
      `create function public.peek() returns bigint language sql security definer set search_path = public, pg_temp
        begin atomic select count(*) from tasks; end`,
    ],
  },
  { code: 'definer_search_path', title: 'a function of its owner without a search path', plant: [definer('select 1')] },
  {
    code: 'definer_trigger',
    title: 'a trigger that writes as its owner',
    plant: [
      `create function public.journal() returns trigger language plpgsql security definer set search_path = public, pg_temp
        as $$ begin insert into countries values (new.title, ''); return new; end $$`,
      'create trigger tasks_journal after insert on tasks for each row execute function public.journal()',
    ],
  },
  {
    code: 'rule_rewrites',
    title: 'a rule',
    plant: [`create rule tasks_rule as on insert to tasks do also insert into countries values (new.title, '')`],
  },
  {
    code: 'leakproof_function',
    title: 'a function marked leakproof',
    plant: [
      `create function public.whisper(text) returns boolean language plpgsql leakproof as $$ begin raise notice '%', $1; return true; end $$`,
    ],
  },
  {
    code: 'publication_open',
    title: 'a publication of a table',
    plant: ['create publication stream for table tasks, countries'],
  },
  {
    code: 'publication_open',
    title: 'a publication of everything',
    plant: ['create publication stream for all tables'],
  },
  {
    code: 'publication_open',
    title: 'a publication of a schema',
    plant: ['create publication stream for tables in schema public'],
  },
  {
    code: 'large_objects',
    title: 'large objects that are reached',
    plant: ['select lo_create(4711)', 'grant select on large object 4711 to tenantry_app'],
  },
  {
    code: 'large_objects',
    title: 'large objects of the application',
    plant: ['select lo_create(4712)', 'alter large object 4712 owner to sample_app'],
  },
  { code: 'role_superuser', title: 'a superuser', plant: ['alter role sample_app superuser'] },
  { code: 'role_bypassrls', title: 'a role past row-level security', plant: ['alter role sample_app bypassrls'] },
  {
    code: 'role_bypassrls',
    title: 'a member of a role past row-level security',
    plant: ['create role bypassing bypassrls', 'grant bypassing to sample_app'],
  },
  { code: 'role_createrole', title: 'a role that makes roles', plant: ['alter role sample_app createrole'] },
  { code: 'role_replication', title: 'a role that replicates', plant: ['alter role sample_app replication'] },
  { code: 'role_server_access', title: 'a role that reads files', plant: ['grant pg_read_server_files to sample_app'] },
  { code: 'role_owner', title: 'an owner of tables', plant: ['alter table tasks owner to sample_app'] },
  {
    code: 'role_owner_member',
    title: 'a member of the owner',
    plant: ['create role keeper', 'alter table tasks owner to keeper', 'grant keeper to sample_app'],
  },
  {
    code: 'role_service_member',
    title: 'the application’s role in the service role',
    plant: ['grant tenantry_service to tenantry_app'],
  },
  { code: 'right_truncate', title: 'TRUNCATE', plant: ['grant truncate on tasks, projects to tenantry_app'] },
  {
    code: 'right_truncate',
    title: 'TRUNCATE by way of the service role',
    plant: ['grant truncate on tasks to tenantry_service'],
  },
  { code: 'right_truncate', title: 'TRUNCATE for PUBLIC', plant: ['grant truncate on tenantry.members to public'] },
  { code: 'right_ddl', title: 'triggers of the application', plant: ['grant trigger on tasks to sample_app'] },
  {
    code: 'right_sequence',
    title: 'a sequence that may be set',
    plant: ['create sequence numbers', 'grant usage, update on sequence numbers to tenantry_app'],
  },
  { code: 'right_create', title: 'a schema in which all create', plant: ['grant create on schema public to public'] },
  {
    code: 'default_privileges',
    title: 'tables that are open when they are made',
    plant: ['alter default privileges for role sample_owner in schema public grant select on tables to tenantry_app'],
  },
  {
    code: 'default_privileges',
    title: 'tables that are open to PUBLIC, wherever',
    plant: ['alter default privileges for role sample_owner grant select on tables to public'],
  },
  {
    code: 'library_tampered',
    title: 'the library’s tables without row-level security',
    plant: ['alter table tenantry.members disable row level security'],
  },
  {
    code: 'library_tampered',
    title: 'a policy of the library’s, replaced',
    plant: [
      'drop policy tenantry_tenant on tenantry.api_keys',
      'create policy tenantry_tenant on tenantry.api_keys using (true)',
    ],
  },
  {
    code: 'library_tampered',
    title: 'rights on the library’s tables',
    plant: ['grant update on tenantry.audit_entries to tenantry_app'],
  },
  {
    code: 'library_tampered',
    title: 'migrations in reach',
    plant: ['grant select on tenantry.migration_quarantine to public'],
  },
  {
    code: 'library_tampered',
    title: 'a trigger on the library’s tables',
    plant: ['create trigger spy after insert on tenantry.members for each row execute function public.touch()'],
  },
  {
    code: 'library_tampered',
    title: 'a table of the library’s that is gone',
    plant: ['drop table tenantry.member_grants'],
  },
];
