import { applyMigration, verifyMigration } from 'tenantry/migrate';
import { expect, it } from 'vitest';
import { postgresDatabase } from '../support/databases.ts';
import { runUntilDone, terminate, weapons } from '../support/killed-runs.ts';
import { type Legacy, legacyChecksum, legacyMigration, makeLegacy, resultChecksum } from '../support/legacy.ts';

/** How often a run is killed; TENANTRY_KILLS makes it more. */
const { TENANTRY_KILLS = '8' } = process.env;
const kills = Number(TENANTRY_KILLS);

it.each(weapons)(
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
      'contract at switch',
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
