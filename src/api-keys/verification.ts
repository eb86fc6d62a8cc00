import type { ExceededSeats, GrantsValue } from '../database/member-facts.ts';
import type { TenantKind } from '../database/tenant-row.ts';
import type { PlanTerms } from '../plans/index.ts';
import type { KeyOwner } from './key-owner.ts';
import type { UsesState } from './limits/key-uses.ts';
import type { RateState } from './limits/rate-limit.ts';
import type { KeyEnvironment } from './token.ts';

/**
 * Why a key was refused, the first reason that holds in this order. `missing`: there is no secret. `malformed`: it has
 * not the form of a key, or its checksum is wrong. `expired`: the key ended, or the secret was replaced and its time of
 * grace is over. `ip_denied`: the key is bound to other addresses, or the caller's is not known. `tenant_in_maintenance`:
 * the tenant is closed for a moment while its rows are moved. `member_inactive`: the key acts for a member who is not
 * active. `team_gone`: the team that owned the key is no more. `subscription_inactive`: the tenant has a subscription,
 * and its state is none of the active ones. `seats_exceeded`: the organization has more members than seats.
 * `insufficient_scope`: the key may not do what was asked for. `rate_limited` and `quota_exceeded`: too many calls of the
 * key or the tenant for now; the uses of the key are used up.
 */
export type KeyDenial =
  | 'missing'
  | 'malformed'
  | 'not_found'
  | 'revoked'
  | 'expired'
  | 'disabled'
  | 'ip_denied'
  | 'tenant_suspended'
  | 'tenant_in_maintenance'
  | 'member_inactive'
  | 'team_gone'
  | 'subscription_inactive'
  | 'seats_exceeded'
  | 'insufficient_scope'
  | SpendDenial['reason'];

/** What is left to a key that is limited, after the call. Null where there is no such limit. */
export interface KeyLeft {
  /** The rate limit of the key. */
  readonly rate: RateState | null;
  /** The rate limit of all keys of the tenant together. */
  readonly tenantRate: RateState | null;
  /** The uses of the key. */
  readonly uses: UsesState | null;
}

/** A key that was accepted, with all that a request needs to know of its tenant and member. */
export interface AcceptedKey {
  readonly ok: true;
  readonly key: {
    readonly id: string;
    readonly name: string | null;
    readonly environment: KeyEnvironment;
    readonly scopes: readonly string[];
    readonly start: string;
    readonly owner: KeyOwner;
    /** When the secret ends that was shown; null when never. */
    readonly expiresAt: Date | null;
    /** The application's own facts of the key. */
    readonly metadata: Readonly<Record<string, unknown>>;
  };
  readonly tenant: {
    readonly id: string;
    readonly kind: TenantKind;
    readonly plan: string;
    /** Where the periods of quotas are counted from. */
    readonly anchorAt: Date;
    /** Counts up whenever something changes that entitlements are computed from. */
    readonly entitlementRevision: number;
    /** The provider's word for the state of the subscription; null where there never was one. */
    readonly subscriptionStatus: string | null;
    /** Null: no cap. */
    readonly seatsBought: number | null;
    /** When the tenant signed for its plan. */
    readonly planSince: Date;
    /** What holds for this tenant beyond its plan. */
    readonly planTerms: PlanTerms | null;
  };
  /** The member for whom the key acts; null for a key of the tenant or of a team. */
  readonly member: {
    readonly id: string;
    readonly userId: string;
    readonly role: string;
    /** What was granted beyond the role: each a permission and, where it ends, a space and the second since 1970. */
    readonly grants: GrantsValue;
  } | null;
  /** The seats of an organization that takes more than it bought; null otherwise. */
  readonly exceeded: ExceededSeats | null;
  /** What is left of the limits of the key; null when it has none, or when nothing was to be spent. */
  readonly left: KeyLeft | null;
}

/** A key that is in order, and was called too often. */
export interface SpendDenial {
  readonly ok: false;
  readonly reason: 'rate_limited' | 'quota_exceeded';
  /** Which limit it was: of the key, of all keys of the tenant, or of what this process does at once. */
  readonly limitOf: 'key' | 'tenant' | 'process';
  /** From when on a call may fit again; null when never by itself. */
  readonly retryAt: Date | null;
  /** How the limit stood; null for a limit of the process. */
  readonly left: KeyLeft | null;
}

/** What became of a key: accepted, or refused for a reason. */
export type KeyVerification =
  | AcceptedKey
  | SpendDenial
  | { readonly ok: false; readonly reason: Exclude<KeyDenial, SpendDenial['reason']> };
