import { describe, expect, it } from 'vitest';
import { unusedOf as unused } from './unused-of.ts';

const [start, end] = [new Date('2026-04-01T00:00:00Z'), new Date('2026-05-01T00:00:00Z')];
const line = (amount: number, periodStart = start, periodEnd = end) => ({
  description: null,
  amount,
  quantity: 1,
  priceId: null,
  proration: false,
  periodStart,
  periodEnd,
});
const unusedOf = (invoice: Omit<Parameters<typeof unused>[0], 'total'>, now: Date) =>
  unused({ ...invoice, total: invoice.lines.reduce((sum, { amount }) => sum + amount, 0) }, now);
const tenth = new Date('2026-04-10T00:00:00Z'); // 21 of 30 days are left

describe('what was paid for time to come', () => {
  it('is the part of the period that is left, rounded down', () => {
    expect(unusedOf({ lines: [line(2_900)], amountPaid: 2_900 }, tenth)).toBe(2_030);
    expect(unusedOf({ lines: [line(2_000), line(1_000)], amountPaid: 3_000 }, tenth)).toBe(2_100);
    expect(unusedOf({ lines: [line(1)], amountPaid: 1 }, tenth)).toBe(0);
    expect(unusedOf({ lines: [line(2_900)], amountPaid: 2_900 }, start)).toBe(2_900);
    expect(unusedOf({ lines: [line(2_900)], amountPaid: 2_900 }, new Date(0))).toBe(2_900);
    expect(unusedOf({ lines: [line(2_900)], amountPaid: 2_900 }, end)).toBe(0);
  });

  it('is that part of what was paid: less where a coupon took off, more with a tax', () => {
    expect(unusedOf({ lines: [line(2_900)], amountPaid: 1_450 }, tenth)).toBe(1_015);
    expect(unusedOf({ lines: [line(2_900)], amountPaid: 3_451 }, tenth)).toBe(2_415);
    expect(unusedOf({ lines: [line(2_900)], amountPaid: 0 }, tenth)).toBe(0);
  });

  it('contains no use of a period that is over', () => {
    const march = line(600, new Date('2026-03-01T00:00:00Z'), start);
    expect(unusedOf({ lines: [line(2_900), march], amountPaid: 3_500 }, tenth)).toBe(2_030);
  });

  it('of a change in the middle is the dearer less the cheaper for the rest', () => {
    // On the 16th half of the month was left: 4,950 of Pro, 1,450 of Starter. Half of that is left on the 23rd, at noon.
    const sixteenth = new Date('2026-04-16T00:00:00Z');
    const change = { lines: [line(-1_450, sixteenth), line(4_950, sixteenth)], amountPaid: 3_500 };
    expect(unusedOf(change, new Date('2026-04-23T12:00:00Z'))).toBe(1_750);
    // And the other way round it was given back then, as a credit.
    const back = { lines: [line(1_450, sixteenth), line(-4_950, sixteenth)], amountPaid: 0 };
    expect(unusedOf(back, new Date('2026-04-23T12:00:00Z'))).toBe(-1_750);
    expect(unusedOf({ lines: [line(1_450), line(-1_450)], amountPaid: 0 }, sixteenth)).toBe(0);
  });
});
