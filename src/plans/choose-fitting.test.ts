import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chooseFitting } from './choose-fitting.ts';

it('passes over what does not fit, so that a smaller one behind it does', () => {
  const asks = [5, 6, 3, 2, 1].map((amount) => ({ amount }));
  const { chosen, others, sum } = chooseFitting(asks, 10);
  expect(chosen.map((ask) => ask.amount)).toEqual([5, 3, 2]);
  expect(others.map((ask) => ask.amount)).toEqual([6, 1]);
  expect(sum).toBe(10);
});

it('never chooses more than remains, leaves out nothing that still fits, and stays exact near 2^53', () => {
  const amount = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
  const remaining = fc.oneof(fc.integer({ min: -5, max: 100 }), fc.constant(Number.MAX_SAFE_INTEGER));
  fc.assert(
    fc.property(fc.array(amount.map((value) => ({ amount: value }))), remaining, (asks, left) => {
      const { chosen, others, sum } = chooseFitting(asks, left);
      expect(BigInt(sum)).toBe(chosen.reduce((total, ask) => total + BigInt(ask.amount), 0n));
      expect(sum === 0 || sum <= left).toBe(true);
      expect(chosen.length + others.length).toBe(asks.length);
      for (const ask of others) expect(ask.amount > left - sum).toBe(true);
    }),
  );
});
