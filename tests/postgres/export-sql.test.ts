import { type Kysely, sql } from 'kysely';
import { installSchema } from 'tenantry/database';
import {
  applyMigration,
  exportSql,
  type MigrationPlan,
  migrationStatus,
  planMigration,
  readAudit,
  rollbackMigration,
  type SqlExport,
  verifyMigration,
} from 'tenantry/migrate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyChecksum, legacyMigration, makeLegacy, resultChecksum } from '../support/legacy.ts';
import { asPrisma, asPsql, contents, type FileRunner, psqlFound, withPsql } from './export-sql-runner.ts';

/** What the library did on a database like those that the files are run on. */
let plan: MigrationPlan;
let before: string;
let result: string;
let record: unknown;
let exported: Record<'psql' | 'prisma', SqlExport>;

/** Everything that a migration recorded, times left out. */
async function recordOf(db: Kysely<Legacy>): Promise<unknown> {
  const found = await sql`select
    (select json_agg(m order by m.name) from (select name, stage, definition_hash, plan_hash, catalogue, (plan - 'tables' - 'decisions' - 'steps') || jsonb_build_object('steps',
      (select jsonb_agg(s - 'estimate' - 'statements') from jsonb_array_elements(plan -> 'steps') as s)) as plan, holder,
      holder_pid, lease_until from tenantry.migrations) as m) as migrations,
    (select json_agg(s order by s.position) from (select step, position, stage, row_count, finished_at is not null as finished from tenantry.migration_steps) as s) as steps,
    (select json_agg(c order by c.table_name) from tenantry.migration_checkpoints as c) as checkpoints,
    (select json_agg(b order by b.table_name) from tenantry.migration_baselines as b) as baselines,
    (select json_agg(m order by m.source_key) from tenantry.migration_map as m) as map`.execute(db);
  return found.rows[0];
}

/** What a migration adds to the legacy schema and must take away again. */
async function leftOf(db: Kysely<Legacy>): Promise<unknown[]> {
  const found = await sql<{ name: string }>`
    select tgname as name from pg_trigger where not tgisinternal and tgname like '%tenantry%'
    union all select conname from pg_constraint where conname like 'tenantry%' and connamespace = 'public'::regnamespace
    union all select polname from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = 'public'::regnamespace
    union all select proname from pg_proc where pronamespace = 'tenantry'::regnamespace and proname ~ '_[0-9a-f]{12}'
    union all select relname from pg_class where relnamespace = 'tenantry'::regnamespace and relkind = 'S' and relname like 'writes%'
    union all select table_name from tenantry.migration_checkpoints
    union all select tenant_id::text from tenantry.tenants
    union all select column_name from information_schema.columns where table_schema = 'public' and column_name = 'tenant_id'`.execute(
    db,
  );
  return found.rows;
}

async function legacyDatabase(): Promise<TestDatabase<Legacy> & { readonly url: string }> {
  const database = await postgresDatabase<Legacy>();
  await makeLegacy(database.owner);
  return { ...database, url: database.urls?.owner ?? '' };
}

beforeAll(async () => {
  const { owner, destroy } = await legacyDatabase();
  before = await legacyChecksum(owner);
  plan = await planMigration(owner, legacyMigration);
  exported = {
    psql: await exportSql(plan, { db: owner, definition: legacyMigration }, { format: 'psql' }),
    prisma: await exportSql(plan, { db: owner, definition: legacyMigration }, { format: 'prisma' }),
  };
  await applyMigration(owner, legacyMigration, { plan });
  result = await resultChecksum(owner);
  record = await recordOf(owner);
  await destroy();
});

type Runner = [name: string, format: 'psql' | 'prisma', run: FileRunner, forth: RegExp, back: RegExp];
const real: Runner[] = psqlFound ? [['psql', 'psql', withPsql, /^\d/, /^rollback/]] : [];
const runners: Runner[] = [
  ["psql's rules", 'psql', asPsql, /^\d/, /^rollback/],
  ["Prisma's rules", 'prisma', asPrisma, /migration\.sql$/, /down\.sql$/],
  ...real,
];

describe.each(runners)('files run by %s', (_, format, run, forth, back) => {
  let database: Awaited<ReturnType<typeof legacyDatabase>>;
  const goForth = async (): Promise<void> => {
    for (const content of contents(exported[format], forth)) await run(database.url, content);
  };
  const goBack = async (): Promise<void> => {
    const files = contents(exported[format], back);
    for (const content of format === 'prisma' ? files.reverse() : files) await run(database.url, content);
  };

  beforeAll(async () => {
    database = await legacyDatabase();
  });

  afterAll(() => database.destroy());

  it('end in the rows and the record that the library makes', async () => {
    await goForth();
    expect(await resultChecksum(database.owner)).toBe(result);
    expect(await recordOf(database.owner)).toEqual(record);
    expect(await migrationStatus(database.owner, legacyMigration.name)).toMatchObject({
      stage: 'enforce',
      next: { stage: 'switch' },
      holder: null,
    });
  });

  it('are verified by the library, every check', async () => {
    const report = await verifyMigration(database.owner, legacyMigration);
    expect(report.checks.filter((check) => check.status !== 'pass')).toEqual([]);
  });

  it('change nothing when they are run once more', async () => {
    for (const content of contents(exported[format], forth)) {
      if (!/^create unique index/m.test(content)) await run(database.url, content);
    }
    expect(await resultChecksum(database.owner)).toBe(result);
    expect(await recordOf(database.owner)).toEqual(record);
  });

  it('go back to the same rows, and forth again', async () => {
    await goBack();
    expect(await legacyChecksum(database.owner)).toBe(before);
    expect(await leftOf(database.owner)).toEqual([]);
    expect(await migrationStatus(database.owner, legacyMigration.name)).toMatchObject({
      stage: 'rolled-back',
      stepsDone: 0,
      holder: null,
    });
    await goForth();
    expect(await resultChecksum(database.owner)).toBe(result);
    const trail = await readAudit(database.owner, legacyMigration.name);
    const forthOnce = [
      ['stage', 'expand'],
      ['stage', 'backfill'],
      ['stage', 'enforce'],
    ];
    const backOnce = [
      ['rollback-begun', 'enforce'],
      ['rolled-back', 'enforce'],
    ];
    expect(trail.map(({ event, stage }) => [event, stage])).toEqual([...forthOnce, ...backOnce, ...forthOnce]);
    expect(trail.find(({ event }) => event === 'rolled-back')).toMatchObject({ host: null, osUser: null });
  });

  it('are rolled back by the library', async () => {
    const steps = plan.steps.filter((step) => !['switch', 'contract'].includes(step.stage)).length;
    expect(await rollbackMigration(database.owner, legacyMigration)).toMatchObject({ steps, kept: [] });
    expect(await legacyChecksum(database.owner)).toBe(before);
    expect(await leftOf(database.owner)).toEqual([]);
  });
});

