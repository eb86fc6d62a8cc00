import { createHash } from 'node:crypto';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * The API key of a customer as the legacy service showed it once: `hc_live_` and 32 hex characters, no checksum. It
 * follows from the customer's id, so that the demonstration can use an old key although the database holds only hashes.
 */
export function legacySecretOf(customerId: string, seed = 3): string {
  return `hc_live_${sha256(`hotcross key ${seed} ${customerId}`).slice(0, 32)}`;
}

/** What the legacy service stored of a key. */
export function storedKeyOf(secret: string): { hash: string; prefix: string } {
  return { hash: sha256(secret), prefix: secret.slice(0, 12) };
}
