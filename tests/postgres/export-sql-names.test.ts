import { type Kysely, sql } from 'kysely';
import {
  applyMigration,
  defaultTenant,
  defineMigration,
  exportSql,
  firstIsOwner,
  planMigration,
  quarantine,
  rollbackMigration,
  verifyMigration,
  via,
} from 'tenantry/migrate';
import { hybridSeats, none } from 'tenantry/tenancy';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyMigration, makeLegacy } from '../support/legacy.ts';
import { asPrisma, asPsql, contents, type FileRunner, psqlFound, psqlParts, withPsql } from './export-sql-runner.ts';

const schema = `Bob's "$1" \\schema`;
const source = `cust$tenantry$omers;--`;
const orders = `or"ders\n:'tenantry_todo' $tenantry_do$`;
const visits = `vis\\its/* $tenantry_sql$ %s`;
const tenant = `te"nant $tenantry_plan$`;
const text = `It's $tenantry$ $tenantry_sql$ $1 $$ \\ "; -- :x %`;

/** Names that break what does not quote: quotes, dollar signs, backslashes, line breaks, comments, and names of PL/pgSQL. */
interface Awkward {
  [source]: { "i'd": number; found: string; tenantry_rows: string | null; row_count: Date };
  [orders]: { 'key $1': string; 'key "2': number; "cust'omer": number };
  [visits]: { at: Date; 'page;': string; key: string; key2: number | null };
}

const definition = defineMigration<Awkward>()({
  name: 'awkward',
  from: none(),
  to: hybridSeats({ plan: `te'am $tenantry$ \\` }),
  schema,
  column: tenant,
  tenants: {
    source,
    sameTenant: [sql`nullif(${sql.ref('tenantry_rows')}, ${text})`, "i'd"],
    name: sql`found || ${text} || '$1 it''s' || ${sql.ref("i'd")}`,
  },
  members: { source, userId: "i'd", email: 'found', role: firstIsOwner({ by: 'row_count' }) },
  tables: {
    [orders]: via("cust'omer", { unresolved: quarantine() }),
    [visits]: via(['key', 'key2'], { to: orders, unresolved: defaultTenant('7') }),
  },
});

let database: TestDatabase<Awkward>;

async function makeAwkward(db: Kysely<Awkward>): Promise<void> {
  const table = (name: string) => sql.id(schema, name);
  for (const statement of [
    sql`create schema ${sql.id(schema)}`,
    sql`grant usage on schema ${sql.id(schema)} to tenantry_app`,
    sql`create type ${table('mo"od $x$')} as enum ('a''b', 'c$$d')`,
    sql`create table ${table(source)} ("i'd" integer primary key, found text not null, tenantry_rows text, row_count timestamptz not null,
      mood ${table('mo"od $x$')} not null default 'c$$d')`,
    sql`create domain public.code as text`,
    sql`create table ${table(orders)} ("key $1" public.code, "key ""2" integer, "cust'omer" integer, primary key ("key $1", "key ""2"))`,
    sql`create table ${table(visits)} (at timestamptz, "page;" text, key text, key2 integer, primary key (at, "page;"))`,
    sql`insert into ${table(source)} select n, ${sql.lit(text)} || n, case n % 3 when 0 then ${sql.lit(text)} || n % 6 when 1 then ${sql.lit(text)} end,
      timestamptz '2026-01-01' + n * interval '1 day' from generate_series(1, 60) n`,
    sql`insert into ${table(orders)} select ${sql.lit(text)} || n % 50, n, case when n % 40 = 0 then null else 1 + n % 60 end from generate_series(1, 600) n`,
    sql`insert into ${table(visits)} select timestamptz '2026-01-01' + n * interval '1 minute', ${sql.lit(text)} || n % 7,
      case when n % 5 <> 0 and n % 40 <> 0 then ${sql.lit(text)} || n % 50 end, n from generate_series(1, 600) n`,
  ]) {
    await statement.execute(db);
  }
}

/** The rows with their tenants, and what was made of them. */
async function resultOf(db: Kysely<Awkward>): Promise<unknown> {
  const column = sql.ref(tenant);
  const found = await sql`select
    (select json_agg(json_build_array("i'd", ${column}) order by "i'd") from ${sql.id(schema, source)}) as source,
    (select json_agg(json_build_array("key $1", "key ""2", ${column}) order by "key ""2") from ${sql.id(schema, orders)}) as orders,
    (select json_agg(json_build_array(at, "page;", ${column}) order by at) from ${sql.id(schema, visits)}) as visits,
    (select json_agg(json_build_array(tenant_id, name, plan) order by tenant_id) from tenantry.tenants) as tenants,
    (select json_agg(json_build_array(tenant_id, id, user_id, role) order by id) from tenantry.members) as members,
    (select json_agg(json_build_array(table_name, row_key, row_data, reason) order by row_key) from tenantry.migration_quarantine) as aside`.execute(
    db,
  );
  return found.rows[0];
}

/** The rows of the legacy tables as texts. */
async function legacyOf(db: Kysely<Awkward>): Promise<unknown> {
  const found = await sql`select (select json_agg(t::text order by t::text) from ${sql.id(schema, source)} t) as source,
    (select json_agg(t::text order by t::text) from ${sql.id(schema, orders)} t) as orders,
    (select json_agg(t::text order by t::text) from ${sql.id(schema, visits)} t) as visits`.execute(db);
  return found.rows[0];
}

beforeEach(async () => {
  database = await postgresDatabase<Awkward>();
  await makeAwkward(database.owner);
});

afterEach(() => database.destroy());

