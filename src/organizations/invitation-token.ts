import { createHash, randomBytes } from 'node:crypto';

const form = /^inv_[A-Za-z0-9_-]{43}$/;

/** Makes the token of an invitation: 256 random bits. It is told once, and only its digest is stored. */
export function makeInvitationToken(): string {
  return `inv_${randomBytes(32).toString('base64url')}`;
}

/** The digest that a token is found by; null for what has not the form of one. */
export function digestOfToken(token: unknown): string | null {
  return typeof token === 'string' && form.test(token) ? createHash('sha256').update(token).digest('hex') : null;
}
