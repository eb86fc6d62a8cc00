import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Per, type Period, periodInZones, periodOf, type ZoneChange } from './period-of.ts';
import { instantOf, isTimeZone, wallOf } from './zone-time.ts';

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

  const every = fc.constantFrom(1, 2, 3, 5, 6, 12);
  const zone = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'America/Sao_Paulo',
    'Asia/Kolkata',
    'Australia/Lord_Howe',
    'Pacific/Apia',
    'Africa/Casablanca',
    'America/St_Johns',
  );
  const recent = fc.date({ min: at('2005-01-01T00:00:00Z'), max: at('2040-01-01T00:00:00Z'), noInvalidDate: true });

  function expectTiling(period: (now: Date) => Period, now: Date): void {
    const { start, end } = period(now);
    if (end === null) throw new Error('it ends');
    expect(start <= now && now < end).toBe(true);
    expect(period(start)).toEqual({ start, end });
    expect(period(new Date(end.getTime() - 1))).toEqual({ start, end });
    expect(period(end).start).toEqual(end);
    expect(period(new Date(start.getTime() - 1)).end).toEqual(start);
  }

  it('tiles time in every zone, through every change of clocks, and N periods at a time', () => {
    fc.assert(
      fc.property(anchorDate, period, every, zone, recent, (anchor, per, n, name, now) => {
        expectTiling((moment_) => periodOf(anchor, per, moment_, { every: n, zone: name }), now);
        expectTiling(
          (moment_) =>
            periodInZones('calendar', per, moment_, {
              every: n,
              changes: [{ zone: name, at: at('2000-01-01T00:00:00Z') }],
            }),
          now,
        );
      }),
      { numRuns: 600 },
    );
  });

  it('tiles time where the zone is changed, however often', () => {
    const changes = fc
      .array(fc.record({ zone, at: recent }), { minLength: 1, maxLength: 4 })
      .map((list): ZoneChange[] => list.toSorted((one, other) => one.at.getTime() - other.at.getTime()));
    fc.assert(
      fc.property(
        fc.oneof(anchorDate, fc.constant('calendar' as const)),
        period,
        every,
        changes,
        recent,
        (anchor, per, n, list, now) => {
          const options = { every: n, changes: list };
          expectTiling((moment_) => periodInZones(anchor, per, moment_, options), now);
          // Near the changes themselves, where borders meet.
          for (const change of list) expectTiling((moment_) => periodInZones(anchor, per, moment_, options), change.at);
        },
      ),
      { numRuns: 300 },
    );
  });

  /** The same, as it is said: the period of the moment of a change ends as it would have. */
  function plainly(anchor: Date | 'calendar', per: Per, now: Date, n: number, changes: readonly ZoneChange[]): Period {
    const last = changes.at(-1);
    if (last === undefined || changes.length === 1) return periodInZones(anchor, per, now, { every: n, changes });
    const earlier = changes.slice(0, -1);
    const { end } = plainly(anchor, per, last.at, n, earlier);
    if (end === null || now < end) return plainly(anchor, per, now, n, earlier);
    const period = periodInZones(anchor, per, now, { every: n, changes: [last] });
    return { start: new Date(Math.max(period.start.getTime(), end.getTime())), end: period.end };
  }

  it('ends the period of each change of a zone as it would have ended', () => {
    const near = fc.integer({ min: 0, max: 3000 }).map((hours) => new Date(Date.UTC(2026, 2, 1) + hours * 3_600_000));
    const changes = fc
      .array(fc.record({ zone, at: near }), { minLength: 1, maxLength: 6 })
      .map((list): ZoneChange[] => list.toSorted((one, other) => one.at.getTime() - other.at.getTime()));
    const anchors = fc.oneof(anchorDate, fc.constant('calendar' as const));
    fc.assert(
      fc.property(anchors, period, every, changes, near, (anchor, per, n, list, now) => {
        expect(periodInZones(anchor, per, now, { every: n, changes: list })).toEqual(
          plainly(anchor, per, now, n, list),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('begins days of the calendar at midnight, where there is one, in summer and winter', () => {
    const changes = [{ zone: 'Europe/Berlin', at: at('2000-01-01T00:00:00Z') }];
    const day = (now: string, per: Per = 'day'): string[] => {
      const { start, end } = periodInZones('calendar', per, at(now), { changes });
      return [start.toISOString(), end?.toISOString() ?? 'never'];
    };
    expect(day('2026-03-29T12:00:00Z')).toEqual(['2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z']);
    expect(day('2026-10-25T12:00:00Z')).toEqual(['2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z']);
    expect(day('2026-07-15T12:00:00Z', 'month')).toEqual(['2026-06-30T22:00:00.000Z', '2026-07-31T22:00:00.000Z']);
    expect(day('2026-07-15T12:00:00Z', 'week')).toEqual(['2026-07-12T22:00:00.000Z', '2026-07-19T22:00:00.000Z']);
    expect(day('2026-07-15T12:00:00Z', 'year')).toEqual(['2025-12-31T23:00:00.000Z', '2026-12-31T23:00:00.000Z']);
  });

  it('knows what clocks show, and the first moment at which they show it', () => {
    expect(isTimeZone('Europe/Berlin')).toBe(true);
    for (const name of ['Nowhere/City', '', 5, null, 'x'.repeat(100)]) expect(isTimeZone(name)).toBe(false);
    const skipped = Date.UTC(2026, 2, 29, 2, 30);
    expect(new Date(instantOf(skipped, 'Europe/Berlin')).toISOString()).toBe('2026-03-29T01:00:00.000Z');
    const twice = Date.UTC(2026, 9, 25, 2, 30);
    expect(new Date(instantOf(twice, 'Europe/Berlin')).toISOString()).toBe('2026-10-25T00:30:00.000Z');
    fc.assert(
      fc.property(recent, recent, zone, (one, other, name) => {
        const [early, late] = [Math.min(one.getTime(), other.getTime()), Math.max(one.getTime(), other.getTime())];
        expect(instantOf(early, name)).toBeLessThanOrEqual(instantOf(late, name));
        expect(wallOf(instantOf(early, name), name)).toBeGreaterThanOrEqual(early);
      }),
      { numRuns: 500 },
    );
  });
});
