import { cleanText, isUuid, systemClock, TenantryError, uuidv7 } from '../core/index.ts';
import { pageOf, readPage } from '../core/page.ts';
import { type AnyDatabase, createCoalescer } from '../database/index.ts';
import { checkAmount, maxUsed } from './amount.ts';
import { burnUnitsNeeded } from './burn-units-needed.ts';
import { whole } from './check-shape.ts';
import { createGrants } from './grants.ts';
import { type Ask, ceilingOf, found, groundOf, meterKey, refusal, type Served } from './ground.ts';
import { createLeases } from './leases.ts';
import { type ConsumeResult, type MeterState, meterState } from './meter-state.ts';
import type { AddOnDefinitions, NamesOf, PlanDefinitions } from './plan-definitions.ts';
import { hasFeature, planInForce, planValue } from './plan-in-force.ts';
import type { ConsumeOptions, Plans, PlansCallOptions, PlansDeps } from './plans-interface.ts';
import { createReservations } from './reservations.ts';
import { createResources } from './resources.ts';
import { serveBatch } from './serve-batch.ts';
import { burnAlone, lookForAll } from './serve-by-burning.ts';
import { type EntitlementFacts, giveUnits, listMemberUsage, seeCounter } from './store.ts';
import { createTerms } from './terms.ts';
import { createToolbox, partsOf } from './toolbox.ts';
import { createUsage } from './usage.ts';

interface Wish extends Ask {
  readonly facts: EntitlementFacts | undefined;
}

/** Where a call is part of a transaction, and when its units were used, if not now. */
interface When {
  readonly joined?: AnyDatabase | undefined;
  readonly at?: Date | undefined;
}

