import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool } from 'pg';
import { installSchema, nameStatements } from '../src/database/index.ts';
import { startPostgres } from '../src/testing/index.ts';

/** A server of this run, with the library's schema, seen as the application's plain login. */
export interface BenchDatabase {
  /** The pool of both sides: ten connections. */
  readonly pool: Pool;
  /** Kysely on that pool, with named statements. */
  // biome-ignore lint/suspicious/noExplicitAny: each suite has its own tables.
  readonly db: Kysely<any>;
  /** Connection string of the owner of the database. */
  readonly url: string;
  /** Connection string of the application's plain login. */
  readonly appUrl: string;
  /** Runs a statement as the owner of the database, to make tables and rows. */
  run(statement: string, values?: readonly unknown[]): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a durable server (fsync on), and makes the login and the schema `bench` for the tables of references. */
export async function startDatabase(): Promise<BenchDatabase> {
  const server = await startPostgres();
  const owner = new Client({ connectionString: server.url });
  await owner.connect();
  await owner.query(`create role bench_app login password 'bench'`);
  await owner.query('create schema bench');
  await owner.query('grant usage on schema bench to bench_app');
  await owner.query(
    'alter default privileges in schema bench grant select, insert, update, delete on tables to bench_app',
  );
  const installing = new Kysely<Record<string, never>>({
    dialect: new PostgresDialect({ pool: new Pool({ connectionString: server.url, max: 1 }) }),
  });
  await installSchema(installing, { grantTo: ['bench_app'] });
  await installing.destroy();
  const url = new URL(server.url);
  url.username = 'bench_app';
  url.password = 'bench';
  const pool = new Pool({ connectionString: url.href, max: 10 });
  // The server stops right after the pool has asked its connections to end.
  pool.on('error', () => undefined);
  const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
  return {
    pool,
    db,
    url: server.url,
    appUrl: url.href,
    async run(statement, values = []) {
      await owner.query(statement, [...values]);
    },
    async stop() {
      await db.destroy();
      await owner.end();
      await server.stop();
    },
  };
}
