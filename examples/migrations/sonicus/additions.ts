import type { Addition } from 'tenantry/migrate';

/** The columns that name the organization and go: of users, of what is theirs, and of what everybody has now. */
const organizationColumns = [
  { table: 'users', key: 'id', mine: false },
  { table: 'user_sessions', key: 'id', mine: true },
  { table: 'therapy_sessions', key: 'id', mine: true },
  { table: 'dashboard_widgets', key: 'id', mine: true },
  { table: 'webhook_endpoints', key: 'id', mine: true },
  { table: 'wellness_metrics', key: 'id', mine: false },
  { table: 'analytics_events', key: 'id', mine: false },
  { table: 'feature_usage', key: 'user_id, feature, day', mine: true },
  { table: 'sound_packages', key: 'id', mine: false },
  { table: 'therapy_sounds', key: 'id', mine: false },
] as const;

/** Where the column was mandatory. */
const mandatory = ['user_sessions', 'dashboard_widgets', 'webhook_endpoints'] as const;

/** What comes back with the columns, as the legacy schema has it. */
const keysOfColumns = [
  'users',
  'user_sessions',
  'therapy_sessions',
  'dashboard_widgets',
  'webhook_endpoints',
  'sound_packages',
  'therapy_sounds',
];
const indexesOfColumns = [
  'create index users_organization on users (organization_id)',
  'create index dashboard_widgets_organization on dashboard_widgets (organization_id)',
  'create index webhook_endpoints_organization on webhook_endpoints (organization_id)',
  'create index analytics_events_organization on analytics_events (organization_id, occurred_at)',
  'alter table sound_packages add constraint sound_packages_organization_id_name_key unique (organization_id, name)',
];

const columns = (key: string, alias: string): string =>
  key
    .split(', ')
    .map((name) => `${alias}.${name}`)
    .join(', ');

/** The organizations may still stand in the archive when the columns come back. */
const foreignKey = (table: string): string => `do $key$ begin
  execute format('alter table ${table} add constraint ${table}_organization_id_fkey foreign key (organization_id) references %s (id)',
    coalesce(to_regclass('public.organizations'), to_regclass('tenantry_archive.organizations')));
end $key$`;

/** The application's own statements: what the library cannot know. Each is taken back with its stage. */
export const additions: readonly Addition[] = [
  {
    // user, admin and super_admin remain; who was the admin of an organization is a user like any other. Both columns
    // follow each other until the old one is dropped.
    name: 'account-role',
    stage: 'expand',
    adds: { users: ['account_role'] },
    sql: [
      `alter table users add column account_role text not null default 'user'
  constraint users_account_role check (account_role in ('user', 'admin', 'super_admin'))`,
      `create function sonicus_account_role() returns trigger language plpgsql as $role$
begin
  if TG_OP = 'UPDATE' and NEW.account_role is distinct from OLD.account_role and NEW.role is not distinct from OLD.role then
    NEW.role := NEW.account_role;
  elsif TG_OP = 'INSERT' and NEW.account_role <> 'user' then
    NEW.role := NEW.account_role;
  elsif TG_OP = 'INSERT' or NEW.role is distinct from OLD.role then
    NEW.account_role := case when lower(btrim(NEW.role)) in ('admin', 'super_admin') then lower(btrim(NEW.role)) else 'user' end;
  end if;
  return NEW;
end $role$`,
      `create trigger users_account_role before insert or update on users for each row execute function sonicus_account_role()`,
    ],
    undo: [
      'drop trigger users_account_role on users',
      'drop function sonicus_account_role()',
      'alter table users drop column account_role',
    ],
  },
  {
    // A handful of rows: everybody else has the default. No trigger of the application's fires on it.
    name: 'account-role-of-admins',
    stage: 'backfill',
    sql: [
      'set local session_replication_role = replica',
      `update users set account_role = lower(btrim(role)) where lower(btrim(role)) in ('admin', 'super_admin')`,
      'set local session_replication_role = origin',
    ],
    undo: [],
  },
  {
    // The new application knows no organization. As long as the old one may come back, its columns are filled from the user.
    name: 'organization-is-optional',
    stage: 'switch',
    changes: mandatory,
    sql: [
      ...mandatory.map((table) => `alter table ${table} alter column organization_id drop not null`),
      `create function sonicus_organization() returns trigger language plpgsql as $organization$
begin
  NEW.organization_id := coalesce(NEW.organization_id,
    (select u.organization_id from users u where u.tenant_id = NEW.tenant_id));
  return NEW;
end $organization$`,
      ...mandatory.map(
        (table) =>
          `create trigger ${table}_organization before insert on ${table} for each row execute function sonicus_organization()`,
      ),
    ],
    undo: [
      ...mandatory.map((table) => `drop trigger if exists ${table}_organization on ${table}`),
      'drop function if exists sonicus_organization()',
      // Rows of users without an organization have no place in the old shape.
      ...mandatory.flatMap((table) => [
        `insert into tenantry.migration_quarantine (migration, table_name, row_key, row_data, reason)
  select 'organizations-to-users', '${table}', t.id::text, row_to_json(t), 'its user belongs to no organization'
  from ${table} t where t.organization_id is null`,
        `delete from ${table} where organization_id is null`,
        `alter table ${table} alter column organization_id set not null`,
      ]),
    ],
  },
  {
    // Kept beside the archived organizations, so that the way back needs no backup.
    name: 'organization-columns',
    stage: 'contract',
    changes: organizationColumns.map(({ table }) => table),
    sql: [
      'create schema if not exists tenantry_archive',
      ...mandatory.map((table) => `drop trigger ${table}_organization on ${table}`),
      'drop function sonicus_organization()',
      ...organizationColumns.flatMap(({ table, key }) => [
        `create table tenantry_archive.${table}_organization as select ${key}, organization_id from ${table}`,
        `alter table ${table} drop column organization_id`,
      ]),
    ],
    undo: [
      'set local session_replication_role = replica',
      ...organizationColumns.flatMap(({ table, key, mine }) => {
        const same = `(${columns(key, 't')}) = (${columns(key, 'a')})`;
        const archive = `tenantry_archive.${table}_organization as a`;
        return [
          `alter table ${table} add column organization_id uuid`,
          `update ${table} as t set organization_id = a.organization_id from ${archive} where ${same}`,
          // What the new application made since then belongs to the organization of its user.
          ...(mine
            ? [
                `update ${table} as t set organization_id = u.organization_id from users as u
  where u.tenant_id = t.tenant_id and not exists (select 1 from ${archive} where ${same})`,
              ]
            : []),
        ];
      }),
      ...organizationColumns.map(({ table }) => `drop table tenantry_archive.${table}_organization`),
      'set local session_replication_role = origin',
      ...keysOfColumns.map((table) => foreignKey(table)),
      ...indexesOfColumns,
    ],
  },
];
