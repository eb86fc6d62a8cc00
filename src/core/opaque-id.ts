import { TenantryError } from './errors.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
const unstorable = /[\u0000-\u001f\u007f]|\p{Surrogate}/u;

/**
 * Returns an identifier that somebody else made, such as a user's, exactly as it is: two that differ in a space or in
 * the form of an accent are two. PostgreSQL and drivers would drop or replace what this refuses, and with that make two
 * identifiers one.
 *
 * @throws TenantryError `name_invalid` when it is no text, is empty, has more than 255 characters, or holds control
 * characters or half of a surrogate pair.
 *
 * @example
 * ```ts
 * import { opaqueId } from 'tenantry/core';
 *
 * opaqueId('userId', 'auth0|5f7c8ec7'); // 'auth0|5f7c8ec7'
 * ```
 */
export function opaqueId(field: string, value: unknown): string {
  if (typeof value !== 'string') throw new TenantryError('name_invalid', { field, problem: 'must be a text' });
  if (value === '') throw new TenantryError('name_invalid', { field, problem: 'must not be empty' });
  if (value.length > 255)
    throw new TenantryError('name_invalid', { field, problem: 'must have at most 255 characters' });
  if (unstorable.test(value)) {
    throw new TenantryError('name_invalid', { field, problem: 'holds a character that cannot be stored' });
  }
  return value;
}
