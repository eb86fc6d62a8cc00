import { expect, it } from 'vitest';
import { opaqueId } from './opaque-id.ts';

it('keeps an identifier exactly as it is', () => {
  for (const id of ['auth0|5f7c', ' 7', 'cafe\u0301', 'café', '株式会社', 'x'.repeat(255)])
    expect(opaqueId('userId', id)).toBe(id);
});

it.each([
  ['no text', 7],
  ['an empty text', ''],
  ['a text that is too long', 'x'.repeat(256)],
  ['a NUL', 'a\u0000'],
  ['half of a surrogate pair', 'a\udc00'],
])('refuses %s', (_, value) => {
  expect(() => opaqueId('userId', value)).toThrow(
    expect.objectContaining({ code: 'name_invalid', details: expect.objectContaining({ field: 'userId' }) }),
  );
});
