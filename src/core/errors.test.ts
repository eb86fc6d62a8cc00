import { expect, it } from 'vitest';
import { errorTable } from './error-codes.ts';
import { isTenantryError, TenantryError } from './errors.ts';

it('tells code, details, status and title', () => {
  const cause = new Error('23505');
  const error = new TenantryError('slug_taken', { slug: 'acme' }, { cause });
  expect(error).toMatchObject({
    name: 'TenantryError',
    code: 'slug_taken',
    details: { slug: 'acme' },
    status: 409,
    title: 'Slug taken',
    message: 'Slug taken: the slug "acme" is in use; choose another',
    cause,
  });
});

it('is recognised by its brand, and by its code where one is named', () => {
  const error = new TenantryError('last_owner', { tenantId: 't' });
  expect(isTenantryError(error)).toBe(true);
  expect(isTenantryError(error, 'last_owner')).toBe(true);
  expect(isTenantryError(error, 'slug_taken')).toBe(false);
  for (const other of [undefined, null, 'last_owner', new Error('x'), { code: 'last_owner' }]) {
    expect(isTenantryError(other)).toBe(false);
  }
});

it("recognises another copy's error, which is no instance of this copy's class", () => {
  const foreign = Object.assign(new Error('x'), { code: 'last_owner', [Symbol.for('tenantry.error')]: true });
  expect(isTenantryError(foreign, 'last_owner')).toBe(true);
});

it('tells the beginning of what is long', () => {
  const { details, message } = new TenantryError('tenant_not_found', { tenant: 'x'.repeat(10_000_000) });
  expect(details.tenant).toBe(`${'x'.repeat(1000)}…`);
  expect(message.length).toBeLessThan(1200);
});

it('shows no brand to those who print or copy it', () => {
  const error = new TenantryError('last_owner', { tenantId: 't' });
  expect(Object.getOwnPropertySymbols({ ...error })).toEqual([]);
});

it('gives every code a status of an error and a title of its own', () => {
  const titles = Object.values(errorTable).map((row) => row.title);
  expect(new Set(titles).size).toBe(titles.length);
  for (const row of Object.values(errorTable)) expect(row.status).toSatisfy((status) => status >= 400 && status <= 599);
});
