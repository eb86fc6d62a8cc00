import type { KeyEnvironment } from './token.ts';

/**
 * Why a key was refused, the first reason that holds in this order. `missing`: there is no secret. `malformed`: it has
 * not the form of a key, or its checksum is wrong. `member_inactive`: the key acts for a member who is not active.
 * `subscription_inactive`: the tenant has a subscription, and its state is none of the active ones. `seats_exceeded`:
 * the organization has more members than seats.
 */
export type KeyDenial =
  | 'missing'
  | 'malformed'
  | 'not_found'
  | 'revoked'
  | 'expired'
  | 'disabled'
  | 'tenant_suspended'
  | 'member_inactive'
  | 'subscription_inactive'
  | 'seats_exceeded';

/** A key that was accepted, with all that a request needs to know of its tenant and member. */
export interface AcceptedKey {
  readonly ok: true;
  readonly key: {
    readonly id: string;
    readonly name: string | null;
    readonly environment: KeyEnvironment;
    readonly scopes: readonly string[];
    readonly start: string;
    readonly memberId: string | null;
  };
  readonly tenant: {
    readonly id: string;
    readonly kind: 'program' | 'user' | 'organization';
    readonly plan: string;
    /** Where the periods of quotas are counted from. */
    readonly anchorAt: Date;
    /** Counts up whenever something changes that entitlements are computed from. */
    readonly entitlementRevision: number;
    /** The provider's word for the state of the subscription; null where there never was one. */
    readonly subscriptionStatus: string | null;
    /** Null: no cap. */
    readonly seatsBought: number | null;
  };
  /** The member for whom the key acts; null for a key of the whole tenant. */
  readonly member: { readonly id: string; readonly userId: string; readonly role: string } | null;
}

/** What became of a key: accepted, or refused for a reason. */
export type KeyVerification = AcceptedKey | { readonly ok: false; readonly reason: KeyDenial };

/** What the statement of `verify` finds of one key, its tenant, organization and member. */
export interface KeyRow {
  readonly digest: string;
  readonly tenant_id: string;
  readonly id: string;
  readonly name: string | null;
  readonly environment: KeyEnvironment;
  readonly start: string;
  readonly scopes: readonly string[];
  readonly enabled: boolean;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly member_id: string | null;
  readonly kind: 'program' | 'user' | 'organization';
  readonly plan: string;
  readonly status: 'active' | 'suspended';
  readonly subscription_status: string | null;
  readonly anchor_at: Date;
  readonly entitlement_revision: string | number | bigint;
  readonly seats_bought: number | null;
  readonly seats_taken: number | null;
  readonly user_id: string | null;
  readonly role: string | null;
  readonly member_status: string | null;
}

/** What a verification depends on beside the row. */
export interface VerificationPolicy {
  readonly activeStatuses: ReadonlySet<string>;
  readonly refuseExceededSeats: boolean;
}

/** Decides over a key from what is known of it: a pure function. */
export function judge(row: KeyRow | undefined, now: Date, policy: VerificationPolicy): KeyVerification {
  if (row === undefined) return { ok: false, reason: 'not_found' };
  const reason = denialOf(row, now, policy);
  if (reason !== undefined) return { ok: false, reason };
  return {
    ok: true,
    key: {
      id: row.id,
      name: row.name,
      environment: row.environment,
      scopes: [...row.scopes],
      start: row.start,
      memberId: row.member_id,
    },
    tenant: {
      id: row.tenant_id,
      kind: row.kind,
      plan: row.plan,
      anchorAt: row.anchor_at,
      entitlementRevision: Number(row.entitlement_revision),
      subscriptionStatus: row.subscription_status,
      seatsBought: row.seats_bought,
    },
    member:
      row.member_id === null || row.user_id === null || row.role === null
        ? null
        : { id: row.member_id, userId: row.user_id, role: row.role },
  };
}

function denialOf(row: KeyRow, now: Date, policy: VerificationPolicy): KeyDenial | undefined {
  if (row.revoked_at !== null) return 'revoked';
  if (row.expires_at !== null && row.expires_at <= now) return 'expired';
  if (!row.enabled) return 'disabled';
  if (row.status !== 'active') return 'tenant_suspended';
  if (row.member_id !== null && row.member_status !== 'active') return 'member_inactive';
  if (row.subscription_status !== null && !policy.activeStatuses.has(row.subscription_status)) {
    return 'subscription_inactive';
  }
  const exceeded = row.seats_bought !== null && row.seats_taken !== null && row.seats_taken > row.seats_bought;
  return exceeded && policy.refuseExceededSeats ? 'seats_exceeded' : undefined;
}
