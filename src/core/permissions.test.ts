import fc from 'fast-check';
import { expect, it } from 'vitest';
import { permits } from './permissions.ts';

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
