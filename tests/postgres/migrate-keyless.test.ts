import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import {
  applyMigration,
  defineMigration,
  exportSql,
  migrationStatus,
  planMigration,
  quarantine,
  rollbackMigration,
  verifyMigration,
  via,
} from 'tenantry/migrate';
import { none, perOrg } from 'tenantry/tenancy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pgliteDatabase, postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { asPrisma, asPsql, contents } from './export-sql-runner.ts';

/** A table without a primary key, one with a unique index instead, and what hangs on it. */
interface Legacy {
  shops: { code: string; name: string };
  visits: { shop: string | null; page: string; extra: unknown };
  tills: { shop: string; number: number };
  receipts: { till_shop: string; till_number: number; amount: string };
}

const definition = defineMigration<Legacy>()({
  name: 'keyless',
  from: none(),
  to: perOrg(),
  tenants: { source: 'shops', sameTenant: ['name'], name: 'name' },
  tables: {
    visits: via('shop', { unresolved: quarantine() }),
    tills: via('shop'),
    receipts: via(['till_shop', 'till_number']),
  },
});

let database: TestDatabase<Legacy>;
let db: Kysely<Legacy>;

async function makeTables(on: Kysely<Legacy>, visits: number): Promise<void> {
  for (const statement of [
    'create table shops (code text not null, name text not null)',
    'create unique index shops_code on shops (code)',
    'create table visits (shop text, page text not null, extra json)',
    'create table tills (shop text not null references shops (code), number integer not null, unique (shop, number))',
    `create table receipts (till_shop text not null, till_number integer not null, amount numeric(12,3) not null,
      foreign key (till_shop, till_number) references tills (shop, number))`,
    `insert into shops select 's' || n, 'Shop ' || n / 2 from generate_series(1, 40) n`,
    // Every row stands there twice and more, to the last letter; some lead nowhere.
    `insert into visits select case when n % 50 = 0 then null when n % 51 = 0 then 'gone' else 's' || 1 + n % 40 end, '/' || n % 7,
      '{"a" : 1,   "a":2}' from generate_series(1, ${visits}) n`,
    `insert into tills select code, n from shops, generate_series(1, 3) n`,
    `insert into receipts select shop, number, 1.5 from tills, generate_series(1, 20) n`,
  ]) {
    await sql.raw(statement).execute(on);
  }
}

async function checksum(): Promise<string> {
  const { rows } = await sql<{ sum: string }>`select md5(string_agg(x.h, ',' order by x.h)) as sum from (
    select md5('v' || row(shop, page, extra)::text) as h from visits union all select md5('t' || row(shop, number)::text) from tills
    union all select md5('r' || row(till_shop, till_number, amount)::text) from receipts) as x`.execute(db);
  return rows[0]?.sum ?? '';
}

const count = async (where: string): Promise<number> => {
  const { rows } = await sql.raw<{ n: number }>(`select count(*)::integer as n from visits where ${where}`).execute(db);
  return rows[0]?.n ?? -1;
};

beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  db = database.owner;
});

afterEach(() => database.destroy());

it('converts rows that nothing tells apart, proves them, and goes back to the same rows, twice', async () => {
  await makeTables(db, 3000);
  const before = await checksum();
  const plan = await planMigration(db, definition);
  const planned = plan.tables.find(({ table }) => table === 'visits');
  expect(planned).toMatchObject({ rows: 3000, unresolved: { rows: 60 + 57, policy: 'quarantine' } });
  expect(planned?.unresolved.samples[0]).toMatch(/^\(\d+,\d+\)$/);
  for (let time = 0; time < 2; time += 1) {
    await expect(applyMigration(db, definition, { batchSize: 200, batchMilliseconds: 1 })).resolves.toMatchObject({
      stage: 'enforce',
      rows: 40 + (3000 - 117) + 120 + 2400,
    });
    const report = await verifyMigration(db, definition);
    expect(report.checks.filter(({ status }) => status !== 'pass')).toEqual([]);
    expect(await count('tenant_id is null')).toBe(0);
    expect(await count('true')).toBe(3000 - 117);
    const back = await rollbackMigration(db, definition);
    expect(back.kept).toEqual([]);
    expect(await checksum()).toBe(before);
  }
});

