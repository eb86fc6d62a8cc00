import { type Clock, isTenantryError, systemClock, type TenantryError } from '../core/index.ts';
import { foreignProblem } from './foreign-problem.ts';
import { rateLimitHeaders, secondsUntil } from './rate-limit-headers.ts';

/** The body of a failure by RFC 9457; its media type is `application/problem+json`. */
export interface ProblemBody {
  /** A URI that names the kind of problem: `urn:tenantry:error:<code>`, or `about:blank`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  /** The code of the error, to narrow on. */
  readonly code?: string;
  /** What was wrong, as plain data. */
  readonly details?: unknown;
}

/** What to answer to a request that failed. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ProblemBody;
}

/**
 * Turns an error into an answer by RFC 9457. Errors of this library tell their code, details and status; those that
 * Express, Fastify, `http-errors` or `@fastify/error` made for clients to see (400 to 499) their status and message. Those
 * of the server's own making (status 500) and all others tell nothing but that something failed.
 *
 * @example
 * ```ts
 * import { TenantryError } from 'tenantry/core';
 * import { problemOf } from 'tenantry/http';
 *
 * const { status, headers, body } = problemOf(new TenantryError('permission_denied', { permission: 'calls:write' }));
 * // 403, { 'content-type': 'application/problem+json' }, { code: 'permission_denied', … }
 * ```
 */
export function problemOf(error: unknown, { clock = systemClock }: { readonly clock?: Clock } = {}): Problem {
  if (!isTenantryError(error)) {
    const foreign = foreignProblem(error);
    if (foreign === undefined) return failed;
    const { status, title, detail } = foreign;
    return { status, headers, body: { type: 'about:blank', title, status, ...(detail !== undefined && { detail }) } };
  }
  if (error.status === 500) return failed;
  const { code, status, title, details, message } = error;
  return {
    status,
    headers: { ...headers, ...headersOf(error, clock) },
    body: { type: `urn:tenantry:error:${code}`, title, status, detail: message, code, details },
  };
}

const headers = { 'content-type': 'application/problem+json' };
const failed: Problem = {
  status: 500,
  headers,
  body: { type: 'about:blank', title: 'Internal Server Error', status: 500 },
};

function headersOf(error: TenantryError, clock: Clock): Readonly<Record<string, string>> {
  if (isTenantryError(error, 'quota_exceeded') && error.details.resetsAt !== null) {
    const { meter, limit, used, resetsAt } = error.details;
    const state = { ok: false, limit, remaining: Math.max(0, limit - used), resetsAt: new Date(resetsAt) };
    return rateLimitHeaders(meter, state, { clock });
  }
  if (isTenantryError(error, 'rate_limited') && error.details.retryAt !== '') {
    return { 'retry-after': String(secondsUntil(new Date(error.details.retryAt), clock())) };
  }
  if (isTenantryError(error, 'tenant_in_maintenance')) return { 'retry-after': String(error.details.retryAfter) };
  return error.status === 401 ? { 'www-authenticate': 'Bearer' } : {};
}
