import { cleanText, TenantryError } from '../core/index.ts';
import { periodInZones } from '../core/period-of.ts';
import { isTimeZone } from '../core/zone-time.ts';
import { type AnyDatabase, type CallOptions, inTransaction } from '../database/index.ts';
import { checkMeterOverride, checkValue } from './check-override.ts';
import { fields, refuse, whole } from './check-shape.ts';
import { found } from './ground.ts';
import { planInForce } from './plan-in-force.ts';
import { inForce, type Passing, type PlanTerms } from './plan-terms.ts';
import { type EntitlementFacts, readFacts } from './store.ts';
import type { Overrides, TermOptions, Terms } from './terms-interface.ts';
import { insertTrial, writeTerms } from './terms-store.ts';
import type { Toolbox } from './toolbox.ts';

const day = 86_400_000;
const mostZones = 24;
/** What was changed so long ago is in no period that still counts. */
const longAgo = 3 * 366 * day;
const mostAttempts = 100;

/** Makes what changes the terms of single tenants. */
export function createTerms(tools: Toolbox): Terms {
  const { db, clock, ids, events, catalogue, joinedOf, checkTenant, typed } = tools;

  async function change(
    operation: string,
    tenantId: string,
    options: CallOptions,
    make: (terms: PlanTerms, facts: EntitlementFacts) => PlanTerms,
  ): Promise<PlanTerms | null> {
    const joined = joinedOf(options);
    return typed(operation, async () => {
      const after = await inTransaction(db, joined, (tx) => changeIn(tx, tenantId, make));
      await tools.follow(tenantId, joined);
      return after;
    });
  }

  async function changeIn(
    tx: AnyDatabase,
    tenantId: string,
    make: (terms: PlanTerms, facts: EntitlementFacts) => PlanTerms,
  ): Promise<PlanTerms | null> {
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const facts = found(await readFacts(tx, tenantId), tenantId);
      const terms = withoutEmpty(make(facts.terms ?? {}, facts));
      if (JSON.stringify(terms) === JSON.stringify(facts.terms)) return terms;
      if (!(await writeTerms(tx, tenantId, { revision: facts.revision, terms, now: clock() }))) continue;
      const data = { terms, previousTerms: facts.terms };
      await events?.({ id: ids(), name: 'tenant.terms_changed', tenantId, occurredAt: clock(), data }, tx);
      return terms;
    }
    throw new Error('the terms of the tenant never came to rest');
  }

  return {
    async of(tenantId, options = {}) {
      checkTenant('plans.terms.of', tenantId);
      const read = () => readFacts(joinedOf(options) ?? db, tenantId);
      return found(await typed('plans.terms.of', read), tenantId).terms;
    },

    async override(tenantId, overrides, options = {}) {
      checkTenant('plans.terms.override', tenantId);
      const passing = passingOf(options, clock());
      checkOverrides(overrides);
      return change('plans.terms.override', tenantId, options, (terms) => ({
        ...terms,
        meters: merged(terms.meters, overrides.meters, (value) =>
          typeof value === 'object' ? { ...value, ...passing } : { amount: value, ...passing },
        ),
        features: merged(terms.features, overrides.features, (on) => ({ on, ...passing })),
        values: merged(terms.values, overrides.values, (value) => ({ value, ...passing })),
      }));
    },

    async setAddOn(tenantId, addOn, quantity, options = {}) {
      checkTenant('plans.terms.setAddOn', tenantId);
      if (!Object.hasOwn(catalogue.addOns, addOn)) refuse(`addOns.${addOn}`, 'is no add-on of the catalogue');
      whole(`addOns.${addOn}`, quantity, 0, 1_000_000);
      const passing = passingOf(options, clock());
      const entry = { [addOn]: quantity === 0 ? null : { quantity, ...passing } };
      return change('plans.terms.setAddOn', tenantId, options, (terms) => ({
        ...terms,
        addOns: merged(terms.addOns, entry, (value) => value),
      }));
    },

    async setVersion(tenantId, version, options = {}) {
      checkTenant('plans.terms.setVersion', tenantId);
      return change('plans.terms.setVersion', tenantId, options, (terms, { plan }) => {
        planInForce(catalogue, { plan }, clock());
        const newest = (catalogue.plans[plan]?.earlier?.length ?? 0) + 1;
        const number = version === 'newest' ? newest : version;
        whole(`plans.${plan}.version`, number, 1, newest);
        return { ...terms, version: { plan, number } };
      });
    },

    async setTimeZone(tenantId, zone, options = {}) {
      checkTenant('plans.terms.setTimeZone', tenantId);
      if (!isTimeZone(zone)) refuse('zone', 'is no time zone that the platform knows, such as Europe/Berlin');
      return change('plans.terms.setTimeZone', tenantId, options, (terms, { anchorAt }) => {
        const zones = terms.zones ?? [{ zone: 'UTC', at: 0 }];
        if (zones.at(-1)?.zone === zone) return terms;
        return { ...terms, zones: withZone(zones, { zone, at: clock().getTime() }, anchorAt) };
      });
    },

    async startTrial(tenantId, plan, options = {}) {
      checkTenant('plans.terms.startTrial', tenantId);
      const fingerprints = [...new Set(options.fingerprints ?? [])].map((one) => cleanText('fingerprint', one, 200));
      const definition = Object.hasOwn(catalogue.plans, plan) ? catalogue.plans[plan] : undefined;
      if (definition === undefined) {
        throw new TenantryError('plan_unknown', { plan, known: Object.keys(catalogue.plans) });
      }
      if (definition.trialDays === undefined) return { ok: false, reason: 'no_trial' };
      const startsAt = clock();
      const endsAt = new Date(startsAt.getTime() + definition.trialDays * day);
      const joined = joinedOf(options);
      const start = async (tx: AnyDatabase): Promise<boolean> => {
        found(await readFacts(tx, tenantId), tenantId);
        if (!(await insertTrial(tx, tenantId, { plan, startsAt, endsAt, fingerprints }))) return false;
        await changeIn(tx, tenantId, (terms) => ({
          ...terms,
          trial: { plan, since: startsAt.getTime(), until: endsAt.getTime() },
        }));
        const data = { plan, endsAt };
        await events?.({ id: ids(), name: 'tenant.trial_started', tenantId, occurredAt: startsAt, data }, tx);
        return true;
      };
      const started = await typed('plans.terms.startTrial', () => inTransaction(db, joined, start));
      await tools.follow(tenantId, joined);
      return started ? { ok: true, endsAt } : { ok: false, reason: 'trial_used' };
    },
  };

  function checkOverrides(overrides: Overrides): void {
    fields('overrides', overrides, ['meters', 'features', 'values']);
    const { meters = {}, features = {}, values = {} } = overrides;
    for (const [meter, value] of Object.entries(meters)) {
      const kind = Object.hasOwn(catalogue.meters, meter) ? catalogue.meters[meter] : undefined;
      if (kind === undefined) throw new TenantryError('meter_unknown', { meter, known: Object.keys(catalogue.meters) });
      if (value !== null && value !== undefined) checkMeterOverride(`meters.${meter}`, value, kind);
    }
    for (const [feature, on] of Object.entries(features)) {
      if (!catalogue.features.includes(feature)) refuse(`features.${feature}`, 'is no feature of any plan');
      if (on !== null && typeof on !== 'boolean') refuse(`features.${feature}`, 'must be true, false or null');
    }
    for (const [name, value] of Object.entries(values)) {
      if (!catalogue.values.includes(name)) refuse(`values.${name}`, 'is no value of any plan');
      checkValue(`values.${name}`, value);
    }
  }
}