it('misses no row that the application moves, doubles or deletes while it runs', async () => {
  await makeTables(db, 8000);
  await sql`grant select, insert, update, delete on all tables in schema public to tenantry_test_legacy`.execute(db);
  const pool = new Pool({ connectionString: database.urls?.legacy ?? '', max: 4 });
  const old = new Kysely<Legacy>({ dialect: new PostgresDialect({ pool }) });
  let going = true;
  let written = 0;
  const writers = [0, 1, 2, 3].map(async (seat) => {
    for (let n = 0; going; n += 1) {
      // Equal rows are written again and again, and so come to lie elsewhere.
      await sql`update visits set page = page where shop = ${`s${1 + ((n * 4 + seat) % 40)}`} and page = ${`/${n % 7}`}`.execute(
        old,
      );
      await sql`insert into visits select shop, page, extra from visits where shop is not null and shop <> 'gone' limit 3`.execute(
        old,
      );
      await sql`delete from visits where ctid = (select min(ctid) from visits where shop = ${`s${1 + (n % 40)}`})`.execute(
        old,
      );
      written += 1;
    }
  });
  try {
    await applyMigration(db, definition, { to: 'backfill', batchSize: 200, batchMilliseconds: 1, pause: 5 });
  } finally {
    going = false;
    await Promise.all(writers);
    await old.destroy();
  }
  expect(written).toBeGreaterThan(4);
  expect(await count(`tenant_id is null and shop in (select code from shops)`)).toBe(0);
  await applyMigration(db, definition);
  expect((await verifyMigration(db, definition)).failed).toBe(0);
});

it('finds rows that came to lie where it had been, when the table is rewritten in its middle', async () => {
  await makeTables(db, 8000);
  const cut = applyMigration(db, definition, {
    to: 'backfill',
    batchSize: 200,
    batchMilliseconds: 1,
    onProgress: ({ step, rows }) => {
      if (step === 'backfill:visits' && rows > 2000) throw new Error('cut off');
    },
  });
  await expect(cut).rejects.toThrow('cut off');
  // The filled rows go, and those that are left move to the front.
  await sql`delete from visits where tenant_id is not null`.execute(db);
  await sql`vacuum full visits`.execute(db);
  const left = await count('true');
  expect(left).toBeGreaterThan(3000);
  await applyMigration(db, definition, { to: 'backfill' });
  expect(await count(`tenant_id is null and shop in (select code from shops)`)).toBe(0);
  await applyMigration(db, definition);
  expect((await verifyMigration(db, definition)).failed).toBe(0);
});

it('carries rows of the new application back, and keeps those of a tenant that only the new one knows', async () => {
  await makeTables(db, 500);
  const before = await checksum();
  await applyMigration(db, definition, { to: 'switch' });
  await sql`insert into visits (page, tenant_id) select '/new', tenant_id from shops where code = 's5'`.execute(db);
  await sql`insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
    values ('00000000-0000-7000-8000-000000000001', 'organization', 'New', 'free', now(), now(), now())`.execute(
    database.app,
  );
  await sql`insert into visits (page, tenant_id) values ('/new', '00000000-0000-7000-8000-000000000001'),
    ('/new', '00000000-0000-7000-8000-000000000001')`.execute(db);
  expect((await verifyMigration(db, definition)).checks.filter(({ status }) => status === 'fail')).toEqual([]);
  const { kept } = await rollbackMigration(db, definition);
  expect(kept).toContainEqual({ table: 'visits', rows: 2 });
  expect(await count(`page = '/new' and shop in ('s4', 's5')`)).toBe(1);
  await sql`delete from visits where page = '/new'`.execute(db);
  expect(await checksum()).toBe(before);
});

