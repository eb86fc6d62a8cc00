import { expect, it } from 'vitest';
import { periodOf } from './period-of.ts';

const [anchor, now] = [new Date('2026-01-31T09:00:00Z'), new Date('2026-03-01T00:00:00Z')];

it('counts from the anchor', () => {
  expect(periodOf(anchor, 'month', now)).toEqual({
    start: new Date('2026-02-28T09:00:00Z'),
    end: new Date('2026-03-31T09:00:00Z'),
  });
  expect(periodOf(anchor, 'once', now).end).toBeNull();
});

it('refuses what is no date, kind, number or time zone', () => {
  const calls: readonly (readonly [string, unknown, unknown, unknown, object?])[] = [
    ['anchor', new Date(Number.NaN), 'month', now],
    ['anchor', '2026-01-31', 'month', now],
    ['now', anchor, 'month', new Date(8.64e15)],
    ['per', anchor, 'fortnight', now],
    ['every', anchor, 'month', now, { every: 1.5 }],
    ['every', anchor, 'month', now, { every: 0 }],
    ['every', anchor, 'month', now, { every: Number.NaN }],
    ['zone', anchor, 'month', now, { zone: 'Mars/Olympus' }],
  ];
  for (const [path, ...given] of calls) {
    const call = () => Reflect.apply(periodOf, undefined, given);
    expect(call).toThrow(
      expect.objectContaining({ code: 'config_invalid', details: expect.objectContaining({ path }) }),
    );
  }
});
