import { TenantryError } from '../../core/index.ts';
import { bodyBytes, type WebhookBody } from './body.ts';
import type { WebhookRefusal } from './verification-rules.ts';

/**
 * Parses a body that was verified. Bytes that are no UTF-8 are refused, not replaced: the payload is what was signed.
 *
 * @throws TenantryError `webhook_signature_invalid` with the reason `invalid_payload`.
 */
export function parsePayload(body: WebhookBody): unknown {
  const bytes = bodyBytes(body);
  try {
    const text = typeof bytes === 'string' ? bytes : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return JSON.parse(text);
  } catch {
    throw notVerified('invalid_payload');
  }
}

/** What is thrown where a refusal is not a value. */
export function notVerified(reason: WebhookRefusal): TenantryError {
  return new TenantryError('webhook_signature_invalid', { reason });
}

/** A field of a payload that is a text that is not empty. */
export function textField(payload: unknown, field: string): string | null {
  if (typeof payload !== 'object' || payload === null || !Object.hasOwn(payload, field)) return null;
  const value: unknown = Reflect.get(payload, field);
  return typeof value === 'string' && value !== '' ? value : null;
}
