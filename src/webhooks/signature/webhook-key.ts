import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { createBoundedMap } from '../../core/bounded-map.ts';
import { TenantryError } from '../../core/index.ts';

/** A secret that is ready for use. It shows nothing of itself when it is printed. */
export interface WebhookKey {
  /** The label of its signatures: `v1` is HMAC-SHA256, `v1a` Ed25519. One key never serves two. */
  readonly version: 'v1' | 'v1a';
  /** A secret (v1), a private key (v1a, signs and verifies) or a public one (v1a, verifies). */
  readonly key: KeyObject;
}

/** A secret in its text form (`whsec_…`, `whsk_…`, `whpk_…`), or a key made of it by {@link webhookKey}. */
export type WebhookSecret = string | WebhookKey;

/** Secrets in the wild are shorter than the standard's 24 bytes, but below this they can be guessed. */
const leastBytes = 16;
const mostBytes = 256;

/** What DER puts before the 32 bytes of an Ed25519 key (RFC 8410). */
const privateStart = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicStart = Buffer.from('302a300506032b6570032100', 'hex');

const cache = createBoundedMap<string, WebhookKey>(1000);

/**
 * Reads a secret once, for signing and verifying often: `whsec_` (HMAC), `whsk_` (Ed25519, signs) and `whpk_` (Ed25519,
 * verifies). It reads what is found in the wild: with or without `whsec_`, standard or URL-safe base64, padded or not,
 * with white space around or within; a `whsk_` of 32 bytes (the seed) or of 64 (seed and public key). Texts that are
 * handed to `signWebhook` and `verifyWebhook` are read the same way and kept in a cache of bounded size.
 *
 * @throws TenantryError `webhook_secret_invalid` when the text is no base64, holds fewer than 16 or more than 256 bytes,
 * or is no key of Ed25519 where it says to be one.
 *
 * @example
 * ```ts
 * import { createWebhookSecret, verifyWebhook, webhookKey } from 'tenantry/webhooks';
 *
 * const key = webhookKey(createWebhookSecret());
 * verifyWebhook({ headers: {}, body: '{}', secret: key }); // { ok: false, reason: 'missing_headers' }
 * ```
 */
export function webhookKey(secret: string): WebhookKey {
  if (typeof secret !== 'string') throw invalid('a webhook secret must be a text');
  const text = secret.replaceAll(/\s+/g, '');
  if (text.startsWith('whsk_')) return { version: 'v1a', key: privateKey(bytesOf(text.slice(5))) };
  if (text.startsWith('whpk_')) return { version: 'v1a', key: publicKey(bytesOf(text.slice(5))) };
  const bytes = bytesOf(text.replace(/^whsec_/, ''));
  if (bytes.length < leastBytes || bytes.length > mostBytes) {
    throw invalid(`a webhook secret must hold ${leastBytes} to ${mostBytes} bytes, this one holds ${bytes.length}`);
  }
  return { version: 'v1', key: createSecretKey(bytes) };
}

/** The keys of one secret or of several, each made once. */
export function keysOf(secret: WebhookSecret | readonly WebhookSecret[]): readonly WebhookKey[] {
  return isList(secret) ? secret.map(keyOf) : [keyOf(secret)];
}

function isList(secret: WebhookSecret | readonly WebhookSecret[]): secret is readonly WebhookSecret[] {
  return Array.isArray(secret);
}

function keyOf(secret: WebhookSecret): WebhookKey {
  if (typeof secret === 'object') return secret;
  const known = cache.get(secret);
  if (known !== undefined) return known;
  const key = webhookKey(secret);
  cache.set(secret, key);
  return key;
}

/** Problems never quote the text: it is a secret. */
function invalid(problem: string): TenantryError {
  return new TenantryError('webhook_secret_invalid', { problem });
}

function bytesOf(text: string): Buffer {
  const base64 = text
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(base64) || base64.length % 4 === 1) {
    throw invalid('a webhook secret must be base64, after an optional whsec_, or whsk_ or whpk_');
  }
  return Buffer.from(base64, 'base64');
}

/** Svix writes the public key behind the seed: another one than the seed's own would verify nothing. */
function privateKey(bytes: Buffer): KeyObject {
  if (bytes.length !== 32 && bytes.length !== 64) {
    throw invalid(`a whsk_ holds 32 bytes, or 64 with the public key, this one holds ${bytes.length}`);
  }
  const der = Buffer.concat([privateStart, bytes.subarray(0, 32)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  if (bytes.length === 64 && !publicBytes(createPublicKey(key)).equals(bytes.subarray(32))) {
    throw invalid('the second half of this whsk_ is not the public key of the first');
  }
  return key;
}

function publicKey(bytes: Buffer): KeyObject {
  if (bytes.length !== 32) throw invalid(`a whpk_ holds 32 bytes, this one holds ${bytes.length}`);
  return createPublicKey({ key: Buffer.concat([publicStart, bytes]), format: 'der', type: 'spki' });
}

/** The 32 bytes of a public Ed25519 key. */
export function publicBytes(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(publicStart.length);
}

/** The 32 bytes of the seed of a private Ed25519 key. */
export function seedBytes(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'pkcs8' }).subarray(privateStart.length);
}

/**
 * The text form of the public key of a private one: `whpk_…`.
 *
 * @throws TenantryError `webhook_secret_invalid` for a key that signs nothing.
 */
export function publicKeyOf({ key }: WebhookKey): string {
  if (key.type !== 'private') throw invalid('a whpk_ only verifies: hand in its whsk_');
  return `whpk_${publicBytes(createPublicKey(key)).toString('base64')}`;
}
