import { checkedName, checkedSeats } from './checked.ts';
import type { Strategy } from './strategy.ts';

/** Options of {@link hybridSeats}. */
export interface HybridSeatsOptions<Plan extends string = string> {
  /** The plan that a new organization starts on; `default` when absent. */
  readonly plan?: Plan;
  /** How many seats a new organization has bought; 1 when absent, its owner's. */
  readonly seats?: number;
}

/**
 * Each organization is a tenant that pays a base fee, for its seats, and for metered use. Seats are bought and taken;
 * a member takes one.
 *
 * @throws TenantryError `config_invalid` when the plan is empty or the number of seats is no whole number from 1.
 *
 * @example
 * ```ts
 * import { hybridSeats } from 'tenantry/tenancy';
 *
 * const strategy = hybridSeats({ plan: 'free', seats: 5 }); // Strategy<'hybrid-seats', 'free'>
 * ```
 */
export function hybridSeats(options?: HybridSeatsOptions<never>): Strategy<'hybrid-seats', 'default'>;
export function hybridSeats<const Plan extends string>(
  options: HybridSeatsOptions<Plan> & { readonly plan: Plan },
): Strategy<'hybrid-seats', Plan>;
export function hybridSeats({
  plan = 'default',
  seats = 1,
}: HybridSeatsOptions = {}): Strategy<'hybrid-seats', string> {
  return {
    name: 'hybrid-seats',
    plan: checkedName('hybridSeats({ plan })', plan),
    tenantKind: 'organization',
    made: 'when-created',
    actors: 'its-members',
    actingRole: null,
    seats: { rule: 'bought', initial: checkedSeats('hybridSeats({ seats })', seats) },
    bill: 'base+seats+usage',
    tenantName: null,
    lookupOf: () => null,
  };
}
