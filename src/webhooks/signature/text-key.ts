import { createSecretKey, type KeyObject } from 'node:crypto';
import { createBoundedMap } from '../../core/bounded-map.ts';
import { TenantryError } from '../../core/index.ts';

/** Whoever sets such a secret chooses it freely; below this it can be guessed. */
const leastCharacters = 8;

const cache = createBoundedMap<string, KeyObject>(1000);

/**
 * The keys of secrets that are used letter by letter, as Stripe's and GitHub's are, each made once.
 *
 * @throws TenantryError `webhook_secret_invalid` for a secret shorter than 8 characters.
 */
export function textKeysOf(secret: string | readonly string[]): readonly KeyObject[] {
  return isList(secret) ? secret.map(textKey) : [textKey(secret)];
}

function isList(secret: string | readonly string[]): secret is readonly string[] {
  return Array.isArray(secret);
}

function textKey(secret: string): KeyObject {
  const known = cache.get(secret);
  if (known !== undefined) return known;
  if (typeof secret !== 'string' || secret.length < leastCharacters) {
    const problem = `a webhook secret must be a text of at least ${leastCharacters} characters`;
    throw new TenantryError('webhook_secret_invalid', { problem });
  }
  const key = createSecretKey(Buffer.from(secret));
  cache.set(secret, key);
  return key;
}
