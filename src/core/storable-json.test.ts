import { expect, it } from 'vitest';
import { storableJson } from './storable-json.ts';

const problemOf = (facts: unknown): string => {
  try {
    return storableJson(facts, 100, RangeError);
  } catch (error) {
    return error instanceof RangeError ? error.message : String(error);
  }
};

it('writes what JSON makes of an object', () => {
  const facts = { a: '😀', at: new Date(0), none: undefined, '\\u0000': ['\\ud800', '\\\\ud800', 'u0000', '\u0001'] };
  expect(storableJson(facts, 100, RangeError)).toBe(JSON.stringify(facts));
  expect(storableJson({ toJSON: () => ({ a: '\\' }) }, 100, RangeError)).toBe('{"a":"\\\\"}');
});

it('refuses NUL and halves of surrogate pairs, in names and values', () => {
  for (const value of ['\0', 'a\0b', '\ud800', 'a\udc00', '\\\0', { '\0': 1 }, [{ a: ['\udfff'] }]]) {
    expect(problemOf({ value })).toBe('holds a character that cannot be stored');
  }
});

it('refuses what is no object, cannot be written, or is too large', () => {
  const circular: Record<string, unknown> = {};
  circular.self = [circular];
  for (const facts of [circular, { a: 1n }]) expect(problemOf(facts)).toBe('cannot be written as JSON');
  for (const facts of [undefined, null, [], 'text', 7, new Date(0), () => ({}), { toJSON: () => undefined }]) {
    expect(problemOf(facts)).toBe('must be an object');
  }
  expect(problemOf({ a: 'x'.repeat(92) })).toMatch(/^\{"a":"x+"\}$/);
  for (const text of ['x'.repeat(93), 'é'.repeat(47)]) {
    expect(problemOf({ a: text })).toBe('must have at most 100 bytes as JSON');
  }
});
