import { notVerified, parsePayload } from './parse-payload.ts';
import { type VerifyWebhookInput, verifyWebhook, type WebhookVerification } from './verify-webhook.ts';
import { type VerifyWebhookAsyncInput, verifyWebhookAsync } from './verify-webhook-async.ts';

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
  return unwrapped(verifyWebhook(input), input);
}

/**
 * Verifies a webhook as `verifyWebhookAsync` does, and only then parses its body as JSON.
 *
 * @throws TenantryError `webhook_signature_invalid` with the reason; `webhook_secret_invalid`.
 * @throws TypeError when the body was parsed already.
 *
 * @example
 * ```ts
 * import { createWebhookSecret, signWebhook, unwrapWebhookAsync } from 'tenantry/webhooks';
 *
 * const secret = createWebhookSecret();
 * const body = '{"type":"bot.created"}';
 * const headers = signWebhook({ id: 'msg_1', timestamp: new Date(), body, secret });
 * (await unwrapWebhookAsync({ headers, body, secret })).payload; // { type: 'bot.created' }
 * ```
 */
export async function unwrapWebhookAsync(input: VerifyWebhookAsyncInput): Promise<UnwrappedWebhook> {
  return unwrapped(await verifyWebhookAsync(input), input);
}

function unwrapped(result: WebhookVerification, { body }: Pick<VerifyWebhookInput, 'body'>): UnwrappedWebhook {
  if (!result.ok) throw notVerified(result.reason);
  return { id: result.id, timestamp: result.timestamp, payload: parsePayload(body) };
}
