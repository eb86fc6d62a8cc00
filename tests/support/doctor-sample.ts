import { Kysely, PostgresDialect, sql } from 'kysely';
import { Client, Pool } from 'pg';
import { installSchema, isolateTable } from '../../src/database/index.ts';
import { startPostgres } from '../../src/testing/index.ts';

/** A database of one kind of user's own, and who connects to it. */
export interface Sample {
  readonly app: Kysely<Record<string, never>>;
  readonly owner: Kysely<Record<string, never>>;
  readonly superuser: Kysely<Record<string, never>>;
  readonly urls: { readonly app: string; readonly owner: string; readonly superuser: string };
  destroy(): Promise<void>;
}

/** A server with a clean database on it, of which each test gets a copy. Roles belong to the server, so it is its own. */
export interface SampleServer {
  copy(): Promise<Sample>;
  stop(): Promise<void>;
}

const tables = [
  'create table countries (code text primary key, name text not null)',
  `create table projects (
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    id uuid not null,
    slug text not null,
    private boolean not null default false,
    primary key (tenant_id, id),
    unique (tenant_id, slug)
  )`,
  `create table tasks (
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    id uuid not null,
    project_id uuid not null,
    country text references countries (code),
    title text not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade
  )`,
  'create index tasks_project on tasks (tenant_id, project_id)',
  "create index tasks_title on tasks using gin (to_tsvector('simple', title))",
  `create table events (
    tenant_id uuid not null,
    id uuid not null,
    happened_at timestamptz not null,
    primary key (tenant_id, id, happened_at)
  ) partition by range (happened_at)`,
  `create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01')`,
  "create view open_tasks with (security_invoker = true) as select * from tasks where title <> ''",
  `create function task_count() returns bigint language sql stable as 'select count(*) from tasks'`,
  `create function touch() returns trigger language plpgsql as 'begin return new; end'`,
  'create trigger tasks_touch before update on tasks for each row execute function touch()',
  ...['projects', 'tasks', 'events'].flatMap((table) => isolateTable({ table })),
  'grant select on countries, open_tasks to tenantry_app',
];

/** Starts the server and makes the clean database. */
export async function startSample(): Promise<SampleServer> {
  const server = await startPostgres({ settings: { fsync: 'off', max_connections: '100' } });
  const urlOf = (database: string, user?: string): string => {
    const url = new URL(server.url);
    url.pathname = `/${database}`;
    if (user !== undefined) Object.assign(url, { username: user, password: 'test' });
    return url.href;
  };
  const admin = new Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`create role sample_owner login password 'test' createrole`);
  await admin.query(`create role sample_app login password 'test'`);
  await admin.query('create database sample owner sample_owner');
  const owner = connect(urlOf('sample', 'sample_owner'));
  await installSchema(owner, { grantTo: ['sample_app'] });
  for (const statement of tables) await sql.raw(statement).execute(owner);
  await owner.destroy();
  let count = 0;
  return {
    async copy() {
      count += 1;
      const name = `sample_${count}`;
      await admin.query(`create database ${name} template sample owner sample_owner`);
      const urls = { app: urlOf(name, 'sample_app'), owner: urlOf(name, 'sample_owner'), superuser: urlOf(name) };
      const [app, ownerDb, superuser] = [connect(urls.app), connect(urls.owner), connect(urls.superuser)];
      return {
        app,
        owner: ownerDb,
        superuser,
        urls,
        async destroy() {
          await Promise.all([app.destroy(), ownerDb.destroy(), superuser.destroy()]);
          await admin.query(`drop database ${name} with (force)`);
        },
      };
    },
    async stop() {
      await admin.end();
      await server.stop();
    },
  };
}

/** Opens a database. */
export function connect(url: string, connections = 3): Kysely<Record<string, never>> {
  const pool = new Pool({ connectionString: url, max: connections });
  pool.on('error', () => undefined);
  return new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) });
}
