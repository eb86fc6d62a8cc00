import { cleanText, isUuid, systemClock, TenantryError, uuidv7 } from '../core/index.ts';
import { type AnyDatabase, createCoalescer } from '../database/index.ts';
import { asUnavailable } from '../database/unavailable.ts';
import { checkAmount, maxUsed } from './amount.ts';
import { burnUnitsNeeded } from './burn-units-needed.ts';
import { createGrants } from './grants.ts';
import { type Ask, ceilingOf, found, groundOf, meterKey, refusal, type Served } from './ground.ts';
import { createLeases } from './leases.ts';
import { type ConsumeResult, type MeterState, meterState } from './meter-state.ts';
import type { AddOnDefinitions, NamesOf, PlanDefinitions } from './plan-definitions.ts';
import { hasFeature, planInForce, planValue } from './plan-in-force.ts';
import type { ConsumeOptions, Plans, PlansDeps } from './plans-interface.ts';
import { createReservations } from './reservations.ts';
import { createResources } from './resources.ts';
import { serveBatch } from './serve-batch.ts';
import { lookForAll } from './serve-by-burning.ts';
import { type EntitlementFacts, giveUnits, listMemberUsage, seeCounter } from './store.ts';
import { createTerms } from './terms.ts';
import { createToolbox, partsOf } from './toolbox.ts';
import { createUsage } from './usage.ts';

interface Wish extends Ask {
  readonly facts: EntitlementFacts | undefined;
}

/**
 * Makes what holds tenants to their plans.
 *
 * The plan of a tenant is remembered in the process only as an assumption: each statement carries the revision that it
 * was made from, and a plan, seat or anchor that was changed elsewhere is noticed by the database and read anew.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { installSchema } from 'tenantry/database';
 * import { createPlans, definePlans } from 'tenantry/plans';
 * import { createTenancy, perUser } from 'tenantry/tenancy';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const tenancy = createTenancy({ db, strategy: perUser({ plan: 'free' }) });
 * const { tenantId } = await tenancy.provision({ userId: 'ada', name: 'Ada' });
 *
 * const catalogue = definePlans({ free: { quotas: { calls: { amount: 50, per: 'month' } } } });
 * const plans = createPlans({ db, plans: catalogue });
 * await plans.consume(tenantId, 'calls', 48); // { ok: true, used: 48, limit: 50, remaining: 2, … }
 * await plans.consume(tenantId, 'calls', 3); // { ok: false, reason: 'quota_exceeded', remaining: 2, … }
 * ```
 */
export function createPlans<
  const Definitions extends PlanDefinitions,
  const AddOns extends AddOnDefinitions = AddOnDefinitions,
