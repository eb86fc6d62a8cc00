import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hybridSeats } from '../../src/index.ts';
import { movePeople, returnPeople } from '../../src/migrate/index.ts';
import { createOrganizations } from '../../src/organizations/index.ts';
import { createPlans, definePlans } from '../../src/plans/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { type CountingDatabase, countingDatabase } from '../support/counting.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { makeTenant, type None, times } from '../support/plans.ts';

const catalogue = definePlans({
  pro: {
    limits: { bots: 1000 },
    quotas: { calls: { amount: 1_000_000, per: 'month' }, jobs: { amount: 1_000_000, per: 'hour' } },
  },
});
const billed = definePlans({ pro: { quotas: { calls: { amount: 10, per: 'month', overage: 'bill' } } } });
const start = '2026-02-10T10:20:00.000Z';
const hour = 3_600_000;
let database: TestDatabase<None>;
let counting: CountingDatabase<None>;
beforeAll(async () => {
  database = await postgresDatabase<None>();
  counting = countingDatabase<None>(database.urls?.app ?? '');
});
afterAll(async () => {
  await counting.destroy();
  await database.destroy();
});

const at = (clock: ReturnType<typeof fixedClock>) => createPlans({ db: database.app, plans: catalogue, clock });

async function hoursOf(tenantId: string, quota: 'calls' | 'jobs' = 'calls'): Promise<[hour: string, units: number][]> {
  const query = { quota, from: new Date('2026-01-01'), to: new Date('2027-01-01'), by: 'hour' } as const;
  const sums = await at(fixedClock(start)).usage.read(tenantId, query);
  return sums.map((sum) => [sum.at.toISOString().slice(5, 13), sum.units]);
}

