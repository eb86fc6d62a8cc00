import { createBoundedMap } from '../core/bounded-map.ts';
import { isUuid, systemClock, TenantryError } from '../core/index.ts';
import { type AnyDatabase, type CallOptions, createCoalescer } from '../database/index.ts';
import { checkAmount, maxUsed } from './amount.ts';
import { type ConsumeResult, type MeterState, meterState } from './meter-state.ts';
import type { NamesOf, PlanDefinitions } from './plan-definitions.ts';
import { hasFeature } from './plan-in-force.ts';
import type { Plans, PlansDeps } from './plans-interface.ts';
import {
  type Ask,
  ceilingOf,
  found,
  type Guess,
  groundOf,
  meterKey,
  refusal,
  type Served,
  serveBatch,
} from './serve-batch.ts';
import { type EntitlementFacts, giveUnits, listMemberUsage, readFacts, seeCounter } from './store.ts';

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
export function createPlans<const Definitions extends PlanDefinitions>({
  db,
  plans: catalogue,
  clock = systemClock,
  remembered = 10_000,
}: PlansDeps<Definitions>): Plans<NamesOf<Definitions>> {
  const memory = createBoundedMap<string, EntitlementFacts>(remembered);
  const guesses = createBoundedMap<string, Guess>(remembered);

  /** The transaction that a call is part of, if any. */
  function joinedOf(options: CallOptions): AnyDatabase | undefined {
    return options.db ?? (db.isTransaction ? db : undefined);
  }

  /** Facts read inside a transaction may never be committed, so they are not remembered. */
  async function refresh(tenantId: string, joined?: AnyDatabase): Promise<EntitlementFacts> {
    const facts = found(await readFacts(joined ?? db, tenantId), tenantId);
    if (!Object.hasOwn(catalogue.plans, facts.plan)) {
      throw new TenantryError('plan_unknown', { plan: facts.plan, known: Object.keys(catalogue.plans) });
    }
    if (joined === undefined) memory.set(tenantId, facts);
    return facts;
  }

  /** The newest of what is remembered and what callers brought; nothing when its plan is none of the catalogue's. */
  function assume(tenantId: string, brought: readonly (EntitlementFacts | undefined)[]): EntitlementFacts | undefined {
    let newest = memory.get(tenantId);
    for (const facts of brought) {
      if (facts !== undefined && (newest === undefined || facts.revision > newest.revision)) newest = facts;
    }
    return newest !== undefined && Object.hasOwn(catalogue.plans, newest.plan) ? newest : undefined;
  }

  async function serve(
    tenantId: string,
    meter: string,
    wishes: readonly Wish[],
    joined?: AnyDatabase,
  ): Promise<readonly Served[]> {
    return serveBatch({
      db: joined ?? db,
      catalogue,
      tenantId,
      meter,
      asks: wishes,
      now: clock(),
      assumed: assume(
        tenantId,
        wishes.map((wish) => wish.facts),
      ),
      refresh: () => refresh(tenantId, joined),
      ...(joined === undefined && { guesses }),
    });
  }

  async function give(tenantId: string, meter: string, units: number, joined?: AnyDatabase): Promise<MeterState> {
    const now = clock();
    const place = { catalogue, tenantId, meter, now };
    let ground = groundOf(place, assume(tenantId, []) ?? (await refresh(tenantId, joined)));
    const sight = found(await giveUnits(joined ?? db, ground.key, { units, now }), tenantId);
    if (sight.revision !== ground.facts.revision) ground = groundOf(place, await refresh(tenantId, joined));
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

  function checkCall(operation: string, tenantId: string, meter: string, only?: 'limit'): void {
    checkTenant(operation, tenantId);
    const fits = (name: string): boolean => only === undefined || catalogue.meters[name] === only;
    if (Object.hasOwn(catalogue.meters, meter) && fits(meter)) return;
    throw new TenantryError('meter_unknown', { meter, known: Object.keys(catalogue.meters).filter(fits) });
  }

  return {
    catalogue,

    async check(tenantId, meter, options = {}) {
      checkCall('plans.check', tenantId, meter);
      const { amount = 1, entitlement } = options;
      checkAmount(amount);
      const joined = joinedOf(options);
      const place = { catalogue, tenantId, meter, now: clock() };
      let facts = assume(tenantId, [entitlement]) ?? (await refresh(tenantId, joined));
      for (;;) {
        const ground = groundOf(place, facts);
        const sight = found(await seeCounter(joined ?? db, ground.key), tenantId);
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
      checkCall('plans.consume', tenantId, meter);
      checkAmount(amount);
      const joined = joinedOf(options);
      const { memberId } = options;
      const wish = { amount, facts: options.entitlement, ...(isUuid(memberId) && { memberId }) };
      if (joined === undefined) return answer(await shareConsume(meterKey(tenantId, meter), wish));
      return answer((await serve(tenantId, meter, [wish], joined))[0]);
    },

    async usageByMember(tenantId, quota, { db: given, at = clock(), cursor = null, limit = 100 } = {}) {
      checkCall('plans.usageByMember', tenantId, quota);
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
      const found = await listMemberUsage(joined ?? db, key, { after: cursor, limit: limit + 1 });
      const items = found.slice(0, limit);
      return { items, nextCursor: found.length > limit ? (items.at(-1)?.memberId ?? null) : null };
    },

    async release(tenantId, limit, amount = 1, options = {}) {
      checkCall('plans.release', tenantId, limit, 'limit');
      checkAmount(amount);
      const joined = joinedOf(options);
      if (joined === undefined) return shareRelease(meterKey(tenantId, limit), amount);
      return give(tenantId, limit, amount, joined);
    },

    async has(tenantId, feature, options = {}) {
      checkTenant('plans.has', tenantId);
      const facts = options.entitlement ?? (await refresh(tenantId, joinedOf(options)));
      return hasFeature(catalogue, facts, feature, clock());
    },
  };
}

function checkTenant(operation: string, tenantId: unknown): void {
  if (tenantId === undefined || tenantId === null || tenantId === '') {
    throw new TenantryError('tenant_required', { operation });
  }
  if (!isUuid(tenantId)) throw new TenantryError('tenant_not_found', { tenant: String(tenantId) });
}

function answer(served: Served | undefined): ConsumeResult {
  if (served === undefined) throw new TypeError('a call was not served');
  if ('error' in served) throw served.error;
  return served.result;
}

function partsOf(key: string): [tenantId: string, meter: string] {
  const space = key.indexOf(' ');
  return [key.slice(0, space), key.slice(space + 1)];
}
