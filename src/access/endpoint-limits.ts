import { TenantryError } from '../core/index.ts';
import type { CallOptions } from '../database/index.ts';
import type { Amount, PlanCatalogue } from '../plans/index.ts';
import type { WebhookLimits } from '../webhooks/delivery/index.ts';

/** How many endpoints of webhooks a tenant may have: as many as a limit of its plan says, or as a function tells. */
export type EndpointLimits<Limit extends string = string> =
  | ((tenantId: string, options?: CallOptions) => Promise<WebhookLimits>)
  | { readonly endpoints: Limit };

/**
 * What tells how many endpoints a tenant may have, where a limit of the plans is named for it.
 *
 * @throws TenantryError `config_invalid` for a limit that no plan has.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { endpointLimitsOf } from 'tenantry/access';
 * import { definePlans } from 'tenantry/plans';
 *
 * // `createTenantry` does this with the amounts of its plans.
 * const catalogue = definePlans({ pro: { limits: { webhooks: 5 } } });
 * const limits = endpointLimitsOf({ endpoints: 'webhooks' }, catalogue, async () => 5);
 * ```
 */
export function endpointLimitsOf<Limit extends string>(
  limits: EndpointLimits<Limit> | undefined,
  catalogue: PlanCatalogue,
  amountOf: (tenantId: string, limit: Limit, options: CallOptions) => Promise<Amount>,
): ((tenantId: string, options?: CallOptions) => Promise<WebhookLimits>) | undefined {
  if (limits === undefined || typeof limits === 'function') return limits;
  const name = limits.endpoints;
  if (catalogue.meters[name] !== 'limit') {
    const problem = `no plan has a limit "${name}"`;
    throw new TenantryError('config_invalid', { path: 'createTenantry({ webhooks.limits.endpoints })', problem });
  }
  return async (tenantId, options = {}) => {
    const amount = await amountOf(tenantId, name, options);
    return { endpoints: amount === 'unlimited' ? null : amount };
  };
}