async function written(tenantId: string): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    select count(*) from tenantry.usage_hours where tenant_id = ${tenantId}::uuid`.execute(database.app);
  return Number(rows[0]?.count);
}

it('counts the running hour with the units, and writes it down when another begins, in one statement each', async () => {
  const clock = fixedClock(start);
  const plans = createPlans({ db: counting.db, plans: catalogue, clock });
  const tenantId = await makeTenant(database, 'pro');
  await plans.consume(tenantId, 'calls', 3);
  expect(await counting.during(() => plans.consume(tenantId, 'calls', 4))).toHaveLength(1);
  expect(await written(tenantId)).toBe(0);
  expect(await hoursOf(tenantId)).toEqual([['02-10T10', 7]]);
  clock.advance(hour);
  expect(await counting.during(() => plans.consume(tenantId, 'calls', 5))).toHaveLength(1);
  expect(await counting.during(() => plans.consume(tenantId, 'calls', 5))).toHaveLength(1);
  expect(await written(tenantId)).toBe(1);
  expect(await hoursOf(tenantId)).toEqual([
    ['02-10T10', 7],
    ['02-10T11', 10],
  ]);
});

it('reads the last hours of periods that are over', async () => {
  const clock = fixedClock(start);
  const plans = at(clock);
  const tenantId = await makeTenant(database, 'pro');
  for (let n = 1; n <= 3; n += 1) {
    await plans.consume(tenantId, 'jobs', n);
    clock.advance(hour);
  }
  expect(await hoursOf(tenantId, 'jobs')).toEqual([
    ['02-10T10', 1],
    ['02-10T11', 2],
    ['02-10T12', 3],
  ]);
  const days = { from: new Date('2026-02-10'), to: new Date('2026-02-11') };
  expect(await plans.usage.read(tenantId, days)).toMatchObject([{ quota: 'jobs', units: 6 }]);
  expect(await plans.usage.forecast(tenantId, 'jobs')).toMatchObject({ used: 0 });
  const [last] = await plans.usage.periods(tenantId, { meter: 'jobs', limit: 1 });
  expect(last).toMatchObject({ used: 3 });
  const earlier = await plans.usage.periods(tenantId, { meter: 'jobs', ...(last && { before: last.start }) });
  expect(earlier.map(({ used }) => used)).toEqual([2, 1]);
  await expect(plans.usage.periods(tenantId, { before: new Date(Number.NaN) })).rejects.toMatchObject({
    code: 'config_invalid',
  });
});

it('puts late units into the hour of then, and counts limits in none', async () => {
  const clock = fixedClock(start);
  const plans = at(clock);
  const tenantId = await makeTenant(database, 'pro');
  await plans.consume(tenantId, 'calls', 2);
  await plans.consume(tenantId, 'calls', 5, { at: new Date('2026-02-10T07:59:00.000Z') });
  await plans.consume(tenantId, 'bots', 9);
  await createPlans({ db: database.app, plans: catalogue, clock, history: false }).consume(tenantId, 'calls', 100);
  expect(await hoursOf(tenantId)).toEqual([
    ['02-10T07', 5],
    ['02-10T10', 2],
  ]);
});

it('takes a clock that is a minute behind to be in the hour of the others', async () => {
  const tenantId = await makeTenant(database, 'pro');
  await at(fixedClock('2026-02-10T11:00:00.000Z')).consume(tenantId, 'calls');
  await at(fixedClock('2026-02-10T10:59:00.000Z')).consume(tenantId, 'calls');
  await at(fixedClock('2026-02-10T10:58:59.999Z')).consume(tenantId, 'calls');
  expect(await hoursOf(tenantId)).toEqual([
    ['02-10T10', 1],
    ['02-10T11', 2],
  ]);
});

it('loses and doubles no unit of the history, however clocks jump', async () => {
  const step = fc.record({
    process: fc.nat(2),
    hours: fc.integer({ min: -30, max: 30 }),
    calls: fc.integer({ min: 1, max: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const tenantId = await makeTenant(database, 'pro');
      const clocks = [0, 1, 2].map(() => fixedClock(start));
      const processes = clocks.map(at);
      const expected = new Map<string, number>();
      for (const { process, hours, calls } of steps) {
        clocks[process]?.set(new Date(Date.parse(start) + hours * hour));
        const name = new Date(Date.parse(start) + hours * hour).toISOString().slice(5, 13);
        await times(calls, async () => processes[process]?.consume(tenantId, 'calls'));
        expected.set(name, (expected.get(name) ?? 0) + calls);
      }
      expect(await hoursOf(tenantId)).toEqual([...expected].toSorted(([one], [other]) => one.localeCompare(other)));
      const units = [...expected.values()].reduce((sum, one) => sum + one, 0);
      const periods = await at(fixedClock(start)).usage.periods(tenantId);
      expect(periods.reduce((sum, { used }) => sum + used, 0)).toBe(units);
    }),
    { numRuns: 25 },
  );
});

it('keeps the sums of many processes whose clocks pass the hour at other moments', async () => {
  const tenants = await times(5, () => makeTenant(database, 'pro'));
  const clocks = [0, 1, 2, 3].map(() => fixedClock('2026-02-10T10:59:58.000Z'));
  const processes = clocks.map(at);
  for (let round = 0; round < 8; round += 1) {
    for (const [place, clock] of clocks.entries()) clock.advance(round % 4 === place ? 2 * hour : 700);
    const calls = await times(200, (index) =>
      (processes[index % 4] ?? at(fixedClock(start))).consume(tenants[(index * 3) % 5] ?? '', 'calls'),
    );
    expect(calls.filter(({ ok }) => ok)).toHaveLength(200);
  }
  for (const tenantId of tenants) {
    const hours = await hoursOf(tenantId);
    expect(hours.reduce((sum, [, units]) => sum + units, 0)).toBe(320);
  }
});

it('brings the running hours along when tenants are joined, and back', async () => {
  const clock = fixedClock(start);
  const plans = at(clock);
  const organizations = createOrganizations({ db: database.app, clock });
  const acme = await organizations.create({ name: 'Acme', owner: { userId: 'ada' }, plan: 'pro' });
  const beta = await organizations.create({ name: 'Beta', owner: { userId: 'eve' }, plan: 'pro' });
  await plans.consume(acme.tenantId, 'calls', 3);
  await plans.consume(beta.tenantId, 'calls', 4);
  const name = { retenanting: 'hours', unit: 'beta' };
  await database.owner.transaction().execute((tx) =>
    movePeople(tx, {
      ...name,
      oldTenantId: beta.tenantId,
      targets: [{ tenantId: acme.tenantId }],
      to: hybridSeats(),
      now: clock(),
    }),
  );
  expect(await hoursOf(acme.tenantId)).toEqual([['02-10T10', 7]]);
  await plans.consume(acme.tenantId, 'calls', 2);
  expect(await hoursOf(acme.tenantId)).toEqual([['02-10T10', 9]]);
  await database.owner.transaction().execute((tx) => returnPeople(tx, { ...name, now: clock() }));
  await plans.consume(beta.tenantId, 'calls', 10);
  expect(await hoursOf(acme.tenantId)).toEqual([['02-10T10', 5]]);
  expect(await hoursOf(beta.tenantId)).toEqual([['02-10T10', 14]]);
});

it('brings grants along when tenants are joined, and what the provider was told of', async () => {
  const clock = fixedClock(start);
  const plans = createPlans({ db: database.app, plans: billed, clock });
  const organizations = createOrganizations({ db: database.app, clock });
  const acme = await organizations.create({ name: 'Acme', owner: { userId: 'ada' }, plan: 'pro' });
  const beta = await organizations.create({ name: 'Beta', owner: { userId: 'eve' }, plan: 'pro' });
  const remembering = createPlans({ db: database.app, plans: billed, clock });
  await remembering.check(acme.tenantId, 'calls');
  await plans.consume(acme.tenantId, 'calls', 3);
  await plans.consume(beta.tenantId, 'calls', 14);
  const told: number[] = [];
  const tell = (tenantId: string) => plans.usage.export(tenantId, async ({ units }) => void told.push(units));
  await tell(beta.tenantId);
  const grant = await plans.grants.add(beta.tenantId, 'calls', { amount: 5 });
  const name = { retenanting: 'grants', unit: 'beta' };
  await database.owner.transaction().execute((tx) =>
    movePeople(tx, {
      ...name,
      oldTenantId: beta.tenantId,
      targets: [{ tenantId: acme.tenantId }],
      to: hybridSeats(),
      now: clock(),
    }),
  );
  // What other tables have follows the people.
  await sql`update tenantry.usage_grants set tenant_id = ${acme.tenantId}::uuid where id = ${grant.id}::uuid`.execute(
    database.owner,
  );
  expect(await remembering.consume(acme.tenantId, 'calls', 2)).toMatchObject({ ok: true, used: 17, granted: 3 });
  // Seven beyond ten, of which four were told.
  await tell(acme.tenantId);
  expect(told).toEqual([4, 3]);
  await database.owner.transaction().execute((tx) => returnPeople(tx, { ...name, now: clock() }));
  expect(await plans.check(acme.tenantId, 'calls')).toMatchObject({ used: 3 });
  expect(await plans.check(beta.tenantId, 'calls')).toMatchObject({ used: 14 });
});

it('goes on with the terms of a tenant that becomes another one', async () => {
  const clock = fixedClock(start);
  const plans = createPlans({ db: database.app, plans: billed, clock });
  const organizations = createOrganizations({ db: database.app, clock });
  const old = await organizations.create({ name: 'Old', owner: { userId: 'ida' }, plan: 'pro' });
  await plans.terms.override(old.tenantId, { meters: { calls: 44 } });
  const tenantId = '00000000-0000-7000-8000-0000000000f1';
  const name = { retenanting: 'terms', unit: 'old' };
  await database.owner.transaction().execute((tx) =>
    movePeople(tx, {
      ...name,
      oldTenantId: old.tenantId,
      targets: [{ tenantId, name: 'New', plan: 'pro' }],
      to: hybridSeats(),
      now: new Date('2026-03-01T00:00:00.000Z'),
    }),
  );
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ limit: 44 });
  const { rows } = await sql<{ since: Date }>`
    select plan_since as since from tenantry.tenants where tenant_id = ${tenantId}::uuid`.execute(database.app);
  expect(rows).toEqual([{ since: new Date(start) }]);
  await database.owner.transaction().execute((tx) => returnPeople(tx, { ...name, now: clock() }));
  expect(await plans.check(old.tenantId, 'calls')).toMatchObject({ limit: 44 });
});
