import { maxUsed } from './amount.ts';
import { chooseFitting } from './choose-fitting.ts';
import {
  type Ask,
  amountOf,
  type Batch,
  ceilingOf,
  counterOf,
  found,
  type Ground,
  groundOf,
  maxAttempts,
  membersOf,
  meterKey,
  refusal,
  type Served,
  stillHolds,
  writtenOf,
} from './ground.ts';
import { meterState } from './meter-state.ts';
import { serveByBurning } from './serve-by-burning.ts';
import { type Sight, seeCounter } from './store.ts';

/**
 * Serves a batch, as a rule with one statement: an update that adds all units that will fit, or a look where none is
 * known to fit. When nothing was added, a look tells why, and the next attempt goes by that. An error after some callers
 * were granted their units rejects only the others.
 *
 * What the plan's amount does not cover, or must keep more conditions than one counter has, is served by burning.
 */
export async function serveBatch(batch: Batch): Promise<readonly Served[]> {
  const { db, tenantId, meter, now } = batch;
  const served = new Map<Ask, Served>();
  let waiting = batch.asks;
  try {
    const name = meterKey(tenantId, meter);
    const guess = batch.guesses?.get(name);
    const before = guess?.ground;
    const holds = before !== undefined && stillHolds(before, batch.assumed, now);
    let ground = holds ? before : groundOf(batch, batch.assumed ?? (await batch.refresh()));
    const guessed = holds || guess?.counter === counterOf(ground);
    /** Guessed, until a statement of this batch has told it. */
    let used = guessed ? (guess?.used ?? 0) : 0;
    let sure = false;
    let fence = 0;
    let hour = guessed ? guess?.hour : undefined;
    for (let attempt = 0; waiting.length > 0; attempt += 1) {
      if (attempt === maxAttempts) throw new Error(`the counter of "${meter}" never came to rest`);
      if (needsBurning(ground, waiting, used, guessed || attempt > 0)) {
        await serveByBurning(batch, ground, waiting, served, guessed ? guess : undefined);
        return answersOf(batch, served);
      }
      const { facts, entitlement, key, resetsAt } = ground;
      // Where there are grants, they come before what is beyond the plan.
      const ceiling = ground.grants ? amountOf(entitlement) : ceilingOf(entitlement);
      const { chosen, others, sum } = chooseFitting(waiting, ceiling - used);
      let seen: Sight | undefined;
      if (chosen.length > 0) {
        // In one snapshot no counter is ahead of its tenant, unless somebody put back an older tenant row: then the
        // counter's own revision is the one that must not be passed, or the tenant would be refused for ever.
        const conditions = {
          units: sum,
          ceiling,
          revision: facts.revision,
          fence: Math.max(facts.revision, fence),
          members: entitlement.kind === 'quota' ? membersOf(chosen) : [],
          ...writtenOf(batch, entitlement.kind, chosen),
          now,
        };
        const begins = conditions.hour?.start.getTime();
        const known = attempt === 0 && guessed && guess?.hour === begins;
        const add = known ? batch.take : batch.begin;
        const { taken, sight } = found(await add(key, conditions), tenantId);
        seen = sight;
        if (taken !== null) {
          hour = begins;
          used = taken.used - sum;
          for (const ask of chosen) {
            used += ask.amount;
            served.set(ask, { result: { ok: true, ...meterState(entitlement, used, resetsAt) } });
          }
          waiting = others;
          // Units of a reservation that is over are free, and only a look shows it.
          sure = !taken.held;
          if (entitlement.alerts.length > 0) await batch.watch(ground, used, taken.alerted);
          continue;
        }
      } else if (sure) {
        for (const ask of waiting) served.set(ask, refusal(ground, ask, used, null));
        break;
      }
      const sight = seen ?? found(await seeCounter(db, key, now), tenantId);
      if (sight.closed !== null) {
        for (const ask of waiting) served.set(ask, refusal(ground, ask, sight.used ?? 0, sight.closed));
        break;
      }
      if (sight.due) {
        await batch.expire();
        sure = false;
        continue;
      }
      sure = sight.revision === facts.revision;
      if (!sure) ground = groundOf(batch, await batch.refresh());
      used = sure ? (sight.used ?? 0) : 0;
      fence = sight.fence;
      if (sure && sight.used !== null) await batch.watch(ground, used, sight.alerted);
    }
    if (sure) {
      const counter = guess !== undefined && ground === before ? guess.counter : counterOf(ground);
      batch.guesses?.set(name, { counter, used, hour, ground });
    } else batch.guesses?.delete(name);
  } catch (error) {
    for (const ask of waiting) if (!served.has(ask)) served.set(ask, { error });
  }
  return answersOf(batch, served);
}

function answersOf({ asks }: Batch, served: ReadonlyMap<Ask, Served>): readonly Served[] {
  return asks.map((ask) => served.get(ask) ?? { error: new TypeError('an ask was not served') });
}

/** Whether wishes need more than one counter: idempotency keys, windows, or grants beyond what is left of the plan. */
function needsBurning({ entitlement, grants }: Ground, asks: readonly Ask[], used: number, known: boolean): boolean {
  if (entitlement.within.length > 0 || asks.some(({ idempotencyKey }) => idempotencyKey !== undefined)) return true;
  if (!grants) return false;
  const sum = asks.reduce((units, { amount }) => Math.min(maxUsed, units + amount), 0);
  return !known || sum > amountOf(entitlement) - used;
}
