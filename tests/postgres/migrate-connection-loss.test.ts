import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { applyMigration, type MigrationFailure, migrationStatus, rollbackMigration } from 'tenantry/migrate';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyChecksum, legacyMigration, makeLegacy, resultChecksum } from '../support/legacy.ts';
import { terminateNow } from '../support/terminate-now.ts';

/** What a run that loses its connection leaves behind; kills at any moment are the chaos suite's. */
let database: TestDatabase<Legacy>;
let db: Kysely<Legacy>;

beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  db = database.owner;
  await makeLegacy(db, 60);
});

afterEach(() => database.destroy());

const failure = async (): Promise<MigrationFailure | null> => (await migrationStatus(db, legacyMigration.name)).failure;

/** The rows of a run that nothing disturbed, up to a stage. */
const undisturbed = new Map<'enforce' | 'contract', string>();

beforeAll(async () => {
  const calm = await postgresDatabase<Legacy>();
  await makeLegacy(calm.owner, 60);
  for (const to of ['enforce', 'contract'] as const) {
    await applyMigration(calm.owner, legacyMigration, { to });
    undisturbed.set(to, await resultChecksum(calm.owner));
  }
  await calm.destroy();
});

/** The next run ends as one that was not disturbed. */
async function goesOn(to: 'enforce' | 'contract'): Promise<void> {
  await expect(applyMigration(db, legacyMigration, { to })).resolves.toMatchObject({ stage: to });
  expect(await migrationStatus(db, legacyMigration.name)).toMatchObject({ stage: to, failure: null, holder: null });
  expect(await resultChecksum(db)).toBe(undisturbed.get(to));
}

it.each([
  ['expand', 'expand:projects'],
  ['backfill', 'backfill:notes'],
  ['backfill', 'populate:members'],
  ['enforce', 'enforce:customers:present'],
  ['enforce', 'enforce:notes:index'],
  ['switch', 'switch:projects'],
  ['contract', 'contract:notes:triggers'],
] as const)(
  'a dead connection is told by a fresh one, in the stage %s at %s, and the next run goes on',
  async (stage, at) => {
    const cut = applyMigration(db, legacyMigration, {
      to: 'contract',
      onProgress: ({ step, finished }) => {
        if (step === at && !finished) terminateNow(database.urls?.superuser ?? '');
      },
    });
    await expect(cut).rejects.toMatchObject({ code: 'migration_step_failed', details: { step: at } });
    expect(await failure()).toMatchObject({
      stage,
      step: at,
      code: 'migration_step_failed',
      sqlstate: expect.stringMatching(/^(57P01|08006)$/),
      message: expect.stringContaining('connection'),
      remedy: expect.stringContaining('goes on from here'),
      at: expect.any(Date),
    });
    await goesOn('contract');
  },
);

it('it is told on the way back too, which then ends as if it had not been cut', async () => {
  const before = await legacyChecksum(db);
  await applyMigration(db, legacyMigration);
  let steps = 0;
  const cut = rollbackMigration(db, legacyMigration, {
    onProgress: () => {
      steps += 1;
      if (steps === 12) terminateNow(database.urls?.superuser ?? '');
    },
  });
  await expect(cut).rejects.toMatchObject({ code: 'migration_step_failed' });
  expect(await failure()).toMatchObject({ stage: 'rollback', step: expect.any(String) });
  await rollbackMigration(db, legacyMigration);
  expect(await failure()).toBeNull();
  expect(await legacyChecksum(db)).toBe(before);
});

it('it leaves the error as it is when there is no other connection either', async () => {
  const pool = new Pool({ connectionString: database.urls?.owner ?? '', max: 1 });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const narrow = new Kysely<Legacy>({ dialect: new PostgresDialect({ pool }) });
  try {
    const cut = applyMigration(narrow, legacyMigration, {
      onProgress: ({ step, finished }) => {
        if (step !== 'backfill:notes' || finished) return;
        terminateNow(database.urls?.superuser ?? '');
        void pool.end();
      },
    });
    await expect(cut).rejects.toMatchObject({ code: 'migration_step_failed' });
    expect(await failure()).toBeNull();
  } finally {
    await narrow.destroy().catch(() => undefined);
  }
  await goesOn('enforce');
});
