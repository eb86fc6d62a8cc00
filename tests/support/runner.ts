import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool } from 'pg';
import type { TestDatabase } from './databases.ts';

/** A login of one test's own. */
export interface Runner<DB> {
  readonly db: Kysely<DB>;
  readonly url: string;
  /** Drops the role; the database has to be gone by then. */
  destroy(): Promise<void>;
}

let count = 0;

/**
 * Opens a login that runs the migration of tables with triggers: no superuser, a member of their owner, with the right to
 * keep triggers from firing. That right belongs to a whole server, so the role is made for one test and dropped with it.
 */
export function openRunner<DB>(database: TestDatabase<DB>): Promise<Runner<DB>> {
  return open(database, {
    roles: 'tenantry_test_owner, tenantry_service',
    grant: (role) => `grant set on parameter session_replication_role to ${role}`,
    revoke: (role) => `revoke set on parameter session_replication_role from ${role}`,
  });
}

/** Opens a login of an application that was granted what it needs and nothing else, whatever other tests grant theirs. */
export function openLogin<DB>(database: TestDatabase<DB>): Promise<Runner<DB>> {
  return open(database, { roles: 'tenantry_app, tenantry_service' });
}

/** Opens a login of the old application that was granted what writing takes between the switch and the end. */
export function openOldWriter<DB>(database: TestDatabase<DB>): Promise<Runner<DB>> {
  return open(database, { roles: 'tenantry_test_legacy, tenantry_service' });
}

async function open<DB>(
  { urls }: TestDatabase<DB>,
  { roles, grant, revoke }: { roles: string; grant?: (role: string) => string; revoke?: (role: string) => string },
): Promise<Runner<DB>> {
  if (urls === undefined) throw new TypeError('only a real server has logins');
  count += 1;
  const role = `tenantry_test_login_${process.pid}_${count}`;
  await statements(urls.superuser, [
    `create role ${role} login password 'test' in role ${roles}`,
    ...(grant === undefined ? [] : [grant(role)]),
  ]);
  const url = new URL(urls.owner);
  url.username = role;
  const pool = new Pool({ connectionString: url.href, max: 4 });
  pool.on('error', () => undefined);
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    url: url.href,
    async destroy() {
      const server = new URL(urls.superuser);
      server.pathname = '/postgres';
      await statements(server.href, [...(revoke === undefined ? [] : [revoke(role)]), `drop role ${role}`]);
    },
  };
}

async function statements(url: string, list: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of list) await client.query(statement);
  } finally {
    await client.end();
  }
}
