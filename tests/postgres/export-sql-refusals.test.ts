import { sql } from 'kysely';
import { Client } from 'pg';
import {
  type AnyMigration,
  applyMigration,
  type ExportOptions,
  exportSql,
  migrationStatus,
  planMigration,
  rollbackMigration,
  type SqlExport,
  untouched,
  verifyMigration,
} from 'tenantry/migrate';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyChecksum, legacyMigration, makeLegacy, resultChecksum } from '../support/legacy.ts';
import { asPrisma, asPsql, contents, type FileRunner } from './export-sql-runner.ts';

let database: TestDatabase<Legacy>;
let url: string;
let expected: string;

beforeAll(async () => {
  const undisturbed = await postgresDatabase<Legacy>();
  await makeLegacy(undisturbed.owner);
  await applyMigration(undisturbed.owner, legacyMigration);
  expected = await resultChecksum(undisturbed.owner);
  await undisturbed.destroy();
});

beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  url = database.urls?.owner ?? '';
  await makeLegacy(database.owner);
});

afterEach(() => database.destroy());

async function filesOf(options: ExportOptions, definition: AnyMigration = legacyMigration): Promise<SqlExport> {
  const plan = await planMigration(database.owner, definition);
  return exportSql(plan, { db: database.owner, definition }, options);
}

