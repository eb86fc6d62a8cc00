import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { isolateTable, nameStatements } from '../../src/database/index.ts';
import { createScope, createTransaction, own } from '../../src/tenancy/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

interface Schema {
  notes: { tenant_id: string; id: number; body: string };
}
const a = '0199f3c2-0000-7000-8000-00000000000a';
const b = '0199f3c2-0000-7000-8000-00000000000b';
const tables = { notes: own() };

let database: TestDatabase<Schema>;
let plain: Pool;
let db: Kysely<Schema>;
const wrap = () => nameStatements(plain);
let pool: ReturnType<typeof wrap>;
/** Messages after which the client waited for PostgreSQL, since the last call. */
let waits: () => number;

beforeAll(async () => {
  database = await postgresDatabase<Schema>();
  for (const statement of [
    'create table notes (tenant_id uuid not null, id int not null, body text not null, primary key (tenant_id, id))',
    ...isolateTable({ table: 'notes' }),
    'grant select, insert, update, delete on notes to tenantry_test_app',
    `insert into notes values ('${a}', 1, 'of a'), ('${b}', 1, 'of b')`,
  ])
    await sql.raw(statement).execute(database.owner);
});
afterAll(() => database.destroy());

beforeEach(async () => {
  plain = new Pool({ connectionString: database.urls?.app, max: 1 });
  plain.on('error', () => undefined);
  let count = 0;
  plain.on('connect', (client) => {
    const connection: unknown = Reflect.get(client, 'connection');
    if (typeof connection !== 'object' || connection === null) return;
    for (const name of ['sync', 'query']) {
      const send: unknown = Reflect.get(connection, name);
      if (typeof send !== 'function') continue;
      Reflect.set(connection, name, (...args: unknown[]) => {
        count += 1;
        return Reflect.apply(send, connection, args);
      });
    }
  });
  waits = () => {
    const seen = count;
    count = 0;
    return seen;
  };
  pool = wrap();
  db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
});
afterEach(() => db.destroy());

const scope = () => createScope({ db, tables });
const run = () => createTransaction({ db, tables });
const bodies = (tenant: string) => scope()(tenant, { rowSecurity: true }).selectFrom('notes').select('body').execute();
const who = async () => (await sql<{ role: string }>`select current_user::text as role`.execute(db)).rows[0]?.role;

it('runs a statement under row-level security in one message', async () => {
  expect(await bodies(a)).toEqual([{ body: 'of a' }]);
  waits();
  expect(await bodies(b)).toEqual([{ body: 'of b' }]);
  expect(waits()).toBe(1);
  // Neither role nor tenant is left on the connection.
  expect(await who()).toBe('tenantry_test_app');
});

it('runs a transaction in one message more than it has statements', async () => {
  const work = (tenant: string) =>
    run()(tenant, async (tx) => {
      const first = await tx.selectFrom('notes').select('body').execute();
      const changed = await tx
        .updateTable('notes')
        .set({ body: `of ${tenant.slice(-1)}` })
        .executeTakeFirstOrThrow();
      return [first, Number(changed.numUpdatedRows)];
    });
  expect(await work(a)).toEqual([[{ body: 'of a' }], 1]);
  waits();
  expect(await work(b)).toEqual([[{ body: 'of b' }], 1]);
  expect(waits()).toBe(3);
  expect(await who()).toBe('tenantry_test_app');
});

