import { Kysely, PostgresDialect, sql } from 'kysely';
import { Client, Pool } from 'pg';
import {
  type AnyMigration,
  applyMigration,
  bySql,
  type MigrationFailure,
  migrationStatus,
  planMigration,
  quarantine,
  rollbackMigration,
  type StageName,
  untouched,
  verifyMigration,
} from 'tenantry/migrate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyMigration, makeLegacy, resultChecksum } from '../support/legacy.ts';

let database: TestDatabase<Legacy>;
let db: Kysely<Legacy>;
let others: Client[];

beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  db = database.owner;
  others = [];
  await makeLegacy(db, 60);
});

afterEach(async () => {
  for (const client of others) await client.end();
  await database.destroy();
});

/** A connection of somebody else, which the test closes. */
async function another(): Promise<Client> {
  const client = new Client({ connectionString: database.urls?.superuser ?? '', application_name: 'nightly dump' });
  await client.connect();
  others.push(client);
  return client;
}

const failure = async (): Promise<MigrationFailure | null> => (await migrationStatus(db, legacyMigration.name)).failure;

/** Applies to the end, and expects that nothing of the fault is left: no failure, all proved, the rows of an undisturbed run. */
async function goesOn(definition: AnyMigration = legacyMigration, to: StageName = 'enforce'): Promise<void> {
  await expect(applyMigration(db, definition, { to })).resolves.toMatchObject({ stage: to });
  expect(await migrationStatus(db, definition.name)).toMatchObject({ stage: to, failure: null, holder: null });
  if (to === 'contract') return;
  expect((await verifyMigration(db, definition)).failed).toBe(0);
}

describe('a full disk', () => {
  it.each([
    ['populate:members', 'members'],
    ['populate:keys', 'api_keys'],
  ])('stops %s with its reason and what to do, and what was done stays', async (step, table) => {
    await sql`create function full_disk() returns trigger language plpgsql as $$ begin
      raise exception 'could not extend file "base/1/2": No space left on device' using errcode = '53100'; end $$`.execute(
      db,
    );
    await sql
      .raw(`create trigger full_disk before insert on tenantry.${table} execute function full_disk()`)
      .execute(db);
    await expect(applyMigration(db, legacyMigration)).rejects.toMatchObject({
      code: 'migration_step_failed',
      details: { step, sqlstate: '53100' },
    });
    expect(await migrationStatus(db, legacyMigration.name)).toMatchObject({
      stage: 'expand',
      next: { step },
      holder: null,
      failure: { stage: 'backfill', step, sqlstate: '53100', remedy: expect.stringContaining('make room') },
    });
    await sql.raw(`drop trigger full_disk on tenantry.${table}`).execute(db);
    await goesOn();
  });

  it('stops a backfill behind its last whole batch', async () => {
    await sql`create table full_disks (id integer)`.execute(db);
    await sql`create function room(id bigint, customer integer) returns integer language plpgsql stable as $$ begin
      if id > 450 and exists (select from full_disks) then raise exception 'no space' using errcode = '53100'; end if;
      return customer; end $$`.execute(db);
    const definition: AnyMigration = {
      ...legacyMigration,
      tables: {
        ...legacyMigration.tables,
        api_calls: bySql(sql`room(api_calls.id, api_calls.customer_id)`, { unresolved: quarantine() }),
        full_disks: untouched(),
      },
    };
    await applyMigration(db, definition, { to: 'expand' });
    await sql`insert into full_disks values (1)`.execute(db);
    const small = { batchSize: 200, batchMilliseconds: 1 };
    await expect(applyMigration(db, definition, small)).rejects.toMatchObject({ details: { sqlstate: '53100' } });
    const { tables, failure: told } = await migrationStatus(db, definition.name);
    expect(tables.find(({ table }) => table === 'api_calls')).toEqual({
      table: 'api_calls',
      rows: 400,
      finished: false,
    });
    expect(told).toMatchObject({ stage: 'backfill', step: 'backfill:api_calls', sqlstate: '53100' });
    await sql`delete from full_disks`.execute(db);
    let begun: number | undefined;
    await applyMigration(db, definition, {
      ...small,
      onProgress: ({ step, rows }) => {
        if (step === 'backfill:api_calls' && rows > 0) begun ??= rows;
      },
    });
    expect(begun).toBe(600);
    await goesOn(definition);
  });
});

