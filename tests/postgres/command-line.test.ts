import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kysely, sql } from 'kysely';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type CommandRun, runCommand, startCommand } from '../support/command.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyChecksum, makeLegacy, resultChecksum } from '../support/legacy.ts';

// Each run of the command is a process that loads the sources.
vi.setConfig({ testTimeout: 180_000 });

const definition = 'tests/support/legacy.ts';
const name = 'customers-to-organizations';
let database: TestDatabase<Legacy>;
let db: Kysely<Legacy>;
let url: string;
let folder: string;

beforeEach(async () => {
  database = await postgresDatabase<Legacy>({ install: false });
  db = database.owner;
  url = database.urls?.owner ?? '';
  folder = await mkdtemp(join(tmpdir(), 'tenantry-cli-'));
  await makeLegacy(db, 60);
});

afterEach(async () => {
  await database.destroy();
  await rm(folder, { recursive: true, force: true });
});

function migrate(...args: string[]): Promise<CommandRun> {
  return runCommand(args[0] === 'install' ? args : ['migrate', ...args], { DATABASE_URL: url });
}

/** Runs a command with `--json` and gives what it says. */
async function json(
  ...args: string[]
): Promise<{ exit: number; result: Record<string, unknown>; error: { code: string } }> {
  const { exit, stdout, stderr } = await migrate(...args, '--json');
  const said = JSON.parse(stdout);
  expect(said.exit, stderr).toBe(exit);
  return said;
}

