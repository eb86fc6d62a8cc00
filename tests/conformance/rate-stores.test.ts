import fc from 'fast-check';
import { uuidv7 } from 'tenantry/core';
import { createRateLimits, type RateLimits, type RateLimitsOptions, redisRateStore } from 'tenantry/plans';
import { fixedClock } from 'tenantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { makeTenant, type None, times } from '../support/plans.ts';
import { hasRedis, startRedis, type TestRedis, type TestRedisClient } from '../support/redis.ts';

const limits = { search: { limit: 10, per: 'second', burst: 20 }, mails: { limit: 3, per: 'hour' } } as const;
type Store = Pick<RateLimitsOptions<'search' | 'mails'>, 'db' | 'store'>;

let database: TestDatabase<None>;
let redis: TestRedis | undefined;
let client: TestRedisClient;
beforeAll(async () => {
  database = await postgresDatabase<None>();
  if (!hasRedis) return;
  redis = await startRedis();
  client = await redis.client();
});
afterAll(async () => {
  await redis?.stop();
  await database.destroy();
});

const stores: readonly { name: string; needsRedis: boolean; shared: boolean; open: () => Store }[] = [
  { name: 'the process', needsRedis: false, shared: false, open: () => ({}) },
  { name: 'the database', needsRedis: false, shared: true, open: () => ({ db: database.app }) },
  {
    name: 'a Redis by ioredis',
    needsRedis: true,
    shared: true,
    open: () => ({ store: redisRateStore({ call: client.call }) }),
  },
  {
    name: 'a Redis by node-redis',
    needsRedis: true,
    shared: true,
    open: () => ({ store: redisRateStore({ sendCommand: client.sendCommand }, { prefix: 'other:' }) }),
  },
];

for (const { name, needsRedis, shared, open } of stores) {
  describe.skipIf(needsRedis && !hasRedis)(`rate limits in ${name}`, () => {
    const tenant = () => (name === 'the database' ? makeTenant(database, 'free') : Promise.resolve(uuidv7()));

    it('let a burst through, then one after another, each limit, subject and tenant apart', async () => {
      const clock = fixedClock('2026-02-01T00:00:00.000Z');
      const tenantId = await tenant();
      const rates = createRateLimits({ limits, clock, ...open() });
      const results = await times(30, () => rates.take(tenantId, 'search'));
      expect(results.filter(({ ok }) => ok)).toHaveLength(20);
      expect(await rates.take(tenantId, 'search')).toEqual({
        ok: false,
        retryAt: new Date('2026-02-01T00:00:00.100Z'),
        limit: 10,
        per: 'second',
        remaining: 0,
        resetsAt: new Date('2026-02-01T00:00:02.000Z'),
      });
      clock.advance(500);
      expect((await times(10, () => rates.take(tenantId, 'search'))).filter(({ ok }) => ok)).toHaveLength(5);
      expect(await rates.take(tenantId, 'search', { subject: '203.0.113.7' })).toMatchObject({ remaining: 19 });
      expect(await rates.take(tenantId, 'mails')).toMatchObject({ ok: true, remaining: 2 });
      expect(await rates.take(await tenant(), 'search')).toMatchObject({ ok: true, remaining: 19 });
    });

    it('count dear calls for several, and let a smaller one behind them through', async () => {
      const rates = createRateLimits({ limits, clock: fixedClock(), ...open() });
      const tenantId = await tenant();
      const results = await Promise.all([15, 8, 4, 2].map((cost) => rates.take(tenantId, 'search', { cost })));
      expect(results.map(({ ok }) => ok)).toEqual([true, false, true, false]);
      expect(await rates.take(tenantId, 'search', { cost: 21 })).toMatchObject({ ok: false, retryAt: null });
    });

    it('never let more through than the limit, by however many processes', async () => {
      const pauses = fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 15 });
      await fc.assert(
        fc.asyncProperty(pauses, async (list) => {
          const clock = fixedClock('2026-02-01T00:00:00.000Z');
          const tenantId = await tenant();
          const processes: RateLimits<'search' | 'mails'>[] = [];
          for (let made = 0; made < (shared ? 3 : 1); made += 1) {
            processes.push(createRateLimits({ limits, clock, ...open() }));
          }
          let granted = 0;
          let elapsed = 0;
          for (const pause of list) {
            clock.advance(pause);
            elapsed += pause;
            for (const rates of processes) {
              const results = await times(5, () => rates.take(tenantId, 'search'));
              granted += results.filter(({ ok }) => ok).length;
            }
            expect(granted).toBeLessThanOrEqual(20 + elapsed / 100);
          }
        }),
        { numRuns: 20 },
      );
    });
  });
}

it.skipIf(!hasRedis)('a Redis that is gone is said, or lets everybody through where that is wanted', async () => {
  const gone = await startRedis();
  const store = redisRateStore(await gone.client());
  const rates = createRateLimits({ limits, store });
  const lenient = createRateLimits({ limits, store, whenUnavailable: 'allow' });
  expect(await rates.take(uuidv7(), 'search')).toMatchObject({ ok: true });
  await gone.stop();
  await expect(rates.take(uuidv7(), 'search')).rejects.toMatchObject({ code: 'database_unavailable', status: 503 });
  expect(await lenient.take(uuidv7(), 'search')).toMatchObject({ ok: true, uncounted: true });
});

it.skipIf(!hasRedis)('a Redis that was flushed or restarted is taught its script again', async () => {
  const rates = createRateLimits({ limits, store: redisRateStore(client) });
  await rates.take(uuidv7(), 'search');
  await client.call('SCRIPT', 'FLUSH');
  await client.call('FLUSHALL');
  expect(await rates.take(uuidv7(), 'search')).toMatchObject({ ok: true, remaining: 19 });
});

it('a store stands in for the database, and not beside it', () => {
  const store = { spend: async () => ({ calls: 0, tat: 0 }) };
  expect(() => createRateLimits({ limits, store, db: database.app })).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  );
  // @ts-expect-error: no client
  expect(() => redisRateStore({})).toThrow(TypeError);
});
