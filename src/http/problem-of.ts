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
 * // 403, { 'content-type': 'application/problem+json', … }, { code: 'permission_denied', … }
 * ```
 */
export function problemOf(error: unknown, { clock = systemClock }: { readonly clock?: Clock } = {}): Problem {
  try {
    return isTenantryError(error) ? ownProblem(error, clock) : (otherProblem(error) ?? failed);
  } catch {
    // Anything can be thrown, also what fails when it is looked at.
    return failed;
  }
}

/** The headers of every problem. What went wrong for one caller is never kept for another. */
export const problemHeaders = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };

const failed: Problem = {
  status: 500,
  headers: problemHeaders,
  body: { type: 'about:blank', title: 'Internal Server Error', status: 500 },
};

function ownProblem(error: TenantryError, clock: Clock): Problem {
  if (error.status === 500) return failed;
  const { code, status, title, details, message } = error;
  return {
    status,
    headers: { ...problemHeaders, ...headersOf(error, clock) },
    body: { type: `urn:tenantry:error:${code}`, title, status, detail: message, code, details },
  };
}

function otherProblem(error: unknown): Problem | undefined {
  const foreign = foreignProblem(error);
  if (foreign === undefined) return undefined;
  const { status, title, detail } = foreign;
  const body = { type: 'about:blank', title, status, ...(detail !== undefined && { detail }) };
  return { status, headers: problemHeaders, body };
}

function headersOf(error: TenantryError, clock: Clock): Readonly<Record<string, string>> {
  if (isTenantryError(error, 'quota_exceeded') && error.details.resetsAt !== null) {
    const { meter, limit, used, resetsAt, remaining = Math.max(0, limit - used) } = error.details;
    return rateLimitHeaders(meter, { ok: false, limit, remaining, resetsAt: new Date(resetsAt) }, { clock });
  }
  if (isTenantryError(error, 'rate_limited') && error.details.retryAt !== '') {
    const { limitOf, retryAt, limit, resetsAt } = error.details;
    const known = limit !== undefined && resetsAt !== undefined;
    const state = known ? { ok: true, limit, remaining: 0, resetsAt: new Date(resetsAt) } : undefined;
    return {
      ...(state !== undefined && rateLimitHeaders(limitOf, state, { clock })),
      'retry-after': String(secondsUntil(new Date(retryAt), clock())),
    };
  }
  if (isTenantryError(error, 'tenant_in_maintenance') || isTenantryError(error, 'billing_busy')) {
    return { 'retry-after': String(error.details.retryAfter) };
  }
  return error.status === 401 ? { 'www-authenticate': 'Bearer' } : {};
}
