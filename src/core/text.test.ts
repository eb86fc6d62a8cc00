import { expect, it } from 'vitest';
import { cleanText } from './text.ts';

it('trims and composes', () => {
  expect(cleanText('name', '  Cafe\u0301 “O’Neil” 株式会社 👩‍💻 \n', 50)).toBe('Café “O’Neil” 株式会社 👩‍💻');
});

it.each([
  ['no text', 42],
  ['an empty text', ''],
  ['spaces only', ' \t\u00a0\n'],
  ['a text that is too long', 'x'.repeat(51)],
  ['a NUL', 'a\u0000b'],
  ['a line break', 'a\nb'],
  ['a C1 control', 'a\u0085b'],
  ['a change of direction', 'a\u202eb'],
  ['half of a surrogate pair', 'a\ud83d'],
])('refuses %s', (_, value) => {
  expect(() => cleanText('name', value, 50)).toThrow(
    expect.objectContaining({ code: 'name_invalid', details: expect.objectContaining({ field: 'name' }) }),
  );
});

it('counts the length after trimming and composing', () => {
  expect(cleanText('name', `  ${'e\u0301'.repeat(50)}  `, 50)).toBe('é'.repeat(50));
});
