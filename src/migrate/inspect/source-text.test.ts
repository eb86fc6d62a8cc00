import { expect, it } from 'vitest';
import { comment, namesLiteral, property, propertyName, sqlTemplate, textLiteral } from './source-text.ts';
import { typescriptType } from './typescript-type.ts';

const hostile = `it's "x" \\ \n \u2028 \${y} \` */ end`;

it('literals hold what they were made from', () => {
  const read = (source: string): unknown => new Function('sql', `return ${source}`)(String.raw);
  expect(read(textLiteral(hostile))).toBe(hostile);
  expect(read(`({ ${propertyName(hostile)}: 1 })`)).toEqual({ [hostile]: 1 });
  expect(Object.keys(read(`({ ${propertyName('__proto__')}: 1 })`) as object)).toEqual(['__proto__']);
  const plain = new Function('sql', `return ${sqlTemplate(hostile)}`)((parts: TemplateStringsArray) => parts.join('?'));
  expect(plain).toBe(hostile);
  expect(namesLiteral(['a'])).toBe("'a'");
  expect(namesLiteral(['a', 'b'])).toBe("['a', 'b']");
});

it('comments stay comments and within the line', () => {
  const lines = comment(`${hostile} ${'word '.repeat(60)}`, '    ');
  expect(
    lines.every((line) => line.startsWith('    // ') && line.length <= 120 && !/[\n\r\u2028\u2029]/.test(line)),
  ).toBe(true);
});

it('a call that is too long for a line is broken', () => {
  expect(property('  ', 'a', 'via', ["to: 'b'"], "'c'")).toEqual(["  a: via('c', { to: 'b' }),"]);
  const long = property('  ', 'a', 'via', [`to: '${'b'.repeat(120)}'`, 'unresolved: quarantine()'], "'c'");
  expect(long).toEqual(["  a: via('c', {", `    to: '${'b'.repeat(120)}',`, '    unresolved: quarantine(),', '  }),']);
});

it.each([
  ['integer', 'number'],
  ['bigint', 'string'],
  ['numeric', 'string'],
  ['timestamp with time zone', 'Date'],
  ['jsonb', 'unknown'],
  ['text[]', 'string[]'],
  ['integer[]', 'number[]'],
  ['geometry', 'unknown'],
])('%s is read as %s', (base, type) => {
  expect(typescriptType({ name: 'x', base, type: base, labels: null, notNull: true })).toBe(type);
});

it('what may be empty may be null, and enumerations are their values', () => {
  const mood = { name: 'x', base: 'mood', type: 'mood', labels: ['good', "it's bad"], notNull: false };
  expect(typescriptType(mood)).toBe("'good' | 'it\\'s bad' | null");
  expect(typescriptType({ ...mood, base: 'mood[]', notNull: true })).toBe("('good' | 'it\\'s bad')[]");
  expect(typescriptType({ ...mood, base: 'json', labels: null })).toBe('unknown');
});
