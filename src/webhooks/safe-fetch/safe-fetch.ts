import { lookup } from 'node:dns/promises';
import { TenantryError } from '../../core/index.ts';
import { bodyBytes, type WebhookBody } from '../signature/body.ts';
import { type AddressRuleOptions, createAddressRules } from './address-rules.ts';
import { type Deadline, unlessAborted, withDeadline } from './deadline.ts';
import { type Answer, exchange } from './exchange.ts';
import { headersOf } from './request-headers.ts';
import { type FetchFailure, readTarget, type Target, type UrlRefusal } from './target.ts';

/** Where requests may go, and how much they may take. */
export interface SafeFetchOptions extends AddressRuleOptions {
  /** Whether `http:` is allowed beside `https:`; false when absent. */
  readonly allowHttp?: boolean;
  /** The ports to which requests may go; 80, 443, 8080 and 8443 when absent. */
  readonly ports?: readonly number[] | 'any';
  /** How long a request may take, from the look-up of the name to the last byte of the answer, in milliseconds; 15,000. */
  readonly deadlineMilliseconds?: number;
  /** How many bytes the body of an answer may have; 1 MiB when absent. */
  readonly maxResponseBytes?: number;
  /** Gives all addresses of a name; that of the system when absent. It is asked once for each request. */
  readonly lookup?: (host: string) => Promise<readonly string[]>;
  /** Certificates of authorities (PEM) to trust instead of those that Node trusts. */
  readonly ca?: string;
}

/** What is sent. */
export interface SafeFetchInit {
  /** `GET` when absent. */
  readonly method?: string;
  /** Headers to send; those that steer the connection (`host`, `content-length`, `connection`, …) are refused. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: WebhookBody;
  /** Ends the request. */
  readonly signal?: AbortSignal;
  /** What becomes of an answer that is larger than it may be: `fail` when absent, or its beginning is given. */
  readonly tooLarge?: 'fail' | 'truncate';
}

/** An answer, with its body read already. Compressed bodies stay compressed; none is asked for. */
export interface SafeResponse {
  /** True for a status from 200 to 299. A redirect is none: it is never followed. */
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  /** True when `bytes` is only the beginning. */
  readonly truncated: boolean;
  /** The body as UTF-8. */
  text(): string;
  /** The body, parsed as JSON. */
  json(): unknown;
}

/** Why {@link SafeFetch.check} says no. */
export type UrlCheckReason = UrlRefusal | Extract<FetchFailure, 'unresolved' | 'deadline' | 'aborted'>;

/** What {@link SafeFetch.check} found. */
export type UrlCheck = { readonly ok: true } | { readonly ok: false; readonly reason: UrlCheckReason };

/** Sends requests to URLs that somebody else chose. */
export interface SafeFetch {
  /**
   * Sends a request. The name is looked up once, and the connection goes to what was found and checked.
   *
   * @throws TenantryError `url_refused` when it may not go there: nothing was sent. `fetch_failed` when it went wrong.
   * @throws TypeError for a method, header or body that is none.
   */
  (url: string | URL, init?: SafeFetchInit): Promise<SafeResponse>;
  /**
   * Tells whether a request would be sent to a URL, without sending one: for a form in which somebody gives it. Each
   * request is checked again, since names change.
   */
  check(url: string | URL, init?: Pick<SafeFetchInit, 'signal'>): Promise<UrlCheck>;
}

/**
 * Makes a `fetch` for URLs that somebody else chose, such as endpoints of customers. It refuses whatever leads to a
 * private, link-local, loopback, reserved or metadata address in any spelling, also where one address of several does;
 * it connects to the address that it checked, follows no redirect, and bounds time and size.
 *
 * @throws TypeError for options that are none.
 *
 * @example
 * ```ts
 * import { createSafeFetch } from 'tenantry/webhooks';
 *
 * const safeFetch = createSafeFetch({ deadlineMilliseconds: 5_000, maxResponseBytes: 64 * 1024 });
 * await safeFetch.check('https://169.254.169.254/latest/meta-data'); // { ok: false, reason: 'address' }
 * ```
 */