const real: [string, 'psql' | 'prisma', FileRunner, RegExp, RegExp][] = psqlFound
  ? [['psql', 'psql', withPsql, /^\d/, /^rollback/]]
  : [];

it.each<[string, 'psql' | 'prisma', FileRunner, RegExp, RegExp]>([
  ["psql's rules", 'psql', asPsql, /^\d/, /^rollback/],
  ["Prisma's rules", 'prisma', asPrisma, /migration\.sql$/, /down\.sql$/],
  ...real,
])('awkward names and texts come through unharmed (%s)', async (_, format, run, forth, back) => {
  const db = database.owner;
  // Prisma sets a search path of its own; types of keys are named as they are seen from that of the export.
  const url = `${database.urls?.owner}?options=${encodeURIComponent('-c search_path=pg_catalog')}`;
  const before = await legacyOf(db);
  const plan = await planMigration(db, definition);
  const files = await exportSql(plan, { db, definition }, { format, batchSize: 100, batchMilliseconds: 1 });
  await applyMigration(db, definition, { plan, batchSize: 50 });
  const expected = await resultOf(db);
  await rollbackMigration(db, definition);

  for (const content of contents(files, forth)) await run(url, content);
  expect(await resultOf(db)).toEqual(expected);
  expect((await verifyMigration(db, definition)).checks.filter((check) => check.status !== 'pass')).toEqual([]);
  const down = contents(files, back);
  for (const content of format === 'prisma' ? down.reverse() : down) await run(url, content);
  expect(await legacyOf(db)).toEqual(before);
});

it('a file of Prisma is one statement, so that its failure leaves no open transaction, and stays in its folder', async () => {
  const plan = await planMigration(database.owner, definition);
  const { files } = await exportSql(plan, { db: database.owner, definition }, { format: 'prisma', to: 'contract' });
  for (const { name, content } of files) {
    expect(name).toMatch(/^\d{14}_tenantry_[a-z0-9_]+\/(migration|down)\.sql$/);
    expect(psqlParts(content), name).toHaveLength(name.endsWith('_schema/down.sql') ? 0 : 1);
  }
});

it('settings that would stand in the text as no number are refused', async () => {
  const plan = await planMigration(database.owner, definition);
  for (const options of [{ batchSize: 0 }, { pause: 0.5 }, { lockTimeout: Number.NaN }, { lockRetries: -1 }]) {
    const source = { db: database.owner, definition };
    await expect(exportSql(plan, source, { format: 'psql', ...options })).rejects.toMatchObject({
      code: 'config_invalid',
    });
  }
});

it('the same plan gives the same text, whatever was done since; the time of the folders is an option', async () => {
  const legacy = await postgresDatabase<Legacy>();
  try {
    await makeLegacy(legacy.owner);
    const plan = await planMigration(legacy.owner, legacyMigration);
    const from = { db: legacy.owner, definition: legacyMigration };
    const psql = await exportSql(plan, from, { format: 'psql', to: 'contract' });
    const prisma = await exportSql(plan, from, { format: 'prisma' });
    await applyMigration(legacy.owner, legacyMigration, { plan });
    const stored: typeof plan = JSON.parse(JSON.stringify(plan));
    expect(await exportSql(stored, from, { format: 'psql', to: 'contract' })).toEqual(psql);
    expect(await exportSql(stored, from, { format: 'prisma' })).toEqual(prisma);

    expect(psql.files.map((file) => file.name)).toEqual([
      '00_schema.sql',
      '01_expand.sql',
      '02_backfill.sql',
      '03_enforce.sql',
      '04_switch.sql',
      '05_contract.sql',
      'rollback.sql',
    ]);
    expect(prisma.files.filter((file) => file.name.endsWith('migration.sql')).map((file) => file.name)).toEqual(
      [
        '20260101000000_tenantry_schema',
        '20260101000001_tenantry_expand',
        '20260101000002_tenantry_backfill',
        '20260101000003_tenantry_backfill_vacuum',
        '20260101000004_tenantry_backfill_end',
        '20260101000005_tenantry_enforce',
        '20260101000006_tenantry_enforce_index_customers',
        '20260101000007_tenantry_enforce_index_api_calls',
        '20260101000008_tenantry_enforce_index_projects',
        '20260101000009_tenantry_enforce_index_notes',
        '20260101000010_tenantry_enforce_end',
      ].map((name) => `${name}/migration.sql`),
    );
    const start = new Date('2026-12-31T23:59:59Z');
    const later = await exportSql(plan, from, { format: 'prisma', to: 'expand', start });
    expect(later.files.map((file) => file.name.slice(0, 14))).toEqual([
      '20261231235959',
      '20261231235959',
      '20270101000000',
      '20270101000000',
    ]);
  } finally {
    await legacy.destroy();
  }
});

it('every file says whose it is, and none holds samples of rows', async () => {
  const legacy = await postgresDatabase<Legacy>();
  try {
    await makeLegacy(legacy.owner);
    const plan = await planMigration(legacy.owner, legacyMigration);
    expect(plan.decisions.flatMap((decision) => decision.samples).join()).toContain('ACME  0');
    for (const format of ['psql', 'prisma'] as const) {
      const { files } = await exportSql(plan, { db: legacy.owner, definition: legacyMigration }, { format });
      for (const { content } of files) {
        expect(content).toMatch(/^-- Migration customers-to-organizations, from per-user to hybrid-seats\./);
        expect(content.split('\n')[1]).toBe(`-- Plan ${plan.hash}`);
        expect(content).toMatch(/^-- Locks/m);
        expect(content).not.toContain('ACME');
        expect(content).not.toContain('example.com');
      }
    }
  } finally {
    await legacy.destroy();
  }
});
