import { performance } from 'node:perf_hooks';
import { createBoundedMap } from '../../../core/bounded-map.ts';
import { isTenantryError } from '../../../core/index.ts';
import type { SafeResponse } from '../../safe-fetch/safe-fetch.ts';
import type { FetchFailure } from '../../safe-fetch/target.ts';
import { signWebhook } from '../../signature/sign-webhook.ts';
import { type WebhookKey, webhookKey } from '../../signature/webhook-key.ts';
import { renderPayload } from '../catalogue/render-payload.ts';
import { headersPlace, secretPlace } from '../endpoints/make-secret.ts';
import type { Toolbox } from '../toolbox.ts';
import type { ClaimedDelivery } from './claim-store.ts';
import type { EndedAttempt } from './complete-store.ts';
import type { DeliveryRules } from './options.ts';
import type { TargetEndpoint } from './target-store.ts';
import { traced } from './trace.ts';
import { reasonOfFailure, type SendResult, verdictOf } from './verdict.ts';

/** Makes one attempt: signs, sends, and judges the answer. It does not fail. */
export type MakeAttempt = (
  delivery: ClaimedDelivery,
  target: TargetEndpoint,
  options: { readonly signal?: AbortSignal; readonly once?: boolean },
) => Promise<EndedAttempt>;

/** How many characters of an answer are kept. */
const keptResponse = 2048;

/** What PostgreSQL cannot store, and what would change how a log is displayed. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this takes out.
const unkept = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/** Makes what attempts deliveries. */
export function createAttempt(toolbox: Toolbox, rules: DeliveryRules): MakeAttempt {
  const { clock, catalogue, send, secretBox, trace } = toolbox;
  // Opening a secret costs more than signing with it. What is sealed anew has another text.
  const keys = createBoundedMap<string, WebhookKey>(10_000);
  const opened = createBoundedMap<string, Readonly<Record<string, string>>>(1000);

  function keysOf(target: TargetEndpoint): readonly WebhookKey[] {
    return target.secrets.map(({ id, sealed }) => {
      const known = keys.get(sealed);
      if (known !== undefined) return known;
      const key = webhookKey(secretBox().open(sealed, secretPlace(target, id)));
      keys.set(sealed, key);
      return key;
    });
  }

  function headersOf(target: TargetEndpoint): Readonly<Record<string, string>> {
    const { headers: sealed } = target;
    if (sealed === null) return {};
    const known = opened.get(sealed);
    if (known !== undefined) return known;
    const headers: Readonly<Record<string, string>> = JSON.parse(secretBox().open(sealed, headersPlace(target)));
    opened.set(sealed, headers);
    return headers;
  }

  async function sending(delivery: ClaimedDelivery, target: TargetEndpoint, signal: AbortSignal | undefined, at: Date) {
    let body: string;
    let headers: Record<string, string>;
    try {
      body = renderPayload(catalogue, delivery.payload, delivery.type, target.version);
    } catch (error) {
      rules.hooks.error(error);
      return { failure: 'payload' } as const;
    }
    try {
      const signed = signWebhook({ id: delivery.messageId, timestamp: at, body, secret: keysOf(target) });
      headers = { ...headersOf(target), ...signed, 'content-type': 'application/json', 'user-agent': 'tenantry' };
    } catch (error) {
      rules.hooks.error(error);
      return { failure: 'secret' } as const;
    }
    try {
      const init = { method: 'POST', headers, body, tooLarge: 'truncate' } as const;
      return resultOf(await send(target.url, signal === undefined ? init : { ...init, signal }));
    } catch (error) {
      return failureOf(error);
    }
  }

  return async (delivery, target, { signal, once = false }) => {
    const startedAt = clock();
    const begun = performance.now();
    const { tenantId, endpointId, messageId, fence, trigger, tries } = delivery;
    const attributes = {
      'messaging.message.id': messageId,
      'messaging.destination.name': endpointId,
      'tenantry.tenant_id': tenantId,
      'tenantry.event_type': delivery.type,
      'tenantry.attempt': fence,
      'server.address': URL.parse(target.url)?.hostname ?? '',
    };
    const publishedIn = delivery.traceParent;
    const verdict = await traced(trace, { attributes, publishedIn }, async () => {
      const result = await sending(delivery, target, signal, startedAt);
      return verdictOf(result, { tries, key: `${messageId} ${endpointId}`, now: clock(), once }, rules.retry);
    });
    const durationMilliseconds = Math.round(performance.now() - begun);
    return { tenantId, endpointId, messageId, fence, trigger, startedAt, durationMilliseconds, ...verdict };
  };
}

function resultOf(response: SafeResponse): SendResult {
  const text = response.text().slice(0, keptResponse).replaceAll(unkept, '\ufffd');
  const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
  // Where a redirect leads is what its receiver needs to see.
  const kept = location === null ? text : `location: ${location.slice(0, 500).replaceAll(unkept, '\ufffd')}\n${text}`;
  return { status: response.status, retryAfter: response.headers.get('retry-after'), response: kept };
}

const failures: readonly FetchFailure[] = [
  'unresolved',
  'connection',
  'tls',
  'deadline',
  'response_too_large',
  'aborted',
];

function failureOf(error: unknown): SendResult {
  if (isTenantryError(error, 'url_refused')) return { failure: 'url_refused' };
  const found = isTenantryError(error, 'fetch_failed')
    ? failures.find((failure) => failure === error.details.reason)
    : undefined;
  return { failure: found === undefined ? 'connection' : reasonOfFailure(found) };
}
