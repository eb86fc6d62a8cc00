import type { AcceptedKey, KeyLeft, KeyVerification } from '../api-keys/index.ts';
import type { Acting } from '../audit/index.ts';
import type { TokenDenial } from '../auth/index.ts';
import type { Actor } from '../core/index.ts';
import type { CallOptions } from '../database/index.ts';
import type { ConsumeResult, LeaseOptions, MeterState, PlanNames } from '../plans/index.ts';
import type { DeclarationsOf, ResolutionDenial, TenantDb, TenantTransaction } from '../tenancy/index.ts';

/** What a request may do: who acts, for which tenant, what they may, and how much is left. */
export interface Access<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
> {
  readonly tenant: Omit<AcceptedKey['tenant'], 'plan' | 'seatsBought' | 'planSince' | 'planTerms'>;
  /** The user who acts, in the application's own words; null for a key of the whole tenant. */
  readonly userId: string | null;
  /** The role in which the user acts; null for a key of the whole tenant. */
  readonly role: string | null;
  /** Whether the member may only read: the organization bought fewer seats than it takes, and this is one too many. */
  readonly readOnly: boolean;
  /** The member who acts; null for a key of the whole tenant, and where no membership is needed. */
  readonly member: { readonly id: string; readonly userId: string; readonly role: string } | null;
  /** The key that was shown; null for a user of the application's own sessions. */
  readonly key: AcceptedKey['key'] | null;
  /** The session of the access token that was shown; null for a key, and for a session of the application's own. */
  readonly session: { readonly id: string } | null;
  /** Who really acts, while somebody acts as the user; null otherwise. */
  readonly impersonator: { readonly userId: string } | null;
  /** Who acts, to be handed as `by` to what is done for them; undefined for a key of the whole tenant. */
  readonly by: Actor | undefined;
  /** Who acts, to be handed to `audit.as`: the user, whoever acts as them, or the key. */
  readonly acting: Acting;
  /** What is left of the limits of the key; null where it has none. */
  readonly left: KeyLeft | null;
  /**
   * The tenant's own plan, also while it tries another: which one counts, `plans.inForce` tells.
   *
   * @throws TenantryError `plan_unknown` when the database names a plan that the catalogue has not.
   */
  readonly plan: Names['plan'];
  /**
   * Tells whether a permission is given: by the key's scopes, and by the role together with what was granted to the member;
   * as far as there is each. While somebody acts as the user, what changes bills and log-ins is given to nobody.
   */
  can(permission: string): boolean;
  /**
   * Goes on only with a permission.
   *
   * @throws TenantryError `permission_denied`.
   */
  require(permission: string): void;
  /**
   * Uses units (1 when absent) of a limit or quota, all or none, exactly under any concurrency.
   *
   * @throws TenantryError `quota_exceeded`, `limit_reached`, `tenant_suspended`, `tenant_in_maintenance`, `amount_invalid`, `plan_unknown`.
   */
  consume(meter: Names['meter'], amount?: number, options?: CallOptions): Promise<MeterState>;
  /**
   * Uses units of a block that this process took ahead: no round trip while the block has them, and one for all calls that
   * wait when it has not. Calls of the tenant with the same options share the block. What that costs is said of the leases
   * of the plans: call `plans.leases.settle()` before the process ends.
   *
   * @throws TenantryError what {@link Access.consume} throws, and `meter_unknown` for a limit.
   */
  consumeLeased(quota: Names['quota'], amount: number, lease: LeaseOptions): Promise<void>;
  /** Tells what {@link Access.consume} would answer at this moment, as a value, and uses nothing. */
  check(meter: Names['meter'], options?: CallOptions & { readonly amount?: number }): Promise<ConsumeResult>;
  /** Tells whether the tenant's plan has a feature. */
  has(feature: Names['feature'], options?: CallOptions): Promise<boolean>;
  /**
   * Goes on only with a feature.
   *
   * @throws TenantryError `feature_missing`.
   */
  requireFeature(feature: Names['feature'], options?: CallOptions): Promise<void>;
  /** The application's tables as the tenant sees them: each query is one statement, kept to the tenant. */
  readonly db: TenantDb<DB, Tables>;
  /** Runs a transaction of the tenant, under row-level security. */
  transaction<Result>(
    work: (tx: TenantTransaction<DB, Tables>) => Promise<Result>,
    options?: CallOptions,
  ): Promise<Result>;
}

/** Whether a request is let in, and why not. */
export type AccessResult<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
> =
  | { readonly ok: true; readonly access: Access<DB, Names, Tables> }
  | { readonly ok: false; readonly reason: TokenDenial | ResolutionDenial }
  | Extract<KeyVerification, { readonly ok: false }>;
