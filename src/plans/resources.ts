import { cleanText } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { prepareCounters } from './burn-store.ts';
import { oneOf } from './check-shape.ts';
import { ceilingOf, found, type Ground, groundOf, maxAttempts, refusal } from './ground.ts';
import { type MeterState, meterState } from './meter-state.ts';
import type { FreezeOrder } from './plan-definitions.ts';
import { chooseResources, occupyUnit, readFrozen, vacateUnit } from './resource-store.ts';
import type { Frozen, OccupyResult, Resources } from './resources-interface.ts';
import { burnOf } from './serve-by-burning.ts';
import { type EntitlementFacts, seeCounter } from './store.ts';
import type { Toolbox } from './toolbox.ts';

/** Makes limits that know what they count. */
export function createResources(tools: Toolbox): Resources {
  const { db, clock, joinedOf, checkMeter, assume, refresh, batchOf, typed } = tools;

  async function occupyOnce(
    tenantId: string,
    limit: string,
    resourceId: string,
    { joined, brought }: { readonly joined: AnyDatabase | undefined; readonly brought: EntitlementFacts | undefined },
  ): Promise<OccupyResult> {
    const batch = { ...batchOf(tenantId, limit, clock(), joined), asks: [], assumed: undefined };
    const { now, db: handle } = batch;
    let ground = groundOf(batch, assume(tenantId, [brought]) ?? (await refresh(tenantId, joined)));
    let fence = 0;
    /** Whether the limit was seen full, under the present ground. */
    let full = false;
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const { facts, entitlement, key, resetsAt } = ground;
      const { revision } = facts;
      const conditions = {
        resourceId,
        ceiling: ceilingOf(entitlement),
        revision,
        fence: Math.max(revision, fence),
        now,
      };
      const done = await occupyUnit(handle, key, conditions);
      if (done.added || done.known) {
        if (done.added) await batch.watch(ground, done.used, null);
        const state = meterState(entitlement, done.used, resetsAt);
        return done.added ? { ok: true, ...state } : { ok: true, known: true, ...state };
      }
      const sight = found(await seeCounter(handle, key, now), tenantId);
      if (sight.closed !== null) return refused(ground, sight.used ?? 0, sight.closed);
      fence = sight.fence;
      const rests = !sight.due && sight.revision === facts.revision && sight.used !== null;
      if (rests && sight.used >= conditions.ceiling) {
        // Who comes at the same moment with the same resource is seen the second time, by a statement that began later.
        if (full) return refused(ground, sight.used, null);
        full = true;
        continue;
      }
      full = false;
      if (sight.due) await batch.expire();
      else if (sight.revision !== facts.revision) ground = groundOf(batch, await refresh(tenantId, joined));
      else if (sight.used === null) await prepareCounters(handle, burnOf(batch, ground, [], 0));
    }
    throw new Error(`the counter of "${limit}" never came to rest`);
  }

  async function look(
    tenantId: string,
    limit: string,
    options: Parameters<Resources['frozen']>[2] = {},
    only: string | null = null,
  ): Promise<Frozen> {
    if (options.order !== undefined) oneOf('order', options.order, ['newest', 'oldest']);
    const joined = joinedOf(options);
    const place = { catalogue: tools.catalogue, tenantId, meter: limit, now: clock() };
    let facts = assume(tenantId, [options.entitlement]) ?? (await refresh(tenantId, joined));
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const { entitlement, key } = groundOf(place, facts);
      const order: FreezeOrder = options.order ?? entitlement.freeze;
      // A soft limit freezes nothing but what lies beyond its cap.
      const amount = ceilingOf(entitlement);
      const sight = found(await readFrozen(joined ?? db, key, { amount, order, only }), tenantId);
      if (sight.revision === facts.revision) return { ids: sight.ids, surplus: Math.max(0, sight.used - amount) };
      facts = await refresh(tenantId, joined);
    }
    throw new Error('the plan of the tenant never came to rest');
  }

  return {
    async occupy(tenantId, limit, resourceId, options = {}) {
      checkMeter('plans.resources.occupy', tenantId, limit, 'limit');
      const id = cleanText('resourceId', resourceId, 500);
      const call = { joined: joinedOf(options), brought: options.entitlement };
      return typed('plans.resources.occupy', () => occupyOnce(tenantId, limit, id, call));
    },

    async vacate(tenantId, limit, resourceId, options = {}): Promise<MeterState> {
      checkMeter('plans.resources.vacate', tenantId, limit, 'limit');
      const id = cleanText('resourceId', resourceId, 500);
      const joined = joinedOf(options);
      return typed('plans.resources.vacate', async () => {
        const batch = batchOf(tenantId, limit, clock(), joined);
        const ground = groundOf(batch, await refresh(tenantId, joined));
        await vacateUnit(batch.db, ground.key, id, batch.now);
        const sight = found(await seeCounter(batch.db, ground.key, batch.now), tenantId);
        if (sight.used !== null) await batch.watch(ground, sight.used, sight.alerted);
        return meterState(ground.entitlement, sight.used ?? 0, ground.resetsAt);
      });
    },

    async choose(tenantId, limit, resourceIds, options = {}) {
      checkMeter('plans.resources.choose', tenantId, limit, 'limit');
      const ids = [...new Set(resourceIds.map((id) => cleanText('resourceIds', id, 500)))];
      return typed('plans.resources.choose', () => chooseResources(joinedOf(options) ?? db, tenantId, limit, ids));
    },

    async frozen(tenantId, limit, options) {
      checkMeter('plans.resources.frozen', tenantId, limit, 'limit');
      return typed('plans.resources.frozen', () => look(tenantId, limit, options));
    },

    async isFrozen(tenantId, limit, resourceId, options) {
      checkMeter('plans.resources.isFrozen', tenantId, limit, 'limit');
      const id = cleanText('resourceId', resourceId, 500);
      return (await typed('plans.resources.isFrozen', () => look(tenantId, limit, options, id))).ids.length > 0;
    },
  };
}

function refused(ground: Ground, used: number, closed: Parameters<typeof refusal>[3]): OccupyResult {
  const served = refusal(ground, { amount: 1 }, used, closed);
  if ('error' in served) throw served.error;
  if (served.result.ok) throw new TypeError('a refusal was granted');
  return served.result;
}
