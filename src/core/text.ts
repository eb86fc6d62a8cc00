import { TenantryError } from './errors.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u;

/**
 * Returns a text a person typed, trimmed and in Unicode's composed form (NFC).
 *
 * @throws TenantryError `name_invalid` when it is empty, longer than `max` UTF-16 units, or holds control or
 * direction-changing characters or half of a surrogate pair, which PostgreSQL cannot store.
 *
 * @example
 * ```ts
 * import { cleanText } from 'tenantry/core';
 *
 * cleanText('name', '  Acme Inc ', 200); // 'Acme Inc'
 * ```
 */
export function cleanText(field: string, value: unknown, max: number): string {
  if (typeof value !== 'string') throw new TenantryError('name_invalid', { field, problem: 'must be a text' });
  const text = value.normalize('NFC').trim();
  if (text === '') throw new TenantryError('name_invalid', { field, problem: 'must not be empty' });
  if (text.length > max) {
    throw new TenantryError('name_invalid', { field, problem: `must have at most ${max} characters` });
  }
  if (control.test(text)) throw new TenantryError('name_invalid', { field, problem: 'holds a control character' });
  return text;
}