it('goes on after an interruption behind the last whole batch', async () => {
  await makeTables(db, 8000);
  const cut = applyMigration(db, definition, {
    batchSize: 200,
    batchMilliseconds: 1,
    onProgress: ({ step, rows }) => {
      if (step === 'backfill:visits' && rows > 1000) throw new Error('cut off');
    },
  });
  await expect(cut).rejects.toThrow('cut off');
  const { tables } = await migrationStatus(db, definition.name);
  const done = tables.find(({ table }) => table === 'visits')?.rows ?? 0;
  expect(done).toBeGreaterThan(1000);
  expect(done).toBeLessThan(8000);
  let begun: number | undefined;
  await applyMigration(db, definition, {
    batchSize: 200,
    batchMilliseconds: 1,
    onProgress: ({ step, rows }) => {
      if (step === 'backfill:visits' && rows > 0) begun ??= rows;
    },
  });
  expect(begun).toBeGreaterThan(done);
  expect((await verifyMigration(db, definition)).failed).toBe(0);
});

describe.each([
  ['psql', asPsql],
  ['prisma', asPrisma],
] as const)('files for %s', (format, run) => {
  it('do the same without the library, and go back', async () => {
    await makeTables(db, 3000);
    const before = await checksum();
    const plan = await planMigration(db, definition);
    const files = await exportSql(plan, { db, definition }, { format, batchSize: 200, batchMilliseconds: 1 });
    const back = format === 'psql' ? /rollback/ : /down\.sql$/;
    const url = database.urls?.owner ?? '';
    for (const { name, content } of files.files) if (!back.test(name)) await run(url, content);
    const report = await verifyMigration(db, definition);
    expect(report.checks.filter(({ status }) => status !== 'pass')).toEqual([]);
    for (const content of contents(files, back).reverse()) await run(url, content);
    expect(await checksum()).toBe(before);
  });
});

it('converts them embedded as well', async () => {
  const embedded = await pgliteDatabase<Legacy>();
  try {
    await makeTables(embedded.owner, 1000);
    await applyMigration(embedded.owner, definition);
    expect(
      (await verifyMigration(embedded.owner, definition)).checks.filter(({ status }) => status !== 'pass'),
    ).toEqual([]);
    await rollbackMigration(embedded.owner, definition);
  } finally {
    await embedded.destroy();
  }
});

describe('refuses, before anything is written,', () => {
  beforeEach(() => makeTables(db, 100));
  const refused = (path: string, problem: string) => ({
    code: 'migration_definition_invalid',
    details: { path, problem: expect.stringContaining(problem) },
  });

  it('a source of tenants whose rows nothing tells apart', async () => {
    await sql`alter table tills drop constraint tills_shop_fkey`.execute(db);
    await sql`drop index shops_code`.execute(db);
    await sql`create unique index shops_code on shops (lower(code))`.execute(db);
    await expect(planMigration(db, definition)).rejects.toMatchObject(refused('tables.shops', 'unique index'));
  });

  it('a partitioned table without a key', async () => {
    await sql`drop table visits`.execute(db);
    await sql`create table visits (shop text, page text, extra json) partition by list (page)`.execute(db);
    await expect(planMigration(db, definition)).rejects.toMatchObject(refused('tables.visits', 'is partitioned and'));
  });

  it('a path through rows that nothing tells apart', async () => {
    const through = {
      ...definition,
      tables: { ...definition.tables, tills: via('shop', { to: 'visits' }) },
    };
    await expect(planMigration(db, through)).rejects.toMatchObject(refused('tables.tills', 'name them with { key }'));
  });

  it('members made of such rows', async () => {
    const made = {
      ...definition,
      members: {
        source: 'visits',
        userId: 'page',
        role: { kind: 'first-is-owner' as const, by: 'page', others: 'member' },
      },
    };
    await expect(planMigration(db, made)).rejects.toMatchObject(refused('members.source', 'neither a primary key'));
  });
});
