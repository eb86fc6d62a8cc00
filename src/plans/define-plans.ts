import { TenantryError } from '../core/index.ts';
import type { PlanCatalogue, PlanDefinitions } from './plan-definitions.ts';

/**
 * Checks a set of plans and freezes it. Names of plans, limits, quotas and features become literal types, so that
 * `consume(tenantId, 'cals')` does not compile. A name is a limit in all plans or a quota in all plans. A plan that does
 * not name a limit or quota which another plan names grants 0 of it; write `'unlimited'` where that is meant.
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
 *   },
 * });
 * plans.meters.calls; // 'quota'
 * ```
 */
export function definePlans<const Definitions extends PlanDefinitions>(
  definitions: Definitions,
): PlanCatalogue<Definitions> {
  const meters = new Map<string, { kind: 'limit' | 'quota'; plan: string }>();
  const features = new Set<string>();
  const names = Object.keys(record('plans', definitions));
  if (names.length === 0) refuse('plans', 'must name at least one plan');
  for (const plan of names) {
    const path = `plans.${plan}`;
    nameOf(path, plan);
    const parts = fields(path, definitions[plan], ['limits', 'quotas', 'features']);
    for (const [kind, part] of [['limit', 'limits'] as const, ['quota', 'quotas'] as const]) {
      for (const [meter, value] of Object.entries(record(`${path}.${part}`, parts[part] ?? {}))) {
        const at = `${path}.${part}.${meter}`;
        nameOf(at, meter);
        const before = meters.get(meter);
        if (before !== undefined && before.kind !== kind) {
          refuse(at, `"${meter}" is a ${before.kind} in plan "${before.plan}" and cannot be a ${kind} here`);
        }
        if (before === undefined) meters.set(meter, { kind, plan });
        if (kind === 'limit') checkLimit(at, value);
        else checkQuota(at, value);
      }
    }
    for (const feature of checkFeatures(`${path}.features`, parts.features ?? [])) features.add(feature);
  }
  return Object.freeze({
    plans: frozenCopy(definitions),
    meters: Object.freeze(Object.fromEntries([...meters].map(([meter, { kind }]) => [meter, kind]))),
    features: Object.freeze([...features]),
  });
}

const periods = ['hour', 'day', 'week', 'month', 'year', 'once'];

function checkLimit(path: string, value: unknown): void {
  if (typeof value !== 'object') checkAmount(path, value);
  else checkMeter(path, fields(path, value, ['amount', 'perSeat']));
}

function checkQuota(path: string, value: unknown): void {
  const quota = fields(path, value, ['amount', 'per', 'overage', 'perSeat']);
  checkMeter(path, quota);
  oneOf(`${path}.per`, quota.per, periods);
  if (quota.overage !== undefined) oneOf(`${path}.overage`, quota.overage, ['refuse', 'bill']);
}

function checkMeter(path: string, meter: Readonly<Record<string, unknown>>): void {
  checkAmount(`${path}.amount`, meter.amount);
  if (meter.perSeat === undefined) return;
  if (typeof meter.perSeat !== 'boolean') refuse(`${path}.perSeat`, 'must be true or false');
  if (meter.perSeat && meter.amount === 'unlimited') refuse(`${path}.perSeat`, "cannot multiply 'unlimited'");
}

function checkAmount(path: string, amount: unknown): void {
  if (amount === 'unlimited') return;
  if (typeof amount !== 'number') refuse(path, "must be a number or 'unlimited'");
  if (!Number.isSafeInteger(amount) || amount < 0) {
    refuse(path, `must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, not ${amount}`);
  }
}

function checkFeatures(path: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) refuse(path, 'must be a list of names');
  const seen = new Set<string>();
  value.forEach((feature: unknown, index) => {
    const at = `${path}[${index}]`;
    if (typeof feature !== 'string') refuse(at, 'must be a text');
    nameOf(at, feature);
    if (seen.has(feature)) refuse(at, `"${feature}" is named twice`);
    seen.add(feature);
  });
  return [...seen];
}

function nameOf(path: string, name: string): void {
  if (!/^[a-z][a-z0-9_.-]{0,62}$/i.test(name)) {
    refuse(path, 'a name begins with a letter, then letters, digits, "_", "." or "-", 63 characters at most');
  }
}

function oneOf(path: string, value: unknown, choices: readonly string[]): void {
  if (typeof value !== 'string' || !choices.includes(value)) {
    refuse(path, `must be one of ${choices.map((choice) => `'${choice}'`).join(', ')}`);
  }
}

/** A plain object with no keys but these. */
function fields(path: string, value: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  const object = record(path, value);
  for (const key of Object.keys(object)) {
    if (!known.includes(key)) refuse(`${path}.${key}`, `is not known here (known: ${known.join(', ')})`);
  }
  return object;
}

function record(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) refuse(path, 'must be an object');
  return value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(path: string, problem: string): never {
  throw new TenantryError('config_invalid', { path, problem });
}

/** The definitions stay the caller's; the catalogue keeps a copy that nobody can change. */
function frozenCopy<Value>(value: Value): Value {
  return freezeAll(structuredClone(value));
}

function freezeAll<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) freezeAll(part);
    Object.freeze(value);
  }
  return value;
}