it.each([
  ['psql', asPsql, [/^01/, /^03/]],
  ['prisma', asPrisma, [/_expand\/m/, /_enforce\w*\/m/]],
] as const)('the library and %s files take turns, stage by stage', async (format, run, [expand, enforce]) => {
  const { owner, url, destroy } = await legacyDatabase();
  try {
    for (const content of contents(exported[format], expand)) await run(url, content);
    expect(await applyMigration(owner, legacyMigration, { to: 'backfill' })).toMatchObject({ stage: 'backfill' });
    for (const content of contents(exported[format], enforce)) await run(url, content);
    expect(await resultChecksum(owner)).toBe(result);
    expect(await applyMigration(owner, legacyMigration)).toMatchObject({ stage: 'enforce', steps: 0 });
  } finally {
    await destroy();
  }
});

it.each([
  ['psql', asPsql, /^\d/, /^rollback/],
  ['prisma', asPrisma, /migration\.sql$/, /down\.sql$/],
] as const)('goes to contract and back from there, archive included (%s)', async (format, run, forth, back) => {
  const { owner, url, destroy } = await legacyDatabase();
  try {
    const definition = { ...legacyMigration, contract: { archive: ['notes'] } };
    const source = { db: owner, definition };
    const files = await exportSql(await planMigration(owner, definition), source, { format, to: 'contract' });
    for (const content of contents(files, forth)) await run(url, content);
    expect(await migrationStatus(owner, definition.name)).toMatchObject({ stage: 'contract', next: null });
    const archived = await sql<{ n: number }>`select count(*)::integer as n from tenantry_archive.notes`.execute(owner);
    expect(archived.rows[0]?.n).toBe(1200);
    const down = contents(files, back);
    for (const content of format === 'prisma' ? down.reverse() : down) await run(url, content);
    expect(await legacyChecksum(owner)).toBe(before);
    expect(await leftOf(owner)).toEqual([]);
  } finally {
    await destroy();
  }
});

it('keeps what was made in the new shape when files take it back', async () => {
  const { owner, app, url, destroy } = await legacyDatabase();
  try {
    for (const content of contents(exported.psql, /^\d/)) await asPsql(url, content);
    await sql`insert into tenantry.members (tenant_id, id, user_id, role, created_at, updated_at)
      select tenant_id, gen_random_uuid(), 'somebody new', 'member', now(), now() from tenantry.tenants limit 1`.execute(
      app,
    );
    for (const content of contents(exported.psql, /^rollback/)) await asPsql(url, content);
    const kept = await sql`select table_name, row_data ->> 'user_id' as who from tenantry.migration_quarantine`.execute(
      owner,
    );
    expect(kept.rows).toEqual([{ table_name: 'tenantry.members', who: 'somebody new' }]);
    expect(await legacyChecksum(owner)).toBe(before);
  } finally {
    await destroy();
  }
});

it.each([
  ['psql', asPsql, /^00/],
  ['prisma', asPrisma, /_schema\/m/],
] as const)('%s files bring the schema to a database that has none', async (format, run, schema) => {
  const bare = await postgresDatabase<Legacy>({ install: false });
  const installed = await postgresDatabase<Legacy>();
  const shapeOf = async (db: Kysely<Legacy>): Promise<unknown> =>
    (
      await sql`select c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relacl::text,
        (select json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull) order by a.attnum)
          from pg_attribute a where a.attrelid = c.oid and a.attnum > 0) as columns,
        (select json_agg(pg_get_constraintdef(p.oid) order by p.conname) from pg_constraint p where p.conrelid = c.oid) as constraints,
        (select json_agg(p.polname order by p.polname) from pg_policy p where p.polrelid = c.oid) as policies
      from pg_class c where c.relnamespace = 'tenantry'::regnamespace order by 1`.execute(db)
    ).rows;
  try {
    for (const content of contents(exported[format], schema)) await run(bare.urls?.owner ?? '', content);
    expect(await installSchema(bare.owner)).toMatchObject({ applied: [] });
    expect(await shapeOf(bare.owner)).toEqual(await shapeOf(installed.owner));
  } finally {
    await bare.destroy();
    await installed.destroy();
  }
});
