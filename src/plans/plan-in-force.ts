import { TenantryError } from '../core/index.ts';
import type { PlanCatalogue, PlanContents, PlanDefinition, PlanValue } from './plan-definitions.ts';
import { inForce, type PlanTerms } from './plan-terms.ts';

/** What says which plan a tenant has. */
export interface PlanSubject {
  readonly plan: string;
  /** When the tenant signed for the plan: decides its version. The newest one when absent. */
  readonly since?: Date | undefined;
  readonly terms?: PlanTerms | null | undefined;
}

/** The plan that counts for a tenant at a moment. */
export interface PlanInForce {
  /** The tenant's plan, or the one that it tries. */
  readonly plan: string;
  /** From 1; the highest is the newest. */
  readonly version: number;
  readonly contents: PlanContents;
}

/**
 * Tells which plan counts for a tenant at a moment, and in which version: the one to which it was moved, or else the one
 * that was offered when it signed. While a trial runs, it is the plan that is tried.
 *
 * @throws TenantryError `plan_unknown`.
 *
 * @example
 * ```ts
 * import { definePlans, planInForce } from 'tenantry/plans';
 *
 * const plans = definePlans({ free: {}, pro: { features: ['export'] } });
 * planInForce(plans, { plan: 'pro' }, new Date()).contents.features; // 'export' is one of them
 * ```
 */
export function planInForce(catalogue: PlanCatalogue, subject: PlanSubject, now: Date): PlanInForce {
  const { terms, since } = subject;
  const trial = terms?.trial;
  const trying = trial !== undefined && trial.until > now.getTime() && Object.hasOwn(catalogue.plans, trial.plan);
  const plan = trying ? trial.plan : subject.plan;
  const definition = Object.hasOwn(catalogue.plans, plan) ? catalogue.plans[plan] : undefined;
  if (definition === undefined) throw new TenantryError('plan_unknown', { plan, known: Object.keys(catalogue.plans) });
  const earlier = definition.earlier ?? [];
  if (earlier.length === 0) return { plan, version: 1, contents: definition };
  const version = versionOf(definition, terms, plan, trying ? trial.since : since?.getTime());
  return { plan, version, contents: earlier[version - 1] ?? definition };
}

function versionOf(
  { earlier = [] }: PlanDefinition,
  terms: PlanTerms | null | undefined,
  plan: string,
  since: number | undefined,
): number {
  const newest = earlier.length + 1;
  if (terms?.version?.plan === plan) return Math.min(terms.version.number, newest);
  if (since === undefined) return newest;
  const signed = earlier.findIndex(({ until }) => since < new Date(until).getTime());
  return signed === -1 ? newest : signed + 1;
}

/** Tells whether a tenant has a feature at a moment: by its own terms, its plan, or an add-on. */
export function hasFeature(catalogue: PlanCatalogue, subject: PlanSubject, feature: string, now: Date): boolean {
  const { contents } = planInForce(catalogue, subject, now);
  const own = inForce(subject.terms?.features, feature, now.getTime());
  if (own !== undefined) return own.on;
  if (contents.features?.includes(feature) === true) return true;
  return Object.entries(catalogue.addOns).some(
    ([name, addOn]) =>
      addOn.features?.includes(feature) === true && inForce(subject.terms?.addOns, name, now.getTime()) !== undefined,
  );
}

/** A static value of a tenant at a moment: by its own terms or its plan; undefined where neither names it. */
export function planValue(
  catalogue: PlanCatalogue,
  subject: PlanSubject,
  name: string,
  now: Date,
): PlanValue | undefined {
  const { contents } = planInForce(catalogue, subject, now);
  const own = inForce(subject.terms?.values, name, now.getTime());
  if (own !== undefined) return own.value;
  const values = contents.values ?? {};
  return Object.hasOwn(values, name) ? values[name] : undefined;
}
