import type { ExceededSeats } from '../database/member-facts.ts';
import type { TenantKind, TenantStatus } from '../database/tenant-row.ts';

/** The boundary of data and of the bill. */
export interface Tenant {
  readonly tenantId: string;
  readonly kind: TenantKind;
  readonly name: string;
  /**
   * Nobody acts for a `suspended` tenant, and for one in `maintenance` for a moment while its rows are moved; its data
   * stays. One that has `moved` is a row that remembers where it went.
   */
  readonly status: TenantStatus;
  readonly plan: string;
  /** The provider's word for the state of the subscription; null where there never was one. */
  readonly subscriptionStatus: string | null;
  /** Where the periods of quotas are counted from. */
  readonly anchorAt: Date;
  /** Counts up whenever something changes that entitlements are computed from. */
  readonly entitlementRevision: number;
  readonly createdAt: Date;
}

/** A tenant after a call that may have changed it, and whether it did. */
export interface TenantChange {
  readonly tenant: Tenant;
  readonly changed: boolean;
}

/** Who wants to act, and for which tenant where they said so. */
export interface ResolveInput {
  readonly userId: string;
  /** Left out: the one tenant that the user may act for. */
  readonly tenantId?: string;
}

/** Why a user may not act: see {@link Resolution}. */
export type ResolutionDenial =
  | 'tenant_not_found'
  | 'tenant_suspended'
  | 'tenant_in_maintenance'
  | 'tenant_ambiguous'
  | 'tenant_required';

/**
 * Whether a user may act, for which tenant and in which role; `memberId` is null where no membership is needed.
 *
 * Otherwise the reason: `tenant_not_found` for a tenant that does not exist and for another's alike; `tenant_suspended`,
 * which only those learn who could act otherwise, as with `tenant_in_maintenance`; without a tenant named `tenant_ambiguous` for a user with several,
 * and `tenant_required` where memberships are looked up by a function of the application.
 */
export type Resolution =
  | {
      readonly ok: true;
      readonly tenantId: string;
      readonly role: string;
      readonly memberId: string | null;
      /** What was granted to the member beyond the role, as far as it is not over. */
      readonly grants: readonly string[];
      /** The seats of an organization that takes more than it bought; null otherwise. */
      readonly exceeded: ExceededSeats | null;
      /** The tenant as it was read for this answer. */
      readonly tenant: Tenant;
    }
  | { readonly ok: false; readonly reason: ResolutionDenial };

/** What is needed to make a user a place to act in. */
export interface ProvisionInput {
  readonly userId: string;
  /** The name of the tenant; the user's id when absent. */
  readonly name?: string;
  /** Of organizations only: the slug; made from the name when absent. */
  readonly slug?: string;
  /** Of organizations only: the owner's address. */
  readonly email?: string;
  /** Of organizations only: the owner's own name. */
  readonly ownerName?: string;
}

/** The tenant that a user was given, and whether this call made it. */
export interface Provisioned {
  readonly tenantId: string;
  readonly created: boolean;
}
