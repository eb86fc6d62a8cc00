import type { GrantsValue } from '../database/member-facts.ts';
import type { TenantKind, TenantStatus } from '../database/tenant-row.ts';
import type { PlanTerms } from '../plans/index.ts';
import type { KeyEnvironment } from './token.ts';

/** What the statement of `verify` finds of one key, its tenant, organization and member. Times are seconds since 1970. */
export interface KeyRow {
  readonly digest: string;
  readonly hash: string | null;
  readonly secret_until: number | null;
  readonly tenant_id: string;
  readonly id: string;
  readonly name: string | null;
  readonly environment: KeyEnvironment;
  readonly start: string;
  readonly scopes: readonly string[];
  readonly enabled: boolean;
  readonly revoked: boolean;
  readonly expires: number | null;
  readonly member_id: string | null;
  readonly team_id: string | null;
  /** Null for a key of no team. */
  readonly team_there: boolean | null;
  /** What few keys have, together: null for all others. */
  readonly special: {
    readonly ips?: readonly string[] | null;
    readonly metadata?: Record<string, unknown> | null;
    readonly rate?: { readonly limit: number; readonly per: string; readonly burst?: number } | null;
    readonly uses?: number | null;
    readonly per?: string | null;
    /** When the key was made. */
    readonly made: number;
  } | null;
  readonly kind: TenantKind;
  readonly plan: string;
  readonly status: TenantStatus;
  readonly subscription_status: string | null;
  readonly anchor: number;
  readonly entitlement_revision: number;
  readonly seats_bought: number | null;
  readonly seats_taken: number | null;
  readonly user_id: string | null;
  readonly role: string | null;
  readonly member_status: string | null;
  readonly grants: GrantsValue;
  /** Since when more seats are taken than bought; null while there are enough. */
  readonly exceeded: number | null;
  readonly plan_since: number;
  readonly plan_terms: PlanTerms | null;
}
