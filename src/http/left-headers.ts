import type { KeyLeft } from '../api-keys/index.ts';
import type { Clock } from '../core/index.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';

/**
 * Adds to the headers of a quota what is left of the limits of the key itself: its rate, that of all keys of the tenant,
 * and its uses, each as an item of its own.
 */
export function leftHeaders(
  { rate, tenantRate, uses }: KeyLeft,
  options: { readonly clock: Clock },
  headers: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const limits = [
    rate && { name: 'key', ...rate },
    tenantRate && { name: 'tenant', ...tenantRate },
    uses && { name: 'uses', ...uses, limit: uses.amount },
  ].filter((limit) => limit !== null);
  const items = limits.map(({ name, limit, remaining, resetsAt }) =>
    rateLimitHeaders(name, { ok: true, limit, remaining, resetsAt }, options),
  );
  const joined: Record<string, string> = {};
  for (const item of [headers, ...items]) {
    for (const [name, value] of Object.entries(item)) {
      joined[name] = joined[name] === undefined ? value : `${joined[name]}, ${value}`;
    }
  }
  return joined;
}
