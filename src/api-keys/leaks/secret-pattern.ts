import { TenantryError } from '../../core/index.ts';
import { isPrefix, parseToken } from '../token.ts';

/**
 * The regular expression that finds the secrets of a prefix in code and logs, as scanners take it: only what nearly every
 * engine knows. What it finds is a secret only if its checksum is right: {@link findSecrets} leaves out the rest.
 *
 * @throws TenantryError `config_invalid` for a prefix that is none.
 *
 * @example
 * ```ts
 * import { secretPattern } from 'tenantry/api-keys';
 *
 * secretPattern('hc'); // '\\bhc_(?:live|test)_[0-9A-Za-z]{36}\\b'
 * ```
 */
export function secretPattern(prefix: string): string {
  if (typeof prefix !== 'string' || !isPrefix(prefix)) {
    throw new TenantryError('config_invalid', { path: 'secretPattern(prefix)', problem: 'is no prefix of keys' });
  }
  return String.raw`\b${prefix}_(?:live|test)_[0-9A-Za-z]{36}\b`;
}

/**
 * Finds the secrets of a prefix in a text, each once. The checksum of 32 bits leaves no more than one of four thousand
 * million texts of the same form that is no secret; no database is asked.
 *
 * @throws TenantryError `config_invalid` for a prefix that is none.
 *
 * @example
 * ```ts
 * import { findSecrets } from 'tenantry/api-keys';
 *
 * findSecrets('HC_KEY=hc_live_000000000000000000000000000000000000', 'hc'); // []: the checksum is wrong
 * ```
 */
export function findSecrets(text: string, prefix: string): readonly string[] {
  const found = text.match(new RegExp(secretPattern(prefix), 'g')) ?? [];
  return [...new Set(found.filter((secret) => parseToken(secret)?.prefix === prefix))];
}
