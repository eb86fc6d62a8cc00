import { type Kysely, sql } from 'kysely';
import { Client } from 'pg';
import {
  applyMigration,
  type MigrationHold,
  type MigrationProgress,
  migrationStatus,
  pauseMigration,
  resumeMigration,
  rollbackMigration,
  verifyMigration,
} from 'tenantry/migrate';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyMigration, makeLegacy, resultChecksum } from '../support/legacy.ts';

let database: TestDatabase<Legacy>;
let db: Kysely<Legacy>;

beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  db = database.owner;
  await makeLegacy(db, 60);
});

afterEach(() => database.destroy());

/** Hears progress until something holds the runner, and then does something once. */
function atFirstHold(
  why: MigrationHold['why'],
  act: (progress: MigrationProgress) => void,
): (p: MigrationProgress) => void {
  let heard = false;
  return (progress) => {
    if (heard || progress.hold?.why !== why) return;
    heard = true;
    act(progress);
  };
}

it('waits while it is paused, from whatever process, keeps its lease, and goes on', async () => {
  await applyMigration(db, legacyMigration, { to: 'expand' });
  await pauseMigration(db, legacyMigration.name, { by: 'the sale' });
  await pauseMigration(db, legacyMigration.name, { by: 'somebody else' });
  const seen: MigrationProgress[] = [];
  let told: Awaited<ReturnType<typeof migrationStatus>> | undefined;
  let resumed: Promise<unknown> | undefined;
  await applyMigration(db, legacyMigration, {
    onProgress: atFirstHold('paused', (progress) => {
      seen.push(progress);
      resumed = (async () => {
        told = await migrationStatus(database.owner, legacyMigration.name);
        expect(await resumeMigration(db, legacyMigration.name)).toBe(true);
      })();
    }),
  });
  await resumed;
  expect(seen[0]).toMatchObject({ step: 'populate:map', finished: false, hold: { why: 'paused', by: 'the sale' } });
  expect(told).toMatchObject({ stage: 'expand', paused: { by: 'the sale', since: expect.any(Date) } });
  expect(told?.holder).not.toBeNull();
  expect(await resumeMigration(db, legacyMigration.name)).toBe(false);
  expect((await verifyMigration(db, legacyMigration)).failed).toBe(0);
  await expect(pauseMigration(db, 'another')).rejects.toMatchObject({ code: 'migration_not_found' });
  await expect(resumeMigration(db, 'another')).rejects.toMatchObject({ code: 'migration_not_found' });
});

it('stops while it is paused when its caller asks for it; a way back is not held up, and ends the pause', async () => {
  await applyMigration(db, legacyMigration, { to: 'expand' });
  await pauseMigration(db, legacyMigration.name);
  const stop = new AbortController();
  await expect(
    applyMigration(db, legacyMigration, { signal: stop.signal, onProgress: atFirstHold('paused', () => stop.abort()) }),
  ).rejects.toMatchObject({ code: 'migration_stopped', details: { step: 'populate:map' } });
  await rollbackMigration(db, legacyMigration);
  expect(await migrationStatus(db, legacyMigration.name)).toMatchObject({ stage: 'rolled-back', paused: null });
});

it('asks throttle() before each batch and waits as long as it says', async () => {
  const asked: number[] = [];
  const reasons: string[] = [];
  await applyMigration(db, legacyMigration, {
    to: 'backfill',
    batchSize: 200,
    batchMilliseconds: 1,
    throttle: () => {
      asked.push(asked.length);
      return asked.length % 2;
    },
    onProgress: ({ hold }) => {
      if (hold?.why === 'throttled') reasons.push(hold.reason);
    },
  });
  // Tables of 60, 120, 360 and 600 rows, in batches of 200.
  expect(asked).toHaveLength(1 + 1 + 2 + 3);
  expect(reasons).toEqual(Array.from({ length: 4 }, () => 'throttle() asked for 1 ms'));
});

it('waits while too many sessions wait for locks', async () => {
  const url = database.urls?.owner ?? '';
  const clients = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const client = new Client({ connectionString: url });
      await client.connect();
      return client;
    }),
  );
  const [holder, ...waiters] = clients;
  try {
    await sql`create table counters (id integer primary key, n integer not null)`.execute(db);
    await sql`insert into counters values (1, 0)`.execute(db);
    const definition = {
      ...legacyMigration,
      tables: { ...legacyMigration.tables, counters: { kind: 'untouched' as const } },
    };
    await applyMigration(db, definition, { to: 'expand' });
    await holder?.query('begin');
    await holder?.query('update counters set n = n + 1');
    const waiting = Promise.all(waiters.map((client) => client.query('update counters set n = n + 1')));
    for (let found = 0; found < 2; ) {
      const { rows } = await sql<{ n: number }>`select count(*)::integer as n from pg_locks
        where not granted and waitstart < clock_timestamp() - interval '100 milliseconds'`.execute(db);
      found = rows[0]?.n ?? 0;
    }
    const holds: MigrationHold[] = [];
    await applyMigration(db, definition, {
      to: 'backfill',
      maxLockWaiters: 1,
      onProgress: atFirstHold('throttled', ({ hold }) => {
        if (hold !== undefined) holds.push(hold);
        void holder?.query('commit');
      }),
    });
    await holder?.query('commit');
    await waiting;
    expect(holds).toEqual([{ why: 'throttled', reason: '2 sessions wait for locks' }]);
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
});

it('stops between two batches when its caller asks for it, and a rerun ends as if it had not', async () => {
  const stop = new AbortController();
  await expect(
    applyMigration(db, legacyMigration, {
      batchSize: 200,
      batchMilliseconds: 1,
      signal: stop.signal,
      onProgress: ({ step, rows, finished }) => {
        if (step === 'backfill:api_calls' && rows > 0 && !finished) stop.abort();
      },
    }),
  ).rejects.toMatchObject({ code: 'migration_stopped', details: { step: 'backfill:api_calls' } });
  expect(await migrationStatus(db, legacyMigration.name)).toMatchObject({
    stage: 'expand',
    holder: null,
    failure: { stage: 'backfill', step: 'backfill:api_calls', code: 'migration_stopped' },
  });
  await applyMigration(db, legacyMigration);
  const interrupted = await resultChecksum(db);
  await expect(verifyMigration(db, legacyMigration, { signal: stop.signal })).rejects.toMatchObject({
    code: 'migration_stopped',
  });
  await expect(rollbackMigration(db, legacyMigration, { signal: stop.signal })).rejects.toMatchObject({
    code: 'migration_stopped',
  });
  await rollbackMigration(db, legacyMigration);
  await applyMigration(db, legacyMigration);
  expect(await resultChecksum(db)).toBe(interrupted);
});