type Zones = NonNullable<PlanTerms['zones']>;

/**
 * Adds a change of the zone. One of the same day never came to count and is replaced. None that may still decide when a
 * running period began is left out: it would begin at another moment, and be a fresh one.
 */
function withZone(zones: Zones, change: Zones[number], anchorAt: Date): Zones {
  const last = zones.at(-1);
  const before = zones.slice(0, -1);
  const changes = before.map(({ zone, at }) => ({ zone, at: new Date(at) }));
  const replaces =
    last !== undefined &&
    before.length > 0 &&
    (['calendar', anchorAt] as const).every((from) => {
      const { end } = periodInZones(from, 'day', new Date(last.at), { changes });
      return end !== null && change.at < end.getTime();
    });
  const after = [...(replaces ? before : zones), change];
  if (after.length <= mostZones) return after;
  const [, second] = after;
  if (second !== undefined && second.at > change.at - longAgo) {
    refuse('zone', `was changed ${mostZones} times within three years, and can be changed again later`);
  }
  return after.slice(1);
}

function passingOf({ expiresAt }: TermOptions, now: Date): { readonly until?: number } {
  if (expiresAt === undefined) return {};
  const until = expiresAt instanceof Date ? expiresAt.getTime() : Number.NaN;
  if (!(until > now.getTime())) refuse('expiresAt', 'must be a date in the future');
  return { until };
}

/**
 * What is stored with what is said: `null` takes away. What holds for a while stands in front of what holds longer, which
 * counts again afterwards.
 */
function merged<Said, Stored extends Passing>(
  stored: { readonly [name: string]: Stored } | undefined,
  said: { readonly [name: string]: Said | null | undefined } | undefined,
  make: (value: Said) => Stored,
): { readonly [name: string]: Stored } {
  const entries = new Map(Object.entries(stored ?? {}));
  for (const [name, value] of Object.entries(said ?? {})) {
    if (value === null) entries.delete(name);
    else if (value !== undefined) {
      const made = make(value);
      const afterwards = made.until === undefined ? undefined : inForce(stored, name, made.until);
      entries.set(name, afterwards === undefined ? made : { ...made, afterwards });
    }
  }
  return Object.fromEntries(entries);
}

function withoutEmpty(terms: PlanTerms): PlanTerms | null {
  const entries = Object.entries(terms).filter(([, value]) => value !== undefined && Object.keys(value).length > 0);
  return entries.length === 0 ? null : Object.fromEntries(entries);
}
