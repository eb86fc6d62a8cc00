import { checkedName } from './checked.ts';
import type { Strategy } from './strategy.ts';

/** Options of {@link perUser}. */
export interface PerUserOptions<Plan extends string = string> {
  /** The plan that a new user starts on; `default` when absent. */
  readonly plan?: Plan;
  /** The role in which users act for their own tenant; `owner` when absent. */
  readonly role?: string;
}

/**
 * Each user is a tenant, made when the user is first seen. Nobody else acts for it.
 *
 * @throws TenantryError `config_invalid` when a plan or role is given and empty.
 *
 * @example
 * ```ts
 * import { perUser } from 'tenantry/tenancy';
 *
 * const strategy = perUser({ plan: 'free' }); // Strategy<'per-user', 'free'>
 * ```
 */
export function perUser(options?: PerUserOptions<never>): Strategy<'per-user', 'default'>;
export function perUser<const Plan extends string>(
  options: PerUserOptions<Plan> & { readonly plan: Plan },
): Strategy<'per-user', Plan>;
export function perUser({ plan = 'default', role = 'owner' }: PerUserOptions = {}): Strategy<'per-user', string> {
  return {
    name: 'per-user',
    plan: checkedName('perUser({ plan })', plan),
    tenantKind: 'user',
    made: 'at-first-sight',
    actors: 'its-user',
    actingRole: checkedName('perUser({ role })', role),
    seats: { rule: 'one', initial: 1 },
    bill: 'user',
    tenantName: null,
    lookupOf: (userId) => ({ kind: 'user', value: userId }),
  };
}
