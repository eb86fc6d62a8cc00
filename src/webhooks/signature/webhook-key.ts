import { createSecretKey, type KeyObject } from 'node:crypto';
import { TenantryError } from '../../core/index.ts';

/** A secret that is ready for use. It shows nothing of itself when it is printed. */
export interface WebhookKey {
  /** The label of the signatures that it makes; one key never serves two. */
  readonly version: 'v1';
  readonly key: KeyObject;
}

/** A secret in its text form (`whsec_…`), or a key made of it by {@link webhookKey}. */
export type WebhookSecret = string | WebhookKey;

/** Secrets in the wild are shorter than the standard's 24 bytes, but below this they can be guessed. */
const leastBytes = 16;
const mostBytes = 256;

const cacheSize = 1000;
const cache = new Map<string, WebhookKey>();

/**
 * Reads a secret once, for signing and verifying often. It reads what is found in the wild: with or without `whsec_`,
 * standard or URL-safe base64, padded or not, with white space around or within. Texts that are handed to `signWebhook`
 * and `verifyWebhook` are read the same way and kept in a cache of bounded size.
 *
 * @throws TenantryError `webhook_secret_invalid` when the text is no base64, holds fewer than 16 or more than 256 bytes,
 * or is an asymmetric key (`whsk_`, `whpk_`).
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
  return { version: 'v1', key: createSecretKey(secretBytes(secret)) };
}

/** The keys of one secret or of several, each made once. */
export function keysOf(secret: WebhookSecret | readonly WebhookSecret[]): readonly WebhookKey[] {
  return isList(secret) ? secret.map(keyOf) : [keyOf(secret)];
}

function isList(secret: WebhookSecret | readonly WebhookSecret[]): secret is readonly WebhookSecret[] {
  return Array.isArray(secret);
}

function keyOf(secret: WebhookSecret): WebhookKey {
  if (typeof secret !== 'string') return secret;
  const known = cache.get(secret);
  if (known !== undefined) return known;
  const key = webhookKey(secret);
  const [oldest] = cache.keys();
  if (cache.size >= cacheSize && oldest !== undefined) cache.delete(oldest);
  cache.set(secret, key);
  return key;
}

/** Problems never quote the text: it is a secret. */
function secretBytes(secret: string): Buffer {
  const invalid = (problem: string): TenantryError => new TenantryError('webhook_secret_invalid', { problem });
  if (typeof secret !== 'string') throw invalid('a webhook secret must be a text');
  const text = secret.replaceAll(/\s+/g, '');
  if (/^wh[sp]k_/.test(text))
    throw invalid('this is an asymmetric key (v1a); a secret that begins with whsec_ is needed');
  const base64 = text
    .replace(/^whsec_/, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(base64) || base64.length % 4 === 1) {
    throw invalid('a webhook secret must be base64, after an optional whsec_');
  }
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length < leastBytes || bytes.length > mostBytes) {
    throw invalid(`a webhook secret must hold ${leastBytes} to ${mostBytes} bytes, this one holds ${bytes.length}`);
  }
  return bytes;
}
