import type { Clock, HeadersLike } from '../../core/index.ts';
import { unwrapGithubWebhook } from '../signature/github-webhook.ts';
import { textField } from '../signature/parse-payload.ts';
import { unwrapStripeWebhook } from '../signature/stripe-webhook.ts';
import { unwrapWebhookAsync } from '../signature/unwrap-webhook.ts';
import type { WebhookSecret } from '../signature/webhook-key.ts';

/** A webhook that was verified and parsed, of any scheme. */
export interface ReceivedWebhook {
  /**
   * The id of the message, the same each time it is delivered. GitHub sends it unsigned, and others who sign like GitHub
   * send none: null.
   */
  readonly id: string | null;
  /** What happened: `type` of the payload, or GitHub's `X-GitHub-Event`; null where neither is there. */
  readonly type: string | null;
  /** The time of this attempt; null where it is not signed (GitHub). */
  readonly timestamp: Date | null;
  /** The body, parsed as JSON. */
  readonly payload: unknown;
}

/** How a sender signs: by Standard Webhooks (and Svix), as Stripe or as GitHub. */
export type WebhookScheme = 'standard' | 'stripe' | 'github';

/** A secret, several, or what fetches them for each message. */
export type FetchedSecret<Secret> = Secret | readonly Secret[] | (() => Promise<Secret | readonly Secret[]>);

/** A scheme with its secrets, or with what fetches them. */
export type SchemeAndSecret =
  | { readonly scheme?: 'standard'; readonly secret: FetchedSecret<WebhookSecret> }
  | { readonly scheme: 'stripe' | 'github'; readonly secret: FetchedSecret<string> };

/** How strictly messages are looked at; see `WebhookRequest`. */
export interface ReceiverRules {
  readonly clock?: Clock;
  readonly toleranceSeconds?: number;
  readonly maxBodyBytes?: number;
}

/** Verifies and parses a message of any scheme. */
export async function unwrapReceived(
  options: SchemeAndSecret,
  { clock, toleranceSeconds, maxBodyBytes }: ReceiverRules,
  request: { readonly headers: HeadersLike; readonly body: Uint8Array },
): Promise<ReceivedWebhook> {
  const input = {
    ...request,
    ...(clock && { clock }),
    ...(toleranceSeconds !== undefined && { toleranceSeconds }),
    ...(maxBodyBytes !== undefined && { maxBodyBytes }),
  };
  if (options.scheme === 'stripe' || options.scheme === 'github') {
    const { scheme } = options;
    const secret = typeof options.secret === 'function' ? await options.secret() : options.secret;
    if (scheme === 'stripe') return typed(unwrapStripeWebhook({ ...input, secret }));
    const { id, event, payload } = unwrapGithubWebhook({ ...input, secret });
    return { id, type: event, timestamp: null, payload };
  }
  return typed(await unwrapWebhookAsync({ ...input, secret: options.secret }));
}

function typed(message: Omit<ReceivedWebhook, 'type'>): ReceivedWebhook {
  return { ...message, type: textField(message.payload, 'type') };
}
