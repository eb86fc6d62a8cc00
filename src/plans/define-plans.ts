import { checkLimit, checkQuota } from './check-meter.ts';
import { fields, isRecord, listOf, nameOf, record, refuse, whole } from './check-shape.ts';
import type { AddOnDefinitions, PlanCatalogue, PlanDefinitions } from './plan-definitions.ts';

/**
 * Checks a set of plans and freezes it. Names of plans, limits, quotas and features become literal types, so that
 * `consume(tenantId, 'cals')` does not compile. A name is a limit in all plans or a quota in all plans. A plan that does
 * not name a limit or quota which another plan names grants 0 of it; write `'unlimited'` where that is meant.
 *
 * When a plan changes, what it was stays as `earlier`: tenants that signed before its `until` keep it until they are moved.
 * Add-ons are the second argument.
 *
 * @throws TenantryError `config_invalid` with the path of the first mistake.
 *
 * @example
 * ```ts
 * import { definePlans } from 'tenantry/plans';
 *
 * const plans = definePlans({
 *   free: { limits: { bots: 1 }, quotas: { calls: { amount: 50, per: 'month' } } },
 *   pro: {
 *     limits: { bots: { amount: 5, perSeat: true } },
 *     quotas: { calls: { amount: 2_000, per: 'month', overage: 'bill' } },
 *     features: ['webhooks'],
 *     values: { retentionDays: 30 },
 *   },
 * });
 * plans.meters.calls; // 'quota'
 * ```
 */
export function definePlans<const Definitions extends PlanDefinitions>(
  definitions: Definitions,
): PlanCatalogue<Definitions>;
/** The same, with add-ons that tenants buy on top of their plans. */
export function definePlans<const Definitions extends PlanDefinitions, const AddOns extends AddOnDefinitions>(
  definitions: Definitions,
  addOns: AddOns,
): PlanCatalogue<Definitions, AddOns>;
export function definePlans(definitions: PlanDefinitions, addOns: AddOnDefinitions = {}): PlanCatalogue {
  const found: Found = { meters: new Map(), features: new Set(), values: new Set() };
  const names = Object.keys(record('plans', definitions));
  if (names.length === 0) refuse('plans', 'must name at least one plan');
  for (const plan of names) {
    const path = `plans.${plan}`;
    nameOf(path, plan);
    const parts = fields(path, definitions[plan], [...contents, 'earlier', 'trialDays']);
    checkContents(path, plan, parts, found);
    if (parts.trialDays !== undefined) whole(`${path}.trialDays`, parts.trialDays, 1, 3650);
    if (parts.earlier !== undefined) checkEarlier(path, plan, parts.earlier, found);
  }
  for (const [name, addOn] of Object.entries(record('addOns', addOns))) checkAddOn(name, addOn, found);
  return Object.freeze({
    plans: frozenCopy(definitions),
    meters: Object.freeze(Object.fromEntries([...found.meters].map(([meter, { kind }]) => [meter, kind]))),
    features: Object.freeze([...found.features]),
    values: Object.freeze([...found.values]),
    addOns: frozenCopy(addOns),
  });
}

interface Found {
  readonly meters: Map<string, { readonly kind: 'limit' | 'quota'; readonly plan: string }>;
  readonly features: Set<string>;
  readonly values: Set<string>;
}

const contents = ['limits', 'quotas', 'features', 'values'];

function checkContents(path: string, plan: string, parts: Readonly<Record<string, unknown>>, found: Found): void {
  for (const [kind, part] of [['limit', 'limits'] as const, ['quota', 'quotas'] as const]) {
    for (const [meter, value] of Object.entries(record(`${path}.${part}`, parts[part] ?? {}))) {
      const at = `${path}.${part}.${meter}`;
      nameOf(at, meter);
      const before = found.meters.get(meter);
      if (before !== undefined && before.kind !== kind) {
        refuse(at, `"${meter}" is a ${before.kind} in plan "${before.plan}" and cannot be a ${kind} here`);
      }
      if (before === undefined) found.meters.set(meter, { kind, plan });
      if (kind === 'limit') checkLimit(at, value);
      else checkQuota(at, value);
    }
  }
  checkFeatures(`${path}.features`, parts.features ?? [], (feature) => found.features.add(feature));
  for (const [name, value] of Object.entries(record(`${path}.values`, parts.values ?? {}))) {
    nameOf(`${path}.values.${name}`, name);
    const fits = value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
    if (!fits) refuse(`${path}.values.${name}`, 'must be a text, a number, true, false or null');
    found.values.add(name);
  }
}

function checkEarlier(path: string, plan: string, value: unknown, found: Found): void {
  let before = Number.NEGATIVE_INFINITY;
  listOf(`${path}.earlier`, value, (at, item) => {
    const parts = fields(at, item, [...contents, 'until']);
    const { until } = parts;
    const time = until instanceof Date ? until.getTime() : typeof until === 'string' ? Date.parse(until) : Number.NaN;
    if (!Number.isFinite(time)) refuse(`${at}.until`, 'must be a date, or its text by ISO 8601');
    if (time <= before) refuse(`${at}.until`, 'must be later than that of the version before');
    before = time;
    checkContents(at, plan, parts, found);
  });
}

function checkAddOn(name: string, value: unknown, { meters, features }: Found): void {
  const path = `addOns.${name}`;
  nameOf(path, name);
  const parts = fields(path, value, ['limits', 'quotas', 'features']);
  for (const [kind, part] of [['limit', 'limits'] as const, ['quota', 'quotas'] as const]) {
    for (const [meter, amount] of Object.entries(record(`${path}.${part}`, parts[part] ?? {}))) {
      if (meters.get(meter)?.kind !== kind) refuse(`${path}.${part}.${meter}`, `is no ${kind} of any plan`);
      whole(`${path}.${part}.${meter}`, amount, 0, Number.MAX_SAFE_INTEGER);
    }
  }
  checkFeatures(`${path}.features`, parts.features ?? [], (feature) => features.add(feature));
}

function checkFeatures(path: string, value: unknown, add: (feature: string) => void): void {
  listOf(path, value, (at, feature) => {
    if (typeof feature !== 'string') refuse(at, 'must be a text');
    nameOf(at, feature);
    add(feature);
  });
}

/** The definitions stay the caller's; the catalogue keeps a copy that nobody can change. */
function frozenCopy<Value>(value: Value): Value {
  return freezeAll(structuredClone(value));
}

function freezeAll<Value>(value: Value): Value {
  if (isRecord(value) || Array.isArray(value)) {
    for (const part of Object.values(value)) freezeAll(part);
    Object.freeze(value);
  }
  return value;
}
