import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultSteps, fractionOf, readRetryAfter, retryDelay } from './retry-schedule.ts';
import { verdictOf } from './verdict.ts';

const now = new Date('2026-03-01T12:00:00Z');

describe('the schedule', () => {
  it('goes by its steps, 20 % more or less, and ends', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 9 }), (key, tries) => {
        const delay = retryDelay({ tries, overload: false, retryAfter: null, key });
        const step = defaultSteps[tries - 1];
        if (step === undefined) expect(delay).toBeNull();
        else {
          expect(delay).toBeGreaterThanOrEqual(step * 0.8);
          expect(delay).toBeLessThanOrEqual(step * 1.2);
        }
      }),
    );
  });

  it('spreads deliveries evenly, and each the same way again', () => {
    const fractions = Array.from({ length: 10_000 }, (_, index) => fractionOf(`message ${index} 1`));
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const inside = fractions.filter((fraction) => Math.floor(fraction * 10) === tenth).length;
      expect(inside).toBeGreaterThan(850);
      expect(inside).toBeLessThan(1150);
    }
    expect(fractionOf('message 7 1')).toBe(fractions[7]);
  });

  it('keeps what the endpoint asks for between once and twice the step', () => {
    const delay = (retryAfter: number, tries = 2) => retryDelay({ tries, overload: false, retryAfter, key: 'k' });
    expect([delay(1), delay(400), delay(1e9)]).toEqual([300, 400, 600]);
    const overloaded = (retryAfter: number) => retryDelay({ tries: 1, overload: true, retryAfter, key: 'k' });
    expect([overloaded(1), overloaded(90), overloaded(1e9)]).toEqual([60, 90, 120]);
  });
});

it.each([
  ['120', 120],
  [' 7 ', 7],
  ['Sun, 01 Mar 2026 12:05:00 GMT', 300],
  ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
  ['-5', null],
  ['1.5', null],
  ['9'.repeat(40), null],
  ['2026-03-01T12:05:00Z', null],
  ['', null],
  [null, null],
])('Retry-After %s is %s seconds', (value, expected) => {
  expect(readRetryAfter(value, now)).toBe(expected);
});

describe('a verdict', () => {
  const tried = { tries: 1, key: 'k', now, once: false };
  const answer = (status: number) => ({ status, retryAfter: null, response: '' });

  it.each([
    [200, 'delivered', null],
    [299, 'delivered', null],
    [100, 'failed', 'status'],
    [302, 'failed', 'redirect'],
    [404, 'failed', 'status'],
    [410, 'failed', 'gone'],
    [429, 'failed', 'rate_limited'],
    [500, 'failed', 'status'],
  ])('of %i is %s (%s)', (status, outcome, reason) => {
    expect(verdictOf(answer(status), tried)).toMatchObject({ outcome, reason, status });
  });

  it('of what is gone, tried once or tried enough names no further attempt', () => {
    expect(verdictOf(answer(410), tried).nextAt).toBeNull();
    expect(verdictOf(answer(500), { ...tried, once: true }).nextAt).toBeNull();
    expect(verdictOf(answer(500), { ...tried, tries: 8 }).nextAt).toBeNull();
    expect(verdictOf(answer(500), { ...tried, tries: 7 }).nextAt).not.toBeNull();
  });

  it('of what the worker cut off counts for nothing', () => {
    expect(verdictOf({ failure: 'shutdown' }, tried)).toMatchObject({ counts: false, nextAt: now });
  });
});
