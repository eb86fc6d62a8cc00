import { expect, it } from 'vitest';
import { isMoment } from './moment.ts';

it('takes dates that can be stored and written, and nothing else', () => {
  for (const date of ['0001-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z']) {
    expect(isMoment(new Date(date))).toBe(true);
  }
  const others = [new Date(Number.NaN), new Date(8.64e15), new Date(-8.64e15), 0, '2026-01-01', null, undefined];
  for (const other of others) expect(isMoment(other)).toBe(false);
});
