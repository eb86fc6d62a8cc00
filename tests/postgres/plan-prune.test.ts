import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createPlans, definePlans } from '../../src/plans/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { makeTenant, type None, times } from '../support/plans.ts';

const catalogue = definePlans({
  free: {
    limits: { bots: 3 },
    quotas: {
      calls: { amount: 10_000, per: 'month', within: [{ amount: 1000, per: 'hour' }] },
      jobs: { amount: 100, per: 'day' },
      quarters: { amount: 5, per: 'month', every: 3, overage: 'bill' },
      ever: { amount: 50, per: 'once' },
    },
  },
});
const start = '2026-02-01T00:00:00.000Z';
const clock = fixedClock(start);
const day = 86_400_000;
let database: TestDatabase<None>;
beforeAll(async () => {
  database = await postgresDatabase<None>();
});
beforeEach(() => clock.set(start));
afterAll(() => database.destroy());

const create = () => createPlans({ db: database.app, plans: catalogue, clock });
const ago = (days: number): Date => new Date(clock().getTime() - days * day);
const none = { keys: 0, reservations: 0, windows: 0, hours: 0, periods: 0, members: 0 };

it('deletes old keys, settled reservations and windows that are over, and keeps what still counts', async () => {
  const plans = create();
  const tenantId = await makeTenant(database, 'free');
  await times(5, (index) => plans.consume(tenantId, 'calls', 1, { idempotencyKey: `old ${index}` }));
  await plans.consume(tenantId, 'bots', 2);
  await plans.grants.add(tenantId, 'jobs', { amount: 3, expiresAt: new Date('2026-02-02T00:00:00Z') });
  const open = await plans.reservations.hold(tenantId, 'jobs', 4, { seconds: 30 * 86_400 });
  const done = await plans.reservations.hold(tenantId, 'jobs', 5);
  if (!open.ok || !done.ok) throw new Error('refused');
  await plans.reservations.commit(tenantId, done.reservationId, 5);
  clock.advance(20 * day);
  await plans.consume(tenantId, 'calls', 1, { idempotencyKey: 'new' });
  expect(await plans.usage.prune({ before: ago(10), tenantId })).toEqual({
    ...none,
    keys: 5,
    reservations: 1,
    windows: 1,
  });
  expect(await plans.usage.prune({ before: ago(10), tenantId })).toEqual(none);
  // The running month, the limit, and the newer key are counted as before; the older one is forgotten.
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ used: 6 });
  expect(await plans.check(tenantId, 'bots')).toMatchObject({ used: 2 });
  expect(await plans.consume(tenantId, 'calls', 1, { idempotencyKey: 'new' })).toMatchObject({ replayed: true });
  expect(await plans.consume(tenantId, 'calls', 1, { idempotencyKey: 'old 1' })).not.toHaveProperty('replayed');
  expect(await plans.grants.list(tenantId, 'jobs', { all: true })).toHaveLength(1);
  expect(await plans.reservations.commit(tenantId, done.reservationId, 5)).toMatchObject({
    reason: 'reservation_not_found',
  });
  expect(await plans.reservations.release(tenantId, open.reservationId)).toMatchObject({ ok: true, returned: 4 });
});

it('deletes history only where that is said, and never a period that runs or is being billed', async () => {
  const plans = create();
  const tenantId = await makeTenant(database, 'free');
  const other = await makeTenant(database, 'free');
  for (let n = 0; n < 3; n += 1) {
    await plans.consume(tenantId, 'jobs', 2, { keyId: tenantId });
    await plans.consume(other, 'jobs', 2);
    clock.advance(day);
  }
  await plans.consume(tenantId, 'quarters', 7);
  await plans.consume(tenantId, 'ever', 3);
  const lost = plans.usage.export(tenantId, () => Promise.reject(new Error('the line is cut')));
  await expect(lost).rejects.toThrow('the line is cut');
  clock.advance(60 * day);
  expect(await plans.usage.prune({ before: ago(30), tenantId })).toEqual(none);
  // Two hours were written down beside those that stand with the counters; the key's hours are three.
  const pruned = await plans.usage.prune({ before: ago(30), historyBefore: ago(30), tenantId });
  expect(pruned).toEqual({ ...none, hours: 3, periods: 3 });
  expect((await plans.usage.periods(tenantId)).map(({ meter, used }) => [meter, used])).toEqual([
    ['quarters', 7],
    ['ever', 3],
  ]);
  clock.set('2026-06-01T00:00:00Z');
  // The quarter is over, and the provider was not told yet.
  expect(await plans.usage.prune({ before: ago(20), historyBefore: ago(20), tenantId })).toEqual(none);
  const told: number[] = [];
  const at = new Date('2026-02-05T00:00:00Z');
  await plans.usage.export(tenantId, async ({ units }) => void told.push(units), { at });
  expect(told).toEqual([2]);
  expect(await plans.usage.prune({ before: ago(20), historyBefore: ago(20), tenantId })).toEqual({
    ...none,
    periods: 1,
  });
  expect(await plans.usage.periods(other)).toHaveLength(3);
  expect(await plans.check(tenantId, 'ever')).toMatchObject({ used: 3 });
});

it('keeps a running period that is longer than its month', async () => {
  const plans = createPlans({ db: database.app, plans: catalogue, clock, lateHours: 0 });
  const tenantId = await makeTenant(database, 'free');
  // It is counted from the 31st: until 31 March.
  clock.set('2026-03-01T00:00:00Z');
  await plans.consume(tenantId, 'calls', 7);
  clock.set('2026-03-31T09:29:00Z');
  await plans.usage.prune({ before: ago(1), historyBefore: ago(1), tenantId });
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ used: 7 });
});

it('walks through many rows of many tenants in parts, and leaves what somebody has locked to the next time', async () => {
  const plans = create();
  const tenants = await times(3, () => makeTenant(database, 'free'));
  await sql`insert into tenantry.usage_keys (tenant_id, meter, key, units, used_at)
    select t.id::uuid, 'calls', 'key ' || n, 1, ${ago(40)}::timestamptz
    from unnest(${tenants}::text[]) as t (id) cross join generate_series(1, 2500) as n`.execute(database.app);
  const [first = ''] = tenants;
  await database.app.transaction().execute(async (tx) => {
    await sql`select from tenantry.usage_keys where tenant_id = ${first}::uuid and key = 'key 7' for update`.execute(
      tx,
    );
    expect((await plans.usage.prune({ before: ago(10) })).keys).toBe(7499);
  });
  expect((await plans.usage.prune({ before: ago(10) })).keys).toBe(1);
});

it('refuses to forget what may come once more', async () => {
  const plans = create();
  const prune = (input: object): Promise<unknown> => Reflect.apply(plans.usage.prune, plans.usage, [input]);
  for (const wrong of [
    { before: ago(0) },
    { before: ago(3.9) },
    { before: new Date(Number.NaN) },
    { before: '2020-01-01' },
    {},
    { before: ago(30), historyBefore: ago(29) },
    { before: ago(30), historyBefore: new Date(Number.NaN) },
  ]) {
    await expect(prune(wrong)).rejects.toMatchObject({ code: 'config_invalid' });
  }
  await expect(prune({ before: ago(30), tenantId: 'acme' })).rejects.toMatchObject({ code: 'tenant_not_found' });
  const soon = createPlans({ db: database.app, plans: catalogue, clock, lateHours: 0 });
  await expect(soon.usage.prune({ before: ago(1) })).resolves.toMatchObject({ keys: 0 });
});
