import { TenantryError } from '../core/index.ts';
import { type Period, periodOf } from '../core/period-of.ts';
import { maxUsed } from './amount.ts';
import {
  type Burn,
  type BurnCounter,
  type BurnSight,
  burnUnits,
  lookAtRoom,
  prepareCounters,
  readKeys,
} from './burn-store.ts';
import { chooseFitting } from './choose-fitting.ts';
import {
  type Ask,
  amountOf,
  type Batch,
  ceilingOf,
  counterOf,
  found,
  type Ground,
  type Guess,
  groundOf,
  maxAttempts,
  meterKey,
  type Served,
  subjectsOf,
} from './ground.ts';
import { periodAt } from './meter-period.ts';
import { type MeterState, meterState } from './meter-state.ts';
import type { WindowDefinition } from './plan-definitions.ts';

/** Wishes that may be for the units of one pack alone. */
export interface BurnBatch extends Batch {
  readonly pack?: string | undefined;
}

/**
 * Serves wishes that need more than one counter: from the plan's amount, then from grants (the lowest priority first, then
 * what expires first, then the oldest), then beyond the plan where that is allowed; within windows; each idempotency key
 * once. As a rule one statement; what it finds in the way is told by a look, and the next attempt goes by that.
 *
 * Answers are put into `served` as they are found, so that an error rejects only those who have none.
 */
export async function serveByBurning(
  batch: BurnBatch,
  first: Ground,
  asks: readonly Ask[],
  served: Map<Ask, Served>,
  guess: Guess | undefined,
): Promise<void> {
  const { db, tenantId, meter } = batch;
  // What is left of one pack is no guess of what is left of all.
  const guesses = batch.pack === undefined ? batch.guesses : undefined;
  let ground = first;
  let waiting = asks;
  let room = guess?.room ?? maxUsed;
  let fence = 0;
  let seen: BurnSight | undefined;
  // In a caller's transaction the counters stay locked, and whoever settles reservations locks those before the counters.
  if (batch.guesses === undefined && found(await lookAtRoom(db, burnOf(batch, first, [], 0)), tenantId).due) {
    await batch.expire();
  }
  for (let attempt = 0; waiting.length > 0; attempt += 1) {
    if (attempt === maxAttempts) throw new Error(`the grants of "${meter}" never came to rest`);
    const { chosen, others } = withoutDoubles(chooseFitting(waiting, room));
    if (chosen.length > 0) {
      const burn = burnOf(batch, ground, chosen, fence);
      const sight = found(await burnUnits(db, burn), tenantId);
      if (sight.taken) {
        await answerTaken(batch, ground, chosen, sight, served);
        await batch.watch(ground, sight.used, null);
        waiting = others;
        room = sight.room;
        seen = undefined;
        guesses?.set(meterKey(tenantId, meter), { counter: counterOf(ground), used: sight.used, room });
        continue;
      }
      if (!sight.ready && sight.closed === null && sight.revision === ground.facts.revision) {
        await prepareCounters(db, burn);
        continue;
      }
    } else if (seen !== undefined) {
      await refuse(batch, ground, waiting, seen, served);
      return;
    }
    const sight = found(await lookAtRoom(db, burnOf(batch, ground, [], 0)), tenantId);
    if (sight.closed !== null) {
      await refuse(batch, ground, waiting, sight, served);
      return;
    }
    if (sight.due) {
      await batch.expire();
      continue;
    }
    fence = sight.fence;
    if (sight.revision !== ground.facts.revision) {
      ground = groundOf(batch, await batch.refresh());
      room = maxUsed;
      seen = undefined;
      continue;
    }
    room = sight.room;
    seen = sight;
    guesses?.set(meterKey(tenantId, meter), { counter: counterOf(ground), used: sight.used, room });
  }
}

/** Serves one wish by burning. */
export async function burnAlone(batch: BurnBatch, ask: Ask): Promise<Served> {
  const served = new Map<Ask, Served>();
  await serveByBurning(batch, groundOf(batch, batch.assumed ?? (await batch.refresh())), [ask], served, undefined);
  return served.get(ask) ?? { error: new TypeError('a call was not served') };
}

