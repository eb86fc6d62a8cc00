import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { sql } from 'kysely';
import { Client } from 'pg';
import type { TestDatabase } from './databases.ts';
import type { Legacy } from './legacy.ts';
import { workerFile } from './worker-file.ts';

const worker = workerFile('migrate-worker');

/** Which way a process goes: up to a stage, or back. */
export type Way = 'switch' | 'contract' | 'rollback';

/** Ends a run in the middle of what it does. */
export type Weapon = (database: TestDatabase<Legacy>, child: { kill(signal: 'SIGKILL'): boolean }) => Promise<void>;

/** The process is gone from one moment to the next. */
const sigkill: Weapon = async (_database, child) => {
  child.kill('SIGKILL');
};

/** The server ends the connection; the process sees an error in whatever it does. */
export const terminate: Weapon = async (database) => {
  const client = new Client({ connectionString: database.urls?.superuser ?? '' });
  await client.connect();
  await client.query('select pg_terminate_backend(holder_pid) from tenantry.migrations where holder_pid is not null');
  await client.end();
};

/** Both, by their names. */
export const weapons: readonly (readonly [name: string, weapon: Weapon])[] = [
  ['SIGKILL of the process', sigkill],
  ['termination of the connection', terminate],
];

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
export async function runUntilDone(
  database: TestDatabase<Legacy>,
  way: Way,
  weapon: Weapon,
  places: Set<string>,
  lines = 14,
): Promise<number> {
  for (let killed = 0; ; killed += 1) {
    if (await run(database, way, 1 + Math.floor(Math.random() * lines), weapon)) return killed;
    const { rows } = await sql<{ stage: string }>`select stage from tenantry.migrations`.execute(database.owner);
    places.add(`${way} at ${rows[0]?.stage}`);
  }
}