describe('a long transaction that reads a table', () => {
  it.each([
    ['expand', 'expand:projects'],
    ['enforce', 'enforce:projects:present'],
  ] as const)('is named when %s finds no lock, and lets the application go on meanwhile', async (stage, step) => {
    if (stage === 'enforce') await applyMigration(db, legacyMigration, { to: 'backfill' });
    const dump = await another();
    await dump.query('begin');
    await dump.query('select count(*) from projects');
    const { rows } = await dump.query('select pg_backend_pid() as pid');

    // The application reads all the while; nobody may queue behind the lock that is waited for.
    const application = await another();
    await application.query('set statement_timeout = 5000');
    let reading = true;
    let reads = 0;
    const reader = (async () => {
      while (reading) {
        await application.query('select count(*) from projects');
        reads += 1;
      }
    })();
    try {
      await expect(applyMigration(db, legacyMigration, { lockTimeout: 100, lockRetries: 3 })).rejects.toMatchObject({
        code: 'migration_step_failed',
        details: { step, sqlstate: '55P03', remedy: expect.stringContaining(`Blocked by pid ${rows[0].pid} (`) },
      });
    } finally {
      reading = false;
      await reader;
    }
    expect(reads).toBeGreaterThan(0);
    expect(await failure()).toMatchObject({
      stage,
      step,
      sqlstate: '55P03',
      remedy: expect.stringMatching(new RegExp(`pid ${rows[0].pid} \\(\\w+, nightly dump\\)`)),
    });
    await dump.query('commit');
    await goesOn();
  });

  it('is named while an index waits for it, which keeps nobody from working, and then it goes on', async () => {
    await applyMigration(db, legacyMigration, { to: 'backfill' });
    const dump = await another();
    await dump.query('begin isolation level repeatable read');
    const { rows } = await dump.query('select pg_backend_pid() as pid, count(*) from countries');
    const run = applyMigration(db, legacyMigration, { lockTimeout: 100 });
    let blockers: readonly { readonly pid: number; readonly application: string | null }[] = [];
    while (blockers.length === 0) ({ blockers } = await migrationStatus(db, legacyMigration.name));
    expect(blockers).toMatchObject([{ pid: rows[0].pid, application: 'nightly dump' }]);
    await dump.query('commit');
    await expect(run).resolves.toMatchObject({ stage: 'enforce' });
    expect(await failure()).toBeNull();
  });

  it('is waited out in tries, and is no failure', async () => {
    const dump = await another();
    await dump.query('begin');
    await dump.query('select count(*) from projects');
    const tries: number[] = [];
    await applyMigration(db, legacyMigration, {
      lockTimeout: 50,
      lockRetries: 200,
      onProgress: ({ step, hold }) => {
        if (step !== 'expand:projects' || hold?.why !== 'lock') return;
        tries.push(hold.attempt);
        if (tries.length === 3) void dump.query('commit');
      },
    });
    expect(tries.slice(0, 3)).toEqual([1, 2, 3]);
    expect(await failure()).toBeNull();
  });
});

describe('a statement that takes too long', () => {
  /** The owner as a role whose statements may not take long. */
  async function inHaste<Result>(
    milliseconds: number,
    work: (hasty: Kysely<Legacy>) => Promise<Result>,
  ): Promise<Result> {
    const pool = new Pool({ connectionString: database.urls?.owner ?? '', statement_timeout: milliseconds });
    const hasty = new Kysely<Legacy>({ dialect: new PostgresDialect({ pool }) });
    return work(hasty).finally(() => hasty.destroy());
  }

  it('stops the step with what to do', async () => {
    const dump = await another();
    await dump.query('begin');
    await dump.query('select count(*) from notes');
    const plan = await planMigration(db, legacyMigration);
    const cut = inHaste(400, (hasty) => applyMigration(hasty, legacyMigration, { plan, lockTimeout: 60_000 }));
    await expect(cut).rejects.toMatchObject({ details: { step: 'expand:notes', sqlstate: '57014' } });
    expect(await failure()).toMatchObject({
      stage: 'expand',
      step: 'expand:notes',
      sqlstate: '57014',
      remedy: expect.stringContaining('statement_timeout'),
    });
    await dump.query('commit');
    await goesOn();
  });

  it('makes batches smaller, and is no failure', async () => {
    const slow: AnyMigration = {
      ...legacyMigration,
      tables: {
        ...legacyMigration.tables,
        api_calls: bySql(sql`(select api_calls.customer_id from pg_sleep(0.002 + api_calls.id * 0))`, {
          unresolved: quarantine(),
        }),
      },
    };
    const plan = await planMigration(db, slow);
    await applyMigration(db, slow, { plan, to: 'expand' });
    const sizes: number[] = [];
    await inHaste(500, (hasty) =>
      applyMigration(hasty, slow, {
        to: 'backfill',
        batchSize: 600,
        batchMilliseconds: 100_000,
        onProgress: ({ step, rows }) => {
          if (step === 'backfill:api_calls') sizes.push(rows);
        },
      }),
    );
    expect(sizes.find((rows) => rows > 0)).toBeLessThan(300);
    expect(sizes.at(-1)).toBe(600);
    expect(await failure()).toBeNull();
  });
});

