import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import {
  applyMigration,
  bySql,
  defineMigration,
  lookup,
  planMigration,
  quarantine,
  rollbackMigration,
  untouched,
  verifyMigration,
  via,
} from 'tenantry/migrate';
import { perOrg } from 'tenantry/tenancy';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { tableChecksums } from '../support/table-checksums.ts';

interface Legacy {
  companies: { id: number; name: string; code: string };
  domains: { domain: string; company_id: number };
  visits: { id: number; domain: string | null };
  clicks: { id: number; visit_id: number };
  orders: { id: number; reference: string; buyer: string | null };
}
const tables = ['companies', 'domains', 'visits', 'clicks', 'orders'];

const migration = defineMigration<Legacy>()({
  name: 'by-rules',
  from: perOrg(),
  to: perOrg({ plan: 'team' }),
  tenants: { source: 'companies', sameTenant: ['id'], name: 'name' },
  tables: {
    domains: untouched(),
    visits: lookup('domain', { table: 'domains', key: 'domain', gives: 'company_id', unresolved: quarantine() }),
    clicks: via('visit_id'),
    orders: bySql(sql`(select c.id from companies as c where c.code = split_part(orders.reference, '-', 1))`, {
      unresolved: quarantine(),
    }),
  },
});

let database: TestDatabase<Legacy>;
let old: Kysely<Legacy>;
beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  for (const statement of [
    'create table companies (id integer primary key, name text, code text unique)',
    'create table domains (domain text primary key, company_id integer)',
    'create table visits (id integer primary key, domain text)',
    'create table clicks (id integer primary key, visit_id integer not null references visits (id))',
    'create table orders (id integer primary key, reference text not null, buyer text)',
    `insert into companies select n, 'Company ' || n, 'c' || n from generate_series(1, 20) n`,
    `insert into domains select 'd' || n || '.example', 1 + n % 20 from generate_series(1, 40) n`,
    `insert into visits select n, case when n % 10 = 0 then null when n % 15 = 7 then 'gone.example' else 'd' || 1 + n % 40 || '.example' end from generate_series(1, 400) n`,
    'insert into clicks select n, 1 + n % 400 from generate_series(1, 800) n',
    `insert into orders select n, case when n % 9 = 0 then 'x' || n else 'c' || 1 + n % 20 || '-' || n end, null from generate_series(1, 300) n`,
    'grant select, insert, update, delete on all tables in schema public to tenantry_test_legacy',
  ])
    await sql.raw(statement).execute(database.owner);
  const pool = new Pool({ connectionString: database.urls?.legacy ?? '', max: 4 });
  old = new Kysely<Legacy>({ dialect: new PostgresDialect({ pool }) });
});
afterEach(async () => {
  await old.destroy();
  await database.destroy();
});

it('tells of rows of the new application that a lookup or SQL leads elsewhere, or nowhere', async () => {
  await applyMigration(database.owner, migration, { to: 'switch' });
  const tenant = sql`(select tenant_id from companies where id = 7)`;
  await sql`grant select on companies to tenantry_service`.execute(database.owner);
  await sql`insert into visits (id, domain, tenant_id) values (9001, null, ${tenant}), (9002, 'd6.example', ${tenant}), (9003, 'd1.example', ${tenant})`.execute(
    database.app,
  );
  await sql`insert into orders (id, reference, tenant_id) values (9001, 'x-1', ${tenant}), (9002, 'c7-1', ${tenant})`.execute(
    database.app,
  );
  const { kept } = await rollbackMigration(database.owner, migration);
  expect(kept).toEqual([
    { table: 'orders', rows: 1 },
    { table: 'visits', rows: 2 },
  ]);
  expect(await count('from visits where id > 9000')).toBe(3);
  expect(await count('from orders where id > 9000')).toBe(2);
});

async function count(query: string): Promise<number> {
  const { rows } = await sql.raw<{ count: string }>(`select count(*) as count ${query}`).execute(database.owner);
  return Number(rows[0]?.count);
}
const tenantOf = (company: number): string => `(select tenant_id from companies where id = ${company})`;

