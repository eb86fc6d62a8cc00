import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { insertTenant } from '../../src/database/tenant-row.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { planSetter } from '../support/plans.ts';
import { workerFile } from '../support/worker-file.ts';

let database: TestDatabase<Record<string, never>>;
let count = 0;
const children = new Set<ChildProcess>();
beforeAll(async () => {
  database = await postgresDatabase();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await database.destroy();
});

interface Answer {
  readonly granted: boolean;
  readonly used: number;
  readonly limit: number;
  readonly phase: number;
}

interface Worker {
  readonly answers: readonly Answer[];
  /** How many of them were granted. */
  readonly granted: number;
  say(line: string): void;
  /** Resolves when the worker has said a line. */
  heard(line: string): Promise<void>;
  /** Resolves when the worker got so many more answers of a kind. */
  more(granted: boolean, number: number): Promise<void>;
  kill(): void;
  /** The exit code, or the name of the signal. */
  readonly ended: Promise<number | string>;
}

async function startWorker(tenantId: string): Promise<Worker> {
  const file = workerFile('quota-worker');
  const child = spawn(process.execPath, [file, database.urls?.app ?? '', tenantId, '64'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.add(child);
  const answers: Answer[] = [];
  let told = 0;
  const lines = new Set<string>();
  let wake: () => void = () => undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [verdict = '', used = '', limit = '', phase = ''] = line.split(' ');
    if (phase === '') lines.add(line);
    else {
      const granted = verdict === 'granted';
      answers.push({ granted, used: Number(used), limit: Number(limit), phase: Number(phase) });
      if (granted) told += 1;
    }
    wake();
  });
  async function until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  const worker: Worker = {
    answers,
    get granted() {
      return told;
    },
    say: (line) => child.stdin.write(`${line}\n`),
    heard: (line) => until(() => lines.has(line)),
    more(granted, number) {
      const so = (): number => (granted ? told : answers.length - told);
      const wanted = so() + number;
      return until(() => so() >= wanted);
    },
    kill: () => child.kill('SIGKILL'),
    ended,
  };
  await worker.heard('ready');
  return worker;
}

async function makeTenant(plan: string): Promise<string> {
  count += 1;
  const tenantId = `00000000-0000-7000-8000-${count.toString(16).padStart(12, '0')}`;
  const lookup = { kind: 'test', value: tenantId };
  await insertTenant(database.app, { tenantId, kind: 'user', name: 'Acme', plan, lookup, now: new Date() });
  return tenantId;
}

async function usedInDatabase(tenantId: string): Promise<number> {
  const { rows } = await sql<{ used: string }>`
    select used from tenantry.usage_counters where tenant_id = ${tenantId}::uuid`.execute(database.app);
  return Number(rows[0]?.used);
}

const grantsOf = (workers: readonly Worker[]): Answer[] =>
  workers.flatMap((worker) => worker.answers.filter((answer) => answer.granted));
const placesOf = (answers: readonly Answer[]): number[] =>
  answers.map((answer) => answer.used).toSorted((one, other) => one - other);
const upTo = (number: number): number[] => Array.from({ length: number }, (_, index) => index + 1);

it('grants exactly 1,000 of 1,000 to 64 callers in each of 2 processes', async () => {
  const tenantId = await makeTenant('standard');
  const workers = await Promise.all([startWorker(tenantId), startWorker(tenantId)]);
  for (const worker of workers) worker.say('go');
  expect(await Promise.all(workers.map((worker) => worker.ended))).toEqual([0, 0]);
  expect(placesOf(grantsOf(workers))).toEqual(upTo(1000));
  expect(await usedInDatabase(tenantId)).toBe(1000);
  const refused = workers.flatMap((worker) => worker.answers.filter((answer) => !answer.granted));
  expect(refused).toHaveLength(128);
  for (const answer of refused) expect(answer).toMatchObject({ used: 1000, limit: 1000 });
});

