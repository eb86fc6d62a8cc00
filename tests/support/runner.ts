import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool } from 'pg';
import type { TestDatabase } from './databases.ts';

/** Who runs a migration. */
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
export async function openRunner<DB>({ urls }: TestDatabase<DB>): Promise<Runner<DB>> {
  if (urls === undefined) throw new TypeError('only a real server has logins');
  count += 1;
  const role = `tenantry_test_runner_${process.pid}_${count}`;
  await statements(urls.superuser, [
    `create role ${role} login password 'test' in role tenantry_test_owner, tenantry_service`,
    `grant set on parameter session_replication_role to ${role}`,
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
      await statements(server.href, [
        `revoke set on parameter session_replication_role from ${role}`,
        `drop role ${role}`,
      ]);
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
