import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPlans, definePlans } from '../../src/plans/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { type CountingDatabase, countingDatabase } from '../support/counting.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { anchor, granted, makeTenant, type None, planSetter, times } from '../support/plans.ts';

const catalogue = definePlans({
  small: { quotas: { calls: { amount: 7, per: 'month' } } },
  large: { quotas: { calls: { amount: 90, per: 'month' } } },
});
const kinds = definePlans({
  small: {
    quotas: {
      calls: { amount: 100, per: 'month' },
      mails: { amount: 200, per: 'day' },
      files: { amount: 300, per: 'once' },
    },
  },
  large: {
    quotas: {
      calls: { amount: 1000, per: 'month' },
      mails: { amount: 2000, per: 'day' },
      files: { amount: 3000, per: 'once' },
    },
  },
});
const clock = fixedClock(anchor);
let database: TestDatabase<None>;
let processes: CountingDatabase<None>[];
beforeAll(async () => {
  database = await postgresDatabase<None>();
  processes = [1, 2, 3].map(() => countingDatabase<None>(database.urls?.app ?? ''));
});
afterAll(async () => {
  for (const one of processes) await one.destroy();
  await database.destroy();
});

const plansOf = (db: TestDatabase<None>['app']) => createPlans({ db, plans: catalogue, clock });

it('shares one statement over tenants', async () => {
  const [counting] = processes;
  if (counting === undefined) throw new Error('none');
  const plans = plansOf(counting.db);
  const tenants = await times(30, () => makeTenant(database, 'large'));
  await Promise.all(tenants.map((tenantId) => plans.consume(tenantId, 'calls')));
  const sent = await counting.during(() => Promise.all(tenants.map((tenantId) => plans.consume(tenantId, 'calls', 2))));
  expect(sent).toHaveLength(1);
  for (const tenantId of tenants) expect(await plans.check(tenantId, 'calls')).toMatchObject({ used: 3 });
});

it('needs one statement for the facts and one for the counters of many tenants of which a process knows nothing', async () => {
  const [counting] = processes;
  if (counting === undefined) throw new Error('none');
  const tenants = await times(30, () => makeTenant(database, 'large'));
  const before = plansOf(database.app);
  await Promise.all(tenants.map((tenantId) => before.consume(tenantId, 'calls')));
  const plans = plansOf(counting.db);
  const sent = await counting.during(() => Promise.all(tenants.map((tenantId) => plans.consume(tenantId, 'calls'))));
  expect(sent).toHaveLength(2);
  // Those whose counters are not there yet are made one by one.
  const others = await times(5, () => makeTenant(database, 'large'));
  const results = await Promise.all([...tenants, ...others].map((tenantId) => plans.consume(tenantId, 'calls', 2)));
  expect(granted(results).map(({ used }) => used)).toEqual([...tenants.map(() => 4), ...others.map(() => 2)]);
});

it('keeps amounts, meters, periods and plans of one statement apart', async () => {
  const [counting] = processes;
  if (counting === undefined) throw new Error('none');
  const plans = createPlans({ db: counting.db, plans: kinds, clock });
  const tenants = await times(24, (index) => makeTenant(database, index % 3 === 0 ? 'small' : 'large'));
  const meters = ['calls', 'mails', 'files'] as const;
  const spend = (amountOf: (index: number) => number) =>
    Promise.all(
      tenants.flatMap((tenantId, index) => meters.map((meter) => plans.consume(tenantId, meter, amountOf(index)))),
    );
  await spend(() => 1);
  let results: Awaited<ReturnType<typeof spend>> = [];
  const sent = await counting.during(async () => {
    results = await spend((index) => index + 1);
  });
  expect(sent.length).toBeLessThanOrEqual(3);
  expect(granted(results).map(({ used, limit }) => [used, limit])).toEqual(
    tenants.flatMap((_, index) => [100, 200, 300].map((limit) => [index + 2, index % 3 === 0 ? limit : 10 * limit])),
  );
  for (const [index, tenantId] of tenants.entries()) {
    for (const meter of meters) expect(await plans.check(tenantId, meter)).toMatchObject({ used: index + 2 });
  }
});

it('grants no tenant one too many, whichever processes ask for whichever tenants', async () => {
  const tenants = await times(12, (index) => makeTenant(database, index % 2 === 0 ? 'small' : 'large'));
  const instances = processes.map(({ db }) => plansOf(db));
  const results = await times(3 * 12 * 40, async (index) => {
    const plans = instances[index % 3];
    const tenantId = tenants[(index * 7) % 12] ?? '';
    if (plans === undefined) throw new Error('none');
    return { tenantId, result: await plans.consume(tenantId, 'calls', 1, { keyId: tenantId }) };
  });
  for (const [index, tenantId] of tenants.entries()) {
    const mine = results.filter((one) => one.tenantId === tenantId).map(({ result }) => result);
    const limit = index % 2 === 0 ? 7 : 90;
    const places = granted(mine).map(({ used }) => used);
    expect(places.toSorted((one, other) => one - other)).toEqual(
      Array.from({ length: limit }, (_, place) => place + 1),
    );
    const { rows } = await sql<{ used: string; sums: string }>`
      select c.used::text, (select string_agg(h.units::text, ' ') from tenantry.usage_hours h
        where h.tenant_id = c.tenant_id) || ' ' || c.hour_units as sums
      from tenantry.usage_counters c where c.tenant_id = ${tenantId}::uuid`.execute(database.app);
    expect(rows).toEqual([{ used: String(limit), sums: `${limit} ${limit}` }]);
  }
});

it('lets nobody wait for the transaction of another tenant', async () => {
  const [counting] = processes;
  if (counting === undefined) throw new Error('none');
  const plans = plansOf(counting.db);
  const tenants = await times(10, () => makeTenant(database, 'large'));
  await Promise.all(tenants.map((tenantId) => plans.consume(tenantId, 'calls')));
  const [held = '', ...others] = tenants;
  let late: Promise<unknown> | undefined;
  await database.app.transaction().execute(async (tx) => {
    await plansOf(database.app).consume(held, 'calls', 1, { db: tx });
    late = plans.consume(held, 'calls');
    for (let round = 0; round < 5; round += 1) {
      const results = await Promise.all(others.map((tenantId) => plans.consume(tenantId, 'calls')));
      expect(granted(results)).toHaveLength(9);
    }
  });
  expect(await late).toMatchObject({ ok: true, used: 3 });
});

it('notices plans that were changed for some of the tenants of a statement', async () => {
  const plans = plansOf(database.app);
  const setPlan = planSetter(database);
  const tenants = await times(8, () => makeTenant(database, 'large'));
  await Promise.all(tenants.map((tenantId) => plans.consume(tenantId, 'calls', 7)));
  for (const tenantId of tenants.slice(0, 4)) await setPlan(tenantId, 'small');
  const results = await Promise.all(tenants.map((tenantId) => plans.consume(tenantId, 'calls')));
  expect(results.map(({ ok, limit }) => [ok, limit])).toEqual([
    ...Array.from({ length: 4 }, () => [false, 7]),
    ...Array.from({ length: 4 }, () => [true, 90]),
  ]);
});
