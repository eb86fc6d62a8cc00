import { verify } from 'node:crypto';
import { hmacOf, joined } from './message.ts';
import { readSigned, type SignedMessage } from './read-signed.ts';
import { sameText } from './same-text.ts';
import { type RefusedWebhook, refused, type WebhookRequest } from './verification-rules.ts';
import { keysOf, type WebhookKey, type WebhookSecret } from './webhook-key.ts';

/** What {@link verifyWebhook} looks at; of the headers, `svix-…` names are read as well. */
export interface VerifyWebhookInput extends WebhookRequest {
  /** The secret, or several while one is being replaced: any of them may have signed. */
  readonly secret: WebhookSecret | readonly WebhookSecret[];
}

/** What {@link verifyWebhook} found. Keep the `id` to know a message that is delivered twice. */
export type WebhookVerification = { readonly ok: true; readonly id: string; readonly timestamp: Date } | RefusedWebhook;

/**
 * Verifies a webhook signed by Standard Webhooks 1.0.0, over the bytes of its body: v1 (HMAC-SHA256) in constant time for
 * each signature, v1a (Ed25519) by its own algorithm. A signature counts only under the label of the key's own version.
 * It parses nothing: for that see `unwrapWebhook`.
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
export function verifyWebhook(input: VerifyWebhookInput): WebhookVerification {
  const keys = keysOf(input.secret);
  const message = readSigned(input);
  if (!message.ok) return message;
  if (keys.length === 0) return refused('no_key');
  for (const key of keys) {
    if (matches(key, message)) return verified(message);
  }
  return refused('no_matching_signature');
}

function matches(key: WebhookKey, message: SignedMessage): boolean {
  if (key.version === 'v1') return matchesHmac(key, message);
  const candidates = ed25519Signatures(message.signatures);
  if (candidates.length === 0) return false;
  const data = joined(message.prefix, message.body);
  return candidates.some((signature) => verify(null, data, key.key, signature));
}

/** Tells whether one of the v1 signatures fits. */
export function matchesHmac({ key }: WebhookKey, { prefix, body, signatures }: SignedMessage): boolean {
  let expected: string | undefined;
  for (const signature of signatures) {
    if (!signature.startsWith('v1,')) continue;
    expected ??= hmacOf(key, prefix, body);
    if (sameText(expected, signature.slice(3))) return true;
  }
  return false;
}

/** The bytes of the v1a signatures: 64 each, and written in the one way that base64 has for them. */
export function ed25519Signatures(signatures: readonly string[]): readonly Buffer[] {
  return signatures.flatMap((signature) => {
    if (!signature.startsWith('v1a,') || signature.length !== 92) return [];
    const bytes = Buffer.from(signature.slice(4), 'base64');
    return bytes.length === 64 && bytes.toString('base64') === signature.slice(4) ? [bytes] : [];
  });
}

/** What is given for a message of which a signature fits. */
export function verified({ id, seconds }: SignedMessage): WebhookVerification {
  return { ok: true, id, timestamp: new Date(seconds * 1000) };
}
