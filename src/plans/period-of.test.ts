import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { periodOf } from './period-of.ts';
import type { Per } from './plan-definitions.ts';

const at = (text: string): Date => new Date(text);
const shown = (anchor: string, per: Per, now: string): string[] => {
  const { start, end } = periodOf(at(anchor), per, at(now));
  return [start.toISOString(), end?.toISOString() ?? 'never'];
};

describe('periodOf', () => {
  it('comes back to the 31st after shorter months', () => {
    const anchor = '2026-01-31T09:30:00.000Z';
    expect(shown(anchor, 'month', '2026-02-28T09:29:59.999Z')).toEqual([anchor, '2026-02-28T09:30:00.000Z']);
    expect(shown(anchor, 'month', '2026-02-28T09:30:00.000Z')).toEqual([
      '2026-02-28T09:30:00.000Z',
      '2026-03-31T09:30:00.000Z',
    ]);
    expect(shown(anchor, 'month', '2026-05-01T00:00:00.000Z')).toEqual([
      '2026-04-30T09:30:00.000Z',
      '2026-05-31T09:30:00.000Z',
    ]);
    expect(shown(anchor, 'month', '2028-02-29T12:00:00.000Z')).toEqual([
      '2028-02-29T09:30:00.000Z',
      '2028-03-31T09:30:00.000Z',
    ]);
  });

  it('keeps a leap day as the anchor of years', () => {
    const anchor = '2024-02-29T00:00:00.000Z';
    expect(shown(anchor, 'year', '2026-02-28T00:00:00.000Z')).toEqual([
      '2026-02-28T00:00:00.000Z',
      '2027-02-28T00:00:00.000Z',
    ]);
    expect(shown(anchor, 'year', '2028-02-28T23:59:59.999Z')).toEqual([
      '2027-02-28T00:00:00.000Z',
      '2028-02-29T00:00:00.000Z',
    ]);
  });

  it('counts hours, days and weeks from the anchor, also before it', () => {
    const anchor = '2026-03-29T00:30:00.000Z';
    expect(shown(anchor, 'hour', '2026-03-29T02:29:00.000Z')).toEqual([
      '2026-03-29T01:30:00.000Z',
      '2026-03-29T02:30:00.000Z',
    ]);
    expect(shown(anchor, 'day', '2026-03-30T00:30:00.000Z')).toEqual([
      '2026-03-30T00:30:00.000Z',
      '2026-03-31T00:30:00.000Z',
    ]);
    expect(shown(anchor, 'week', '2026-03-28T00:00:00.000Z')).toEqual(['2026-03-22T00:30:00.000Z', anchor]);
  });

  it('never ends what is given once', () => {
    expect(shown('2026-03-29T00:30:00.000Z', 'once', '2030-01-01T00:00:00.000Z')).toEqual([
      '1970-01-01T00:00:00.000Z',
      'never',
    ]);
  });

  const moment = fc.date({ min: at('1970-01-01T00:00:00Z'), max: at('2200-01-01T00:00:00Z'), noInvalidDate: true });
  /** Half of the anchors on the days that months do not share. */
  const anchorDate = fc.oneof(
    moment,
    fc
      .tuple(fc.integer({ min: 1970, max: 2199 }), fc.nat(11), fc.integer({ min: 28, max: 31 }), fc.nat(86_399_999))
      .map(([year, month, day, time]) => new Date(Date.UTC(year, month, day) + time)),
  );
  const period = fc.constantFrom<Per>('hour', 'day', 'week', 'month', 'year');

  it('tiles time: every moment lies in one period, and the next begins where it ends', () => {
    fc.assert(
      fc.property(anchorDate, period, moment, (anchor, per, now) => {
        const { start, end } = periodOf(anchor, per, now);
        if (end === null) throw new Error('it ends');
        expect(start <= now && now < end).toBe(true);
        expect(periodOf(anchor, per, start)).toEqual({ start, end });
        expect(periodOf(anchor, per, new Date(end.getTime() - 1))).toEqual({ start, end });
        expect(periodOf(anchor, per, end).start).toEqual(end);
        expect(periodOf(anchor, per, new Date(start.getTime() - 1)).end).toEqual(start);
      }),
      { numRuns: 5000 },
    );
  });

  it('begins months and years on the day and at the time of the anchor, or on the last day of the month', () => {
    fc.assert(
      fc.property(anchorDate, fc.constantFrom<Per>('month', 'year'), moment, (anchor, per, now) => {
        const { start } = periodOf(anchor, per, now);
        const lastDay = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 0)).getUTCDate();
        expect(start.getUTCDate()).toBe(Math.min(anchor.getUTCDate(), lastDay));
        expect(start.toISOString().slice(-13)).toBe(anchor.toISOString().slice(-13));
        if (per === 'year') expect(start.getUTCMonth()).toBe(anchor.getUTCMonth());
      }),
      { numRuns: 5000 },
    );
  });
});
