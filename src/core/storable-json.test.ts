import { expect, it } from 'vitest';
import { isStorableJson } from './storable-json.ts';

it('finds NUL and halves of surrogate pairs, in names and values', () => {
  for (const value of ['\0', 'a\0b', '\ud800', 'a\udc00', '\\\0', { '\0': 1 }, [{ a: ['\udfff'] }]]) {
    expect(isStorableJson(JSON.stringify(value))).toBe(false);
  }
});

it('takes whatever else looks like them', () => {
  for (const value of ['😀', '\\u0000', '\\\\ud800', 'u0000', '\u0001', { a: '\\' }, ['\\', 'u0000']]) {
    expect(isStorableJson(JSON.stringify(value))).toBe(true);
  }
});
