import { expect, it } from 'vitest';
import { graceEnd, onlyReads, seatStanding } from './seat-policy.ts';

const since = new Date('2026-03-01T00:00:00Z');
const at = (text: string): Date => new Date(text);

it.each([
  [null, 9, 'within'],
  [3, 3, 'within'],
  [3, 2, 'within'],
  [3, 4, 'block'],
  [0, 1, 'block'],
] as const)('%s bought and %s taken: %s', (bought, taken, standing) => {
  expect(seatStanding({ policy: 'block' }, { bought, taken, exceededAt: since }, since)).toBe(standing);
});

it('gives days of grace, and applies the policy from the moment on in which they end', () => {
  const policy = { policy: 'read-only', graceDays: 14 } as const;
  const facts = { bought: 1, taken: 2, exceededAt: since };
  expect(graceEnd(policy, since)).toEqual(at('2026-03-15T00:00:00Z'));
  expect(seatStanding(policy, facts, at('2026-03-14T23:59:59.999Z'))).toBe('grace');
  expect(seatStanding(policy, facts, at('2026-03-15T00:00:00Z'))).toBe('read-only');
  expect(seatStanding(policy, { ...facts, exceededAt: null }, since)).toBe('read-only');
});

it('knows what only reads', () => {
  expect(['read', 'a:read', 'a:b:read'].every(onlyReads)).toBe(true);
  expect(['a:write', 'read:a', 'a:readme', ''].some(onlyReads)).toBe(false);
});
