import { expect, it } from 'vitest';
import { concealer, secretsOf } from './conceal.ts';

it.each([
  ['postgres://ada:s3cret%2Fword@db.test/app', ['s3cret%2Fword', 's3cret/word']],
  ['postgres://ada:has@sign:in-it@db.test/app', ['has@sign:in-it', 'has@sign:in-it']],
  ['postgres://db.test/app?user=ada&password=long-enough', ['long-enough', 'long-enough']],
  ['postgres://ada:100%zz@db.test/app', ['100%zz']],
  ['postgres://ada@db.test/app', []],
  ['postgresql:///app?host=/tmp', []],
  ['postgres://ada:with/slash@db.test/app', ['with/slash', 'with/slash']],
  ['postgres://warehouse:warehouse@db.test/app', []],
  ['postgres://ada:warehouse@db.test/warehouse?sslmode=require', []],
  ['postgres://db.test/app?user=warehouse&password=warehouse', []],
  ['postgres://ada:postgres@db.test/app', []],
])('finds the password of %s', (url, secrets) => {
  expect(secretsOf(url)).toEqual(secrets);
});

it('counts what the environment gives, unless it is a name', () => {
  expect(secretsOf('postgres://warehouse@db.test/app', ['from-the-environment', undefined, '', 'warehouse'])).toEqual([
    'from-the-environment',
  ]);
});

it('hides a password that is a name only where it stands as the password', () => {
  const hide = concealer(secretsOf('postgres://postgres:postgres@db.test/postgres'));
  expect(hide('role postgres at postgres://postgres:postgres@db.test/postgres?password=postgres')).toBe(
    'role postgres at postgres://postgres:***@db.test/postgres?password=***',
  );
});

it('takes it out of a text wherever it stands, and leaves words alone that a short one is part of', () => {
  const hide = concealer(secretsOf('postgres://ada:s3cret%2Fword@db.test/app'));
  expect(hide('cannot reach postgres://ada:s3cret%2Fword@db.test/app as s3cret/word')).toBe(
    'cannot reach postgres://ada:***@db.test/app as ***',
  );
  const short = concealer(secretsOf('postgres://tester:test@db.test/app'));
  expect(short('tester failed: postgres://tester:test@db.test/app?password=test')).toBe(
    'tester failed: postgres://tester:***@db.test/app?password=***',
  );
  const slashed = 'postgres://ada:a/b@db.test/app';
  expect(concealer(secretsOf(slashed))(`either a/b or ${slashed}`)).toBe(
    'either a/b or postgres://ada:***@db.test/app',
  );
});
