import fc from 'fast-check';
import { expect, it } from 'vitest';
import { digestOf, isPrefix, makeToken, parseToken, startOf } from './token.ts';

const word = fc.stringMatching(/^[a-z0-9]{1,6}$/);
const prefixes = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join('_'));
const environments = fc.constantFrom('live' as const, 'test' as const);

it('parses what it made, whatever underscores the prefix holds', () => {
  fc.assert(
    fc.property(prefixes, environments, (prefix, environment) => {
      const token = makeToken({ prefix, environment });
      expect(token).toMatch(new RegExp(`^${prefix}_${environment}_[0-9A-Za-z]{36}$`));
      expect(parseToken(token)).toEqual({ prefix, environment });
      expect(startOf(token)).toBe(token.slice(0, prefix.length + environment.length + 6));
    }),
  );
});

it('refuses a key in which one character differs', () => {
  const token = makeToken({ prefix: 'hc', environment: 'live' });
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom(...'aZ0_ -'), (at, character) => {
      fc.pre(token[at] !== character);
      expect(parseToken(token.slice(0, at) + character + token.slice(at + 1))).toBeUndefined();
    }),
  );
});

it('refuses whatever is no key', () => {
  const token = makeToken({ prefix: 'hc', environment: 'live' });
  for (const text of ['', '_', token.slice(1), token.slice(3), `${token} `, ` ${token}`, token.toUpperCase()]) {
    expect(parseToken(text)).toBeUndefined();
  }
  fc.assert(fc.property(fc.string({ maxLength: 100 }), (text) => parseToken(text) === undefined));
});

it('makes keys of which no two are alike and no character is favoured', () => {
  const count = 4000;
  const tokens = Array.from({ length: count }, () => makeToken({ prefix: 'k', environment: 'test' }));
  expect(new Set(tokens).size).toBe(count);
  const seen = new Map<string, number>();
  for (const token of tokens) {
    for (const character of token.slice(7, 37)) seen.set(character, (seen.get(character) ?? 0) + 1);
  }
  expect(seen.size).toBe(62);
  const expected = (count * 30) / 62;
  const chiSquared = [...seen.values()].reduce((sum, found) => sum + (found - expected) ** 2 / expected, 0);
  // 61 degrees of freedom: beyond 130 once in a million runs; `byte % 62` without rejection would give about 800.
  expect(chiSquared).toBeLessThan(130);
});

it('hashes as everybody does', () => {
  expect(digestOf('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

it('knows what a prefix is', () => {
  for (const good of ['hc', 'my_app', 'A1', 'x'.repeat(32)]) expect(isPrefix(good)).toBe(true);
  for (const bad of ['', '_a', 'a_', 'a__b', 'a-b', 'a b', 'ä', 'x'.repeat(33)]) expect(isPrefix(bad)).toBe(false);
});
