import { TenantryError } from '../core/index.ts';
import type { Amount, LimitDefinition, Per, PlanCatalogue, QuotaDefinition } from './plan-definitions.ts';

/** What a tenant is entitled to of one limit or quota. */
export interface Entitlement {
  readonly kind: 'limit' | 'quota';
  /** How much, with seats multiplied in. */
  readonly amount: Amount;
  /** How often the amount is given; `none` for limits, which count what exists. */
  readonly per: Per | 'none';
  /** What happens beyond the amount. */
  readonly overage: 'refuse' | 'bill';
}

/** What an entitlement is computed from. */
export interface EntitlementSubject {
  readonly plan: string;
  /** How many seats the tenant bought; `null` where it bought no number of seats. */
  readonly seatsBought: number | null;
}

/**
 * Computes what a tenant is entitled to of a limit or quota. It needs no database.
 *
 * An amount per seat is multiplied by the seats that were bought. A tenant that bought no number of seats (a user, the
 * program, an organization without a cap) counts as one seat, so that it is never unlimited by accident. A plan that
 * does not name the meter grants 0 of it.
 *
 * @throws TenantryError `plan_unknown`, `meter_unknown` when the catalogue has no such name.
 *
 * @example
 * ```ts
 * import { definePlans, evaluateEntitlement } from 'tenantry/plans';
 *
 * const plans = definePlans({ team: { quotas: { calls: { amount: 100, per: 'month', perSeat: true } } } });
 * evaluateEntitlement(plans, { plan: 'team', seatsBought: 5 }, 'calls').amount; // 500
 * ```
 */
export function evaluateEntitlement(
  catalogue: PlanCatalogue,
  { plan, seatsBought }: EntitlementSubject,
  meter: string,
): Entitlement {
  const kind = own(catalogue.meters, meter);
  if (kind === undefined) throw new TenantryError('meter_unknown', { meter, known: Object.keys(catalogue.meters) });
  const definition = own(catalogue.plans, plan);
  if (definition === undefined) throw new TenantryError('plan_unknown', { plan, known: Object.keys(catalogue.plans) });
  if (kind === 'limit') {
    const limit = own(definition.limits ?? {}, meter) ?? 0;
    const amount = typeof limit === 'object' ? amountOf(limit, seatsBought) : limit;
    return { kind, amount, per: 'none', overage: 'refuse' };
  }
  const quota = own(definition.quotas ?? {}, meter);
  if (quota === undefined) return { kind, amount: 0, per: 'once', overage: 'refuse' };
  return { kind, amount: amountOf(quota, seatsBought), per: quota.per, overage: quota.overage ?? 'refuse' };
}

function amountOf({ amount, perSeat = false }: LimitDefinition | QuotaDefinition, seatsBought: number | null): Amount {
  if (!perSeat || amount === 'unlimited') return amount;
  return Math.min(amount * (seatsBought ?? 1), Number.MAX_SAFE_INTEGER);
}

/** Names come from the database and from callers: what an object inherits (`constructor`) is no entry. */
function own<Value>(object: { readonly [name: string]: Value }, name: string): Value | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
