import type { CallOptions, ModuleDeps } from '../database/index.ts';
import type { ConsumeResult, MeterState } from './meter-state.ts';
import type { PlanCatalogue, PlanDefinitions, PlanNames } from './plan-definitions.ts';
import type { EntitlementFacts, MemberUsage } from './store.ts';

/** What {@link createPlans} is made from. */
export interface PlansDeps<Definitions extends PlanDefinitions> extends Pick<ModuleDeps, 'db' | 'clock'> {
  readonly plans: PlanCatalogue<Definitions>;
  /** Of how many tenants the plan is remembered between calls; 10,000 when absent. */
  readonly remembered?: number;
}

/** Options of the calls that need a tenant's plan. */
export interface PlansCallOptions extends CallOptions {
  /** What the caller has just read of the tenant, for example with its API key: spares the look-up. */
  readonly entitlement?: EntitlementFacts;
}

/** Options of {@link Plans.consume}. */
export interface ConsumeOptions extends PlansCallOptions {
  /** The member who uses it: what they use of a quota is kept, in the same statement. Ids of no member are left out. */
  readonly memberId?: string;
}

/** Of which period the members' usage is asked for, and which part of the list. */
export interface MemberUsageOptions extends CallOptions {
  /** A moment within the period; now when absent. */
  readonly at?: Date;
  /** The `nextCursor` of the part before. */
  readonly cursor?: string | null;
  /** How many members at most, 1 to 1,000; 100 when absent. */
  readonly limit?: number;
}

/** Holds tenants to their plans. */
export interface Plans<Names extends PlanNames = PlanNames> {
  /** The plans that it was made with. */
  readonly catalogue: PlanCatalogue;

  /**
   * Tells what {@link Plans.consume} would answer at this moment, and uses nothing: the state is the one before. Another
   * caller may be faster, so decide by `consume`.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `meter_unknown`, `amount_invalid`.
   */
  check(
    tenantId: string,
    meter: Names['meter'],
    options?: PlansCallOptions & { readonly amount?: number },
  ): Promise<ConsumeResult>;

  /**
   * Uses units (1 when absent) of a limit or quota, all or none. The answer comes after the commit, and is exact under
   * any number of callers and processes: never is more granted than the plan allows, and what is refused did not fit.
   *
   * Calls for the same tenant and meter that wait at the same time share one statement. With `{ db: tx }` a call is not
   * shared: it becomes part of the caller's transaction, and other calls for the same meter wait until that ends, so
   * keep such a transaction short. When the connection breaks, the promise rejects with the driver's error; the units
   * may then be counted although nobody was told so, never the other way round.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `meter_unknown`, `amount_invalid`.
   */
  consume(tenantId: string, meter: Names['meter'], amount?: number, options?: ConsumeOptions): Promise<ConsumeResult>;

  /**
   * Lists what each member used of a quota in a period, as far as `consume` was told who it was, in the order of the
   * members' ids. Members who used nothing are left out.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `meter_unknown`, `amount_invalid` for a limit,
   * `name_invalid` for a cursor that is none.
   */
  usageByMember(
    tenantId: string,
    quota: Names['meter'],
    options?: MemberUsageOptions,
  ): Promise<{ readonly items: readonly MemberUsage[]; readonly nextCursor: string | null }>;

  /**
   * Gives back units (1 when absent) of a limit when what they counted is gone; never below 0. It works for a suspended
   * tenant too. The state is the one after all calls that shared the statement.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `meter_unknown` (also for a quota, whose units are not
   * given back), `amount_invalid`.
   */
  release(tenantId: string, limit: Names['limit'], amount?: number, options?: CallOptions): Promise<MeterState>;

  /**
   * Tells whether the tenant's plan has a feature. One statement, or none when `entitlement` is given. A name that no
   * plan has gives `false`.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`.
   */
  has(tenantId: string, feature: Names['feature'], options?: PlansCallOptions): Promise<boolean>;
}