>({
  db,
  plans: catalogue,
  clock = systemClock,
  ids = uuidv7,
  events,
  remembered = 50_000,
  history = true,
  acrossTenants = true,
  lateHours = 72,
}: PlansDeps<Definitions, AddOns>): Plans<NamesOf<Definitions, AddOns>> {
  const tools = createToolbox({ db, clock, ids, events, catalogue, history, acrossTenants, remembered });
  const { joinedOf, refresh, assume, batchOf, checkMeter, checkTenant } = tools;

  async function serve(
    tenantId: string,
    meter: string,
    wishes: readonly Wish[],
    { joined, at }: { readonly joined?: AnyDatabase | undefined; readonly at?: Date } = {},
  ): Promise<readonly Served[]> {
    const brought = wishes.map((wish) => wish.facts);
    const batch = batchOf(tenantId, meter, at ?? clock(), joined);
    return serveBatch({ ...batch, late: at !== undefined, asks: wishes, assumed: assume(tenantId, brought) });
  }

  async function give(tenantId: string, meter: string, units: number, joined?: AnyDatabase): Promise<MeterState> {
    const now = clock();
    const place = { catalogue, tenantId, meter, now };
    let ground = groundOf(place, assume(tenantId, []) ?? (await refresh(tenantId, joined)));
    const sight = found(await giveUnits(joined ?? db, ground.key, { units, now }), tenantId);
    if (sight.revision !== ground.facts.revision) ground = groundOf(place, await refresh(tenantId, joined));
    const { watch } = batchOf(tenantId, meter, now, joined);
    if (sight.used !== null) await watch(ground, sight.used, sight.alerted);
    return meterState(ground.entitlement, sight.used ?? 0, ground.resetsAt);
  }

  const shareConsume = createCoalescer<Wish, Served>({ run: (key, wishes) => serve(...partsOf(key), wishes) });
  const shareRelease = createCoalescer<number, MeterState>({
    async run(key, amounts) {
      const units = amounts.reduce((sum, amount) => Math.min(maxUsed, sum + amount), 0);
      const state = await give(...partsOf(key), units);
      return amounts.map(() => state);
    },
  });

  /** A moment in the past, as far as late units are taken, or a little ahead of the clock. */
  function checkTime(at: Date): void {
    const late = clock().getTime() - at.getTime();
    if (late <= lateHours * 3_600_000 && late >= -300_000) return;
    const shown = Number.isNaN(late) ? 'no date' : at.toISOString();
    throw new TenantryError('usage_time_invalid', { at: shown, lateHours });
  }

  function wishOf(amount: number, { memberId, keyId, idempotencyKey, entitlement }: ConsumeOptions): Wish {
    return {
      amount,
      facts: entitlement,
      ...(isUuid(memberId) && { memberId }),
      ...(isUuid(keyId) && { keyId }),
      ...(idempotencyKey !== undefined && { idempotencyKey: cleanText('idempotencyKey', idempotencyKey, 200) }),
    };
  }

  const reservations = createReservations(tools);
  const plans: Plans = {
    catalogue,
    terms: createTerms(tools),
    grants: createGrants(tools),
    reservations,
    leases: createLeases(tools, reservations),
    resources: createResources(tools),
    usage: createUsage(tools, (...call) => plans.check(...call)),

    async check(tenantId, meter, options = {}) {
      checkMeter('plans.check', tenantId, meter);
      const { amount = 1, entitlement } = options;
      checkAmount(amount);
      const joined = joinedOf(options);
      const batch = { ...batchOf(tenantId, meter, clock(), joined), asks: [{ amount }], assumed: undefined };
      let facts = assume(tenantId, [entitlement]) ?? (await refresh(tenantId, joined));
      for (;;) {
        const ground = groundOf(batch, facts);
        if (burnUnitsNeeded(ground)) {
          const served = await lookForAll(batch, ground, { amount });
          if (served !== undefined) return answer(served);
          facts = await refresh(tenantId, joined);
          continue;
        }
        const sight = found(await seeCounter(joined ?? db, ground.key, batch.now), tenantId);
        if (sight.due) {
          await batch.expire();
          continue;
        }
        if (sight.revision === facts.revision) {
          const used = sight.used ?? 0;
          if (sight.closed === null && amount <= ceilingOf(ground.entitlement) - used) {
            return { ok: true, ...meterState(ground.entitlement, used, ground.resetsAt) };
          }
          return answer(refusal(ground, { amount }, used, sight.closed));
        }
        facts = await refresh(tenantId, joined);
      }
    },

    async consume(tenantId, meter, amount = 1, options = {}) {
      checkMeter('plans.consume', tenantId, meter);
      checkAmount(amount);
      const joined = joinedOf(options);
      const wish = wishOf(amount, options);
      const { at } = options;
      if (at !== undefined) checkTime(at);
      try {
        if (joined === undefined && at === undefined)
          return answer(await shareConsume(meterKey(tenantId, meter), wish));
        return answer((await serve(tenantId, meter, [wish], { joined, ...(at !== undefined && { at }) }))[0]);
      } catch (error) {
        throw asUnavailable(error, 'plans.consume');
      }
    },

    async usageByMember(tenantId, quota, { db: given, at = clock(), cursor = null, limit = 100 } = {}) {
      checkMeter('plans.usageByMember', tenantId, quota);
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
        throw new TenantryError('amount_invalid', {
          amount: String(limit),
          problem: 'must be a whole number from 1 to 1000',
        });
      }
      if (cursor !== null && !isUuid(cursor)) {
        throw new TenantryError('name_invalid', { field: 'cursor', problem: 'is not one that a list gave' });
      }
      const joined = joinedOf({ ...(given !== undefined && { db: given }) });
      // Read anew: the anchor decides which period it is.
      const { key } = groundOf({ catalogue, tenantId, meter: quota, now: at }, await refresh(tenantId, joined));
      const listed = await listMemberUsage(joined ?? db, key, { after: cursor, limit: limit + 1 });
      const items = listed.slice(0, limit);
      return { items, nextCursor: listed.length > limit ? (items.at(-1)?.memberId ?? null) : null };
    },

    async release(tenantId, limit, amount = 1, options = {}) {
      checkMeter('plans.release', tenantId, limit, 'limit');
      checkAmount(amount);
      const joined = joinedOf(options);
      try {
        if (joined === undefined) return await shareRelease(meterKey(tenantId, limit), amount);
        return await give(tenantId, limit, amount, joined);
      } catch (error) {
        throw asUnavailable(error, 'plans.release');
      }
    },

    async has(tenantId, feature, options = {}) {
      checkTenant('plans.has', tenantId);
      const facts = options.entitlement ?? (await refresh(tenantId, joinedOf(options)));
      return hasFeature(catalogue, facts, feature, clock());
    },

    async value(tenantId, name, options = {}) {
      checkTenant('plans.value', tenantId);
      const facts = options.entitlement ?? (await refresh(tenantId, joinedOf(options)));
      return planValue(catalogue, facts, name, clock());
    },

    async inForce(tenantId, options = {}) {
      checkTenant('plans.inForce', tenantId);
      const facts = options.entitlement ?? (await refresh(tenantId, joinedOf(options)));
      return planInForce(catalogue, facts, clock());
    },
  };
  return plans;
}

function answer(served: Served | undefined): ConsumeResult {
  if (served === undefined) throw new TypeError('a call was not served');
  if ('error' in served) throw served.error;
  return served.result;
}
