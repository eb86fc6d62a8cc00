import type { FetchFailure } from '../../safe-fetch/target.ts';
import { type RetryOptions, readRetryAfter, retryDelay } from './retry-schedule.ts';

/**
 * Why an attempt failed. `status`: an answer that is no success; `redirect`: redirects are never followed, give the URL
 * where it leads; `gone`: 410, the endpoint is disabled; `rate_limited`: 429; `timeout`: no whole answer in time;
 * `url_refused`: the URL leads to where nothing is sent; `unresolved`: its name has no address; `connection`: none, or one
 * that broke; `tls`: no secure one, as with a certificate that is over or of another name; `payload`: the body could not be made; `secret`: a secret could not be opened; `shutdown`: the worker was
 * stopped meanwhile; `interrupted`: the process of the worker ended meanwhile, and nobody knows whether it arrived.
 */
export type AttemptReason =
  | 'status'
  | 'redirect'
  | 'gone'
  | 'rate_limited'
  | 'timeout'
  | 'url_refused'
  | 'unresolved'
  | 'connection'
  | 'tls'
  | 'payload'
  | 'secret'
  | 'shutdown'
  | 'interrupted';

/** What came of sending: an answer, or none and why. */
export type SendResult =
  | { readonly status: number; readonly retryAfter: string | null; readonly response: string }
  | { readonly failure: Exclude<AttemptReason, 'status' | 'redirect' | 'gone' | 'rate_limited' | 'interrupted'> };

/** What an attempt means for its delivery. */
export interface Verdict {
  readonly outcome: 'delivered' | 'failed';
  readonly reason: AttemptReason | null;
  readonly status: number | null;
  readonly response: string | null;
  /** When it is tried again; null: it is finished. */
  readonly nextAt: Date | null;
  /** Whether it counts as a try of its round. */
  readonly counts: boolean;
}

/** What is known of the delivery. */
export interface Tried {
  /** How many attempts there were in this round, this one with them. */
  readonly tries: number;
  readonly key: string;
  readonly now: Date;
  /** A test is tried once. */
  readonly once: boolean;
}

/** Judges what came of sending. */
export function verdictOf(result: SendResult, { tries, key, now, once }: Tried, retry: RetryOptions = {}): Verdict {
  const failure = 'failure' in result;
  const status = failure ? null : result.status;
  const response = failure ? null : result.response;
  if (status !== null && status >= 200 && status < 300) {
    return { outcome: 'delivered', reason: null, status, response, nextAt: null, counts: true };
  }
  const reason = failure ? result.failure : reasonOf(result.status);
  const failed = { outcome: 'failed', reason, status, response, counts: true } as const;
  if (reason === 'shutdown') return { ...failed, nextAt: once ? null : now, counts: false };
  if (once || reason === 'gone') return { ...failed, nextAt: null };
  const asked = failure || (status !== 429 && status !== 503) ? null : readRetryAfter(result.retryAfter, now);
  const overload = reason === 'timeout' || reason === 'rate_limited';
  const delay = retryDelay({ tries, overload, retryAfter: asked, key }, retry);
  return { ...failed, nextAt: delay === null ? null : new Date(now.getTime() + delay * 1000) };
}

function reasonOf(status: number): AttemptReason {
  if (status === 410) return 'gone';
  if (status === 429) return 'rate_limited';
  return status >= 300 && status < 400 ? 'redirect' : 'status';
}

/** The reason for a request that failed. */
export function reasonOfFailure(failure: FetchFailure): 'timeout' | 'unresolved' | 'connection' | 'tls' | 'shutdown' {
  if (failure === 'deadline') return 'timeout';
  if (failure === 'unresolved' || failure === 'tls') return failure;
  return failure === 'aborted' ? 'shutdown' : 'connection';
}
