import { readHeader } from '../../core/index.ts';
import { bodyBytes, type WebhookBody } from './body.ts';
import { hmacOf } from './message.ts';
import { notVerified, parsePayload } from './parse-payload.ts';
import { sameText } from './same-text.ts';
import { textKeysOf } from './text-key.ts';
import { isTooLarge, type RefusedWebhook, refused, type WebhookRequest } from './verification-rules.ts';

/** What {@link verifyGithubWebhook} looks at. GitHub signs no time. */
export interface VerifyGithubInput extends Pick<WebhookRequest, 'headers' | 'body' | 'maxBodyBytes'> {
  /** The secret of the webhook, or several while one is being replaced. */
  readonly secret: string | readonly string[];
}

/** A webhook of GitHub as its headers tell of it. The signature covers the body alone, and none of these. */
export interface GithubHeaders {
  /** `X-GitHub-Delivery`, the same when it is delivered again; null where it is not there. */
  readonly id: string | null;
  /** `X-GitHub-Event`, such as `push`. */
  readonly event: string | null;
}

/** What {@link verifyGithubWebhook} found. */
export type GithubVerification = ({ readonly ok: true } & GithubHeaders) | RefusedWebhook;

/**
 * Verifies a webhook of GitHub (`X-Hub-Signature-256: sha256=…`) over the bytes of its body. Others sign in the same way
 * (Meta, Gitea). The old `X-Hub-Signature` of SHA-1 counts for nothing.
 *
 * @throws TypeError when the body was parsed already.
 * @throws TenantryError `webhook_secret_invalid`.
 *
 * @example
 * ```ts
 * import { signGithubWebhook, verifyGithubWebhook } from 'tenantry/webhooks';
 *
 * const secret = "It's a Secret to Everybody";
 * const headers = signGithubWebhook({ body: '{"zen":"…"}', secret });
 * const result = verifyGithubWebhook({ headers, body: '{"zen":"…"}', secret }); // { ok: true, id: null, event: null }
 * ```
 */
export function verifyGithubWebhook({ secret, ...request }: VerifyGithubInput): GithubVerification {
  const keys = textKeysOf(secret);
  const body = bodyBytes(request.body);
  const signature = readHeader(request.headers, 'x-hub-signature-256');
  if (!signature) return refused('missing_headers');
  if (isTooLarge(body, request)) return refused('body_too_large');
  if (keys.length === 0) return refused('no_key');
  const matches =
    signature.startsWith('sha256=') &&
    keys.some((key) => sameText(hmacOf(key, '', body, 'hex'), signature.slice('sha256='.length)));
  if (!matches) return refused('no_matching_signature');
  const id = readHeader(request.headers, 'x-github-delivery') ?? null;
  return { ok: true, id, event: readHeader(request.headers, 'x-github-event') ?? null };
}

/**
 * Verifies a webhook of GitHub, and only then parses it. Let GitHub send `application/json`: a form is refused.
 *
 * @throws TenantryError `webhook_signature_invalid` with the reason; `webhook_secret_invalid`.
 * @throws TypeError when the body was parsed already.
 *
 * @example
 * ```ts
 * import { signGithubWebhook, unwrapGithubWebhook } from 'tenantry/webhooks';
 *
 * const body = '{"action":"opened"}';
 * const headers = {
 *   ...signGithubWebhook({ body, secret: 'as agreed with GitHub' }),
 *   'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
 *   'x-github-event': 'issues',
 * };
 * unwrapGithubWebhook({ headers, body, secret: 'as agreed with GitHub' }).payload; // { action: 'opened' }
 * ```
 */
export function unwrapGithubWebhook(input: VerifyGithubInput): GithubHeaders & { readonly payload: unknown } {
  const result = verifyGithubWebhook(input);
  if (!result.ok) throw notVerified(result.reason);
  return { id: result.id, event: result.event, payload: parsePayload(input.body) };
}

/**
 * Signs as GitHub does, for tests of a receiver.
 *
 * @throws TypeError when the body is none.
 * @throws TenantryError `webhook_secret_invalid`.
 *
 * @example
 * ```ts
 * import { signGithubWebhook, unwrapGithubWebhook } from 'tenantry/webhooks';
 *
 * const body = '{"action":"opened"}';
 * const headers = {
 *   ...signGithubWebhook({ body, secret: 'as agreed with GitHub' }),
 *   'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
 *   'x-github-event': 'issues',
 * };
 * unwrapGithubWebhook({ headers, body, secret: 'as agreed with GitHub' }).payload; // { action: 'opened' }
 * ```
 */
export function signGithubWebhook({
  body,
  secret,
}: {
  readonly body: WebhookBody;
  readonly secret: string;
}): Readonly<Record<'x-hub-signature-256', string>> {
  const [key] = textKeysOf([secret]);
  if (key === undefined) throw new TypeError('a webhook must be signed with a secret');
  return { 'x-hub-signature-256': `sha256=${hmacOf(key, '', bodyBytes(body), 'hex')}` };
}