describe('a unique conflict that appears while it runs', () => {
  const unique: AnyMigration = {
    ...legacyMigration,
    additions: [
      {
        name: 'names',
        stage: 'backfill',
        sql: ['create unique index one_name on projects (tenant_id, name)'],
        undo: ['drop index one_name'],
      },
    ],
  };

  it('stops with the index and without the values, until the rows are mended', async () => {
    const plan = await planMigration(db, unique);
    await applyMigration(db, unique, { plan, to: 'expand' });
    await sql`insert into projects (id, customer_id, name) values (9001, 5, 'secret plan'), (9002, 5, 'secret plan')`.execute(
      db,
    );
    await expect(applyMigration(db, unique)).rejects.toMatchObject({
      details: { step: 'backfill:addition:names', sqlstate: '23505' },
    });
    const told = await failure();
    expect(told).toMatchObject({
      stage: 'backfill',
      step: 'backfill:addition:names',
      sqlstate: '23505',
      message: 'could not create unique index "one_name"',
    });
    expect(JSON.stringify(told)).not.toContain('secret plan');
    await sql`update projects set name = 'another' where id = 9002`.execute(db);
    await goesOn(unique);
  });

  it('of API keys stops nobody: one row keeps the key, the other is told of', async () => {
    await applyMigration(db, legacyMigration, { to: 'expand' });
    await sql`update customers set api_key_hash = (select api_key_hash from customers where id = 1) where id = 2`.execute(
      db,
    );
    await goesOn();
    const aside = await sql<{ key: string }>`select row_key as key from tenantry.migration_quarantine
      where table_name = 'customers as apiKeys'`.execute(db);
    expect(aside.rows).toHaveLength(1);
  });
});

describe("a trigger of the application's that raises", () => {
  it('is named without what it said of the rows, and its step is run again', async () => {
    await applyMigration(db, legacyMigration, { to: 'backfill' });
    const superuser = await another();
    await superuser.query(`create function guard() returns event_trigger language plpgsql as $$ begin
      raise exception 'no ALTER TABLE before user5@example.com has seen it'; end $$`);
    await superuser.query(
      `create event trigger guard on ddl_command_start when tag in ('ALTER TABLE') execute function guard()`,
    );
    await expect(applyMigration(db, legacyMigration)).rejects.toMatchObject({ details: { sqlstate: 'P0001' } });
    const told = await failure();
    expect(told).toMatchObject({ stage: 'enforce', sqlstate: 'P0001' });
    expect(told?.message).toMatch(/^raised by the function guard\(\) line \d+ at RAISE$/);
    expect(JSON.stringify(told)).not.toContain('example.com');
    await superuser.query('drop event trigger guard');
    await goesOn();
  });

  it('that would fire on the backfill is a right that is missing, also when it comes later', async () => {
    await applyMigration(db, legacyMigration, { to: 'expand' });
    await sql`create function touch() returns trigger language plpgsql as 'begin return NEW; end'`.execute(db);
    await sql`create trigger touch before update on projects for each row execute function touch()`.execute(db);
    await expect(applyMigration(db, legacyMigration)).rejects.toMatchObject({ code: 'migration_right_missing' });
    expect(await failure()).toMatchObject({
      step: null,
      code: 'migration_right_missing',
      sqlstate: null,
      remedy: 'grant set on parameter session_replication_role to tenantry_test_owner;',
    });
    await sql`drop trigger touch on projects`.execute(db);
    await goesOn();
  });
});

it('tells of a proof that does not hold, of a value that does not fit, and of what the program itself threw', async () => {
  const reference = await postgresDatabase<Legacy>();
  try {
    await makeLegacy(reference.owner, 60);
    await applyMigration(reference.owner, legacyMigration);

    const thrown = applyMigration(db, legacyMigration, {
      to: 'backfill',
      onProgress: ({ step }) => {
        if (step === 'backfill:notes') throw new RangeError('password=hunter2');
      },
    });
    await expect(thrown).rejects.toThrow(RangeError);
    const told = await failure();
    expect(told).toMatchObject({ stage: 'backfill', step: 'backfill:notes', code: 'unexpected', sqlstate: null });
    expect(JSON.stringify(told)).not.toContain('hunter2');

    await applyMigration(db, legacyMigration, { to: 'backfill' });
    expect(await failure()).toBeNull();
    const spoil = (to: string) =>
      db.connection().execute(async (connection) => {
        await sql`set tenantry.runner = 'on'`.execute(connection);
        await sql
          .raw(`update projects set tenant_id = (select tenant_id from customers where id = ${to}) where id = 4`)
          .execute(connection);
        await sql`reset tenantry.runner`.execute(connection);
      });
    await spoil('6');
    await expect(applyMigration(db, legacyMigration)).rejects.toMatchObject({ code: 'migration_verify_failed' });
    expect(await failure()).toMatchObject({ stage: 'verify', step: null, code: 'migration_verify_failed' });
    await spoil('projects.customer_id');
    await goesOn();
    expect(await resultChecksum(db)).toBe(await resultChecksum(reference.owner));

    await rollbackMigration(db, legacyMigration);
    const cast: AnyMigration = {
      ...legacyMigration,
      additions: [
        {
          name: 'cast',
          stage: 'expand',
          sql: ['do $$ begin perform max(email::integer) from customers; end $$'],
          undo: [],
        },
      ],
    };
    await expect(applyMigration(db, cast)).rejects.toMatchObject({ details: { sqlstate: '22P02' } });
    expect(await failure()).toMatchObject({
      step: 'expand:addition:cast',
      message: 'invalid input syntax for type integer: …',
    });
  } finally {
    await reference.destroy();
  }
});