it('installs, drafts, plans, applies, tells, proves and takes back, and does it again', async () => {
  expect(await json('plan', definition)).toMatchObject({ exit: 3, error: { code: 'schema_missing' } });
  expect(await migrate('install', '--grant-to', 'tenantry_test_app')).toMatchObject({ exit: 0 });

  const draft = join(folder, 'draft.ts');
  const inspected = await migrate('inspect', '--out', draft, '--strategy', 'hybrid-seats', '--starts-on', 'team');
  expect(inspected).toMatchObject({ exit: 0, stderr: '' });
  expect(await readFile(draft, 'utf8')).toContain("to: hybridSeats({ plan: 'team' })");
  expect(await migrate('inspect', '--out', draft)).toMatchObject({ exit: 2, stdout: '' });

  const planFile = join(folder, 'plan.json');
  const before = await legacyChecksum(db);
  const planned = await migrate('plan', definition, '--out', planFile, '--sql');
  expect(planned).toMatchObject({ exit: 0, stderr: '' });
  expect(planned.stdout).toContain('tenants from 60 rows of customers');
  expect(planned.stdout).toContain('alter table "public"."projects" add column "tenant_id" uuid');
  const { hash } = JSON.parse(await readFile(planFile, 'utf8'));

  // Tried, and nothing is left of it.
  const tried = await json('apply', definition, '--dry-run', '--yes');
  expect(tried).toMatchObject({ exit: 0, result: { failure: null, verification: { failed: 0 } } });
  expect(await legacyChecksum(db)).toBe(before);

  const applied = await json('apply', definition, '--plan', planFile, '--yes');
  expect(applied).toMatchObject({ exit: 0, result: { migration: name, stage: 'enforce', rows: 60 + 120 + 360 + 600 } });
  const made = await resultChecksum(db);
  const status = await json('status', '--name', name);
  expect(status).toMatchObject({ exit: 0, result: { stage: 'enforce', holder: null, failure: null, paused: null } });
  expect(await json('status')).toMatchObject({ exit: 0, result: [{ name, kind: 'migration', stage: 'enforce' }] });
  const report = join(folder, 'report.md');
  const verified = await migrate('verify', definition, '--report', report);
  expect(await readFile(report, 'utf8')).toMatch(/## Verified at .*: \d+ checks, 0 failed\n/);
  expect(verified).toMatchObject({ exit: 0 });
  expect(verified.stdout).toMatch(/^customers-to-organizations: proved; \d+ passed, 0 failed, 0 skipped\n$/);

  const reportJson = join(folder, 'report.json');
  const back = await migrate('rollback', definition, '--yes', '--actor', 'Ada', '--report', reportJson);
  const { trail } = JSON.parse(await readFile(reportJson, 'utf8'));
  expect(trail.at(-1)).toMatchObject({ event: 'rolled-back', actor: 'Ada', application: 'tenantry rollback' });
  expect(back).toMatchObject({ exit: 0 });
  expect(back.stderr).toContain('enforce:projects:isolation');
  expect(await legacyChecksum(db)).toBe(before);
  expect(await json('apply', definition, '--yes')).toMatchObject({ exit: 0, result: { stage: 'enforce' } });
  expect(await resultChecksum(db)).toBe(made);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
});

it('says by its exit code what happened', async () => {
  expect(await migrate()).toMatchObject({ exit: 0, stderr: '' });
  expect(await migrate('plan', '--help')).toMatchObject({ exit: 0, stderr: '' });
  const wrong = [
    ['plan', 'nowhere.ts'],
    ['plan', 'package.json'],
    ['plan', 'tests/support/runner.ts'],
    ['plan', definition, '--name', 'another'],
    ['apply', definition],
    ['rollback', definition],
    ['apply', definition, '--yes', '--plan', 'package.json'],
  ];
  const exits = await Promise.all(wrong.map(async (words) => [words, (await migrate(...words)).exit]));
  expect(exits).toEqual(wrong.map((words) => [words, 2]));
  expect((await runCommand(['migrate', 'status', '--name', name])).exit).toBe(2);
  expect((await runCommand(['migrate', 'status', '--name', name, '--url', 'postgres://127.0.0.1:1/app'])).exit).toBe(1);

  await migrate('install');
  expect(await json('rollback', definition, '--yes')).toMatchObject({
    exit: 2,
    error: { code: 'migration_not_found' },
  });
  expect(await json('verify', definition)).toMatchObject({ exit: 2, error: { code: 'migration_not_found' } });

  const bare = join(folder, 'bare.mjs');
  await writeFile(
    bare,
    `import { legacyMigration } from ${JSON.stringify(join(import.meta.dirname, '../support/legacy.ts'))};
    const { api_calls, ...tables } = legacyMigration.tables;
    export const missing = { ...legacyMigration, tables };
    export const strict = { ...legacyMigration, tables: { ...tables, api_calls: { ...api_calls, unresolved: { kind: 'fail' } } } };`,
  );
  expect((await migrate('plan', bare)).exit).toBe(2);
  expect(await json('plan', bare, '--name', 'missing')).toMatchObject({
    exit: 3,
    error: { code: 'migration_tables_unclassified' },
  });
  expect(await json('plan', bare, '--name', 'strict')).toMatchObject({
    exit: 3,
    error: { code: 'migration_rows_unresolved', details: { table: 'api_calls' } },
  });

  const planFile = join(folder, 'plan.json');
  await migrate('plan', definition, '--out', planFile);
  await sql`alter table projects add column note text`.execute(db);
  expect(await json('apply', definition, '--yes', '--plan', planFile)).toMatchObject({
    exit: 5,
    error: { code: 'migration_drifted', details: { tables: ['projects'] } },
  });

  await migrate('apply', definition, '--yes', '--to', 'backfill');
  await db.connection().execute(async (connection) => {
    await sql`set tenantry.runner = 'on'`.execute(connection);
    await sql`update projects set tenant_id = (select tenant_id from projects where id = 2) where id = 1`.execute(
      connection,
    );
    await sql`reset tenantry.runner`.execute(connection);
  });
  expect(await json('verify', definition)).toMatchObject({ exit: 4 });
  expect(await json('apply', definition, '--yes')).toMatchObject({
    exit: 4,
    error: { code: 'migration_verify_failed' },
  });
  expect(await json('status', definition)).toMatchObject({
    result: { stage: 'backfill', failure: { stage: 'verify', code: 'migration_verify_failed' } },
  });
  const told = await migrate('status', definition);
  expect(told.stdout).toContain('migration_verify_failed');

  // Another runner that is at work.
  const other = new Client({ connectionString: url });
  await other.connect();
  try {
    await other.query(
      `update tenantry.migrations set holder = 'another', holder_pid = pg_backend_pid(), lease_until = now() + interval '1 hour'`,
    );
    expect(await json('rollback', definition, '--yes')).toMatchObject({
      exit: 6,
      error: { code: 'migration_running' },
    });
  } finally {
    await other.end();
  }
  expect(await json('rollback', definition, '--yes')).toMatchObject({ exit: 0 });
});

it('stops on Ctrl+C with a state from which a rerun goes on, and tells of it', async () => {
  await migrate('install');
  const run = startCommand(
    ['migrate', 'apply', definition, '--yes', '--batch-size', '200', '--batch-milliseconds', '1', '--pause', '400'],
    { DATABASE_URL: url },
  );
  await run.says(/backfill:notes:vacuum|backfill:projects:vacuum/);
  run.signal('SIGINT');
  const stopped = await run.done;
  expect(stopped).toMatchObject({ exit: 7, stdout: '' });
  expect(stopped.stderr).toContain('stopping at the next step or batch');
  const { result } = await json('status', definition);
  expect(result).toMatchObject({ holder: null, failure: { code: 'migration_stopped', stage: 'backfill' } });
  expect((await migrate('apply', definition, '--yes')).exit).toBe(0);
  expect((await migrate('verify', definition)).exit).toBe(0);

  const back = startCommand(['migrate', 'rollback', definition, '--yes'], { DATABASE_URL: url });
  await back.says(/enforce:notes/);
  back.signal('SIGTERM');
  expect((await back.done).exit).toBe(7);
  expect(await json('status', definition)).toMatchObject({ result: { stage: 'rolling-back' } });
  expect((await migrate('rollback', definition, '--yes')).exit).toBe(0);
});

it('tells who is in the way while it waits for a lock, and so does the status', async () => {
  await migrate('install');
  const other = new Client({ connectionString: url, application_name: 'nightly dump' });
  await other.connect();
  try {
    await other.query('begin');
    await other.query(`select * from projects where name = 'a secret'`);
    const run = startCommand(['migrate', 'apply', definition, '--yes', '--to', 'expand', '--lock-timeout', '300'], {
      DATABASE_URL: url,
    });
    await run.says(
      /expand:projects waits: no lock yet \(try 1 of 30\)\n {4}pid \d+ \(tenantry_test_owner, nightly dump\), idle in transaction for /,
    );
    await run.says(/: select \* from projects where name = \?/);
    for (let tries = 0; ; tries += 1) {
      const told = await migrate('status', definition);
      if (/pid \d+ \(tenantry_test_owner, nightly dump\), idle in transaction/.test(told.stdout)) break;
      if (tries > 20) throw new Error(told.stdout);
    }
    await other.query('rollback');
    const { exit, stderr } = await run.done;
    expect(exit).toBe(0);
    expect(stderr).not.toContain('a secret');
  } finally {
    await other.end();
  }
});

it('cancels the statement under way on a second Ctrl+C', async () => {
  await migrate('install');
  const other = new Client({ connectionString: url });
  await other.connect();
  try {
    await other.query('begin; select 1 from projects limit 1');
    const run = startCommand(['migrate', 'apply', definition, '--yes', '--lock-timeout', '600000'], {
      DATABASE_URL: url,
    });
    for (let waits = 0; waits === 0; ) {
      const { rows } = await sql<{ n: number }>`select count(*)::integer as n from pg_locks where not granted
        and relation = 'projects'::regclass`.execute(db);
      waits = rows[0]?.n ?? 0;
    }
    run.signal('SIGINT');
    await run.says(/once more to cancel the statement/);
    run.signal('SIGINT');
    expect(await run.done).toMatchObject({ exit: 7 });
    expect(await json('status', definition)).toMatchObject({
      result: { holder: null, failure: { step: 'expand:projects', sqlstate: '57014' } },
    });
  } finally {
    await other.end();
  }
  expect((await migrate('apply', definition, '--yes')).exit).toBe(0);
});

it('lets a run wait from another process, and go on', async () => {
  await migrate('install');
  expect((await migrate('pause', '--name', name)).exit).toBe(2);
  await migrate('apply', definition, '--yes', '--to', 'expand');
  expect(await migrate('pause', '--name', name, '--actor', 'the sale')).toMatchObject({ exit: 0 });
  const run = startCommand(['migrate', 'apply', definition, '--yes'], { DATABASE_URL: url });
  await run.says(/populate:map waits: paused by the sale since /);
  expect((await migrate('status', '--name', name)).stdout).toMatch(/^paused {6}by the sale since /m);
  expect(await json('resume', '--name', name)).toMatchObject({ exit: 0, result: { was: true } });
  expect((await run.done).exit).toBe(0);
});

it('never prints the password, whatever goes wrong', async () => {
  await migrate('install');
  const secret = 'hunter2%2Fswordfish';
  const at = new URL(url);
  const wrong = [
    `postgres://tenantry_test_owner:${secret}@127.0.0.1:1/${at.pathname.slice(1)}`,
    `postgres://nobody_here:${secret}@${at.host}${at.pathname}`,
    `postgres://ada:${secret}@ho st:x/db`,
    `mysql://ada:${secret}@${at.host}/db`,
    `postgres://ada:hunter2/swordfish@${at.host}/db`,
  ];
  await Promise.all(
    wrong.flatMap((address) =>
      [[], ['--json']].map(async (more) => {
        const { stdout, stderr, exit } = await runCommand([
          'migrate',
          'status',
          '--name',
          name,
          '--url',
          address,
          ...more,
        ]);
        expect(exit).not.toBe(0);
        expect(stdout + stderr).not.toContain('swordfish');
      }),
    ),
  );
  const { stdout, stderr } = await migrate('apply', definition);
  expect(stdout + stderr).not.toContain(':test@');
});
