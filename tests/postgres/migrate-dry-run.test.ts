import { type Kysely, sql } from 'kysely';
import { Client } from 'pg';
import { applyMigration, dryRunMigration, migrationStatus, planMigration } from 'tenantry/migrate';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyMigration, makeLegacy } from '../support/legacy.ts';

let database: TestDatabase<Legacy>;
let db: Kysely<Legacy>;

beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  db = database.owner;
  await makeLegacy(db, 60);
});

afterEach(() => database.destroy());

/** Everything that a database holds: its catalogue, and the rows of all tables. */
async function everything(): Promise<string> {
  const catalogue = await sql<{ text: string }>`
    select coalesce(string_agg(x.line, chr(10) order by x.line), '') as text from (
      select concat_ws(' ', 'class', n.nspname, c.relname, c.relkind, c.relrowsecurity, c.relacl) as line
        from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('public', 'tenantry', 'tenantry_archive')
      union all select concat_ws(' ', 'column', attrelid::regclass, attname, attnum, atttypid, attnotnull) from pg_attribute a
        join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('public', 'tenantry') and not attisdropped and attnum > 0
      union all select concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint where connamespace in ('public'::regnamespace, 'tenantry'::regnamespace)
      union all select 'trigger ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
      union all select concat_ws(' ', oid::regprocedure, md5(prosrc)) from pg_proc where pronamespace in ('public'::regnamespace, 'tenantry'::regnamespace)
      union all select concat_ws(' ', 'policy', polrelid::regclass, polname) from pg_policy
      union all select 'schema ' || nspname from pg_namespace where nspname !~ '^pg_'
    ) as x`.execute(db);
  const tables = await sql<{ name: string }>`
    select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname in ('public', 'tenantry') order by 1`.execute(
    db,
  );
  const rows: string[] = [];
  for (const { name } of tables.rows) {
    const found = await sql
      .raw<{ sum: string }>(`select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) as sum from ${name} t`)
      .execute(db);
    rows.push(`${name} ${found.rows[0]?.sum}`);
  }
  return [catalogue.rows[0]?.text, ...rows].join('\n');
}

it('tries every real statement, proves the result, and leaves nothing behind', async () => {
  const before = await everything();
  const plan = await planMigration(db, legacyMigration);
  const tried: string[] = [];
  const report = await dryRunMigration(db, legacyMigration, { onStep: ({ step }) => tried.push(step) });
  expect(report).toMatchObject({ failure: null, planHash: plan.hash, verification: { failed: 0 } });
  const wanted = plan.steps.filter(({ stage }) => ['expand', 'backfill', 'enforce'].includes(stage));
  expect(report.steps.map(({ step }) => step)).toEqual(wanted.map(({ id }) => id));
  expect(tried).toEqual(wanted.map(({ id }) => id));
  const how = Object.fromEntries(report.steps.map((step) => [step.step, step.how]));
  expect(how).toMatchObject({
    'expand:projects': 'as it is',
    'backfill:projects': 'one batch',
    'backfill:projects:vacuum': 'skipped',
    'enforce:projects:index': 'not concurrently',
    'enforce:projects:key': 'as it is',
  });
  const rows = Object.fromEntries(report.steps.map((step) => [step.step, step.rows]));
  expect(rows).toMatchObject({ 'backfill:customers': 60, 'backfill:projects': 120, 'backfill:notes': 360 });
  expect(await everything()).toBe(before);
  expect(await migrationStatus(db, legacyMigration.name)).toMatchObject({ stage: 'none' });
  // And the real run does the same.
  expect(await applyMigration(db, legacyMigration, { plan })).toMatchObject({ stage: 'enforce' });
}, 120_000);

it('goes on from where the migration stands, to the last stage and not beyond', async () => {
  await applyMigration(db, legacyMigration, { to: 'backfill' });
  const before = await everything();
  const report = await dryRunMigration(db, legacyMigration, { to: 'contract' });
  expect(report.failure).toBeNull();
  expect([...new Set(report.steps.map(({ stage }) => stage))]).toEqual(['enforce', 'switch', 'contract']);
  expect(await everything()).toBe(before);
  expect(await migrationStatus(db, legacyMigration.name)).toMatchObject({ stage: 'backfill' });
}, 120_000);

it('names the step that would fail, and why', async () => {
  await sql`create table unlucky (n integer)`.execute(db);
  const broken = {
    ...legacyMigration,
    tables: { ...legacyMigration.tables, unlucky: { kind: 'untouched' as const } },
    additions: [
      {
        name: 'broken',
        stage: 'enforce' as const,
        sql: ['insert into unlucky select 1 / (count(*) - count(*)) from projects'],
        undo: [],
      },
    ],
  };
  const report = await dryRunMigration(db, broken);
  expect(report.failure).toMatchObject({
    step: 'enforce:addition:broken',
    sqlstate: '22012',
    message: 'division by zero',
  });
  expect(report.verification).toMatchObject({ failed: 0 });
  expect(await migrationStatus(db, legacyMigration.name)).toMatchObject({ stage: 'none' });
}, 120_000);

it('waits no longer for a lock than it may, and tells who holds it', async () => {
  const other = new Client({ connectionString: database.urls?.owner ?? '', application_name: 'nightly dump' });
  await other.connect();
  try {
    await other.query('begin; select 1 from notes limit 1');
    await expect(dryRunMigration(db, legacyMigration, { lockTimeout: 200 })).rejects.toMatchObject({
      code: 'migration_step_failed',
      details: { sqlstate: '55P03', remedy: expect.stringContaining('nightly dump') },
    });
  } finally {
    await other.end();
  }
});

it('refuses what a plan refuses, tables that changed since the migration was begun, and stops when it is told to', async () => {
  const signal = AbortSignal.abort();
  await expect(dryRunMigration(db, legacyMigration, { signal })).rejects.toMatchObject({ code: 'migration_stopped' });
  const { api_calls: _one, ...tables } = legacyMigration.tables;
  await expect(dryRunMigration(db, { ...legacyMigration, tables })).rejects.toMatchObject({
    code: 'migration_tables_unclassified',
  });
  await applyMigration(db, legacyMigration, { to: 'expand' });
  await sql`alter table projects add column note text`.execute(db);
  await expect(dryRunMigration(db, legacyMigration)).rejects.toMatchObject({ code: 'migration_drifted' });
}, 120_000);
