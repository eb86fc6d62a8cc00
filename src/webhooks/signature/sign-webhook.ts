import { sign } from 'node:crypto';
import { TenantryError } from '../../core/index.ts';
import { bodyBytes, type WebhookBody } from './body.ts';
import { hmacOf, isMessageId, joined, timestampText } from './message.ts';
import { keysOf, type WebhookKey, type WebhookSecret } from './webhook-key.ts';

/** What {@link signWebhook} signs. */
export interface SignWebhookInput {
  /** The id of the message: visible ASCII without a dot, at most 256 characters. It stays the same over retries. */
  readonly id: string;
  /** The time of this attempt; a number counts Unix seconds. */
  readonly timestamp: Date | number;
  /** The body exactly as it will be sent. */
  readonly body: WebhookBody;
  /** The secret, or several while one is being replaced: the message is signed with each. */
  readonly secret: WebhookSecret | readonly WebhookSecret[];
}

/** The headers to send with a signed message. */
export type SignedHeaders = Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>>;

/**
 * Signs a webhook by Standard Webhooks 1.0.0 and gives the headers to send with it: v1 (HMAC-SHA256) with a `whsec_`, v1a
 * (Ed25519) with a `whsk_`, and with each of several.
 *
 * @throws TypeError when the id, the time or the body is none, or no secret is given.
 * @throws TenantryError `webhook_secret_invalid`, also for a public key.
 *
 * @example
 * ```ts
 * import { createWebhookSecret, signWebhook } from 'tenantry/webhooks';
 *
 * const body = JSON.stringify({ type: 'bot.created', timestamp: '2026-01-01T00:00:00Z', data: { id: 1 } });
 * const headers = signWebhook({ id: 'msg_1', timestamp: new Date(), body, secret: createWebhookSecret() });
 * // headers: { 'webhook-id': 'msg_1', 'webhook-timestamp': '…', 'webhook-signature': 'v1,…' }
 * ```
 */
export function signWebhook({ id, timestamp, body, secret }: SignWebhookInput): SignedHeaders {
  const bytes = bodyBytes(body);
  const seconds = timestampText(timestamp);
  if (!isMessageId(id)) throw new TypeError('the id of a webhook must be visible ASCII without a dot');
  const keys = keysOf(secret);
  if (keys.length === 0) throw new TypeError('a webhook must be signed with at least one secret');
  const prefix = `${id}.${seconds}.`;
  const signatures = keys.map((key) => `${key.version},${signatureOf(key, prefix, bytes)}`);
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures.join(' ') };
}

function signatureOf({ version, key }: WebhookKey, prefix: string, body: string | Uint8Array): string {
  if (version === 'v1') return hmacOf(key, prefix, body);
  if (key.type !== 'private') {
    throw new TenantryError('webhook_secret_invalid', { problem: 'a whpk_ only verifies: sign with its whsk_' });
  }
  return sign(null, joined(prefix, body), key).toString('base64');
}
