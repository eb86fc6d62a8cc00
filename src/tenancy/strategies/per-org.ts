import { checkedName, checkedSeats } from './checked.ts';
import type { Strategy } from './strategy.ts';

/** Options of {@link perOrg}. */
export interface PerOrgOptions<Plan extends string = string> {
  /** The plan that a new organization starts on; `default` when absent. */
  readonly plan?: Plan;
  /** How many members an organization may have; no cap when absent. */
  readonly seats?: number;
}

/**
 * Each organization is a tenant at a flat price; its members act for it by their role, up to a cap where there is one.
 *
 * @throws TenantryError `config_invalid` when the plan is empty or the cap is no whole number from 1.
 *
 * @example
 * ```ts
 * import { perOrg } from 'tenantry/tenancy';
 *
 * const strategy = perOrg({ plan: 'team', seats: 10 }); // Strategy<'per-org', 'team'>
 * ```
 */
export function perOrg(options?: PerOrgOptions<never>): Strategy<'per-org', 'default'>;
export function perOrg<const Plan extends string>(
  options: PerOrgOptions<Plan> & { readonly plan: Plan },
): Strategy<'per-org', Plan>;
export function perOrg({ plan = 'default', seats }: PerOrgOptions = {}): Strategy<'per-org', string> {
  return {
    name: 'per-org',
    plan: checkedName('perOrg({ plan })', plan),
    tenantKind: 'organization',
    made: 'when-created',
    actors: 'its-members',
    actingRole: null,
    seats: { rule: 'cap', initial: seats === undefined ? null : checkedSeats('perOrg({ seats })', seats) },
    bill: 'organization',
    tenantName: null,
    lookupOf: () => null,
  };
}