/**
 * What {@link serveByBurning} would answer to a wish at this moment; nothing is used. `undefined` when the ground is out of
 * date.
 */
export async function lookForAll(batch: BurnBatch, ground: Ground, ask: Ask): Promise<Served | undefined> {
  const { db, tenantId } = batch;
  const look = async (): Promise<BurnSight> => found(await lookAtRoom(db, burnOf(batch, ground, [], 0)), tenantId);
  let sight = await look();
  if (sight.due) {
    await batch.expire();
    sight = await look();
  }
  if (sight.revision !== ground.facts.revision) return undefined;
  if (sight.closed === null && ask.amount <= sight.room) {
    return { result: { ok: true, ...stateOf(batch, ground, sight.used, sight.granted, sight.room) } };
  }
  const served = new Map<Ask, Served>();
  await refuse(batch, ground, [ask], sight, served);
  return served.get(ask);
}

/** Of several wishes with one key, the first one goes first. */
function withoutDoubles({ chosen, others }: { readonly chosen: readonly Ask[]; readonly others: readonly Ask[] }) {
  const keys = new Set<string>();
  const first: Ask[] = [];
  const later: Ask[] = [];
  for (const ask of chosen) {
    if (ask.idempotencyKey === undefined || !keys.has(ask.idempotencyKey)) first.push(ask);
    else later.push(ask);
    if (ask.idempotencyKey !== undefined) keys.add(ask.idempotencyKey);
  }
  return { chosen: first, others: [...later, ...others] };
}

/** The statement that takes the units of some wishes. */
export function burnOf(batch: BurnBatch, ground: Ground, asks: readonly Ask[], fence: number): Burn {
  const { tenantId, meter, now, history, hold } = batch;
  const { entitlement, facts } = ground;
  // What is held is written down when it is committed.
  const records = entitlement.kind === 'quota' && hold === undefined;
  return {
    tenantId,
    meter,
    counters: countersOf(ground, now),
    amount: amountOf(entitlement),
    revision: facts.revision,
    fence: Math.max(facts.revision, fence),
    now,
    pack: batch.pack ?? null,
    units: asks.reduce((sum, ask) => sum + (ask.idempotencyKey === undefined ? ask.amount : 0), 0),
    keyed: asks.flatMap(({ idempotencyKey: key, amount: units }) => (key === undefined ? [] : [{ key, units }])),
    hold,
    hour: periodOf(new Date(0), 'hour', now).start,
    hours:
      history && records
        ? asks.flatMap((ask) =>
            subjectsOf(ask).map((subject) => ({ subject, units: ask.amount, key: ask.idempotencyKey ?? '' })),
          )
        : [],
    members: records
      ? asks.flatMap(({ memberId, amount: units, idempotencyKey: key = '' }) =>
          memberId === undefined ? [] : [{ memberId, units, key }],
        )
      : [],
  };
}

function countersOf({ entitlement, facts, key }: Ground, now: Date): readonly [BurnCounter, ...BurnCounter[]] {
  const windows = entitlement.within.map((window) => ({
    per: `within ${window.every ?? 1} ${window.per}`,
    start: windowAt({ entitlement, facts }, window, now).start,
    ceiling: window.amount,
  }));
  return [{ per: key.per, start: key.start, ceiling: ceilingOf(entitlement) }, ...windows];
}

/** A window begins where the quota's own periods do: by the anchor or the calendar, and the tenant's clocks. */
function windowAt(
  { entitlement, facts }: Pick<Ground, 'entitlement' | 'facts'>,
  { per, every = 1 }: WindowDefinition,
  now: Date,
): Period {
  return periodAt({ per, every, from: entitlement.from }, facts, now);
}

