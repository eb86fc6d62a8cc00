import { createHash, randomBytes } from 'node:crypto';

const form = /^[A-Za-z0-9_-]{43}$/;

/** Makes a token that opens something: a prefix that says what, and 256 random bits. Only its digest is to be stored. */
export function makeSecretToken(prefix: string): string {
  return `${prefix}_${randomBytes(32).toString('base64url')}`;
}

/** The digest that a token is found by; null for what has not the form of one with this prefix. */
export function digestOfSecretToken(prefix: string, token: unknown): string | null {
  if (typeof token !== 'string' || !token.startsWith(`${prefix}_`)) return null;
  if (!form.test(token.slice(prefix.length + 1))) return null;
  return createHash('sha256').update(token).digest('hex');
}
