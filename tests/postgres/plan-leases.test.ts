import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { createPlans, definePlans } from '../../src/plans/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { type CountingDatabase, countingDatabase } from '../support/counting.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { makeTenant, type None, planSetter, times } from '../support/plans.ts';

const catalogue = definePlans({
  small: { limits: { bots: 3 }, quotas: { calls: { amount: 25, per: 'month' } } },
  large: { quotas: { calls: { amount: 1000, per: 'month' } } },
});
const start = '2026-02-10T10:00:00.000Z';
const clock = fixedClock(start);
let database: TestDatabase<None>;
let counting: CountingDatabase<None>;
beforeAll(async () => {
  database = await postgresDatabase<None>();
  counting = countingDatabase<None>(database.urls?.app ?? '');
});
beforeEach(() => clock.set(start));
afterEach(() => {
  vi.useRealTimers();
});
afterAll(async () => {
  await counting.destroy();
  await database.destroy();
});

const create = (db = database.app) => createPlans({ db, plans: catalogue, clock });
const used = async (tenantId: string): Promise<number> => (await create().check(tenantId, 'calls')).used;

it('hands out a block without a statement, and gives back what is left', async () => {
  const tenantId = await makeTenant(database, 'large');
  const plans = create(counting.db);
  const lease = plans.leases.open(tenantId, 'calls', { block: 100 });
  expect(lease.left).toBe(0);
  expect(await lease.consume(10)).toEqual({ ok: true, left: 90 });
  expect(await counting.during(() => times(50, () => lease.consume()))).toEqual([]);
  expect([lease.left, await used(tenantId)]).toEqual([40, 100]);
  await lease.settle();
  expect([lease.left, await used(tenantId)]).toEqual([0, 60]);
  await lease.settle();
  expect(await lease.consume(3)).toEqual({ ok: true, left: 97 });
  await plans.leases.settle();
  expect(await used(tenantId)).toBe(63);
  const hours = await plans.usage.read(tenantId, { from: new Date('2026-02-01'), to: new Date('2026-03-01') });
  expect(hours.map(({ units }) => units)).toEqual([63]);
});

it('takes one block for all calls that wait, as large as they need', async () => {
  const tenantId = await makeTenant(database, 'large');
  const lease = create(counting.db).leases.open(tenantId, 'calls', { block: 10 });
  await lease.consume();
  const results = await times(200, () => lease.consume());
  expect(results.filter(({ ok }) => ok)).toHaveLength(200);
  expect(await used(tenantId)).toBeLessThanOrEqual(211);
  await lease.settle();
  expect(await used(tenantId)).toBe(201);
});

it('grants all there is and none too many, to several processes and amounts', async () => {
  const tenantId = await makeTenant(database, 'small');
  const leases = [1, 2, 3].map((place) => create().leases.open(tenantId, 'calls', { block: 4 * place }));
  const amounts = Array.from({ length: 60 }, (_, index) => 1 + (index % 3));
  const results = await Promise.all(amounts.map((amount, index) => leases[index % 3]?.consume(amount)));
  const granted = (): number => results.reduce((sum, one, index) => sum + (one?.ok ? (amounts[index] ?? 0) : 0), 0);
  expect(granted()).toBeLessThanOrEqual(25);
  await Promise.all(leases.map((lease) => lease.settle()));
  expect(await used(tenantId)).toBe(granted());
  const [lease] = leases;
  while (granted() < 25) {
    amounts.push(1);
    results.push(await lease?.consume(1));
  }
  expect(await lease?.consume(1)).toMatchObject({
    ok: false,
    reason: 'quota_exceeded',
    requested: 1,
    used: 25,
    limit: 25,
  });
  await lease?.settle();
  expect(await used(tenantId)).toBe(25);
});

it('serves small calls from what is left where a large one does not fit', async () => {
  const tenantId = await makeTenant(database, 'small');
  const lease = create().leases.open(tenantId, 'calls', { block: 20 });
  await lease.consume(15);
  expect(await lease.consume(11)).toMatchObject({ ok: false, requested: 11 });
  expect(await lease.consume(10)).toEqual({ ok: true, left: 0 });
});