async function answerTaken(
  batch: BurnBatch,
  ground: Ground,
  chosen: readonly Ask[],
  sight: BurnSight,
  served: Map<Ask, Served>,
): Promise<void> {
  const { db, tenantId, meter, pack } = batch;
  const fresh = new Set(sight.fresh);
  const isFresh = ({ idempotencyKey: key }: Ask): boolean => key === undefined || fresh.has(key);
  const taken = chosen.filter(isFresh).reduce((sum, { amount }) => sum + amount, 0);
  let used = sight.used - (taken - sight.fromGrants);
  let granted = sight.granted + sight.fromGrants;
  let room = sight.room + taken;
  for (const ask of chosen.filter(isFresh)) {
    const planLeft = pack === undefined ? Math.max(0, amountOf(ground.entitlement) - used) : 0;
    const fromPlan = Math.min(ask.amount, planLeft);
    const fromGrants = Math.min(ask.amount - fromPlan, granted);
    used += ask.amount - fromGrants;
    granted -= fromGrants;
    room -= ask.amount;
    served.set(ask, { result: { ok: true, ...stateOf(batch, ground, used, granted, room) } });
  }
  const replayed = chosen.filter((ask) => !isFresh(ask));
  if (replayed.length > 0) {
    const stored = await readKeys(db, tenantId, meter, keysOf(replayed));
    for (const ask of replayed) served.set(ask, replayOf(batch, ground, ask, stored, sight));
  }
}

async function refuse(
  batch: BurnBatch,
  ground: Ground,
  waiting: readonly Ask[],
  sight: BurnSight,
  served: Map<Ask, Served>,
): Promise<void> {
  const { db, tenantId, meter, now } = batch;
  const keys = keysOf(waiting);
  const stored = keys.length === 0 ? undefined : await readKeys(db, tenantId, meter, keys);
  for (const ask of waiting) {
    if (stored !== undefined && ask.idempotencyKey !== undefined && stored.has(ask.idempotencyKey)) {
      served.set(ask, replayOf(batch, ground, ask, stored, sight));
      continue;
    }
    const state = stateOf(batch, ground, sight.used, sight.granted, sight.room);
    const reason = sight.closed ?? (ground.entitlement.kind === 'limit' ? 'limit_reached' : 'quota_exceeded');
    const resetsAt = windowEnd(ground, ask, sight, now) ?? state.resetsAt;
    served.set(ask, { result: { ok: false, reason, requested: ask.amount, ...state, resetsAt } });
  }
}

/** When the windows end that have no room; the quota's own end where it is not for them. */
function windowEnd({ entitlement, facts }: Ground, { amount }: Ask, sight: BurnSight, now: Date): Date | null {
  let end: Date | null = null;
  for (const [index, window] of entitlement.within.entries()) {
    if (amount <= (sight.windows[index] ?? maxUsed)) continue;
    const period = windowAt({ entitlement, facts }, window, now);
    if (period.end !== null && (end === null || period.end > end)) end = period.end;
  }
  return end;
}

function replayOf(
  batch: BurnBatch,
  ground: Ground,
  ask: Ask,
  stored: ReadonlyMap<string, number>,
  sight: BurnSight,
): Served {
  const units = stored.get(ask.idempotencyKey ?? '');
  if (units !== undefined && units !== ask.amount) {
    const problem = `differs from the ${units} that were asked for under the same idempotency key`;
    return { error: new TenantryError('amount_invalid', { amount: String(ask.amount), problem }) };
  }
  const state = stateOf(batch, ground, sight.used, sight.granted, sight.room);
  return { result: { ok: true, replayed: true, ...state } };
}

function keysOf(asks: readonly Ask[]): readonly string[] {
  return asks.flatMap(({ idempotencyKey }) => (idempotencyKey === undefined ? [] : [idempotencyKey]));
}

/**
 * The state with grants: what is left is what is left of both, as far as windows let it through; of a pack alone, what is
 * left of it.
 */
function stateOf(
  { pack }: BurnBatch,
  { entitlement, resetsAt }: Ground,
  used: number,
  granted: number,
  room: number,
): MeterState {
  const state = meterState(entitlement, used, resetsAt);
  if (pack !== undefined) return { ...state, remaining: room, granted };
  if (state.remaining === 'unlimited') return { ...state, granted };
  return { ...state, remaining: Math.max(0, Math.min(state.remaining + granted, room)), granted };
}
