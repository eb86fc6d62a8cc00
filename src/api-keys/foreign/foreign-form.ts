import { createHash, createHmac, createSecretKey } from 'node:crypto';
import { TenantryError } from '../../core/index.ts';

/** Secrets of another system whose digest can be computed from the secret alone, and maybe a pepper that is known. */
export interface DigestForm {
  /** What a secret of that system looks like, from its first character to its last. */
  readonly pattern: RegExp;
  /** The digest that was imported, in hexadecimal; the SHA-256 of the secret when absent. */
  readonly digestOf?: (secret: string) => string;
}

/** Secrets of another system whose hash cannot be computed without the hash itself: bcrypt, scrypt, or with a salt. */
export interface HashForm {
  /** What a secret of that system looks like, from its first character to its last. */
  readonly pattern: RegExp;
  /** The part of a secret by which its hash is found, such as an identifier in it; `lookup` when it was imported. */
  readonly lookupOf: (secret: string) => string;
  /** Tells whether a hash is the secret's. It may take long: few run at once. */
  readonly verify: (secret: string, hash: string) => boolean | Promise<boolean>;
}

/** The form of secrets that another system issued, and how they are recognised. */
export type ForeignForm = DigestForm | HashForm;

/**
 * The form of secrets that were stored as a SHA-256 together with a pepper: a secret text that stood before or behind
 * each of them.
 *
 * @example
 * ```ts
 * import { pepperedForm } from 'tenantry/api-keys';
 *
 * const foreign = pepperedForm({ pattern: /^sk_[0-9a-f]{32}$/, pepper: 'of the old system', place: 'before' });
 * ```
 */
export function pepperedForm({
  pattern,
  pepper,
  place = 'after',
}: {
  readonly pattern: RegExp;
  readonly pepper: string;
  /** Where the pepper stood; `after` the secret when absent. */
  readonly place?: 'before' | 'after';
}): DigestForm {
  const digestOf = (secret: string): string =>
    createHash('sha256')
      .update(place === 'before' ? pepper + secret : secret + pepper)
      .digest('hex');
  return { pattern, digestOf };
}

/**
 * The form of secrets that were stored as an HMAC-SHA-256 under a key.
 *
 * @example
 * ```ts
 * import { hmacForm } from 'tenantry/api-keys';
 *
 * const foreign = hmacForm({ pattern: /^ak_[A-Za-z0-9]{40}$/, key: Buffer.from('c2VjcmV0', 'base64') });
 * ```
 */
export function hmacForm({
  pattern,
  key,
}: {
  readonly pattern: RegExp;
  readonly key: string | Uint8Array;
}): DigestForm {
  const secretKey = typeof key === 'string' ? createSecretKey(key, 'utf8') : createSecretKey(key);
  return { pattern, digestOf: (secret) => createHmac('sha256', secretKey).update(secret).digest('hex') };
}

/**
 * Checks the forms that a program declares. A pattern alone stands for the SHA-256 of the whole secret.
 *
 * @throws TenantryError `config_invalid`.
 */
export function readForms(
  foreign: RegExp | ForeignForm | readonly (RegExp | ForeignForm)[] | undefined,
): readonly ForeignForm[] {
  if (foreign === undefined) return [];
  const list: readonly unknown[] = Array.isArray(foreign) ? foreign : [foreign];
  return list.map((form, index) => {
    const path = Array.isArray(foreign) ? `apiKeys.foreign[${index}]` : 'apiKeys.foreign';
    if (form instanceof RegExp) return { pattern: steady(form) };
    if (!isForm(form)) {
      const problem = 'must be a RegExp, or { pattern } with digestOf, or with lookupOf and verify';
      throw new TenantryError('config_invalid', { path, problem });
    }
    return { ...form, pattern: steady(form.pattern) };
  });
}

function isForm(value: unknown): value is ForeignForm {
  if (typeof value !== 'object' || value === null || !('pattern' in value)) return false;
  const has = (name: string): boolean => typeof Reflect.get(value, name) === 'function';
  return value.pattern instanceof RegExp && has('lookupOf') === has('verify') && !(has('digestOf') && has('verify'));
}

/** A global or sticky expression remembers where it stopped and would refuse every other secret. */
function steady(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ''));
}
