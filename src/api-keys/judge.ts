import { permits } from '../core/index.ts';
import { exceededSeats } from '../database/member-facts.ts';
import { ownerOf } from './key-owner.ts';
import type { KeyRow } from './key-row.ts';
import { type IpRange, inRanges, ipRangesOf } from './limits/ip-ranges.ts';
import type { KeyUses } from './limits/key-uses.ts';
import { type RateLimit, readRateLimit } from './limits/rate-limit.ts';
import type { AcceptedKey, KeyDenial, SpendDenial } from './verification.ts';

/** What a verification depends on beside the row. */
export interface VerificationPolicy {
  readonly activeStatuses: ReadonlySet<string>;
  readonly refuseExceededSeats: boolean;
}

/** A denial that nothing is spent for. */
export type StateDenial = Exclude<KeyDenial, SpendDenial['reason']>;

/** What a call asks of a key. */
export interface KeyQuestion {
  /** The caller's address. */
  readonly ip?: string;
  /** What the caller wants to do: all of it must be in the key's scopes. */
  readonly permission?: string | readonly string[];
}

/**
 * What is known of a key, made once of what was read and judged on every call. It is shared by all callers, so nothing
 * in it is changed but when it was last noted that the key is in use.
 */
export interface KeyFacts {
  readonly accepted: AcceptedKey;
  /** Milliseconds since 1970. */
  notedAt: number;
  readonly digest: string;
  readonly hash: string | null;
  /** Whether the secret was replaced by a newer one. */
  readonly replaced: boolean;
  readonly revoked: boolean;
  readonly enabled: boolean;
  /** Milliseconds since 1970; infinite when never. */
  readonly until: number;
  readonly ips: readonly IpRange[] | null;
  /** Why the key does not open although it is in order itself. */
  readonly standing: StateDenial | undefined;
  readonly rate: RateLimit | null;
  readonly uses: Required<KeyUses> | null;
  /** When the key was made: its periods are counted from there. */
  readonly anchor: Date;
}

/** Makes of a row what is judged on every call. */
export function factsOf(row: KeyRow, policy: VerificationPolicy): KeyFacts {
  const { special } = row;
  const until = Math.min(millisecondsOf(row.expires), millisecondsOf(row.secret_until));
  const expiresAt = Number.isFinite(until) ? new Date(until) : null;
  const accepted: AcceptedKey = {
    ok: true,
    key: Object.freeze({
      id: row.id,
      name: row.name,
      environment: row.environment,
      scopes: Object.freeze(row.scopes),
      start: row.start,
      owner: ownerOf(row.member_id, row.team_id),
      expiresAt,
      metadata: Object.freeze(special?.metadata ?? {}),
    }),
    tenant: Object.freeze({
      id: row.tenant_id,
      kind: row.kind,
      plan: row.plan,
      anchorAt: new Date(millisecondsOf(row.anchor)),
      entitlementRevision: row.entitlement_revision,
      subscriptionStatus: row.subscription_status,
      seatsBought: row.seats_bought,
      planSince: new Date(millisecondsOf(row.plan_since)),
      planTerms: row.plan_terms,
    }),
    member:
      row.member_id === null || row.user_id === null || row.role === null
        ? null
        : Object.freeze({ id: row.member_id, userId: row.user_id, role: row.role, grants: row.grants }),
    exceeded: exceededSeats(row),
    left: null,
  };
  return {
    accepted: Object.freeze(accepted),
    notedAt: Number.NEGATIVE_INFINITY,
    digest: row.digest,
    hash: row.hash,
    replaced: row.secret_until !== null,
    revoked: row.revoked,
    enabled: row.enabled,
    until,
    ips: special?.ips == null ? null : ipRangesOf(special.ips),
    standing: standingOf(row, policy),
    rate: special?.rate == null ? null : rateOf(special.rate),
    uses: special?.uses == null ? null : usesOf(special.uses, special.per),
    anchor: new Date(millisecondsOf(special?.made ?? 0)),
  };
}

/** Tells why a key does not open at a moment, before anything is spent: a pure function. */
export function judge(facts: KeyFacts, now: number, { ip, permission }: KeyQuestion): StateDenial | undefined {
  if (facts.revoked) return 'revoked';
  if (facts.until <= now) return 'expired';
  if (!facts.enabled) return 'disabled';
  if (facts.ips !== null && !inRanges(facts.ips, ip)) return 'ip_denied';
  if (facts.standing !== undefined) return facts.standing;
  if (permission === undefined) return undefined;
  const wanted = typeof permission === 'string' ? [permission] : permission;
  return wanted.every((one) => permits(facts.accepted.key.scopes, one)) ? undefined : 'insufficient_scope';
}

function standingOf(row: KeyRow, policy: VerificationPolicy): StateDenial | undefined {
  if (row.status === 'maintenance') return 'tenant_in_maintenance';
  if (row.status !== 'active') return 'tenant_suspended';
  if (row.member_id !== null && row.member_status !== 'active') return 'member_inactive';
  if (row.member_id === null && row.team_there === false) return 'team_gone';
  if (row.subscription_status !== null && !policy.activeStatuses.has(row.subscription_status)) {
    return 'subscription_inactive';
  }
  const exceeded = row.seats_bought !== null && row.seats_taken !== null && row.seats_taken > row.seats_bought;
  return exceeded && policy.refuseExceededSeats ? 'seats_exceeded' : undefined;
}

/** Seconds as the database counts them; null is never. */
function millisecondsOf(seconds: number | null): number {
  return seconds === null ? Number.POSITIVE_INFINITY : Math.round(seconds * 1000);
}

type Special = NonNullable<KeyRow['special']>;

/** The least that there is: what was written by hand and makes no sense is not taken for no limit. */
const least: RateLimit = { limit: 1, per: 'day' };

function rateOf({ limit, per, burst = limit }: NonNullable<Special['rate']>): RateLimit {
  const length = (['second', 'minute', 'hour', 'day'] as const).find((one) => one === per);
  try {
    return length === undefined ? least : readRateLimit('rateLimit', { limit, per: length, burst });
  } catch {
    return least;
  }
}

function usesOf(amount: number, written: string | null | undefined): Required<KeyUses> {
  const per = (['hour', 'day', 'week', 'month', 'year', 'once'] as const).find((one) => one === written) ?? 'once';
  return { amount, per };
}
