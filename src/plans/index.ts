/**
 * Plans: what a tenant may have and use. A catalogue in code, entitlements computed from it, and counters in the
 * database that are exact under any concurrency.
 *
 * @packageDocumentation
 */

export type { RateLimit, RateState } from '../core/cell-rate.ts';
export type { Period, PeriodOptions } from '../core/period-of.ts';
export { definePlans } from './define-plans.ts';
export type { Entitlement, EntitlementSubject } from './evaluate-entitlement.ts';
export { evaluateEntitlement } from './evaluate-entitlement.ts';
export type { PlanEvent } from './events.ts';
export type { RecentUse } from './forecast-of.ts';
export { forecastOf } from './forecast-of.ts';
export type { Grant, GrantInput, Grants } from './grants-interface.ts';
export type { Lease, LeaseOptions, LeaseResult, Leases } from './leases-interface.ts';
export type { ConsumeDenial, ConsumeResult, MeterState, TenantClosed } from './meter-state.ts';
export { periodOf } from './period-of.ts';
export type {
  AddOnDefinition,
  AddOnDefinitions,
  AddOnFeatureOf,
  Amount,
  EarlierPlan,
  FeatureNameOf,
  FeaturesIn,
  FreezeOrder,
  LimitDefinition,
  LimitNameOf,
  MeterDefinition,
  MeterNameOf,
  NamesIn,
  NamesOf,
  Per,
  PlanCatalogue,
  PlanContents,
  PlanDefinition,
  PlanDefinitions,
  PlanNameOf,
  PlanNames,
  PlanValue,
  QuotaDefinition,
  QuotaNameOf,
  ValueNameOf,
  VersionOf,
  WindowDefinition,
} from './plan-definitions.ts';
export type { PlanInForce, PlanSubject } from './plan-in-force.ts';
export { planInForce } from './plan-in-force.ts';
export type { MeterTerms, Passing, PlanTerms } from './plan-terms.ts';
export { createPlans } from './plans.ts';
export type { ConsumeOptions, MemberUsageOptions, Plans, PlansCallOptions, PlansDeps } from './plans-interface.ts';
export type { RateCall, RateLimits, RateLimitsOptions, RateResult } from './rate-limits.ts';
export { createRateLimits } from './rate-limits.ts';
export type { RateSpending, RateSpent, RateStore } from './rate-store.ts';
export type { RedisClient, RedisRateStoreOptions } from './redis-rate-store.ts';
export { redisRateStore } from './redis-rate-store.ts';
export type { HoldOptions, HoldResult, Reservations, SettleResult } from './reservations-interface.ts';
export type { Frozen, OccupyResult, Resources } from './resources-interface.ts';
export type { EntitlementFacts, MemberUsage } from './store.ts';
export type { MeterOverride, Overrides, TermOptions, Terms, TrialResult } from './terms-interface.ts';
export type {
  Forecast,
  PrunedUsage,
  PruneUsageInput,
  Usage,
  UsageExport,
  UsageExporter,
  UsagePeriod,
  UsageQuery,
  UsageSum,
} from './usage-interface.ts';
