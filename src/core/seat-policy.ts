/** What happens to members and keys of an organization that has fewer seats than it takes. Nobody is ever removed. */
export interface SeatPolicy {
  /**
   * `block`: keys are refused, and so are users but for owners, who can mend it; `read-only`: as many of the newest
   * members as have no seat may only read (permissions whose last word is `read`); `allow`: nothing but that nobody new
   * comes in.
   */
  readonly policy: 'block' | 'read-only' | 'allow';
  /** For how many days all goes on as before; 0 when absent. */
  readonly graceDays?: number;
}

/** The seats of an organization, as a statement finds them together with a member. */
export interface SeatFacts {
  readonly bought: number | null;
  readonly taken: number;
  /** Since when fewer are bought than taken; null where nobody noted it. */
  readonly exceededAt: Date | null;
}

/** How an organization stands: `within` its seats, in the days of `grace`, or under one of the policies. */
export type SeatStanding = 'within' | 'grace' | 'block' | 'read-only' | 'allow';

const day = 86_400_000;

/**
 * The moment at which the days of grace end; null without a beginning.
 *
 * @example
 * ```ts
 * import { graceEnd } from 'tenantry/core';
 *
 * graceEnd({ policy: 'block', graceDays: 7 }, new Date('2026-05-01T00:00:00Z')); // 2026-05-08T00:00:00.000Z
 * ```
 */
export function graceEnd({ graceDays = 0 }: SeatPolicy, exceededAt: Date | null): Date | null {
  return exceededAt === null ? null : new Date(exceededAt.getTime() + graceDays * day);
}

/**
 * Tells how an organization stands at a moment.
 *
 * @example
 * ```ts
 * import { seatStanding } from 'tenantry/core';
 *
 * const exceededAt = new Date('2026-05-01T00:00:00Z');
 * const policy = { policy: 'block', graceDays: 7 } as const;
 * seatStanding(policy, { bought: 5, taken: 6, exceededAt }, new Date('2026-05-03T00:00:00Z')); // 'grace'
 * seatStanding(policy, { bought: 5, taken: 6, exceededAt }, new Date('2026-05-09T00:00:00Z')); // 'block'
 * ```
 */
export function seatStanding(policy: SeatPolicy, { bought, taken, exceededAt }: SeatFacts, now: Date): SeatStanding {
  if (bought === null || taken <= bought) return 'within';
  const end = graceEnd(policy, exceededAt);
  return end !== null && now < end ? 'grace' : policy.policy;
}

/**
 * Tells whether a permission only reads: its last word is `read`.
 *
 * @example
 * ```ts
 * import { onlyReads } from 'tenantry/core';
 *
 * onlyReads('calls:read'); // true
 * onlyReads('calls:write'); // false
 * ```
 */
export function onlyReads(permission: string): boolean {
  return permission.split(':').at(-1) === 'read';
}