it('sends nothing for a transaction without statements', async () => {
  await bodies(a);
  waits();
  expect(await run()(a, async () => 'done')).toBe('done');
  expect(waits()).toBe(0);
  await expect(run()(a, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(waits()).toBe(0);
});

it('keeps nothing of a statement that fails, nor of a transaction whose first statement fails', async () => {
  for (let turn = 0; turn < 2; turn += 1) {
    const insert = (id: number) => scope()(a, { rowSecurity: true }).insertInto('notes').values({ id, body: 'new' });
    await expect(insert(1).execute()).rejects.toMatchObject({ code: '23505' });
    expect(await who()).toBe('tenantry_test_app');
    await expect(
      run()(a, async (tx) => tx.insertInto('notes').values({ id: 1, body: 'new' }).execute()),
    ).rejects.toMatchObject({ code: '23505' });
    expect(await who()).toBe('tenantry_test_app');
    await insert(10 + turn).execute();
  }
  expect(await bodies(a)).toEqual([{ body: 'of a' }, { body: 'new' }, { body: 'new' }]);
  expect(await scope()(a, { rowSecurity: true }).deleteFrom('notes').where('id', '>', 1).executeTakeFirst()).toEqual({
    numDeletedRows: 2n,
  });
});

it('reports an error of syntax as one, each time, and prepares the text once it is right', async () => {
  await bodies(a);
  for (let turn = 0; turn < 3; turn += 1) {
    const wrong = run()(a, (tx) => sql`select nothing from notes`.execute(tx), { plugin: false });
    await expect(wrong).rejects.toMatchObject({ code: '42703' });
  }
  await sql`alter table notes add column nothing integer`.execute(database.owner);
  const right = run()(a, (tx) => sql`select nothing from notes`.execute(tx), { plugin: false });
  expect((await right).rows).toEqual([{ nothing: null }]);
  await sql`alter table notes drop column nothing`.execute(database.owner);
});

it('sends a single statement again whose plan a change of columns made stale', async () => {
  const all = () => scope()(a, { rowSecurity: true }).selectFrom('notes').selectAll().execute();
  await all();
  await all();
  await sql`alter table notes add column more integer`.execute(database.owner);
  expect(await all()).toEqual([{ tenant_id: a, id: 1, body: 'of a', more: null }]);
  await sql`alter table notes drop column more`.execute(database.owner);
  expect(await all()).toEqual([{ tenant_id: a, id: 1, body: 'of a' }]);
});

it('hands out the connection of the transaction, under its role and tenant, and none outside', async () => {
  expect(() => pool.clientHere()).toThrow(expect.objectContaining({ code: 'tenant_required' }));
  for (let turn = 0; turn < 2; turn += 1) {
    const seen = await run()(a, async (tx) => {
      const client = pool.clientHere();
      const { rows } = await client.query<{ body: string }>('select body from notes');
      const config = await client.query({ text: 'select body from notes where id = $1', values: [1] });
      await client.query('update notes set body = $1', ['of drizzle']);
      return [rows, config.rows, await tx.selectFrom('notes').select('body').execute()];
    });
    expect(seen).toEqual([[{ body: 'of a' }], [{ body: 'of a' }], [{ body: 'of drizzle' }]]);
    await scope()(a).updateTable('notes').set({ body: 'of a' }).execute();
  }
  expect(await bodies(b)).toEqual([{ body: 'of b' }]);
});

it('gives neither role nor tenant to other connections that are used meanwhile', async () => {
  const other = nameStatements(new Pool({ connectionString: database.urls?.app, max: 1 }));
  const elsewhere = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: other }) });
  const bare = new Kysely<Schema>({
    dialect: new PostgresDialect({ pool: new Pool({ connectionString: database.urls?.app, max: 1 }) }),
  });
  const role = (handle: Kysely<Schema>) => sql<{ role: string }>`select current_user::text as role`.execute(handle);
  for (const outer of [db, bare]) {
    const seen = await createTransaction({ db: outer, tables })(a, async (tx) => [
      await role(elsewhere),
      await tx.selectFrom('notes').select('body').execute(),
      await role(elsewhere),
    ]);
    expect(seen).toMatchObject([
      { rows: [{ role: 'tenantry_test_app' }] },
      [{ body: 'of a' }],
      { rows: [{ role: 'tenantry_test_app' }] },
    ]);
  }
  await Promise.all([elsewhere.destroy(), bare.destroy()]);
});

it("says why the tenant's role could not be taken, and leaves the connection usable", async () => {
  await sql`create role tenantry_test_stranger login password 'x'`.execute(database.owner).catch(() => undefined);
  const url = new URL(database.urls?.app ?? '');
  url.username = 'tenantry_test_stranger';
  url.password = 'x';
  const stranger = new Pool({ connectionString: url.href, max: 1 });
  const theirs = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: nameStatements(stranger) }) });
  const connected = await stranger.query('select 1').then(
    () => true,
    () => false,
  );
  if (connected) {
    for (let turn = 0; turn < 2; turn += 1) {
      const statement = createScope({ db: theirs, tables })(a, { rowSecurity: true }).selectFrom('notes').selectAll();
      await expect(statement.execute()).rejects.toMatchObject({ code: 'database_right_missing' });
      const work = createTransaction({ db: theirs, tables })(a, (tx) => tx.selectFrom('notes').selectAll().execute());
      await expect(work).rejects.toMatchObject({ code: 'database_right_missing' });
      expect((await sql`select 1 as one`.execute(theirs)).rows).toEqual([{ one: 1 }]);
    }
  }
  await theirs.destroy();
  expect(connected).toBe(true);
});

it("joins the caller's transaction, and refuses a stream", async () => {
  await db.transaction().execute(async (tx) => {
    const inside = scope()(a, { db: tx, rowSecurity: true });
    await inside.updateTable('notes').set({ body: 'changed' }).execute();
    expect(await inside.selectFrom('notes').select('body').execute()).toEqual([{ body: 'changed' }]);
    await inside.updateTable('notes').set({ body: 'of a' }).execute();
  });
  const stream = scope()(a, { rowSecurity: true }).selectFrom('notes').selectAll().stream();
  await expect(stream.next()).rejects.toMatchObject({ code: 'scope_unsupported' });
});
