import { expect, it } from 'vitest';
import { numberOf, readArguments, stageOf } from './arguments.ts';
import { UsageError } from './usage-error.ts';

function read(line: string): Exclude<ReturnType<typeof readArguments>, 'help'> {
  const options = readArguments(line.split(' '));
  if (options === 'help') throw new TypeError(`${line} asks for help`);
  return options;
}

it('takes the definition as a word or as an option', () => {
  expect(read('migrate plan tenants.ts --sql')).toMatchObject({ command: 'plan', definition: 'tenants.ts' });
  expect(read('migrate plan --definition tenants.ts --json').flags).toEqual(new Set(['json']));
});

it.each(['', 'help', '--help', '-h', 'migrate', 'migrate help', 'migrate --help'])('gives help on "%s"', (line) => {
  expect(readArguments(line.split(' ').filter((word) => word !== ''))).toBe('help');
});

it.each([
  'fly',
  'plan tenants.ts',
  'migrate fly',
  'migrate install',
  'migrate plan a.ts b.ts',
  'migrate plan a.ts --fast',
  'migrate plan a.ts --to',
  'migrate status --yes',
])('refuses "%s"', (line) => {
  expect(() => readArguments(line.split(' '))).toThrow(UsageError);
});

it('refuses values that an option does not take, and names them', () => {
  expect(stageOf(read('migrate apply a.ts --to switch'))).toBe('switch');
  expect(() => stageOf(read('migrate apply a.ts --to heaven'))).toThrow('heaven');
  expect(numberOf(read('migrate apply a.ts --batch-size 50'), 'batch-size')).toBe(50);
  for (const value of ['many', '1.5', '1e3', '99999999999']) {
    expect(() => numberOf(read(`migrate apply a.ts --batch-size ${value}`), 'batch-size')).toThrow(value);
  }
});
