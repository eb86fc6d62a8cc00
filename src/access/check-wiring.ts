import { TenantryError } from '../core/index.ts';
import { defaultRoles, type RoleDefinitions } from '../organizations/index.ts';
import type { PlanCatalogue } from '../plans/index.ts';
import type { Strategy } from '../tenancy/index.ts';

/** What must fit together. */
export interface Wiring {
  readonly db: unknown;
  readonly plans: PlanCatalogue;
  readonly strategy: Strategy;
  readonly roles: RoleDefinitions;
}

/**
 * Checks at creation what would fail at the first request: that the plans come from `definePlans`, that the strategy's
 * plan is one of them, and that its role is known.
 *
 * @throws TenantryError `config_invalid`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { checkWiring } from 'tenantry/access';
 * import { definePlans } from 'tenantry/plans';
 * import { perUser } from 'tenantry/tenancy';
 *
 * // For those who wire the modules themselves; `createTenantry` does it.
 * function check(db: Kysely<Record<string, never>>): void {
 *   checkWiring({ db, plans: definePlans({ free: {} }), strategy: perUser({ plan: 'free' }), roles: {} });
 * }
 * ```
 */
export function checkWiring({ db, plans, strategy, roles }: Wiring): void {
  if (!isObject(db) || typeof db.selectFrom !== 'function') throw invalid('db', 'must be a Kysely instance');
  if (!isObject(plans) || !isObject(plans.plans) || !isObject(plans.meters)) {
    throw invalid('plans', 'must be made by definePlans');
  }
  if (!isObject(strategy) || typeof strategy.lookupOf !== 'function') {
    throw invalid('strategy', 'must be made by none, perUser, perOrg or hybridSeats');
  }
  if (!Object.hasOwn(plans.plans, strategy.plan)) {
    const known = Object.keys(plans.plans).join(', ');
    throw invalid('strategy.plan', `there is no plan "${strategy.plan}" (known: ${known})`);
  }
  const role = strategy.actingRole;
  if (role !== null && !Object.hasOwn(defaultRoles, role) && !Object.hasOwn(roles, role)) {
    const known = Object.keys({ ...defaultRoles, ...roles }).join(', ');
    throw invalid('strategy.role', `there is no role "${role}" (known: ${known})`);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function invalid(path: string, problem: string): TenantryError {
  return new TenantryError('config_invalid', { path: `createTenantry({ ${path} })`, problem });
}
