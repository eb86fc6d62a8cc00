import fc from 'fast-check';
import { expect, it } from 'vitest';
import { permits } from '../core/index.ts';
import { patternsThatPermit } from './patterns-that-permit.ts';

it('gives the patterns that allow a permission', () => {
  expect(patternsThatPermit('a:b').toSorted()).toEqual(['*', '*:*', '*:b', 'a:*', 'a:b']);
  expect(patternsThatPermit('a').toSorted()).toEqual(['*', 'a']);
});

const word = fc.constantFrom('a', 'b', '*');
const pattern = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(':'));
const permission = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 }).map((words) => words.join(':'));

it('gives exactly those', () => {
  fc.assert(
    fc.property(pattern, permission, (one, wanted) => {
      expect(patternsThatPermit(wanted).includes(one)).toBe(permits([one], wanted));
    }),
  );
});

it('refuses what has too many words to be looked for', () => {
  expect(() => patternsThatPermit(`${'a:'.repeat(8)}a`)).toThrow(expect.objectContaining({ code: 'name_invalid' }));
});
