import { systemClock, TenantryError } from '../core/index.ts';
import type {
  Amount,
  FreezeOrder,
  LimitDefinition,
  Per,
  PlanCatalogue,
  PlanContents,
  QuotaDefinition,
  WindowDefinition,
} from './plan-definitions.ts';
import { type PlanSubject, planInForce } from './plan-in-force.ts';
import { inForce, type PlanTerms } from './plan-terms.ts';

/** What a tenant is entitled to of one limit or quota. */
export interface Entitlement {
  readonly kind: 'limit' | 'quota';
  /** How much, with seats and add-ons counted in. */
  readonly amount: Amount;
  /** How often the amount is given; `none` for limits, which count what exists. */
  readonly per: Per | 'none';
  /** How many of them make one period. */
  readonly every: number;
  /** Where periods are counted from. */
  readonly from: 'anchor' | 'calendar';
  /** What happens beyond the amount. */
  readonly overage: 'refuse' | 'bill' | 'allow';
  /** How many units beyond the amount at most; null: any number. */
  readonly overageAtMost: number | null;
  /** How much at most in shorter times. */
  readonly within: readonly WindowDefinition[];
  /** At which percentages of the amount an event tells of it, in ascending order. */
  readonly alerts: readonly number[];
  /** What is frozen first while more exists than the limit allows. */
  readonly freeze: FreezeOrder;
}

/** What an entitlement is computed from. */
export interface EntitlementSubject extends PlanSubject {
  /** How many seats the tenant bought; `null` where it bought no number of seats. */
  readonly seatsBought: number | null;
  /** At which moment; now when absent. */
  readonly at?: Date;
}

/**
 * Computes what a tenant is entitled to of a limit or quota. It needs no database.
 *
 * An amount per seat is multiplied by the seats that were bought. A tenant that bought no number of seats (a user, the
 * program, an organization without a cap) counts as one seat, so that it is never unlimited by accident. A plan that
 * does not name the meter grants 0 of it. Add-ons come on top; what was agreed with the tenant alone counts in the place
 * of all that.
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
export function evaluateEntitlement(catalogue: PlanCatalogue, subject: EntitlementSubject, meter: string): Entitlement {
  const kind = own(catalogue.meters, meter);
  if (kind === undefined) throw new TenantryError('meter_unknown', { meter, known: Object.keys(catalogue.meters) });
  const { seatsBought, terms = null, at = systemClock() } = subject;
  const { contents } = planInForce(catalogue, subject, at);
  const time = at.getTime();
  const base = kind === 'limit' ? limitOf(contents, meter, seatsBought) : quotaOf(contents, meter, seatsBought);
  if (terms === null) return base ?? nothing(kind);
  const more = addOnUnits(catalogue, terms, meter, time);
  const mine = inForce(terms.meters, meter, time);
  if (more === 0 && mine === undefined) return base ?? nothing(kind);
  const found = base ?? unnamed(catalogue, kind, meter);
  return {
    ...found,
    amount: mine?.amount ?? sum(found.amount, more),
    overage: mine?.overage ?? found.overage,
    overageAtMost: mine?.overageAtMost ?? found.overageAtMost,
  };
}

const common = { every: 1, from: 'anchor', overage: 'refuse', overageAtMost: null, freeze: 'newest' } as const;

function limitOf({ limits = {} }: PlanContents, meter: string, seatsBought: number | null): Entitlement | undefined {
  const limit = own(limits, meter);
  if (limit === undefined) return undefined;
  if (typeof limit !== 'object') return { ...nothing('limit'), amount: limit };
  const { overage = 'refuse', freeze = 'newest' } = limit;
  return { ...nothing('limit'), ...detailsOf(limit, seatsBought), overage, freeze };
}

function quotaOf({ quotas = {} }: PlanContents, meter: string, seatsBought: number | null): Entitlement | undefined {
  const quota = own(quotas, meter);
  if (quota === undefined) return undefined;
  const { per, every = 1, from = 'anchor', overage = 'refuse', overageAtMost = null, within = [] } = quota;
  return {
    ...nothing('quota'),
    ...detailsOf(quota, seatsBought),
    per,
    every,
    from,
    overage,
    overageAtMost,
    within,
  };
}

function detailsOf(meter: LimitDefinition | QuotaDefinition, seatsBought: number | null) {
  return {
    amount: amountOf(meter, seatsBought),
    alerts: (meter.alerts ?? []).toSorted((one, other) => one - other),
  };
}

/** What a plan gives of what it does not name. */
function nothing(kind: 'limit' | 'quota'): Entitlement {
  return { ...common, kind, amount: 0, per: kind === 'limit' ? 'none' : 'once', within: [], alerts: [] };
}

/** The periods of a quota that the tenant's plan does not name, but its terms: as the first plan has them that does. */
function unnamed(catalogue: PlanCatalogue, kind: 'limit' | 'quota', meter: string): Entitlement {
  for (const plan of Object.values(catalogue.plans)) {
    const other = kind === 'limit' ? limitOf(plan, meter, 0) : quotaOf(plan, meter, 0);
    if (other !== undefined) return { ...other, amount: 0, overage: 'refuse', overageAtMost: null };
  }
  return nothing(kind);
}

function addOnUnits(catalogue: PlanCatalogue, terms: PlanTerms, meter: string, now: number): number {
  let units = 0;
  for (const [name, addOn] of Object.entries(catalogue.addOns)) {
    const bought = inForce(terms.addOns, name, now);
    if (bought === undefined) continue;
    const each = own(addOn.limits ?? {}, meter) ?? own(addOn.quotas ?? {}, meter) ?? 0;
    units = Math.min(Number.MAX_SAFE_INTEGER, units + each * bought.quantity);
  }
  return units;
}

function sum(amount: Amount, more: number): Amount {
  return amount === 'unlimited' ? amount : Math.min(Number.MAX_SAFE_INTEGER, amount + more);
}

function amountOf({ amount, perSeat = false }: LimitDefinition | QuotaDefinition, seatsBought: number | null): Amount {
  if (!perSeat || amount === 'unlimited') return amount;
  return Math.min(amount * (seatsBought ?? 1), Number.MAX_SAFE_INTEGER);
}

/** Names come from the database and from callers: what an object inherits (`constructor`) is no entry. */
function own<Value>(object: { readonly [name: string]: Value }, name: string): Value | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