it('leads rows by a table that is looked into and by SQL, proves it by joins, and goes back', async () => {
  const before = await tableChecksums(database.owner, tables);
  const plan = await planMigration(database.owner, migration);
  expect(Object.fromEntries(plan.tables.map(({ table, path }) => [table, path]))).toMatchObject({
    visits: 'domain → domains.company_id',
    clicks: 'visit_id → domain → domains.company_id',
    orders: 'SQL',
  });
  const lost = plan.tables.find(({ table }) => table === 'visits')?.unresolved.rows;
  expect(lost).toBe(await count(`from visits v where not exists (select 1 from domains d where d.domain = v.domain)`));
  await applyMigration(database.owner, migration);
  const { checks, failed } = await verifyMigration(database.owner, migration);
  expect(failed).toBe(0);
  expect(checks.filter(({ name }) => name === 'tenant').map(({ table }) => table)).toEqual([
    'orders',
    'visits',
    'clicks',
  ]);
  expect(
    await count(
      `from visits v join domains d using (domain) join companies c on c.id = d.company_id where v.tenant_id <> c.tenant_id`,
    ),
  ).toBe(0);
  expect(
    await count(`from orders o join companies c on o.reference like c.code || '-%' where o.tenant_id <> c.tenant_id`),
  ).toBe(0);
  expect(await count('from orders')).toBe(300 - 33);
  await rollbackMigration(database.owner, migration);
  expect(await tableChecksums(database.owner, tables)).toEqual(before);
});

it('follows the rows, and the table that is looked into, while the old application writes', async () => {
  await applyMigration(database.owner, migration, { to: 'backfill' });
  await old.insertInto('visits').values({ id: 1001, domain: 'd1.example' }).execute();
  expect(await count(`from visits where id = 1001 and tenant_id = ${tenantOf(2)}`)).toBe(1);
  await old.updateTable('visits').set({ domain: 'd2.example' }).where('id', '=', 1001).execute();
  expect(await count(`from visits where id = 1001 and tenant_id = ${tenantOf(3)}`)).toBe(1);
  await old.insertInto('clicks').values({ id: 5001, visit_id: 1001 }).execute();
  await old.updateTable('domains').set({ company_id: 7 }).where('domain', '=', 'd2.example').execute();
  expect(await count(`from visits where domain = 'd2.example' and tenant_id = ${tenantOf(7)}`)).toBe(
    await count(`from visits where domain = 'd2.example'`),
  );
  expect(await count(`from clicks where id = 5001 and tenant_id = ${tenantOf(7)}`)).toBe(1);
  await old.insertInto('domains').values({ domain: 'gone.example', company_id: 9 }).execute();
  expect(await count(`from visits where domain = 'gone.example' and tenant_id = ${tenantOf(9)}`)).toBeGreaterThan(10);
  await old.insertInto('orders').values({ id: 9001, reference: 'c4-new' }).execute();
  await old.updateTable('orders').set({ reference: 'c5-new' }).where('id', '=', 9001).execute();
  expect(await count(`from orders where id = 9001 and tenant_id = ${tenantOf(5)}`)).toBe(1);
  expect((await verifyMigration(database.owner, migration)).failed).toBe(0);
  await applyMigration(database.owner, migration);
});

it('refuses a value with two answers', async () => {
  await sql`alter table domains drop constraint domains_pkey`.execute(database.owner);
  await sql`insert into domains values ('d3.example', 19)`.execute(database.owner);
  await expect(planMigration(database.owner, migration)).rejects.toMatchObject({
    code: 'migration_rows_ambiguous',
    details: { table: 'domains', keys: ['d3.example'] },
  });
});

it.each([
  [
    'a column that is not there',
    lookup('nothing' as 'domain', { table: 'domains', key: 'domain', gives: 'company_id' }),
  ],
  ['a table that is not there', lookup('domain', { table: 'hosts', key: 'domain', gives: 'company_id' })],
])('refuses to look up by %s', async (_name, rule) => {
  const wrong = { ...migration, tables: { ...migration.tables, visits: rule } };
  await expect(planMigration(database.owner, wrong)).rejects.toMatchObject({ code: 'migration_definition_invalid' });
});
