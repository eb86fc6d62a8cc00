import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cellRateOf, freeAt, type RateLimit, rateStateOf, readRateLimit } from './rate-limit.ts';

const limits: fc.Arbitrary<RateLimit> = fc.record({
  limit: fc.integer({ min: 1, max: 10_000 }),
  per: fc.constantFrom('second', 'minute', 'hour', 'day'),
  burst: fc.integer({ min: 1, max: 1000 }),
});

it('lets a burst through at once, then one for each step, and never more than that', () => {
  fc.assert(
    fc.property(limits, fc.array(fc.integer({ min: 0, max: 5_000_000 }), { maxLength: 60 }), (limit, pauses) => {
      const rate = cellRateOf(limit);
      let now = 1.7e15;
      const began = now;
      let tat = 0;
      let granted = 0;
      for (const pause of pauses) {
        now += pause;
        const { remaining } = rateStateOf(limit, tat, now);
        const free = freeAt(rate, Math.max(tat, now)) <= now;
        expect(free).toBe(remaining >= 1);
        if (!free) continue;
        tat = Math.max(tat, now) + rate.step;
        granted += 1;
        expect(rateStateOf(limit, tat, now).remaining).toBe(remaining - 1);
      }
      expect(granted).toBeLessThanOrEqual((limit.burst ?? 0) + Math.floor((now - began) / rate.step));
      expect(rateStateOf(limit, tat, now + rate.room).remaining).toBe(limit.burst);
    }),
  );
});

it('is not shut for hours by a clock that once ran ahead', () => {
  const limit = { limit: 10, per: 'second' } as const;
  const now = 1.7e15;
  expect(rateStateOf(limit, now + 3600e6, now)).toMatchObject({ remaining: 0, resetsAt: new Date(1.7e12 + 1000) });
});

it('refuses limits that cannot be', () => {
  expect(readRateLimit('r', { limit: 5, per: 'minute', burst: 5 })).toEqual({ limit: 5, per: 'minute' });
  for (const wrong of [
    { limit: 0, per: 'second' },
    { limit: -1, per: 'second' },
    { limit: 1.5, per: 'second' },
    { limit: Number.NaN, per: 'second' },
    { limit: 10_001, per: 'second' },
    { limit: 5, per: 'second', burst: 0 },
    { limit: 5, per: 'fortnight' },
    { limit: 5, per: 'constructor' },
  ]) {
    const read = (): unknown => Reflect.apply(readRateLimit, undefined, ['rateLimit', wrong]);
    expect(read).toThrow(expect.objectContaining({ code: 'api_key_invalid' }));
  }
});
