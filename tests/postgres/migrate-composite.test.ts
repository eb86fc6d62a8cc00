import { type Kysely, sql } from 'kysely';
import {
  applyMigration,
  defineMigration,
  planMigration,
  rollbackMigration,
  verifyMigration,
  via,
} from 'tenantry/migrate';
import { none, perOrg } from 'tenantry/tenancy';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

/** Keys of two columns all the way down, and a partitioned table. */
interface Legacy {
  accounts: { region: string; number: number; mail: string };
  orders: { region: string; number: number; id: number };
  lines: { region: string; number: number; order_id: number; position: number };
  events: { id: number; day: Date; region: string | null; number: number | null };
}

const definition = defineMigration<Legacy>()({
  name: 'composite',
  from: none(),
  to: perOrg(),
  tenants: { source: 'accounts', sameTenant: ['mail'], name: 'mail' },
  tables: {
    orders: via(['region', 'number']),
    lines: via(['region', 'number', 'order_id']),
    events: via(['number', 'region'], { key: ['number', 'region'] }),
  },
});

let database: TestDatabase<Legacy>;
let db: Kysely<Legacy>;

beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  db = database.owner;
  for (const statement of [
    'create table accounts (region text, number integer, mail text not null, primary key (region, number))',
    'create table orders (region text, number integer, id integer, primary key (region, number, id), foreign key (region, number) references accounts on update cascade)',
    `create table lines (region text, number integer, order_id integer, position integer, primary key (region, number, order_id, position),
      foreign key (region, number, order_id) references orders on update cascade)`,
    'create table events (id integer, day date, region text, number integer, primary key (id, day)) partition by range (day)',
    `create table events_1 partition of events for values from ('2026-01-01') to ('2026-02-01')`,
    `create table events_2 partition of events for values from ('2026-02-01') to ('2026-03-01')`,
    `insert into accounts select case when n % 2 = 0 then 'ch' else 'pl' end, n / 2, 'a' || n from generate_series(1, 20) n`,
    'insert into orders select region, number, s from accounts, generate_series(1, 5) s',
    'insert into lines select region, number, id, s from orders, generate_series(1, 2) s',
    `insert into events select row_number() over (), date '2026-01-01' + s * 7, region, number from accounts, generate_series(1, 7) s`,
  ]) {
    await sql.raw(statement).execute(db);
  }
});

afterEach(() => database.destroy());

async function tenantOf(table: string, where: string): Promise<string | undefined> {
  const found = await sql<{
    tenant: string;
  }>`select tenant_id::text as tenant from ${sql.raw(`${table} where ${where}`)}`.execute(db);
  return found.rows[0]?.tenant;
}

it('leads rows through keys of several columns, also while the application writes, and partitions with their parent', async () => {
  const plan = await planMigration(db, definition);
  expect(plan.tables.map(({ table, path }) => [table, path])).toEqual([
    ['accounts', 'itself'],
    ['events', 'number, region'],
    ['orders', 'region, number'],
    ['lines', 'region, number, order_id → region, number'],
  ]);
  await applyMigration(db, definition, { plan, to: 'backfill', batchSize: 30 });
  await sql`insert into orders values ('ch', 1, 99)`.execute(db);
  expect(await tenantOf('orders', 'id = 99')).toBe(await tenantOf('accounts', `mail = 'a2'`));
  await sql`update events set region = 'pl', number = 3 where id = 1`.execute(db);
  expect(await tenantOf('events', 'id = 1')).toBe(await tenantOf('accounts', `mail = 'a7'`));
  await sql`update orders set number = 4 where region = 'ch' and number = 1 and id = 99`.execute(db);
  expect(await tenantOf('orders', 'id = 99')).toBe(await tenantOf('accounts', `mail = 'a8'`));

  await applyMigration(db, definition);
  const report = await verifyMigration(db, definition);
  expect(report.checks.filter((check) => check.status === 'fail')).toEqual([]);
  await expect(
    sql`update orders set tenant_id = (select tenant_id from accounts where mail = 'a9') where id = 1 and number = 2`.execute(
      db,
    ),
  ).rejects.toMatchObject({ code: '23503' });
  await rollbackMigration(db, definition);
});

it('refuses columns that do not fit the key they lead to', async () => {
  const wrong = { ...definition, tables: { ...definition.tables, orders: via('number') } };
  await expect(planMigration(db, wrong)).rejects.toMatchObject({
    code: 'migration_definition_invalid',
    details: { path: 'tables.orders', problem: expect.stringContaining('name them with { key }') },
  });
});
