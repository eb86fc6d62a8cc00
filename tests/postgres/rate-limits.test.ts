import fc from 'fast-check';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRateLimits } from '../../src/plans/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { countingDatabase } from '../support/counting.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { makeTenant, type None, times } from '../support/plans.ts';

const limits = { search: { limit: 10, per: 'second', burst: 20 }, mails: { limit: 3, per: 'hour' } } as const;
const start = '2026-02-01T00:00:00.000Z';
let database: TestDatabase<None>;
beforeAll(async () => {
  database = await postgresDatabase<None>();
});
afterAll(() => database.destroy());

it('lets exactly a burst through over several processes, and then one after another', async () => {
  const clock = fixedClock(start);
  const tenantId = await makeTenant(database, 'free');
  const processes = times(4, async () => createRateLimits({ db: database.app, limits, clock }));
  const [one, ...others] = await processes;
  if (one === undefined) throw new Error('none');
  const all = [one, ...others];
  const results = await times(100, (index) => (all[index % 4] ?? one).take(tenantId, 'search'));
  expect(results.filter(({ ok }) => ok)).toHaveLength(20);
  expect(await one.take(tenantId, 'search')).toEqual({
    ok: false,
    retryAt: new Date('2026-02-01T00:00:00.100Z'),
    limit: 10,
    per: 'second',
    remaining: 0,
    resetsAt: new Date('2026-02-01T00:00:02.000Z'),
  });
  clock.advance(500);
  expect(
    (await times(40, (index) => (all[index % 4] ?? one).take(tenantId, 'search'))).filter(({ ok }) => ok),
  ).toHaveLength(5);
  // Another limit, another subject and another tenant are counted apart.
  expect(await one.take(tenantId, 'search', { subject: '203.0.113.7' })).toMatchObject({ ok: true, remaining: 19 });
  expect(await one.take(tenantId, 'mails')).toMatchObject({ ok: true, remaining: 2 });
  expect(await one.take(await makeTenant(database, 'free'), 'search')).toMatchObject({ ok: true });
});

it('shares one statement, and sends none while it is known to be shut', async () => {
  const clock = fixedClock(start);
  const tenantId = await makeTenant(database, 'free');
  const counting = countingDatabase<None>(database.urls?.app ?? '');
  const rates = createRateLimits({ db: counting.db, limits, clock });
  // Also for what was never counted before.
  expect(await counting.during(() => rates.take(tenantId, 'search'))).toHaveLength(1);
  expect(await counting.during(() => rates.take(tenantId, 'mails', { subject: 'ada', cost: 4 }))).toHaveLength(1);
  expect(await counting.during(() => times(19, () => rates.take(tenantId, 'search')))).toHaveLength(1);
  await rates.take(tenantId, 'search');
  expect(await counting.during(() => times(1000, () => rates.take(tenantId, 'search')))).toEqual([]);
  await counting.destroy();
});

it('lets exactly a burst through of a limit that several processes begin to count at once', async () => {
  const clock = fixedClock(start);
  const tenantId = await makeTenant(database, 'free');
  const processes = Array.from({ length: 6 }, () => createRateLimits({ db: database.app, limits, clock }));
  for (let subject = 0; subject < 20; subject += 1) {
    const results = await Promise.all(
      processes.flatMap((one) =>
        Array.from({ length: 5 }, () => one.take(tenantId, 'search', { subject: String(subject) })),
      ),
    );
    expect(results.filter(({ ok }) => ok)).toHaveLength(20);
  }
});

it('counts dear calls for several, and a smaller one behind them still fits', async () => {
  const clock = fixedClock(start);
  for (const db of [undefined, database.app]) {
    const tenantId = await makeTenant(database, 'free');
    const rates = createRateLimits({ limits, clock, ...(db !== undefined && { db }) });
    const results = await Promise.all([15, 8, 4, 2].map((cost) => rates.take(tenantId, 'search', { cost })));
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true, false]);
    expect(await rates.take(tenantId, 'search', { cost: 21 })).toMatchObject({ ok: false, retryAt: null });
    expect(await rates.take(tenantId, 'search', { cost: 1 })).toMatchObject({ ok: true, remaining: 0 });
  }
});

it('never lets more through than the limit, in the process as in the database', async () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(pauses, fc.boolean(), async (list, shared) => {
      const clock = fixedClock(start);
      const tenantId = shared ? await makeTenant(database, 'free') : '00000000-0000-7000-8000-0000000000aa';
      const rates = createRateLimits({ limits, clock, ...(shared && { db: database.app }) });
      let granted = 0;
      let elapsed = 0;
      for (const pause of list) {
        clock.advance(pause);
        elapsed += pause;
        const results = await times(4, () => rates.take(tenantId, 'search'));
        granted += results.filter(({ ok }) => ok).length;
        expect(granted).toBeLessThanOrEqual(20 + Math.floor(elapsed / 100));
      }
    }),
    { numRuns: 40 },
  );
});

it('fails closed, or open by choice, and says so', async () => {
  const pool = new Pool({ host: '127.0.0.1', port: 1, connectionTimeoutMillis: 2000 });
  const db = new Kysely<None>({ dialect: new PostgresDialect({ pool }) });
  const tenantId = '00000000-0000-7000-8000-0000000000ab';
  const closed = createRateLimits({ db, limits });
  await expect(closed.take(tenantId, 'search')).rejects.toMatchObject({ code: 'database_unavailable' });
  const open = createRateLimits({ db, limits, whenUnavailable: 'allow' });
  expect(await open.take(tenantId, 'search')).toMatchObject({ ok: true, uncounted: true });
  await db.destroy();
});

it('refuses what cannot be', async () => {
  for (const wrong of [
    { a: { limit: 0, per: 'second' } },
    { a: { limit: 1, per: 'year' } },
    { 'a b': { limit: 1, per: 'second' } },
    { a: null },
    [],
  ]) {
    const make = (): unknown => Reflect.apply(createRateLimits, undefined, [{ limits: wrong }]);
    expect(make).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  }
  const rates = createRateLimits({ limits, db: database.app });
  const tenantId = await makeTenant(database, 'free');
  for (const cost of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
    await expect(rates.take(tenantId, 'search', { cost })).rejects.toMatchObject({ code: 'amount_invalid' });
  }
  await expect(rates.take('nobody', 'search')).rejects.toMatchObject({ code: 'tenant_not_found' });
  await expect(rates.take('00000000-0000-7000-8000-00000000dead', 'search')).rejects.toMatchObject({
    code: 'tenant_not_found',
  });
  await expect(Reflect.apply(rates.take, rates, [tenantId, 'none'])).rejects.toMatchObject({ code: 'name_invalid' });
});
