import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { Client } from 'pg';
import { applyMigration, verifyMigration } from 'tenantry/migrate';
import { expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Legacy, legacyChecksum, legacyMigration, makeLegacy, resultChecksum } from '../support/legacy.ts';

const worker = fileURLToPath(new URL('../support/migrate-worker.ts', import.meta.url));

/** How often a run is killed; TENANTRY_KILLS makes it more. */
const { TENANTRY_KILLS = '30' } = process.env;
const kills = Number(TENANTRY_KILLS);

type Way = 'contract' | 'rollback';
type Weapon = (database: TestDatabase<Legacy>, child: { kill(signal: 'SIGKILL'): boolean }) => Promise<void>;

/** The process is gone from one moment to the next. */
const sigkill: Weapon = async (_database, child) => {
  child.kill('SIGKILL');
};

/** The server ends the connection; the process sees an error in whatever it does. */
const terminate: Weapon = async (database) => {
  const client = new Client({ connectionString: database.urls?.superuser ?? '' });
  await client.connect();
  await client.query('select pg_terminate_backend(holder_pid) from tenantry.migrations where holder_pid is not null');
  await client.end();
};

/** Runs one way in a process and kills it after so many lines. True when it came to its end before. */
async function run(database: TestDatabase<Legacy>, way: Way, afterLines: number, weapon: Weapon): Promise<boolean> {
  const child = spawn(process.execPath, [worker, database.urls?.owner ?? '', way], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let lines = 0;
  let done = false;
  for await (const line of createInterface({ input: child.stdout })) {
    done ||= line === 'done';
    lines += 1;
    if (lines !== afterLines) continue;
    await wait(Math.random() * 8);
    await weapon(database, child);
  }
  return done;
}

/** Runs one way and kills it again and again until it is at its end. Gives how often it was killed. */
async function runUntilDone(
  database: TestDatabase<Legacy>,
  way: Way,
  weapon: Weapon,
  places: Set<string>,
): Promise<number> {
  for (let killed = 0; ; killed += 1) {
    if (await run(database, way, 1 + Math.floor(Math.random() * 14), weapon)) return killed;
    const { rows } = await sql<{ stage: string }>`select stage from tenantry.migrations`.execute(database.owner);
    places.add(`${way} at ${rows[0]?.stage}`);
  }
}

it.each([
  ['SIGKILL of the process', sigkill],
  ['termination of the connection', terminate],
])(
  `ends in the same rows, both ways, after ${kills / 2} times %s in every stage`,
  async (_name, weapon) => {
    const undisturbed = await postgresDatabase<Legacy>();
    await makeLegacy(undisturbed.owner);
    const before = await legacyChecksum(undisturbed.owner);
    await applyMigration(undisturbed.owner, legacyMigration, { to: 'contract' });
    const expected = await resultChecksum(undisturbed.owner);
    await undisturbed.destroy();

    const places = new Set<string>();
    const database = await postgresDatabase<Legacy>();
    try {
      await makeLegacy(database.owner);
      for (let killed = 0; killed < kills / 2; ) {
        killed += await runUntilDone(database, 'contract', weapon, places);
        expect(await resultChecksum(database.owner)).toBe(expected);
        killed += await runUntilDone(database, 'rollback', weapon, places);
        expect(await legacyChecksum(database.owner)).toBe(before);
      }
    } finally {
      await database.destroy();
    }
    for (const place of [
      'contract at planned',
      'contract at backfill',
      'contract at enforce',
      'rollback at rolling-back',
    ]) {
      if (kills >= 100) expect([...places]).toContain(place);
    }
  },
  600_000,
);

it('goes on after the server ended the connection in the middle of a backfill', async () => {
  const database = await postgresDatabase<Legacy>();
  try {
    await makeLegacy(database.owner);
    let batches = 0;
    const cut = applyMigration(database.owner, legacyMigration, {
      batchSize: 200,
      batchMilliseconds: 1,
      pause: 20,
      onProgress: ({ step, rows }) => {
        if (step === 'backfill:api_calls' && rows > 0) batches += 1;
        if (batches === 2) void terminate(database, { kill: () => true });
      },
    });
    await expect(cut).rejects.toThrow();
    await applyMigration(database.owner, legacyMigration);
    const report = await verifyMigration(database.owner, legacyMigration);
    expect(report.checks.filter((check) => check.status !== 'pass')).toEqual([]);
  } finally {
    await database.destroy();
  }
});
