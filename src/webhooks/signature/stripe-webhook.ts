import { readHeader } from '../../core/index.ts';
import { bodyBytes, type WebhookBody } from './body.ts';
import { hmacOf, isTimestamp, timestampText } from './message.ts';
import { notVerified, parsePayload, textField } from './parse-payload.ts';
import { sameText } from './same-text.ts';
import { textKeysOf } from './text-key.ts';
import type { UnwrappedWebhook } from './unwrap-webhook.ts';
import {
  isTimely,
  isTooLarge,
  mostHeaderCharacters,
  mostSignatures,
  type RefusedWebhook,
  refused,
  type WebhookRequest,
} from './verification-rules.ts';

/** What {@link verifyStripeWebhook} looks at. */
export interface VerifyStripeInput extends WebhookRequest {
  /** The endpoint's signing secret (`whsec_…`, used letter by letter), or several while one is being replaced. */
  readonly secret: string | readonly string[];
}

/** What {@link verifyStripeWebhook} found. The id of a Stripe event stands in its body. */
export type StripeVerification = { readonly ok: true; readonly timestamp: Date } | RefusedWebhook;

/**
 * Verifies a webhook of Stripe (`Stripe-Signature: t=…,v1=…`) over the bytes of its body. Unlike Stripe's own library it
 * refuses a time in the future as well. It parses nothing.
 *
 * @throws TypeError when the body was parsed already.
 * @throws TenantryError `webhook_secret_invalid`.
 *
 * @example
 * ```ts
 * import { signStripeWebhook, verifyStripeWebhook } from 'tenantry/webhooks';
 *
 * const secret = 'whsec_of_the_endpoint';
 * const body = '{"id":"evt_1","type":"invoice.paid"}';
 * const headers = signStripeWebhook({ timestamp: new Date(), body, secret });
 * const result = verifyStripeWebhook({ headers, body, secret }); // { ok: true, timestamp: … }
 * ```
 */
export function verifyStripeWebhook({ secret, ...request }: VerifyStripeInput): StripeVerification {
  const keys = textKeysOf(secret);
  const body = bodyBytes(request.body);
  const header = readHeader(request.headers, 'stripe-signature');
  if (!header) return refused('missing_headers');
  if (header.length > mostHeaderCharacters) return refused('invalid_headers');
  const items = header.split(',').map((item) => item.trim());
  const valuesOf = (name: string): string[] =>
    items.filter((item) => item.startsWith(`${name}=`)).map((item) => item.slice(name.length + 1));
  const [timestamp = '', another] = valuesOf('t');
  const signatures = valuesOf('v1');
  if (another !== undefined || signatures.length > mostSignatures) return refused('invalid_headers');
  if (!isTimestamp(timestamp)) return refused('invalid_timestamp');
  const seconds = Number(timestamp);
  if (!isTimely(seconds, request)) return refused('timestamp_out_of_tolerance');
  if (isTooLarge(body, request)) return refused('body_too_large');
  if (keys.length === 0) return refused('no_key');
  const matches = keys.some((key) => {
    const expected = hmacOf(key, `${timestamp}.`, body, 'hex');
    return signatures.some((signature) => sameText(expected, signature));
  });
  return matches ? { ok: true, timestamp: new Date(seconds * 1000) } : refused('no_matching_signature');
}

/**
 * Verifies a webhook of Stripe, and only then parses it. The `id` is that of the event (`evt_…`).
 *
 * @throws TenantryError `webhook_signature_invalid` with the reason (`invalid_payload` where there is no id);
 * `webhook_secret_invalid`.
 * @throws TypeError when the body was parsed already.
 *
 * @example
 * ```ts
 * import { signStripeWebhook, unwrapStripeWebhook } from 'tenantry/webhooks';
 *
 * const body = '{"id":"evt_1","type":"invoice.paid"}';
 * const headers = signStripeWebhook({ timestamp: new Date(), body, secret: 'whsec_of_the_endpoint' });
 * unwrapStripeWebhook({ headers, body, secret: 'whsec_of_the_endpoint' }).id; // 'evt_1'
 * ```
 */
export function unwrapStripeWebhook(input: VerifyStripeInput): UnwrappedWebhook {
  const result = verifyStripeWebhook(input);
  if (!result.ok) throw notVerified(result.reason);
  const payload = parsePayload(input.body);
  const id = textField(payload, 'id');
  if (id === null) throw notVerified('invalid_payload');
  return { id, timestamp: result.timestamp, payload };
}

/** What {@link signStripeWebhook} signs. */
export interface SignStripeInput {
  /** The time of this attempt; a number counts Unix seconds. */
  readonly timestamp: Date | number;
  /** The body exactly as it will be sent. */
  readonly body: WebhookBody;
  /** The secret, or several: the message is signed with each. */
  readonly secret: string | readonly string[];
}

/**
 * Signs as Stripe does, for tests of a receiver. Stripe's own `constructEvent` takes it.
 *
 * @throws TypeError when the time or the body is none, or no secret is given.
 * @throws TenantryError `webhook_secret_invalid`.
 *
 * @example
 * ```ts
 * import { signStripeWebhook, unwrapStripeWebhook } from 'tenantry/webhooks';
 *
 * const body = '{"id":"evt_1","type":"invoice.paid"}';
 * const headers = signStripeWebhook({ timestamp: new Date(), body, secret: 'whsec_of_the_endpoint' });
 * unwrapStripeWebhook({ headers, body, secret: 'whsec_of_the_endpoint' }).id; // 'evt_1'
 * ```
 */
export function signStripeWebhook({
  timestamp,
  body,
  secret,
}: SignStripeInput): Readonly<Record<'stripe-signature', string>> {
  const bytes = bodyBytes(body);
  const seconds = timestampText(timestamp);
  const keys = textKeysOf(secret);
  if (keys.length === 0) throw new TypeError('a webhook must be signed with at least one secret');
  const signatures = keys.map((key) => `v1=${hmacOf(key, `${seconds}.`, bytes, 'hex')}`);
  return { 'stripe-signature': [`t=${seconds}`, ...signatures].join(',') };
}