/**
 * Makes what holds tenants to their plans.
 *
 * The plan of a tenant is remembered in the process only as an assumption: each statement carries the revision that it
 * was made from, and a plan, seat or anchor that was changed elsewhere is noticed by the database and read anew.
 *
 * @throws TenantryError `config_invalid` for `lateHours` beyond 0 to 8,784, or a `remembered` below 1.
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
  whole('lateHours', lateHours, 0, 8784);
  whole('remembered', remembered, 1, 10_000_000);
  const tools = createToolbox({ db, clock, ids, events, catalogue, history, acrossTenants, remembered });
  const { joinedOf, refresh, assume, batchOf, checkMeter, checkPack, checkTenant, typed } = tools;

  /** What was held at the time of late units, and is free by now, is free for them too. */
  async function batchAt(tenantId: string, meter: string, { joined, at }: When): Promise<ReturnType<typeof batchOf>> {
    if (at !== undefined) await batchOf(tenantId, meter, clock(), joined).expire();
    return batchOf(tenantId, meter, at ?? clock(), joined);
  }

  async function serve(
    tenantId: string,
    meter: string,
    wishes: readonly Wish[],
    { joined, at }: When = {},
  ): Promise<readonly Served[]> {
    const brought = wishes.map((wish) => wish.facts);
    const batch = await batchAt(tenantId, meter, { joined, at });
    return serveBatch({ ...batch, late: at !== undefined, asks: wishes, assumed: assume(tenantId, brought) });
  }

  /** A call for one pack shares its statement with no other. */
  async function burnPack(
    tenantId: string,
    meter: string,
    wish: Wish,
    { joined, at, pack }: When & { readonly pack: string },
  ): Promise<Served> {
    const batch = await batchAt(tenantId, meter, { joined, at });
    return burnAlone({ ...batch, asks: [wish], assumed: assume(tenantId, [wish.facts]), pack }, wish);
  }

  async function give(tenantId: string, meter: string, units: number, joined?: AnyDatabase): Promise<MeterState> {
    const now = clock();
    const place = { catalogue, tenantId, meter, now };
    let ground = groundOf(place, assume(tenantId, []) ?? (await refresh(tenantId, joined)));
    const given = await giveUnits(joined ?? db, ground.key, { units, now, joined: joined !== undefined });
    const sight = found(given, tenantId);
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

  async function look(
    tenantId: string,
    meter: string,
    amount: number,
    {
      joined,
      entitlement,
      pack,
    }: {
      readonly joined: AnyDatabase | undefined;
      readonly entitlement: Wish['facts'];
      readonly pack: string | undefined;
    },
  ): Promise<ConsumeResult> {
    const batch = { ...batchOf(tenantId, meter, clock(), joined), asks: [{ amount }], assumed: undefined, pack };
    let facts = assume(tenantId, [entitlement]) ?? (await refresh(tenantId, joined));
    for (;;) {
      const ground = groundOf(batch, facts);
      if (pack !== undefined || burnUnitsNeeded(ground)) {
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
  }

  async function factsFor(operation: string, tenantId: string, options: PlansCallOptions): Promise<EntitlementFacts> {
    checkTenant(operation, tenantId);
    return options.entitlement ?? typed(operation, () => refresh(tenantId, joinedOf(options)));
  }

  const reservations = createReservations(tools);
  const plans: Plans = {
    catalogue,
    terms: createTerms(tools),
    grants: createGrants(tools),
    reservations,
    leases: createLeases(tools, reservations),
    resources: createResources(tools),
    usage: createUsage(tools, (...call) => plans.check(...call), lateHours),

    async check(tenantId, meter, options = {}) {
      checkMeter('plans.check', tenantId, meter);
      const { amount = 1, entitlement, pack } = options;
      checkAmount(amount);
      if (pack !== undefined) checkPack('plans.check', tenantId, meter, pack);
      const call = { joined: joinedOf(options), entitlement, pack };
      return typed('plans.check', () => look(tenantId, meter, amount, call));
    },

    async consume(tenantId, meter, amount = 1, options = {}) {
      checkMeter('plans.consume', tenantId, meter);
      checkAmount(amount);
      const joined = joinedOf(options);
      const wish = wishOf(amount, options);
      const { at, pack } = options;
      if (at !== undefined) checkTime(at);
      if (pack !== undefined) checkPack('plans.consume', tenantId, meter, pack);
      return typed('plans.consume', async () => {
        if (pack !== undefined) return answer(await burnPack(tenantId, meter, wish, { joined, at, pack }));
        if (joined === undefined && at === undefined) {
          return answer(await shareConsume(meterKey(tenantId, meter), wish));
        }
        return answer((await serve(tenantId, meter, [wish], { joined, at }))[0]);
      });
    },

    async usageByMember(tenantId, quota, { db: given, at = clock(), ...page } = {}) {
      checkMeter('plans.usageByMember', tenantId, quota);
      const { after, limit } = readPage(page);
      const joined = joinedOf({ ...(given !== undefined && { db: given }) });
      return typed('plans.usageByMember', async () => {
        // Read anew: the anchor decides which period it is.
        const { key } = groundOf({ catalogue, tenantId, meter: quota, now: at }, await refresh(tenantId, joined));
        const listed = await listMemberUsage(joined ?? db, key, { after, limit: limit + 1 });
        return pageOf(listed, limit, ({ memberId }) => memberId);
      });
    },

    async release(tenantId, limit, amount = 1, options = {}) {
      checkMeter('plans.release', tenantId, limit, 'limit');
      checkAmount(amount);
      const joined = joinedOf(options);
      return typed('plans.release', async () => {
        if (joined === undefined) return shareRelease(meterKey(tenantId, limit), amount);
        return give(tenantId, limit, amount, joined);
      });
    },

    async has(tenantId, feature, options = {}) {
      return hasFeature(catalogue, await factsFor('plans.has', tenantId, options), feature, clock());
    },

    async value(tenantId, name, options = {}) {
      return planValue(catalogue, await factsFor('plans.value', tenantId, options), name, clock());
    },

    async inForce(tenantId, options = {}) {
      return planInForce(catalogue, await factsFor('plans.inForce', tenantId, options), clock());
    },
  };
  return plans;
}

function answer(served: Served | undefined): ConsumeResult {
  if (served === undefined) throw new TypeError('a call was not served');
  if ('error' in served) throw served.error;
  return served.result;
}
