import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { nameStatements } from '../../src/database/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

interface Schema {
  notes: { id: number; body: string };
}

let database: TestDatabase<Schema>;
let pool: Pool;
/** One connection, through the wrapper. */
let named: Kysely<Schema>;

beforeAll(async () => {
  database = await postgresDatabase<Schema>({ install: false });
});

afterAll(() => database.destroy());

beforeEach(async () => {
  await sql`drop table if exists notes`.execute(database.owner);
  await sql`create table notes (id integer primary key, body text not null)`.execute(database.owner);
  await sql`insert into notes values (1, 'one'), (2, 'two')`.execute(database.owner);
  pool = new Pool({ connectionString: database.urls?.owner, max: 1 });
  // The database is dropped by force at the end, perhaps before a connection has quite gone.
  pool.on('error', () => undefined);
  named = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
});

afterEach(() => named.destroy());

/** The texts that the one connection has prepared. */
async function prepared(): Promise<string[]> {
  const { rows } = await pool.query<{ statement: string }>('select statement from pg_prepared_statements order by 1');
  return rows.map((row) => row.statement);
}

const read = (db: Kysely<Schema>, id: number) => db.selectFrom('notes').select('body').where('id', '=', id).execute();

it('prepares each text once, whatever its values', async () => {
  expect(await read(named, 1)).toEqual([{ body: 'one' }]);
  expect(await read(named, 2)).toEqual([{ body: 'two' }]);
  expect(await prepared()).toEqual(['select "body" from "notes" where "id" = $1']);
});

it('names reads and writes, but no transaction control and no DDL', async () => {
  await named.transaction().execute(async (tx) => {
    await tx.insertInto('notes').values({ id: 3, body: 'three' }).execute();
    await tx.updateTable('notes').set({ body: 'drei' }).where('id', '=', 3).execute();
    await tx.deleteFrom('notes').where('id', '=', 1).execute();
    await sql`create temporary table scratch (id integer)`.execute(tx);
  });
  expect(await prepared()).toEqual([
    'delete from "notes" where "id" = $1',
    'insert into "notes" ("id", "body") values ($1, $2)',
    'update "notes" set "body" = $1 where "id" = $2',
  ]);
  expect(await read(named, 3)).toEqual([{ body: 'drei' }]);
});

it('names at most `max` texts and sends the others unnamed; 0 switches naming off', async () => {
  for (const max of [1, 0]) {
    const few = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: nameStatements(pool, { max }) }) });
    await few.selectFrom('notes').select('id').where('id', '=', 1).execute();
    await few.selectFrom('notes').select('body').where('id', '=', 1).execute();
    expect(await prepared()).toHaveLength(max);
    await pool.query('deallocate all');
  }
});

it('without the wrapper nothing is named, so that an old transaction pooler can stand between', async () => {
  const plain = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  expect(await read(plain, 1)).toEqual([{ body: 'one' }]);
  expect(await prepared()).toEqual([]);
});

it('passes errors on as they are, and the connection stays usable', async () => {
  const twice = named.insertInto('notes').values({ id: 1, body: 'again' }).execute();
  await expect(twice).rejects.toMatchObject({ code: '23505', constraint: 'notes_pkey' });
  expect(await read(named, 1)).toEqual([{ body: 'one' }]);
});

it('survives that a table gets another column between two reads of all its columns', async () => {
  const all = () => named.selectFrom('notes').selectAll().where('id', '=', 1).execute();
  expect(await all()).toEqual([{ id: 1, body: 'one' }]);
  await sql`alter table notes add column tenant_id integer default 7`.execute(database.owner);
  expect(await all()).toEqual([{ id: 1, body: 'one', tenant_id: 7 }]);
  expect(await all()).toEqual([{ id: 1, body: 'one', tenant_id: 7 }]);
});

it('tells a transaction whose plan went stale, and its second run succeeds', async () => {
  const all = () =>
    named.transaction().execute((tx) => tx.selectFrom('notes').selectAll().where('id', '=', 1).executeTakeFirst());
  await all();
  await sql`alter table notes add column tenant_id integer default 7`.execute(database.owner);
  await expect(all()).rejects.toMatchObject({ code: '0A000' });
  expect(await all()).toEqual({ id: 1, body: 'one', tenant_id: 7 });
});

it('ends the pool with Kysely', async () => {
  await read(named, 1);
  await named.destroy();
  await expect(pool.query('select 1')).rejects.toThrow();
  named = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: new Pool() }) });
});

it('a lent connection that the server ends fails the next statement, and not the process', async () => {
  await named.connection().execute(async (connection) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(connection);
    await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(database.owner);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(read(connection, 1)).rejects.toThrow();
  });
  expect(await read(named, 1)).toEqual([{ body: 'one' }]);
});
