import { checkedName } from './checked.ts';
import type { Strategy } from './strategy.ts';

/** Options of {@link none}. */
export interface NoneOptions<Plan extends string = string> {
  /** The plan of the program's tenant; `default` when absent. */
  readonly plan?: Plan;
  /** The name of the program's tenant; `program` when absent. */
  readonly name?: string;
  /** The role in which everybody acts; `member` when absent. */
  readonly role?: string;
  /** What a bill counts: nothing, which is the default, or one licence for the whole program. */
  readonly bill?: 'nothing' | 'licence';
}

/**
 * No tenancy: the whole program is one tenant, everybody acts for it, and seats are not counted.
 *
 * @throws TenantryError `config_invalid` when a plan, name or role is given and empty.
 *
 * @example
 * ```ts
 * import { none } from 'tenantry/tenancy';
 *
 * const strategy = none({ plan: 'self-hosted', bill: 'licence' }); // Strategy<'none', 'self-hosted'>
 * ```
 */
export function none(options?: NoneOptions<never>): Strategy<'none', 'default'>;
export function none<const Plan extends string>(
  options: NoneOptions<Plan> & { readonly plan: Plan },
): Strategy<'none', Plan>;
export function none({
  plan = 'default',
  name = 'program',
  role = 'member',
  bill = 'nothing',
}: NoneOptions = {}): Strategy<'none', string> {
  return {
    name: 'none',
    plan: checkedName('none({ plan })', plan),
    tenantKind: 'program',
    made: 'at-install',
    actors: 'everyone',
    actingRole: checkedName('none({ role })', role),
    seats: { rule: 'none', initial: null },
    bill,
    tenantName: checkedName('none({ name })', name),
    lookupOf: () => ({ kind: 'program', value: 'program' }),
  };
}
