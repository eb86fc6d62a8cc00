import { verify } from 'node:crypto';
import { joined } from './message.ts';
import { readSigned, type SignedMessage } from './read-signed.ts';
import { refused, type WebhookRequest } from './verification-rules.ts';
import { ed25519Signatures, matchesHmac, verified, type WebhookVerification } from './verify-webhook.ts';
import { keysOf, type WebhookKey, type WebhookSecret } from './webhook-key.ts';

/** What {@link verifyWebhookAsync} looks at. */
export interface VerifyWebhookAsyncInput extends WebhookRequest {
  /**
   * As of `verifyWebhook`, or what fetches it. It is called only for a message whose headers, time and size are in
   * order, so that nonsense costs no look-up.
   */
  readonly secret:
    | WebhookSecret
    | readonly WebhookSecret[]
    | (() => Promise<WebhookSecret | readonly WebhookSecret[]> | WebhookSecret | readonly WebhookSecret[]);
}

/**
 * Verifies as `verifyWebhook` does, with a secret that may have to be fetched first (from a database, of one tenant).
 * Ed25519 is computed off the main thread; an HMAC takes less time than going there and back.
 *
 * @throws TypeError when the body was parsed already.
 * @throws TenantryError `webhook_secret_invalid`; what the function for the secret throws.
 *
 * @example
 * ```ts
 * import { createWebhookSecret, signWebhook, verifyWebhookAsync } from 'tenantry/webhooks';
 *
 * const stored = createWebhookSecret();
 * const headers = signWebhook({ id: 'msg_1', timestamp: new Date(), body: '{}', secret: stored });
 * const result = await verifyWebhookAsync({ headers, body: '{}', secret: async () => stored }); // { ok: true, … }
 * ```
 */
export async function verifyWebhookAsync({
  secret,
  ...request
}: VerifyWebhookAsyncInput): Promise<WebhookVerification> {
  const message = readSigned(request);
  if (!message.ok) return message;
  const keys = keysOf(typeof secret === 'function' ? await secret() : secret);
  if (keys.length === 0) return refused('no_key');
  for (const key of keys) {
    if (await matches(key, message)) return verified(message);
  }
  return refused('no_matching_signature');
}

async function matches(key: WebhookKey, message: SignedMessage): Promise<boolean> {
  if (key.version === 'v1') return matchesHmac(key, message);
  const candidates = ed25519Signatures(message.signatures);
  if (candidates.length === 0) return false;
  const data = joined(message.prefix, message.body);
  for (const signature of candidates) {
    if (await verifyElsewhere(data, key, signature)) return true;
  }
  return false;
}

function verifyElsewhere(data: Buffer, { key }: WebhookKey, signature: Buffer): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify(null, data, key, signature, (error, fits) => (error === null ? resolve(fits) : reject(error)));
  });
}
