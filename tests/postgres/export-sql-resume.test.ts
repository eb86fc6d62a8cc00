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
  verifyMigration,
} from 'tenantry/migrate';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyChecksum, legacyMigration, makeLegacy, resultChecksum } from '../support/legacy.ts';
import { asPrisma, asPsql, contents, type FileRunner, psqlFound, withPsql } from './export-sql-runner.ts';

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

async function runAll(run: FileRunner, files: SqlExport, name: RegExp): Promise<void> {
  for (const content of contents(files, name)) await run(url, content);
}

/** Waits until the backfill of api_calls stands in its middle and gives the connection that holds the lease. */
async function inTheMiddle(): Promise<number> {
  for (;;) {
    const found = await sql<{
      pid: number;
    }>`select m.holder_pid as pid from tenantry.migrations m join tenantry.migration_checkpoints c
      on c.migration = m.name where c.table_name = 'api_calls' and c.row_count >= 400 and not c.finished`.execute(
      database.owner,
    );
    if (found.rows[0] !== undefined) return found.rows[0].pid;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function terminate(pid: number): Promise<void> {
  const client = new Client({ connectionString: database.urls?.superuser });
  await client.connect();
  await client.query('select pg_terminate_backend($1)', [pid]);
  await client.end();
}

const slow = { batchSize: 200, batchMilliseconds: 1, pause: 100 };
type Format = [
  name: string,
  format: 'psql' | 'prisma',
  run: FileRunner,
  expand: RegExp,
  backfill: RegExp,
  enforce: RegExp,
];
const real: Format[] = psqlFound ? [['psql', 'psql', withPsql, /^01/, /^02/, /^03/]] : [];
const formats: Format[] = [
  ["psql's rules", 'psql', asPsql, /^01/, /^02/, /^03/],
  ["Prisma's rules", 'prisma', asPrisma, /_expand\/m/, /_backfill\w*\/m/, /_enforce\w*\/m/],
  ...real,
];

describe.each(formats)('under %s', (_, format, run, expand, backfill, enforce) => {
  it('a backfill whose connection was cut goes on after the last whole batch', async () => {
    const files = await filesOf({ format, ...slow });
    await runAll(run, files, expand);
    const cut = runAll(run, files, backfill);
    cut.catch(() => undefined);
    await terminate(await inTheMiddle());
    await expect(cut).rejects.toThrow();
    const left = await sql<{
      rows: number;
      empty: number;
    }>`select (select row_count::integer from tenantry.migration_checkpoints
        where table_name = 'api_calls') as rows, (select count(*)::integer from api_calls where tenant_id is null and customer_id <= 200) as empty`.execute(
      database.owner,
    );
    expect(left.rows[0]?.rows).toBeGreaterThanOrEqual(400);
    expect(left.rows[0]?.rows).toBeLessThan(2000);
    expect(left.rows[0]?.empty).toBeGreaterThan(0);
    expect(await migrationStatus(database.owner, legacyMigration.name)).toMatchObject({
      stage: 'expand',
      next: { stage: 'backfill' },
    });
    await runAll(run, await filesAgain({ format }), backfill);
    await runAll(run, files, enforce);
    expect(await resultChecksum(database.owner)).toBe(expected);
    expect((await verifyMigration(database.owner, legacyMigration)).failed).toBe(0);
  });

  /** The same plan in other batches: the checkpoint does not depend on their size. */
  async function filesAgain(options: ExportOptions): Promise<SqlExport> {
    const stored = await sql<{ plan: Parameters<typeof exportSql>[0] }>`select plan from tenantry.migrations`.execute(
      database.owner,
    );
    const plan = stored.rows[0]?.plan;
    if (plan === undefined) throw new Error('no plan');
    return exportSql(plan, { db: database.owner, definition: legacyMigration }, options);
  }

  it('a backfill that files began is ended by the library, and the other way round', async () => {
    const files = await filesOf({ format, ...slow });
    await runAll(run, files, expand);
    const cut = runAll(run, files, backfill);
    cut.catch(() => undefined);
    await terminate(await inTheMiddle());
    await expect(cut).rejects.toThrow();
    await applyMigration(database.owner, legacyMigration);
    expect(await resultChecksum(database.owner)).toBe(expected);
    await rollbackMigration(database.owner, legacyMigration);

    const before = await legacyChecksum(database.owner);
    const other = await filesOf({ format });
    let stopped = false;
    const half = applyMigration(database.owner, legacyMigration, {
      ...slow,
      to: 'backfill',
      onProgress: ({ step, rows }) => {
        if (step !== 'backfill:api_calls' || rows === 0 || stopped) return;
        stopped = true;
        void inTheMiddle().then(terminate);
      },
    });
    await expect(half).rejects.toThrow();
    await runAll(run, other, backfill);
    await runAll(run, other, enforce);
    expect(await resultChecksum(database.owner)).toBe(expected);
    await rollbackMigration(database.owner, legacyMigration);
    expect(await legacyChecksum(database.owner)).toBe(before);
  });

  it('files and the library never work at the same time', async () => {
    const files = await filesOf({ format, ...slow });
    await runAll(run, files, expand);
    const working = runAll(run, files, backfill);
    working.catch(() => undefined);
    const holder = await inTheMiddle();
    await expect(applyMigration(database.owner, legacyMigration, { leasePatience: 100 })).rejects.toMatchObject({
      code: 'migration_running',
      details: { holder: expect.stringContaining('exported SQL') },
    });
    await terminate(holder);
    await expect(working).rejects.toThrow();
    await runAll(run, await filesAgain({ format }), backfill);

    await sql`update tenantry.migrations set holder = 'somebody', holder_pid = pg_backend_pid(), lease_until = now() + interval '1 hour'`.execute(
      database.owner,
    );
    await expect(runAll(run, files, enforce)).rejects.toThrow('is held by somebody');
  });
});

it('an index whose building was interrupted is told from a whole one, and built again after the advice of its file', async () => {
  const files = await filesOf({ format: 'prisma' });
  await runAll(asPrisma, files, /_(expand|backfill\w*|enforce)\/m/);
  const [index = ''] = contents(files, /_enforce_index_\w+\/m/);
  const advice = /^-- {3}(drop index concurrently .+);$/m.exec(index)?.[1] ?? '';
  await asPrisma(url, index);
  const superuser = new Client({ connectionString: database.urls?.superuser });
  await superuser.connect();
  await superuser.query(
    `update pg_index set indisvalid = false where indexrelid = (select oid from pg_class where relname like 'tenantry_key_%')`,
  );
  await superuser.end();
  await expect(runAll(asPrisma, files, /_enforce_end\/m/)).rejects.toThrow('there is no valid index');
  await expect(asPrisma(url, index)).rejects.toThrow('already exists');
  await asPrisma(url, advice);
  await runAll(asPrisma, files, /_enforce_(index_\w+|end)\/m/);
  expect(await resultChecksum(database.owner)).toBe(expected);
});
