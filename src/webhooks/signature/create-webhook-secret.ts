import { randomBytes } from 'node:crypto';

/**
 * Makes a new secret for Standard Webhooks v1: `whsec_` and the base64 of random bytes.
 *
 * `bytes` is 32 when absent, and 24 to 64 by the standard.
 *
 * @throws TypeError when `bytes` is out of that range.
 *
 * @example
 * ```ts
 * import { createWebhookSecret } from 'tenantry/webhooks';
 *
 * const secret = createWebhookSecret(); // 'whsec_' and 44 characters
 * ```
 */
export function createWebhookSecret({ bytes = 32 }: { readonly bytes?: number } = {}): string {
  if (!Number.isInteger(bytes) || bytes < 24 || bytes > 64) {
    throw new TypeError('a webhook secret has 24 to 64 bytes (Standard Webhooks 1.0.0)');
  }
  return `whsec_${randomBytes(bytes).toString('base64')}`;
}
