import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isUuid, uuidv7 } from './ids.ts';

const millisecondsOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
const laterThanNow = 4_102_444_800_000; // 2100-01-01, so that no test meets the real clock's identifiers.

it('makes UUIDs of version 7 and variant 10 (RFC 9562)', () => {
  for (let count = 0; count < 10_000; count += 1) {
    expect(uuidv7()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

it('begins with the time in milliseconds', () => {
  const before = Date.now();
  const made = millisecondsOf(uuidv7());
  // A burst of more than 4,096 identifiers within one millisecond borrows from the next ones.
  expect(made).toBeGreaterThanOrEqual(before);
  expect(made).toBeLessThan(before + 1000);
});

it('sorts identifiers in the order in which they were made, also within one millisecond and when the clock steps back', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 2, maxLength: 200 }), (steps) => {
      let now = laterThanNow;
      const ids = steps.map((step) => {
        now += step;
        return uuidv7(now);
      });
      expect(ids.toSorted()).toEqual(ids);
      expect(new Set(ids).size).toBe(ids.length);
    }),
  );
});

it('counts on into the next millisecond when one holds no more', () => {
  const now = laterThanNow + 1_000_000;
  const ids = Array.from({ length: 5000 }, () => uuidv7(now));
  expect(ids.toSorted()).toEqual(ids);
  expect(millisecondsOf(ids.at(-1) ?? '')).toBe(now + 1);
});

it('refuses a time that has no place in 48 bits', () => {
  for (const now of [Number.NaN, Number.POSITIVE_INFINITY, 1.5, 2 ** 48]) expect(() => uuidv7(now)).toThrow(RangeError);
});

it('tells a UUID from anything else', () => {
  expect(isUuid(uuidv7())).toBe(true);
  expect(isUuid('0199F3C2-8C1E-7000-9F3A-5D2C1B7E4A90')).toBe(true);
  for (const value of [
    '',
    '0199f3c28c1e70009f3a5d2c1b7e4a90',
    `${uuidv7()}0`,
    ` ${uuidv7()}`,
    `${uuidv7()}\n`,
    null,
    7,
  ]) {
    expect(isUuid(value)).toBe(false);
  }
});
