import { generateKeyPairSync } from 'node:crypto';
import { publicBytes, seedBytes } from './webhook-key.ts';

/** A new pair of keys for v1a, in their text form. */
export interface WebhookKeyPair {
  /** `whsk_…`: signs. It holds the seed and then the public key, 64 bytes, as Svix writes it. Keep it secret. */
  readonly secretKey: string;
  /** `whpk_…`: verifies. Give it to receivers. */
  readonly publicKey: string;
}

/**
 * Makes a new pair of keys for Standard Webhooks v1a (Ed25519). Whoever verifies holds nothing that could sign.
 *
 * @example
 * ```ts
 * import { createWebhookKeyPair, signWebhook, verifyWebhook } from 'tenantry/webhooks';
 *
 * const { secretKey, publicKey } = createWebhookKeyPair();
 * const headers = signWebhook({ id: 'msg_1', timestamp: new Date(), body: '{}', secret: secretKey });
 * verifyWebhook({ headers, body: '{}', secret: publicKey }); // { ok: true, id: 'msg_1', timestamp: … }
 * ```
 */
export function createWebhookKeyPair(): WebhookKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const open = publicBytes(publicKey);
  return {
    secretKey: `whsk_${Buffer.concat([seedBytes(privateKey), open]).toString('base64')}`,
    publicKey: `whpk_${open.toString('base64')}`,
  };
}