export function createSafeFetch({
  allow = [],
  allowHttp = false,
  ports = [80, 443, 8080, 8443],
  deadlineMilliseconds = 15_000,
  maxResponseBytes = 1_048_576,
  lookup: addressesOf = systemLookup,
  ca,
}: SafeFetchOptions = {}): SafeFetch {
  if (!(deadlineMilliseconds > 0 && deadlineMilliseconds < 2 ** 31)) {
    throw new TypeError('deadlineMilliseconds must be a number of milliseconds above 0');
  }
  if (!(maxResponseBytes >= 0)) throw new TypeError('maxResponseBytes must be a number of bytes, 0 or more');
  if (ports !== 'any' && !ports.every((port) => Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw new TypeError("ports must be a list of whole numbers from 1 to 65535, or 'any'");
  }
  const mayReach = createAddressRules({ allow });

  /** The addresses of a target, all of them checked. */
  async function resolve({ host, literal }: Target, deadline: Deadline): Promise<readonly string[] | UrlCheckReason> {
    if (literal) return mayReach(host) ? [host] : 'address';
    const found = await unlessAborted(deadline.signal, addressesOf(host)).catch(() => []);
    if (deadline.signal.aborted) return deadline.reason();
    if (!Array.isArray(found) || found.length === 0) return 'unresolved';
    return found.every(mayReach) ? found : 'address';
  }

  async function send(url: string | URL, init: SafeFetchInit = {}): Promise<SafeResponse> {
    const { method = 'GET', headers = {}, body, tooLarge = 'fail' } = init;
    if (!methods.has(method)) throw new TypeError(`the method must be one of ${[...methods].join(', ')}`);
    const bytes = body === undefined ? undefined : bodyBytes(body);
    const sent = headersOf(headers, bytes);
    const target = readTarget(url, { allowHttp, ports });
    if (typeof target === 'string') throw failed(url, target);
    return withDeadline(deadlineMilliseconds, init.signal, async (deadline) => {
      const addresses = await resolve(target, deadline);
      if (typeof addresses === 'string') throw failed(url, addresses);
      const { signal } = deadline;
      const request = { target, addresses, method, headers: sent, body: bytes, signal, maxResponseBytes, tooLarge, ca };
      const answer = await exchange(request);
      if (typeof answer === 'string') throw failed(url, signal.aborted ? deadline.reason() : answer);
      return responseOf(answer);
    });
  }

  return Object.assign(send, {
    async check(url: string | URL, { signal }: Pick<SafeFetchInit, 'signal'> = {}): Promise<UrlCheck> {
      const target = readTarget(url, { allowHttp, ports });
      if (typeof target === 'string') return { ok: false, reason: target };
      return withDeadline(deadlineMilliseconds, signal, async (deadline): Promise<UrlCheck> => {
        const addresses = await resolve(target, deadline);
        return typeof addresses === 'string' ? { ok: false, reason: addresses } : { ok: true };
      });
    },
  });
}

/**
 * {@link createSafeFetch} with nothing allowed beyond what is allowed by itself.
 *
 * @example
 * ```ts
 * import { safeFetch } from 'tenantry/webhooks';
 *
 * async function call(url: string): Promise<number> {
 *   const answer = await safeFetch(url, { method: 'POST', body: '{}' }); // a private address is refused
 *   return answer.status;
 * }
 * ```
 */
export const safeFetch: SafeFetch = createSafeFetch();

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const refusals: ReadonlySet<string> = new Set(['invalid_url', 'protocol', 'credentials', 'port', 'address']);

async function systemLookup(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** The error tells the name that was asked for, and never an address behind it: that would draw a map of the network. */
function failed(url: string | URL, reason: UrlRefusal | FetchFailure): TenantryError {
  const host = URL.parse(String(url))?.hostname ?? '';
  return new TenantryError(refusals.has(reason) ? 'url_refused' : 'fetch_failed', { host, reason });
}

function responseOf({ message, bytes, truncated }: Answer): SafeResponse {
  const status = message.statusCode ?? 0;
  const text = (): string => new TextDecoder().decode(bytes);
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: responseHeaders(message.rawHeaders),
    bytes,
    truncated,
    text,
    json: () => JSON.parse(text()),
  };
}

function responseHeaders(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < raw.length; index += 2) headers.append(raw[index] ?? '', raw[index + 1] ?? '');
  return headers;
}
