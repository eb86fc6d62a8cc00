/**
 * Plans: what a tenant may have and use. A catalogue in code, entitlements computed from it, and counters in the
 * database that are exact under any concurrency.
 *
 * @packageDocumentation
 */

export { definePlans } from './define-plans.ts';
export type { Entitlement, EntitlementSubject } from './evaluate-entitlement.ts';
export { evaluateEntitlement } from './evaluate-entitlement.ts';
export type { ConsumeDenial, ConsumeResult, MeterState } from './meter-state.ts';
export type { Period } from './period-of.ts';
export { periodOf } from './period-of.ts';
export type {
  Amount,
  FeatureNameOf,
  LimitDefinition,
  LimitNameOf,
  MeterNameOf,
  NamesOf,
  Per,
  PlanCatalogue,
  PlanDefinition,
  PlanDefinitions,
  PlanNameOf,
  PlanNames,
  QuotaDefinition,
  QuotaNameOf,
} from './plan-definitions.ts';
export { createPlans } from './plans.ts';
export type { Plans, PlansCallOptions, PlansDeps } from './plans-interface.ts';
export type { EntitlementFacts } from './store.ts';