it.each([1, 100, 333])(
  'answers no grant that a killed process did not store, and none too many (after %i)',
  async (after) => {
    const tenantId = await makeTenant('standard');
    const [killed, survivor] = await Promise.all([startWorker(tenantId), startWorker(tenantId)]);
    for (const worker of [killed, survivor]) worker.say('go');
    // What both were granted: one of the two alone may never come so far.
    while (killed.granted + survivor.granted < after) await new Promise((resolve) => setImmediate(resolve));
    killed.kill();
    expect(await killed.ended).toBe('SIGKILL');
    expect(await survivor.ended).toBe(0);
    const places = placesOf(grantsOf([killed, survivor]));
    expect(new Set(places).size).toBe(places.length);
    expect(places.length).toBeLessThanOrEqual(1000);
    expect(places.at(-1)).toBeLessThanOrEqual(1000);
    expect(await usedInDatabase(tenantId)).toBe(1000);
  },
);

/** TENANTRY_QUOTA_LIMITS=1,10,100,1000,10000,100000 races for as much as one has time for. */
const limits = (process.env.TENANTRY_QUOTA_LIMITS ?? '1,1000').split(',').map(Number);

it.each(limits)(
  'grants %i to 64 callers in each of 8 processes, one of them killed half-way: none too many, none that is not stored',
  async (limit) => {
    const tenantId = await makeTenant(`upTo${limit}`);
    const workers = await Promise.all(Array.from({ length: 8 }, () => startWorker(tenantId)));
    const [killed, ...survivors] = workers;
    for (const worker of workers) worker.say('go');
    const told = (): number => workers.reduce((sum, { granted }) => sum + granted, 0);
    while (told() < Math.floor(limit / 2)) await new Promise((resolve) => setImmediate(resolve));
    killed?.kill();
    expect(await killed?.ended).toBe('SIGKILL');
    expect(await Promise.all(survivors.map((worker) => worker.ended))).toEqual(survivors.map(() => 0));
    const places = placesOf(grantsOf(workers));
    expect(new Set(places).size).toBe(places.length);
    expect(places.every((place) => place >= 1 && place <= limit)).toBe(true);
    expect(await usedInDatabase(tenantId)).toBe(limit);
    // Only what the killed process had asked for can be counted and not answered: one statement of 64 calls.
    expect(limit - places.length).toBeLessThanOrEqual(64);
    const { rows } = await sql<{ units: string }>`
      select (select coalesce(sum(units), 0) from tenantry.usage_hours where tenant_id = ${tenantId}::uuid)
        + (select sum(hour_units) from tenantry.usage_counters where tenant_id = ${tenantId}::uuid) as units`.execute(
      database.app,
    );
    expect(rows).toEqual([{ units: String(limit) }]);
  },
  600_000,
);

it('follows a plan that is changed while two processes consume, up and down', async () => {
  const tenantId = await makeTenant('small');
  const setPlan = planSetter(database);
  const workers = await Promise.all([startWorker(tenantId), startWorker(tenantId)]);
  const mark = async (phase: number): Promise<void> => {
    for (const worker of workers) worker.say(`phase ${phase}`);
    await Promise.all(workers.map((worker) => worker.heard(`phase ${phase}`)));
  };
  await mark(1);
  for (const worker of workers) worker.say('go');
  for (let round = 0; round < 5; round += 1) {
    await setPlan(tenantId, 'large');
    await mark(2 * round + 2);
    await Promise.all(workers.map((worker) => worker.more(true, 500)));
    await setPlan(tenantId, 'small');
    const phase = 2 * round + 3;
    await mark(phase);
    await Promise.all(workers.map((worker) => worker.more(false, 200)));
    // What began after the plan had become small again is refused.
    expect(grantsOf(workers).filter((answer) => answer.phase === phase)).toEqual([]);
  }
  for (const worker of workers) worker.say('stop');
  expect(await Promise.all(workers.map((worker) => worker.ended))).toEqual([0, 0]);
  const grants = grantsOf(workers);
  const stored = await usedInDatabase(tenantId);
  expect(placesOf(grants)).toEqual(upTo(stored));
  for (const answer of grants) expect(answer.used).toBeLessThanOrEqual(answer.limit);
});
