import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPlans } from '../../src/plans/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { makeTenant, type None } from '../support/plans.ts';
import { quotaCatalogue } from '../support/quota-catalogue.ts';
import { workerFile } from '../support/worker-file.ts';

const file = workerFile('lease-worker');
const children = new Set<ChildProcess>();
let database: TestDatabase<None>;
beforeAll(async () => {
  database = await postgresDatabase<None>();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await database.destroy();
});

/** A process with a lease; `granted` counts what its callers were told. */
async function startWorker(tenantId: string, block: number) {
  const child = spawn(process.execPath, [file, database.urls?.app ?? '', tenantId, String(block), '8'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.add(child);
  const lines = createInterface({ input: child.stdout });
  const worker = {
    granted: 0,
    settled: false,
    go: () => child.stdin.write('go\n'),
    kill: () => child.kill('SIGKILL'),
    ended: once(child, 'close').then(([code, signal]) => code ?? signal),
  };
  await once(lines, 'line');
  lines.on('line', (line) => {
    if (line === 'granted') worker.granted += 1;
    if (line === 'settled') worker.settled = true;
  });
  return worker;
}

it.each([
  ['at once', 1],
  ['half-way', 400],
] as const)(
  'hands out none too many from leases, and loses no more than one block with a process that is killed (%s)',
  async (_, after) => {
    const block = 40;
    const tenantId = await makeTenant(database, 'standard');
    const workers = await Promise.all([1, 2, 3].map(() => startWorker(tenantId, block)));
    const [killed, ...survivors] = workers;
    if (killed === undefined) throw new Error('none');
    for (const worker of workers) worker.go();
    const told = (): number => workers.reduce((sum, { granted }) => sum + granted, 0);
    while (killed.granted === 0 || told() < after) await new Promise((resolve) => setImmediate(resolve));
    killed.kill();
    expect(await killed.ended).toBe('SIGKILL');
    expect(await Promise.all(survivors.map(({ ended }) => ended))).toEqual([0, 0]);
    expect(survivors.every(({ settled }) => settled)).toBe(true);

    const plans = createPlans({ db: database.app, plans: quotaCatalogue });
    const held = await plans.check(tenantId, 'calls');
    const lost = held.used - told();
    expect(lost).toBeGreaterThanOrEqual(0);
    expect(lost).toBeLessThanOrEqual(block);
    expect(told()).toBeLessThanOrEqual(1000);
    // What a survivor gave back after the other one was refused can be had still, to the last unit.
    if (held.used < 1000) expect(await plans.consume(tenantId, 'calls', 1000 - held.used)).toMatchObject({ ok: true });
    expect(await plans.consume(tenantId, 'calls')).toMatchObject({ ok: false, used: 1000 });
    // The time of the lost block passes: it is used for good, and nobody gets it a second time.
    const later = createPlans({
      db: database.app,
      plans: quotaCatalogue,
      clock: () => new Date(Date.now() + 3_600_000),
    });
    expect(await later.consume(tenantId, 'calls')).toMatchObject({ ok: false, used: 1000, remaining: 0 });
  },
);
