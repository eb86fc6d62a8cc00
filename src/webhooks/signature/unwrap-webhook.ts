import { TenantryError } from '../../core/index.ts';
import { bodyBytes } from './body.ts';
import { type VerifyWebhookInput, verifyWebhook } from './verify-webhook.ts';

/** A webhook that was verified and parsed. */
export interface UnwrappedWebhook {
  /** The id of the message, the same for each of its deliveries. */
  readonly id: string;
  /** The time of this attempt. */
  readonly timestamp: Date;
  /** The body, parsed as JSON. */
  readonly payload: unknown;
}

/**
 * Verifies a webhook as `verifyWebhook` does, and only then parses its body as JSON.
 *
 * @throws TenantryError `webhook_signature_invalid` with the reason; `webhook_secret_invalid`.
 * @throws TypeError when the body was parsed already.
 *
 * @example
 * ```ts
 * import { createWebhookSecret, signWebhook, unwrapWebhook } from 'tenantry/webhooks';
 *
 * const secret = createWebhookSecret();
 * const body = '{"type":"bot.created"}';
 * const headers = signWebhook({ id: 'msg_1', timestamp: new Date(), body, secret });
 * const { id, payload } = unwrapWebhook({ headers, body, secret }); // 'msg_1', { type: 'bot.created' }
 * ```
 */
export function unwrapWebhook(input: VerifyWebhookInput): UnwrappedWebhook {
  const result = verifyWebhook(input);
  if (!result.ok) throw new TenantryError('webhook_signature_invalid', { reason: result.reason });
  return { id: result.id, timestamp: result.timestamp, payload: parse(bodyBytes(input.body)) };
}

/** Bytes that are no UTF-8 are refused, not replaced: the payload is what was signed. */
function parse(body: string | Uint8Array): unknown {
  try {
    const text = typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body);
    return JSON.parse(text);
  } catch {
    throw new TenantryError('webhook_signature_invalid', { reason: 'invalid_payload' });
  }
}
