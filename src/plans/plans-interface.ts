import type { CallOptions, ModuleDeps } from '../database/index.ts';
import type { PlanEvent } from './events.ts';
import type { Grants } from './grants-interface.ts';
import type { Leases } from './leases-interface.ts';
import type { ConsumeResult, MeterState } from './meter-state.ts';
import type { AddOnDefinitions, PlanCatalogue, PlanDefinitions, PlanNames, PlanValue } from './plan-definitions.ts';
import type { PlanInForce } from './plan-in-force.ts';
import type { Reservations } from './reservations-interface.ts';
import type { Resources } from './resources-interface.ts';
import type { EntitlementFacts, MemberUsage } from './store.ts';
import type { Terms } from './terms-interface.ts';
import type { Usage } from './usage-interface.ts';

/** What {@link createPlans} is made from. */
export interface PlansDeps<Definitions extends PlanDefinitions, AddOns extends AddOnDefinitions = AddOnDefinitions>
  extends ModuleDeps<PlanEvent> {
  readonly plans: PlanCatalogue<Definitions, AddOns>;
  /** False writes down nothing by the hour; counters are kept all the same. */
  readonly history?: boolean;
  /**
   * False sends a statement for each tenant, where calls of many tenants would share one: for a database that is spread
   * over several machines.
   */
  readonly acrossTenants?: boolean;
  /** How late units of the past are taken, in hours; 72 when absent. */
  readonly lateHours?: number;
  /** Of how many tenants the plan is remembered between calls; 50,000 when absent. */
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
  /** The API key that uses it: what is used by it is written down by the hour. */
  readonly keyId?: string;
  /** The same call, however often it is sent, uses the units once: `replayed` tells that they were used before. */
  readonly idempotencyKey?: string;
  /**
   * Only from this pack of grants (`Grant.packId`), its units before its spare ones, such as a voucher that somebody holds
   * up: nothing of the plan, and of no other grant. `remaining` is then what is left of it, as far as windows let it through.
   */
  readonly pack?: string;
  /** When the units were used, if that was earlier: they count in the period of then. */
  readonly at?: Date;
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
  /** What single tenants have beyond their plans: overrides, add-ons, versions, trials, time zones. */
  readonly terms: Terms<Names>;
  /** Units outside the plan: prepaid packs, vouchers, top-ups. */
  readonly grants: Grants<Names>;
  /** Units that are held for a job. */
  readonly reservations: Reservations<Names>;
  /** Units that this process takes ahead, for calls that are too many for a round trip each. */
  readonly leases: Leases<Names>;
  /** Limits that know what they count, and what is frozen after a downgrade. */
  readonly resources: Resources<Names>;
  /** What was used, when, and by whom. */
  readonly usage: Usage<Names>;

  /**
   * Tells what {@link Plans.consume} would answer at this moment, and uses nothing: the state is the one before. Another
   * caller may be faster, so decide by `consume`.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `meter_unknown`, `amount_invalid`.
   */
  check(
    tenantId: string,
    meter: Names['meter'],
    options?: PlansCallOptions & Pick<ConsumeOptions, 'pack'> & { readonly amount?: number },
  ): Promise<ConsumeResult>;

  /**
   * Uses units (1 when absent) of a limit or quota, all or none. The answer comes after the commit, and is exact under
   * any number of callers and processes: never is more granted than the plan allows, and what is refused did not fit.
   *
   * Calls for the same tenant and meter that wait at the same time share one statement. With `{ db: tx }` a call is not
   * shared: it becomes part of the caller's transaction, and other calls for the same meter wait until that ends, so
   * keep such a transaction short. When the connection breaks, the promise rejects with `database_unavailable`; the units
   * may then be counted although nobody was told so, never the other way round. With an `idempotencyKey` it can be sent
   * again without fear.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `meter_unknown`, `amount_invalid` (also for an idempotency
   * key that came with another amount), `usage_time_invalid`, `database_unavailable`.
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

  /**
   * A static value of the tenant's plan, or what was agreed with the tenant; `undefined` where neither names it.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`.
   */
  value(tenantId: string, name: Names['value'], options?: PlansCallOptions): Promise<PlanValue | undefined>;

  /**
   * Tells which plan counts for the tenant now, in which version: its own, or the one that it tries.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`.
   */
  inForce(tenantId: string, options?: PlansCallOptions): Promise<PlanInForce>;
}
