import type { CallOptions } from '../database/index.ts';
import type { ConsumeDenial, MeterState } from './meter-state.ts';
import type { FreezeOrder, PlanNames } from './plan-definitions.ts';
import type { PlansCallOptions } from './plans-interface.ts';

/** What became of a resource that was to be counted. */
export type OccupyResult =
  | (MeterState & {
      readonly ok: true;
      /** The resource was counted before; nothing was added now. */
      readonly known?: true;
    })
  | (MeterState & { readonly ok: false; readonly reason: ConsumeDenial; readonly requested: number });

/** Which resources are frozen. */
export interface Frozen {
  /** The application's ids of those that are frozen, the first to be frozen first. */
  readonly ids: readonly string[];
  /** How many exist beyond the limit, those that no id was told of among them. */
  readonly surplus: number;
}

/**
 * Limits that know what they count. The application says by ids what exists; when a tenant has more than its plan allows,
 * after a downgrade, the surplus is frozen by a declared rule. Nothing is stored of that and nothing deleted: which are
 * frozen follows from the limit and from what exists, so they thaw by themselves on an upgrade, or when others go.
 */
export interface Resources<Names extends PlanNames = PlanNames> {
  /**
   * Counts a resource against a limit, by the application's id of it; once, however often it is sent. Send it in the
   * transaction that makes the resource.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `meter_unknown`, `name_invalid`, `database_unavailable`.
   */
  occupy(
    tenantId: string,
    limit: Names['limit'],
    resourceId: string,
    options?: PlansCallOptions,
  ): Promise<OccupyResult>;

  /** Counts a resource no longer; nothing happens when it was not counted. */
  vacate(tenantId: string, limit: Names['limit'], resourceId: string, options?: CallOptions): Promise<MeterState>;

  /**
   * Says which resources are frozen last, the first of the list at the very last, in the place of what was said before.
   * Those that are not named are frozen before them, by the order of the limit. An empty list takes the choice back.
   *
   * @returns How many of them are counted against the limit; the others are left out.
   */
  choose(
    tenantId: string,
    limit: Names['limit'],
    resourceIds: readonly string[],
    options?: CallOptions,
  ): Promise<number>;

  /**
   * Lists what is frozen now: as many as exist beyond the limit. `order` says whether the newest or the oldest are frozen
   * first; what the plan declares when absent, and the newest when it does not. Those that were chosen stay longest.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `meter_unknown`.
   */
  frozen(
    tenantId: string,
    limit: Names['limit'],
    options?: PlansCallOptions & { readonly order?: FreezeOrder },
  ): Promise<Frozen>;

  /** Tells whether one resource is frozen. One that is not counted is not. */
  isFrozen(
    tenantId: string,
    limit: Names['limit'],
    resourceId: string,
    options?: PlansCallOptions & { readonly order?: FreezeOrder },
  ): Promise<boolean>;
}
