import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { applyMigration, rollbackMigration, verifyMigration } from 'tenantry/migrate';
import { expect, it } from 'vitest';
import { postgresDatabase } from '../support/databases.ts';
import { type Legacy, legacyChecksum, legacyMigration, makeLegacy, resultChecksum } from '../support/legacy.ts';

const worker = fileURLToPath(new URL('../support/migrate-worker.ts', import.meta.url));

/** Runs the migration in a process and kills that with SIGKILL after so many lines. Gives the lines it wrote. */
async function runAndKill(url: string, afterLines: number): Promise<string[]> {
  const child = spawn(process.execPath, [worker, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === afterLines) child.kill('SIGKILL');
  }
  return lines;
}

it('ends in the same rows as an undisturbed run when it is killed at ten random points and run again', async () => {
  const undisturbed = await postgresDatabase<Legacy>();
  await makeLegacy(undisturbed.owner);
  const before = await legacyChecksum(undisturbed.owner);
  const lines = await runAndKill(undisturbed.urls?.owner ?? '', Number.POSITIVE_INFINITY);
  expect(lines.at(-1)).toBe('done');
  const expected = await resultChecksum(undisturbed.owner);
  await undisturbed.destroy();
  const backfill = lines.flatMap((line, place) => (/^(backfill|populate):/.test(line) ? [place] : []));

  for (let kill = 0; kill < 10; kill += 1) {
    const database = await postgresDatabase<Legacy>();
    try {
      await makeLegacy(database.owner);
      const point = 1 + (backfill[Math.floor(Math.random() * backfill.length)] ?? 0);
      const written = await runAndKill(database.urls?.owner ?? '', point);
      expect(written, `killed after line ${point}`).not.toContain('done');
      await applyMigration(database.owner, legacyMigration);
      expect(await resultChecksum(database.owner), `killed after line ${point}`).toBe(expected);
      expect((await verifyMigration(database.owner, legacyMigration)).failed).toBe(0);
      await rollbackMigration(database.owner, legacyMigration);
      expect(await legacyChecksum(database.owner)).toBe(before);
    } finally {
      await database.destroy();
    }
  }
});

it('goes on after the server ended the connection in the middle', async () => {
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
        if (batches === 2) void terminate(database.urls?.superuser ?? '');
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

async function terminate(url: string): Promise<void> {
  const { Client } = await import('pg');
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`select pg_terminate_backend(holder_pid) from tenantry.migrations where holder_pid is not null`);
  await client.end();
}
