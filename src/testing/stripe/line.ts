import { type Answer, type Request as ApiRequest, answer } from './answer.ts';
import type { FakeExchange } from './fake-stripe-interface.ts';
import type { FaultKind, Faults } from './faults.ts';
import { createKeyedAnswers } from './idempotency.ts';
import { Refusal } from './refusal.ts';
import type { World } from './world.ts';

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** The line between the client and the fake: keys, faults, idempotency, headers. */
export interface Line {
  readonly fetch: Fetch;
  readonly calmFetch: Fetch;
  onExchange(listener: (exchange: FakeExchange) => void): () => void;
}

/** Makes the line. */
export function createLine(world: World, faults: Faults, catchUp: () => void): Line {
  const keyed = createKeyedAnswers();
  let requests = 0;
  const listeners = new Set<(exchange: FakeExchange) => void>();

  async function exchange(sent: Request, calm: boolean): Promise<Response> {
    const { pathname: path, search } = new URL(sent.url);
    const request: ApiRequest = { method: sent.method, path, query: search.slice(1), body: await sent.text() };
    const key = sent.headers.get('idempotency-key') ?? undefined;
    const picked = calm ? undefined : faults.pick(request.method, path);
    const fault = picked?.how;
    requests += 1;
    const id = `req_${String(requests).padStart(14, '0')}`;
    const done = picked?.happens !== false ? work(request, sent.headers, key, id, fault) : refused(fault);
    const told = { ...request, operation: done.operation, idempotencyKey: key, replayed: done.replayed, fault };
    for (const listener of listeners) listener({ ...told, status: done.status, answer: done.body });
    if (fault?.startsWith('timeout')) throw timeout();
    if (fault === 'drop') throw broken();
    return new Response(JSON.stringify(done.body, null, 2), {
      status: done.status,
      headers: {
        'content-type': 'application/json',
        'request-id': id,
        'stripe-version': sent.headers.get('stripe-version') ?? world.apiVersion,
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(done.replayed ? { 'idempotent-replayed': 'true' } : {}),
        ...(done.status >= 400 && done.status !== 429 && done.status < 500 ? { 'stripe-should-retry': 'false' } : {}),
        ...(fault === 'error-after-effect' ? { 'stripe-should-retry': 'false' } : {}),
      },
    });
  }

  function work(
    request: ApiRequest,
    headers: Headers,
    key: string | undefined,
    id: string,
    fault: FaultKind | undefined,
  ): Answer & { readonly replayed: boolean } {
    catchUp();
    const denied = deny(world, headers);
    if (denied !== undefined) return { ...denied, replayed: false };
    const keeps = key !== undefined && request.method === 'POST';
    try {
      const before = keeps ? keyed.recall(key, request, world.now) : undefined;
      if (before !== undefined) return { ...before, replayed: true };
    } catch (problem) {
      if (problem instanceof Refusal) return { ...refusedBy(problem), replayed: false };
      throw problem;
    }
    world.request = { id, idempotency_key: key ?? null };
    const done = answer(world, request);
    world.request = { id: null, idempotency_key: null };
    const answered =
      fault === 'error-after-effect' ? { ...refused('error'), operation: done.operation, began: done.began } : done;
    if (keeps) keyed.remember(key, request, answered, world.now);
    return { ...answered, replayed: false };
  }

  const fetcher =
    (calm: boolean): Fetch =>
    (input, init) =>
      exchange(new Request(input, { ...init, signal: null }), calm);
  return {
    fetch: fetcher(false),
    calmFetch: fetcher(true),
    onExchange(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

/** Who has no key, or one of the other mode, is not let in. */
function deny(world: World, headers: Headers): Answer | undefined {
  const key = /^Bearer (.+)$/.exec(headers.get('authorization') ?? '')?.[1];
  const mode = world.livemode ? 'live' : 'test';
  if (key !== undefined && (key.startsWith(`sk_${mode}_`) || key.startsWith(`rk_${mode}_`))) return undefined;
  const message =
    key === undefined ? 'You did not provide an API key.' : `Invalid API Key provided: ${key.slice(0, 8)}****`;
  return refusedBy(new Refusal(401, { type: 'invalid_request_error', message }));
}

function refused(fault: FaultKind | undefined): Answer & { readonly replayed: boolean } {
  const problem =
    fault === 'rate-limit'
      ? new Refusal(429, { type: 'invalid_request_error', code: 'rate_limit', message: 'Request rate limit exceeded.' })
      : fault === 'conflict'
        ? new Refusal(409, {
            type: 'idempotency_error',
            code: 'idempotency_key_in_use',
            message: 'There is currently another in-progress request using this Idempotency Key.',
          })
        : new Refusal(500, { type: 'api_error', message: 'An unknown error occurred' });
  return { ...refusedBy(problem), replayed: false };
}

function refusedBy({ status, body }: Refusal): Answer {
  return { status, body: { error: body }, operation: undefined, began: false };
}

/** What the client sees when no answer comes in time: its own timer aborts the request. */
function timeout(): Error {
  return Object.assign(new Error('The request timed out'), { name: 'AbortError' });
}

/** What `fetch` throws when the connection breaks. */
function broken(): Error {
  return new TypeError('fetch failed', { cause: Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }) });
}
