import { Kysely, PGliteDialect, PostgresDialect, sql } from 'kysely';
import { Client, Pool } from 'pg';
import { inject } from 'vitest';
import { installSchema, nameStatements } from '../../src/database/index.ts';
import { freshPglite } from './pglite-image.ts';

/** One database of its own for a test, with the library's schema, seen as its owner and as the application's login. */
export interface TestDatabase<DB> {
  /** The application's login: no superuser, owns nothing. On PGlite, which has one user, the same as `owner`. */
  readonly app: Kysely<DB>;
  /** The owner of the database: no superuser on a real server. */
  readonly owner: Kysely<DB>;
  readonly kind: 'pglite' | 'postgres';
  /** Connection strings, on a real server only. */
  readonly urls?: { readonly app: string; readonly owner: string; readonly legacy: string; readonly superuser: string };
  destroy(): Promise<void>;
}

let count = 0;

/** Options of the database makers. */
export interface TestDatabaseOptions {
  /** False leaves the library's schema out. */
  readonly install?: boolean;
  /** How many connections the application's pool may hold. */
  readonly connections?: number;
}

/** Makes a database on the project's real server. */
export async function postgresDatabase<DB>({
  install = true,
  connections = 10,
}: TestDatabaseOptions = {}): Promise<TestDatabase<DB>> {
  count += 1;
  const name = `test_${process.pid}_${count}_${Math.random().toString(36).slice(2, 8)}`;
  const superuser = new URL(inject('postgresUrl'));
  const template = install ? 'tenantry_test_template' : 'template1';
  await once(superuser.href, `create database ${name} owner tenantry_test_owner template ${template}`);
  const login = (user: string): string => {
    const url = new URL(superuser);
    url.username = user;
    url.password = 'test';
    url.pathname = `/${name}`;
    return url.href;
  };
  const inside = new URL(superuser);
  inside.pathname = `/${name}`;
  const urls = {
    app: login('tenantry_test_app'),
    owner: login('tenantry_test_owner'),
    legacy: login('tenantry_test_legacy'),
    superuser: inside.href,
  };
  if (!install) await once(urls.superuser, 'grant create on schema public to tenantry_test_owner');
  const pools = {
    app: new Pool({ connectionString: urls.app, max: connections }),
    owner: new Pool({ connectionString: urls.owner, max: 5 }),
  };
  for (const pool of Object.values(pools)) {
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
  }
  const app = new Kysely<DB>({ dialect: new PostgresDialect({ pool: nameStatements(pools.app) }) });
  const owner = new Kysely<DB>({ dialect: new PostgresDialect({ pool: pools.owner }) });
  return {
    app,
    owner,
    kind: 'postgres',
    urls,
    async destroy() {
      await Promise.all([app.destroy(), owner.destroy()]);
      await dropDatabase(superuser.href, name);
    },
  };
}

/** Makes an embedded database. */
export async function pgliteDatabase<DB>({ install = true }: TestDatabaseOptions = {}): Promise<TestDatabase<DB>> {
  const db = new Kysely<DB>({ dialect: new PGliteDialect({ pglite: freshPglite }) });
  await sql`select 1`.execute(db);
  if (install) await installSchema(db);
  return { app: db, owner: db, kind: 'pglite', destroy: () => db.destroy() };
}

/** Lets connections that were just closed end by themselves; only what is still there after that is cut off. */
async function dropDatabase(url: string, name: string): Promise<void> {
  for (let tries = 0; tries < 40; tries += 1) {
    const gone = await once(url, `drop database if exists ${name}`).then(
      () => true,
      () => false,
    );
    if (gone) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await once(url, `drop database if exists ${name} with (force)`);
}

async function once(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
