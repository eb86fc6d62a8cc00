import fc from 'fast-check';
import { expect, it } from 'vitest';
import { covers, isPermissionPattern, permits } from './permissions.ts';

it.each([
  ['calls:write', 'calls:write', true],
  ['calls:write', 'calls:read', false],
  ['calls:*', 'calls:write', true],
  ['calls:*', 'calls:write:own', true],
  ['calls:*', 'calls', false],
  ['*:read', 'calls:read', true],
  ['*:read', 'calls:write', false],
  ['*:read', 'calls:read:own', false],
  ['*', 'calls:read:own', true],
  ['calls', 'calls:read', false],
  ['calls:read', 'calls', false],
  ['calls:*:own', 'calls:read:own', true],
  ['calls:*:own', 'calls:read:all', false],
  ['CALLS:*', 'calls:read', false],
])('%s against %s: %s', (pattern, permission, allowed) => {
  expect(permits([pattern], permission)).toBe(allowed);
});

const word = fc.stringMatching(/^[a-z]{1,4}$/);
const words = fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(':'));

it('allows nothing without a pattern, and what any one pattern allows', () => {
  fc.assert(
    fc.property(fc.array(words), words, (patterns, permission) => {
      expect(permits([], permission)).toBe(false);
      expect(permits([...patterns, permission], permission)).toBe(true);
      expect(permits(patterns, permission)).toBe(patterns.includes(permission));
    }),
  );
});

it.each([
  ['*', '*', true],
  ['*', 'a:*', true],
  ['a:*', 'a:b', true],
  ['a:*', 'a:*', true],
  ['a:*', '*', false],
  ['a:*', 'a', false],
  ['*:read', 'a:read', true],
  ['*:read', 'a:*', false],
  ['*:read', '*:read', true],
  ['a:read', '*:read', false],
  ['a:*:c', 'a:b:c', true],
  ['a:b:c', 'a:*:c', false],
  ['a:*', 'a:*:c', true],
])('%s covers %s: %s', (outer, inner, covered) => {
  expect(covers([outer], inner)).toBe(covered);
});

const some = fc.array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(':'));
const concrete = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(':'));

it('covers nothing that it does not permit', () => {
  fc.assert(
    fc.property(fc.array(some, { maxLength: 3 }), some, concrete, (held, pattern, permission) => {
      if (covers(held, pattern) && permits([pattern], permission)) expect(permits(held, permission)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

it('knows a pattern', () => {
  expect(['a', 'a:*', '*', 'hosts:read:own'].every(isPermissionPattern)).toBe(true);
  const strange = ['', ':', 'a:', 'a b', 'a\u0000', 'a'.repeat(256), 7, null, '\ud800'];
  expect(strange.some(isPermissionPattern)).toBe(false);
});