/** Resolves when somebody has waited in vain for a lock on a table. */
async function waited(table: string): Promise<void> {
  const waits = async (): Promise<boolean> => {
    const { rows } = await sql`select 1 from pg_locks where not granted and relation = ${table}::regclass`.execute(
      database.owner,
    );
    return rows.length > 0;
  };
  while (!(await waits())) await new Promise((resolve) => setTimeout(resolve, 5));
  while (await waits()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function runAll(run: FileRunner, files: SqlExport, name: RegExp): Promise<void> {
  for (const content of contents(files, name)) await run(url, content);
}

type Format = [
  name: string,
  format: 'psql' | 'prisma',
  run: FileRunner,
  expand: RegExp,
  backfill: RegExp,
  enforce: RegExp,
];
const formats: Format[] = [
  ["psql's rules", 'psql', asPsql, /^01/, /^02/, /^03/],
  ["Prisma's rules", 'prisma', asPrisma, /_expand\/m/, /_backfill\w*\/m/, /_enforce\w*\/m/],
];

describe.each(formats)('under %s', (_, format, run, expand, backfill, enforce) => {
  it('nothing is enforced when the rows were spoilt after the backfill', async () => {
    const files = await filesOf({ format });
    await runAll(run, files, expand);
    await runAll(run, files, backfill);
    await database.owner.connection().execute(async (connection) => {
      await sql`set tenantry.runner = 'on'`.execute(connection);
      await sql`update projects set tenant_id = (select tenant_id from customers where id = 6) where id = 4`.execute(
        connection,
      );
      await sql`update customers set company = 'Spoilt' where id = 12`.execute(connection);
      await sql`reset tenantry.runner`.execute(connection);
    });
    const failed = runAll(run, files, enforce);
    await expect(failed).rejects.toThrow(/tenant projects: 1 rows; closed projects: 1 rows.*closed notes/s);
    await expect(failed).rejects.toThrow(/conserved customers/);
    expect(await migrationStatus(database.owner, legacyMigration.name)).toMatchObject({
      stage: 'backfill',
      next: { stage: 'enforce' },
    });
  });

  it('files are refused on a database that changed, out of their order, and after another plan', async () => {
    const files = await filesOf({ format });
    await expect(runAll(run, files, backfill)).rejects.toThrow('was not begun here');
    await sql`alter table notes add column mood text`.execute(database.owner);
    await expect(runAll(run, files, expand)).rejects.toThrow('these tables changed since the plan: notes');
    await sql`alter table notes drop column mood`.execute(database.owner);
    await sql`create table new_one (id integer primary key)`.execute(database.owner);
    await expect(runAll(run, files, expand)).rejects.toThrow('these tables changed since the plan: new_one');
    await sql`drop table new_one`.execute(database.owner);
    const left = await sql`select * from tenantry.migrations`.execute(database.owner);
    expect(left.rows).toEqual([]);

    await runAll(run, files, expand);
    await expect(runAll(run, files, enforce)).rejects.toThrow('not all steps of expand, backfill are done');
    const definition: AnyMigration = {
      ...legacyMigration,
      tables: { ...legacyMigration.tables, countries: untouched() },
    };
    const others = await filesOf({ format }, definition);
    await expect(runAll(run, others, expand)).rejects.toThrow('was begun with another plan');
    await expect(runAll(run, others, backfill)).rejects.toThrow('was begun with another plan');
  });

  it('files are refused to a role that may not do all of it', async () => {
    const files = await filesOf({ format });
    const rightless = contents(files, expand)[0] ?? '';
    await expect(run(database.urls?.legacy ?? '', rightless)).rejects.toThrow(/permission denied|does not own table/);
    await sql`create function touch() returns trigger language plpgsql as 'begin return NEW; end'`.execute(
      database.owner,
    );
    await sql`create trigger touch before update on projects for each row execute function touch()`.execute(
      database.owner,
    );
    await expect(run(url, rightless)).rejects.toThrow('triggers of table projects would fire on what this writes');
    expect(await migrationStatus(database.owner, legacyMigration.name)).toMatchObject({ stage: 'none' });
  });

  it('a lock that is not to be had is waited for in turns, and rows that the application writes meanwhile are kept', async () => {
    const files = await filesOf({ format, lockTimeout: 100 });
    const blocker = new Client({ connectionString: url });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('update projects set name = name where id = 1');
    const going = runAll(run, files, expand);
    going.catch(() => undefined);
    await waited('projects');
    await sql`insert into projects (id, customer_id, name) values (5000, 1, 'meanwhile')`.execute(database.owner);
    await blocker.query('commit');
    await blocker.end();
    await going;
    await sql`insert into projects (id, customer_id, name) values (5001, 1, 'expanded')`.execute(database.owner);
    await runAll(run, files, backfill);
    await runAll(run, files, enforce);
    const found = await sql<{
      n: number;
    }>`select count(*)::integer as n from projects p join customers c on c.id = p.customer_id
      and c.tenant_id = p.tenant_id where p.id >= 5000`.execute(database.owner);
    expect(found.rows[0]?.n).toBe(2);
    expect((await verifyMigration(database.owner, legacyMigration)).failed).toBe(0);
  });
});

it('the way back is gone in order and to its end, by files or by the library', async () => {
  const before = await legacyChecksum(database.owner);
  const files = await filesOf({ format: 'prisma' });
  const [first = '', ...others] = contents(files, /_(?!schema)\w+\/down/).reverse();
  await expect(asPrisma(url, first)).rejects.toThrow('was not begun here');
  await runAll(asPrisma, files, /migration\.sql$/);
  await expect(asPrisma(url, others[0] ?? '')).rejects.toThrow('what was done later must be taken back first');
  expect(await migrationStatus(database.owner, legacyMigration.name)).toMatchObject({ stage: 'enforce' });

  await asPrisma(url, first);
  await asPrisma(url, first);
  expect(await migrationStatus(database.owner, legacyMigration.name)).toMatchObject({ stage: 'rolling-back' });
  await expect(runAll(asPrisma, files, /_enforce_end\/m/)).rejects.toThrow(
    'a rollback of customers-to-organizations was begun',
  );
  await expect(applyMigration(database.owner, legacyMigration)).rejects.toMatchObject({
    code: 'migration_stage_invalid',
  });
  const tenants = sql<{ n: number }>`select count(*)::integer as n from tenantry.tenants`;
  const made = (await tenants.execute(database.owner)).rows[0]?.n;
  await sql`alter table customers no force row level security`.execute(database.owner);
  await sql`update customers set company = 'Written on the way back' where id = 12`.execute(database.owner);
  await sql`update customers set company = null where id = 12`.execute(database.owner);
  expect((await tenants.execute(database.owner)).rows[0]?.n).toBe(made);
  await rollbackMigration(database.owner, legacyMigration);
  await sql`update customers set company = 'ACME  0' where id = 12`.execute(database.owner);
  await runAll(asPrisma, files, /migration\.sql$/);
  expect(await resultChecksum(database.owner)).toBe(expected);
  for (const down of [first, ...others]) await asPrisma(url, down);
  expect(await legacyChecksum(database.owner)).toBe(before);
});

it.each(['expand', 'backfill'] as const)('the way back begins at %s too', async (stage) => {
  const before = await legacyChecksum(database.owner);
  const files = await filesOf({ format: 'psql' });
  await runAll(asPsql, files, stage === 'expand' ? /^0[01]/ : /^0[012]/);
  await runAll(asPsql, files, /^rollback/);
  expect(await legacyChecksum(database.owner)).toBe(before);
  expect(await migrationStatus(database.owner, legacyMigration.name)).toMatchObject({
    stage: 'rolled-back',
    stepsDone: 0,
  });
});

it('tables that were made anew under an old record are told from those of the record', async () => {
  const files = await filesOf({ format: 'prisma' });
  await runAll(asPrisma, files, /migration\.sql$/);
  for (const table of ['notes', 'projects', 'customers', 'api_calls', 'countries']) {
    await sql`drop table ${sql.table(table)} cascade`.execute(database.owner);
  }
  await makeLegacy(database.owner);
  await expect(runAll(asPrisma, files, /_expand\/m/)).rejects.toThrow('its tables do not have what it made');
});

it('an export is refused when the tables or the definition changed since the plan', async () => {
  const plan = await planMigration(database.owner, legacyMigration);
  const other: AnyMigration = { ...legacyMigration, tables: { ...legacyMigration.tables, countries: untouched() } };
  await expect(exportSql(plan, { db: database.owner, definition: other }, { format: 'psql' })).rejects.toMatchObject({
    code: 'migration_stage_invalid',
  });
  await sql`alter table notes add column mood text`.execute(database.owner);
  const source = { db: database.owner, definition: legacyMigration };
  await expect(exportSql(plan, source, { format: 'psql' })).rejects.toMatchObject({
    code: 'migration_drifted',
    details: { tables: ['notes'] },
  });
});
