import { statfs } from 'node:fs/promises';
import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool } from 'pg';
import type { TestProject } from 'vitest/node';
import { installSchema } from '../../src/database/index.ts';
import { startPostgres } from '../../src/testing/index.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection string of the superuser of the test server. */
    postgresUrl: string;
  }
}

/**
 * Starts one real server for a project's tests. `tenantry_test_owner` may create databases and roles and is no superuser; `tenantry_test_app` is the
 * application's login, which may do nothing but what the library grants it; `tenantry_test_legacy` is an old
 * application's login, which knows nothing of the library. The library's schema is installed once, in the database from
 * which those of the tests are copied.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres({ settings: { fsync: 'off', max_connections: '300' }, ...(await memory()) });
  const client = new Client({ connectionString: server.url });
  await client.connect();
  await client.query(`create role tenantry_test_owner login password 'test' createrole createdb`);
  await client.query(`create role tenantry_test_app login password 'test'`);
  await client.query(`create role tenantry_test_legacy login password 'test'`);
  await client.query('create database tenantry_test_template owner tenantry_test_owner');
  await client.end();
  await fillTemplate(server.url);
  project.provide('postgresUrl', server.url);
  return () => server.stop();
}

/** Hundreds of databases are made and dropped: many times as fast in memory, where there is plenty. */
async function memory(): Promise<{ directory?: string }> {
  const directory = '/dev/shm';
  const plenty = await statfs(directory).then(
    ({ bavail, bsize }) => bavail * bsize > 4 * 2 ** 30,
    () => false,
  );
  return plenty ? { directory } : {};
}

async function fillTemplate(serverUrl: string): Promise<void> {
  const url = new URL(serverUrl);
  url.pathname = '/tenantry_test_template';
  const superuser = new Client({ connectionString: url.href });
  await superuser.connect();
  await superuser.query('grant create on schema public to tenantry_test_owner');
  await superuser.end();
  url.username = 'tenantry_test_owner';
  url.password = 'test';
  const owner = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: new Pool({ connectionString: url.href, max: 1 }) }),
  });
  await installSchema(owner, { grantTo: ['tenantry_test_app'] });
  await owner.destroy();
}
