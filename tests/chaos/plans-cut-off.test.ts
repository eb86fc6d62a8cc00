import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nameStatements } from '../../src/database/index.ts';
import { createPlans, definePlans } from '../../src/plans/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { createGateway, type Gateway } from '../support/gateway.ts';
import { makeTenant, type None, times } from '../support/plans.ts';

const catalogue = definePlans({
  free: { quotas: { calls: { amount: 100_000, per: 'once' }, sessions: { amount: 0, per: 'once' } } },
});
let database: TestDatabase<None>;
let gateway: Gateway;
let db: Kysely<None>;
beforeAll(async () => {
  database = await postgresDatabase<None>();
  gateway = await createGateway(database.urls?.app ?? '');
  const pool = new Pool({ connectionString: gateway.url, max: 10 });
  pool.on('error', () => undefined);
  db = new Kysely<None>({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
});
afterAll(async () => {
  await db.destroy();
  await gateway.close();
  await database.destroy();
});

const usedOf = async (tenantId: string): Promise<number> =>
  (await createPlans({ db: database.app, plans: catalogue }).check(tenantId, 'calls')).used;

/** Cuts the way three times while work goes on, each time until it was noticed. */
async function cutThrice(noticed: () => number, going: () => number): Promise<void> {
  for (let cut = 0; cut < 3; cut += 1) {
    const [before, gone] = [going(), noticed()];
    while (going() < before + 40) await new Promise((resolve) => setImmediate(resolve));
    await gateway.close();
    while (noticed() < gone + 5) await new Promise((resolve) => setImmediate(resolve));
    await gateway.open();
  }
}

it('counts what was answered, and tells the others, while the database goes away and comes back', async () => {
  const plans = createPlans({ db, plans: catalogue });
  const tenants = await times(3, () => makeTenant(database, 'free'));
  const granted = new Map(tenants.map((tenantId) => [tenantId, 0]));
  let [answers, errors, stopped] = [0, 0, false];
  const callers = times(24, async (index) => {
    const tenantId = tenants[index % 3] ?? '';
    while (!stopped) {
      try {
        const { ok } = await plans.consume(tenantId, 'calls');
        expect(ok).toBe(true);
        granted.set(tenantId, (granted.get(tenantId) ?? 0) + 1);
        answers += 1;
      } catch (error) {
        expect(error).toMatchObject({ code: 'database_unavailable' });
        errors += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  });
  await cutThrice(
    () => errors,
    () => answers,
  );
  stopped = true;
  await callers;
  for (const tenantId of tenants) {
    const [used, told] = [await usedOf(tenantId), granted.get(tenantId) ?? 0];
    expect(used).toBeGreaterThanOrEqual(told);
    // What was under way when the way was cut, in three cuts: one statement of eight callers each time.
    expect(used).toBeLessThanOrEqual(told + 24);
  }
});

it('loses nothing and grants nothing twice to those who send the same key again', async () => {
  const plans = createPlans({ db, plans: catalogue });
  const tenantId = await makeTenant(database, 'free');
  await plans.grants.add(tenantId, 'calls', { amount: 50 });
  let [answers, errors, stopped] = [0, 0, false];
  const callers = times(12, async (caller) => {
    for (let call = 0; !stopped; call += 1) {
      for (;;) {
        const sent = plans.consume(tenantId, 'calls', 1, { idempotencyKey: `${caller} ${call}` });
        const done = await sent.then(
          ({ ok }) => ok,
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'database_unavailable' });
            errors += 1;
            return false;
          },
        );
        if (done) break;
        await new Promise((resolve) => setImmediate(resolve));
      }
      answers += 1;
    }
  });
  await cutThrice(
    () => errors,
    () => answers,
  );
  stopped = true;
  await callers;
  expect(await usedOf(tenantId)).toBe(answers);
});

it('hands out no more than the plan has from blocks, wherever they are cut off', async () => {
  const plans = createPlans({ db, plans: catalogue });
  const tenantId = await makeTenant(database, 'free');
  const lease = plans.leases.open(tenantId, 'calls', { block: 20 });
  let [answers, errors, stopped] = [0, 0, false];
  const callers = times(8, async () => {
    while (!stopped) {
      try {
        if ((await lease.consume()).ok) answers += 1;
      } catch (error) {
        expect(error).toMatchObject({ code: 'database_unavailable' });
        errors += 1;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  await cutThrice(
    () => errors,
    () => answers,
  );
  stopped = true;
  await callers;
  await plans.leases.settle();
  const used = await usedOf(tenantId);
  expect(used).toBeGreaterThanOrEqual(answers);
  // A block for each cut whose answer was lost.
  expect(used).toBeLessThanOrEqual(answers + 3 * 20);
});
