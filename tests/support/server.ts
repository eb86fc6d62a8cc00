import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
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
 * application's login, which knows nothing of the library.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres({ settings: { fsync: 'off', max_connections: '300' } });
  const client = new Client({ connectionString: server.url });
  await client.connect();
  await client.query(`create role tenantry_test_owner login password 'test' createrole createdb`);
  await client.query(`create role tenantry_test_app login password 'test'`);
  await client.query(`create role tenantry_test_legacy login password 'test'`);
  await client.end();
  project.provide('postgresUrl', server.url);
  return () => server.stop();
}
