import type { CallOptions } from '../database/index.ts';
import type { PlanNames } from './plan-definitions.ts';

/** Which usage is read. */
export interface UsageQuery extends CallOptions {
  /** All quotas when absent. */
  readonly quota?: string;
  /** From this moment on; whole hours. */
  readonly from: Date;
  /** Until this moment, which is not part of it. */
  readonly to: Date;
  /** One sum for each hour, or for each day of the time zone, or for the whole time; `day` when absent. */
  readonly by?: 'hour' | 'day' | 'total';
  /** Of the tenant as a whole (the default), or of each of its members or keys, as far as `consume` was told of them. */
  readonly of?: 'tenant' | 'members' | 'keys';
  /** Whose days they are; UTC when absent. */
  readonly zone?: string;
}

/** Units that were used in a stretch of time. */
export interface UsageSum {
  readonly quota: string;
  /** When the hour or the day begins; the start of the query for a total. */
  readonly at: Date;
  readonly units: number;
  /** The member or the key; null for the tenant. */
  readonly subjectId: string | null;
}

/** A period of a quota or limit, and what was used in it. */
export interface UsagePeriod {
  readonly meter: string;
  /** The kind of the period: `month`, `3 month`, `once`, or `none` for a limit. */
  readonly per: string;
  readonly start: Date;
  readonly used: number;
  readonly updatedAt: Date;
}

/** When a quota will be used up, if it goes on as it did. */
export interface Forecast {
  readonly used: number;
  /** What is left, with grants. */
  readonly remaining: number | 'unlimited';
  /** Units per day, as in the last seven days or since the period began, whichever is shorter. */
  readonly perDay: number;
  /** When nothing is left; null when that is not before the period ends. */
  readonly exhaustsAt: Date | null;
  /** What will have been used when the period ends; null when it never ends. */
  readonly usedAtEnd: number | null;
}

/** Units beyond a quota's amount, for the bill. */
export interface UsageExport {
  /** Names the export: the same units always come under the same id, so that a provider counts them once. */
  readonly id: string;
  readonly tenantId: string;
  readonly quota: string;
  readonly periodStart: Date;
  readonly units: number;
}

/** What takes usage to the billing provider. It is called again with the same id until it has not thrown. */
export type UsageExporter = (usage: UsageExport) => Promise<void>;

/** What is deleted. */
export interface PruneUsageInput {
  /**
   * Idempotency keys that were used, and reservations that were settled, before this moment; and shorter times within
   * quotas that were over by then. A key that is gone uses units anew when it comes once more.
   */
  readonly before: Date;
  /** Hours before this moment, and periods that were over by then, of tenants and members; all are kept when absent. */
  readonly historyBefore?: Date;
  /** Of one tenant alone. */
  readonly tenantId?: string;
}

/** How many rows were deleted. */
export interface PrunedUsage {
  readonly keys: number;
  readonly reservations: number;
  readonly windows: number;
  readonly hours: number;
  readonly periods: number;
  readonly members: number;
}

/** Usage that can be read. */
export interface Usage<Names extends PlanNames = PlanNames> {
  /**
   * Reads what was used, by the hour or the day, in one statement, in the order of time.
   *
   * @throws TenantryError `tenant_not_found`, `meter_unknown`, `config_invalid` for a time or a zone that cannot be.
   */
  read(tenantId: string, query: UsageQuery): Promise<readonly UsageSum[]>;

  /**
   * Lists the counters of a tenant, the running periods and those of the past, the newest first: 100 at most, or `limit`, up
   * to 1,000. `before` leaves out those that began then or later: with a `meter`, the start of the last one lists on.
   *
   * @throws TenantryError `tenant_not_found`, `meter_unknown`, `config_invalid`.
   */
  periods(
    tenantId: string,
    options?: CallOptions & { readonly meter?: Names['meter']; readonly limit?: number; readonly before?: Date },
  ): Promise<readonly UsagePeriod[]>;

  /**
   * Tells when a quota will be used up.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `meter_unknown`.
   */
  forecast(tenantId: string, quota: Names['quota'], options?: CallOptions): Promise<Forecast>;

  /**
   * Tells the billing provider of what was used beyond quotas that are billed, in the period of a moment (now when absent),
   * as far as it was not told before. What is told is noted before it is sent, so after a crash the same is sent under the
   * same id. Call it now and then, and once more for a period after it ended and late units are in.
   *
   * @returns How many units were told of.
   * @throws TenantryError `tenant_not_found`, `plan_unknown`; what `send` throws.
   */
  export(tenantId: string, send: UsageExporter, options?: { readonly at?: Date }): Promise<number>;

  /**
   * Deletes of all tenants what nobody needs any more, 2,000 rows at a time. Running periods, open reservations, grants, and
   * what the billing provider is being told of stay. Call it daily, from one process.
   *
   * @throws TenantryError `config_invalid` for a `before` that is nearer than the hours in which late units are taken and a
   * day, or a `historyBefore` later than `before`; `tenant_not_found`, `database_unavailable`.
   */
  prune(input: PruneUsageInput, options?: CallOptions): Promise<PrunedUsage>;
}
