import { type Clock, systemClock } from '../core/index.ts';

/** What is known of a quota after a call; the answers of `consume` and `check` have this shape. */
export interface QuotaState {
  readonly ok: boolean;
  readonly limit: number | 'unlimited';
  readonly remaining: number | 'unlimited';
  /** When the period ends; null for a limit, which has none, and for what is given once. */
  readonly resetsAt: Date | null;
}

/**
 * The headers that tell a client how much of a quota is left: `RateLimit` and `RateLimit-Policy`
 * (draft-ietf-httpapi-ratelimit-headers, version 10), and `Retry-After` in seconds where the call was refused. Nothing
 * is told of what has no limit or no period.
 *
 * @example
 * ```ts
 * import { rateLimitHeaders } from 'tenantry/http';
 *
 * const resetsAt = new Date('2026-02-01T00:00:00Z');
 * const clock = () => new Date('2026-01-31T23:59:00Z');
 * rateLimitHeaders('calls', { ok: true, limit: 50, remaining: 49, resetsAt }, { clock });
 * // { ratelimit: '"calls";r=49;t=60', 'ratelimit-policy': '"calls";q=50' }
 * ```
 */
export function rateLimitHeaders(
  meter: string,
  { ok, limit, remaining, resetsAt }: QuotaState,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Readonly<Record<string, string>> {
  if (limit === 'unlimited' || remaining === 'unlimited' || resetsAt === null) return {};
  const name = `"${meter.replaceAll(/[^\x20-\x7e]/g, '').replaceAll(/["\\]/g, '\\$&')}"`;
  const seconds = secondsUntil(resetsAt, clock());
  return {
    ratelimit: `${name};r=${remaining};t=${seconds}`,
    'ratelimit-policy': `${name};q=${limit}`,
    ...(ok ? {} : { 'retry-after': String(seconds) }),
  };
}

/** Whole seconds from now until a time, never below 0; a client that waits them is not early. */
export function secondsUntil(time: Date, now: Date): number {
  return Math.max(0, Math.ceil((time.getTime() - now.getTime()) / 1000));
}
