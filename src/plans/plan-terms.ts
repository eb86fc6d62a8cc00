import type { Amount, PlanValue, QuotaDefinition } from './plan-definitions.ts';

/** What holds for one tenant for a while, or for ever. */
export interface Passing {
  /** Until when, in milliseconds since 1970; for ever when absent. */
  readonly until?: number;
  /** What was agreed before, and holds longer: it counts when the time is over. */
  readonly afterwards?: this;
}

/** What one tenant has of a limit or quota in the place of what its plan and add-ons give. */
export interface MeterTerms extends Passing {
  readonly amount?: Amount;
  readonly overage?: NonNullable<QuotaDefinition['overage']>;
  readonly overageAtMost?: number;
}

/**
 * What a tenant has beyond its plan, as it is stored with the tenant: times are milliseconds since 1970. A change of it
 * counts up the tenant's revision, as a change of the plan does.
 */
export interface PlanTerms {
  /** The version of a plan to which the tenant was moved. */
  readonly version?: { readonly plan: string; readonly number: number };
  /** The time zones of the tenant, the last one last. */
  readonly zones?: readonly { readonly zone: string; readonly at: number }[];
  readonly trial?: { readonly plan: string; readonly since: number; readonly until: number };
  readonly meters?: { readonly [meter: string]: MeterTerms };
  readonly features?: { readonly [feature: string]: Passing & { readonly on: boolean } };
  readonly values?: { readonly [name: string]: Passing & { readonly value: PlanValue } };
  readonly addOns?: { readonly [name: string]: Passing & { readonly quantity: number } };
  /** Until when there may be units of grants, by quota; null: for ever. */
  readonly granted?: { readonly [quota: string]: number | null };
}

/**
 * What is stored by a name and holds at a moment: the last thing that was agreed and whose time is not over. Names may be any
 * text: what an object inherits is no entry.
 */
export function inForce<Value extends Passing>(
  stored: { readonly [name: string]: Value } | undefined,
  name: string,
  now: number,
): Value | undefined {
  let value: Value | undefined = stored !== undefined && Object.hasOwn(stored, name) ? stored[name] : undefined;
  while (value?.until !== undefined && value.until <= now) value = value.afterwards;
  return value;
}

/** Tells whether there may be units of grants of a quota. */
export function hasGrants(terms: PlanTerms | null, quota: string, now: number): boolean {
  const granted = terms?.granted;
  if (granted === undefined || !Object.hasOwn(granted, quota)) return false;
  const until = granted[quota];
  return until === null || (until !== undefined && until > now);
}
