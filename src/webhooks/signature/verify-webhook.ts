import { timingSafeEqual } from 'node:crypto';
import { type Clock, type HeadersLike, readHeader, systemClock } from '../../core/index.ts';
import { bodyBytes, type WebhookBody } from './body.ts';
import { hmacOf, isMessageId, isTimestamp } from './message.ts';
import { keysOf, type WebhookKey, type WebhookSecret } from './webhook-key.ts';

/** What {@link verifyWebhook} looks at. */
export interface VerifyWebhookInput {
  /** The headers of the request, in any form and case; `svix-…` names are read as well. */
  readonly headers: HeadersLike;
  /** The body exactly as it arrived. */
  readonly body: WebhookBody;
  /** The secret, or several while one is being replaced: any of them may have signed. */
  readonly secret: WebhookSecret | readonly WebhookSecret[];
  readonly clock?: Clock;
  /** How far the message's time may lie in the past or in the future, in seconds; 300 when absent. */
  readonly toleranceSeconds?: number;
  /** How many bytes the body may have; 1 MiB when absent. */
  readonly maxBodyBytes?: number;
}

/**
 * Why a webhook was refused. `invalid_headers`: an id with a dot, more than 16 signatures, or more than 4 KiB of
 * headers. `no_key`: the list of secrets is empty. `invalid_payload`: verified, but no JSON (only of `unwrapWebhook`).
 */
export type WebhookRefusal =
  | 'no_key'
  | 'missing_headers'
  | 'invalid_headers'
  | 'invalid_timestamp'
  | 'timestamp_out_of_tolerance'
  | 'body_too_large'
  | 'no_matching_signature'
  | 'invalid_payload';

/** What {@link verifyWebhook} found. Keep the `id` to know a message that is delivered twice. */
export type WebhookVerification =
  | { readonly ok: true; readonly id: string; readonly timestamp: Date }
  | { readonly ok: false; readonly reason: WebhookRefusal };

const mostSignatures = 16;
const mostHeaderCharacters = 4096;

/**
 * Verifies a webhook signed by Standard Webhooks 1.0.0 (v1, HMAC-SHA256), over the bytes of its body, in constant time
 * for each signature. It parses nothing: for that see `unwrapWebhook`.
 *
 * @throws TypeError when the body was parsed already, with what to do in common frameworks.
 * @throws TenantryError `webhook_secret_invalid`.
 *
 * @example
 * ```ts
 * import { createWebhookSecret, signWebhook, verifyWebhook } from 'tenantry/webhooks';
 *
 * const secret = createWebhookSecret();
 * const body = '{"type":"bot.created"}';
 * const headers = signWebhook({ id: 'msg_1', timestamp: new Date(), body, secret });
 * const result = verifyWebhook({ headers, body, secret }); // { ok: true, id: 'msg_1', timestamp: … }
 * ```
 */
export function verifyWebhook({
  headers,
  body,
  secret,
  clock = systemClock,
  toleranceSeconds = 300,
  maxBodyBytes = 1_048_576,
}: VerifyWebhookInput): WebhookVerification {
  if (!(toleranceSeconds >= 0)) throw new TypeError('toleranceSeconds must be a number of seconds, 0 or more');
  const bytes = bodyBytes(body);
  const keys = keysOf(secret);
  if (keys.length === 0) return refused('no_key');

  const sent = readHeaders(headers);
  if (sent === undefined) return refused('missing_headers');
  const { id, timestamp, signature } = sent;
  if (id.length + timestamp.length + signature.length > mostHeaderCharacters) return refused('invalid_headers');
  const signatures = signature.trim().split(/\s+/);
  if (signatures.length > mostSignatures || !isMessageId(id)) return refused('invalid_headers');
  if (!isTimestamp(timestamp)) return refused('invalid_timestamp');

  const seconds = Number(timestamp);
  const now = Math.floor(clock().getTime() / 1000);
  if (Math.abs(now - seconds) > toleranceSeconds) return refused('timestamp_out_of_tolerance');
  const size = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
  if (size > maxBodyBytes) return refused('body_too_large');

  const matches = keys.some((key) => anyMatches(key, signatures, hmacOf(key, id, timestamp, bytes)));
  return matches ? { ok: true, id, timestamp: new Date(seconds * 1000) } : refused('no_matching_signature');
}

function refused(reason: WebhookRefusal): WebhookVerification {
  return { ok: false, reason };
}

/** All three headers of one family; they are never mixed. */
function readHeaders(headers: HeadersLike): { id: string; timestamp: string; signature: string } | undefined {
  for (const family of ['webhook', 'svix']) {
    const id = readHeader(headers, `${family}-id`);
    const timestamp = readHeader(headers, `${family}-timestamp`);
    const signature = readHeader(headers, `${family}-signature`);
    if (id && timestamp && signature) return { id, timestamp, signature };
  }
  return undefined;
}

/**
 * Compares base64 with base64: decoding first would take texts for equal that differ, as in the last character's unused
 * bits. Only signatures with the label of the key's own version count. A header that was sent several times is joined
 * by commas, which stand at the end of a signature then.
 */
function anyMatches(key: WebhookKey, signatures: readonly string[], expected: string): boolean {
  const wanted = Buffer.from(expected, 'latin1');
  const label = `${key.version},`;
  return signatures.some((text) => {
    const signature = text.endsWith(',') ? text.slice(0, -1) : text;
    if (!signature.startsWith(label) || signature.length !== label.length + expected.length) return false;
    const given = Buffer.from(signature.slice(label.length), 'utf8');
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}