it('ends a block with its time, with the period, and with the plan at the next block', async () => {
  const tenantId = await makeTenant(database, 'large');
  const lease = create(counting.db).leases.open(tenantId, 'calls', { block: 100, seconds: 30 });
  await lease.consume(1);
  clock.advance(29_999);
  expect(await counting.during(() => lease.consume(1))).toEqual([]);
  clock.advance(1);
  expect([lease.left, await lease.consume(1)]).toEqual([0, { ok: true, left: 99 }]);
  expect(await used(tenantId)).toBe(102);
  await planSetter(database)(tenantId, 'small');
  expect(await lease.consume(1)).toMatchObject({ ok: true });
  clock.advance(30_000);
  expect(await lease.consume(30)).toMatchObject({ ok: false, limit: 25 });
  expect(await lease.consume(20)).toMatchObject({ ok: true });
  // The period began on the last day of the month before, at half past nine.
  clock.set('2026-02-28T09:29:50.000Z');
  await lease.consume(1);
  clock.set('2026-02-28T09:30:00.000Z');
  expect(lease.left).toBe(0);
  expect(await lease.consume(25)).toEqual({ ok: true, left: 0 });
});

it('takes the block of a process that ended for used', async () => {
  const tenantId = await makeTenant(database, 'large');
  const lease = create().leases.open(tenantId, 'calls', { block: 100, seconds: 10 });
  await lease.consume(40);
  clock.advance(3_600_000);
  expect(await used(tenantId)).toBe(100);
  // It did not end after all, and gives back nothing that may have been used.
  expect(await lease.consume(1)).toEqual({ ok: true, left: 99 });
  await lease.settle();
  expect(await used(tenantId)).toBe(101);
});

it('gives back by itself what nobody asks for any more', async () => {
  const tenantId = await makeTenant(database, 'large');
  const lease = create().leases.open(tenantId, 'calls', { block: 100, seconds: 20 });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await lease.consume(7);
  vi.advanceTimersByTime(20_000);
  vi.useRealTimers();
  while ((await used(tenantId)) !== 7) await new Promise((resolve) => setImmediate(resolve));
  expect(lease.left).toBe(0);
});

it('tells the waiting calls that the database is gone, and settles once what it could not settle then', async () => {
  const tenantId = await makeTenant(database, 'large');
  const broken = countingDatabase<None>(database.urls?.app ?? '');
  const lease = create(broken.db).leases.open(tenantId, 'calls', { block: 10 });
  await lease.consume(4);
  await broken.destroy();
  await expect(lease.settle()).rejects.toThrow();
  const results = await Promise.allSettled([lease.consume(8), lease.consume(9)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await used(tenantId)).toBe(10);
});

it('refuses what cannot be leased', async () => {
  const tenantId = await makeTenant(database, 'small');
  const { leases } = create();
  const open =
    (...input: unknown[]) =>
    () =>
      Reflect.apply(leases.open, leases, input);
  for (const block of [0, -1, 1.5, Number.NaN, 2 ** 53, '1']) {
    expect(open(tenantId, 'calls', { block })).toThrow(expect.objectContaining({ code: 'amount_invalid' }));
  }
  for (const seconds of [0, 0.5, 3601]) {
    expect(open(tenantId, 'calls', { block: 1, seconds })).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  }
  expect(open(tenantId, 'bots', { block: 1 })).toThrow(expect.objectContaining({ code: 'meter_unknown' }));
  expect(open('nobody', 'calls', { block: 1 })).toThrow(expect.objectContaining({ code: 'tenant_not_found' }));
  const lease = leases.open(tenantId, 'calls', { block: 1 });
  for (const amount of [0, -1, 1.5, Number.NaN]) {
    await expect(lease.consume(amount)).rejects.toMatchObject({ code: 'amount_invalid' });
  }
  const stranger = leases.open('00000000-0000-7000-8000-00000000dead', 'calls', { block: 1 });
  await expect(stranger.consume()).rejects.toMatchObject({ code: 'tenant_not_found' });
});
