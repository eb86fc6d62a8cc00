import type { BoundedMap } from '../core/bounded-map.ts';
import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { maxUsed } from './amount.ts';
import { chooseFitting } from './choose-fitting.ts';
import { type Entitlement, evaluateEntitlement } from './evaluate-entitlement.ts';
import { counterPer, periodAt } from './meter-period.ts';
import { type ConsumeResult, meterState, type TenantClosed } from './meter-state.ts';
import type { PlanCatalogue } from './plan-definitions.ts';
import {
  type CounterKey,
  type EntitlementFacts,
  insertUnits,
  type MemberUnits,
  seeCounter,
  takeUnits,
} from './store.ts';

/** One caller's wish. */
export interface Ask {
  readonly amount: number;
  /** Who wishes: what they use of a quota is kept. */
  readonly memberId?: string | undefined;
}

/** What one caller gets: an answer, or an error of its own. */
export type Served = { readonly result: ConsumeResult } | { readonly error: unknown };

/** Wishes for units of one meter of one tenant, in order of arrival. */
export interface Batch {
  readonly db: AnyDatabase;
  readonly catalogue: PlanCatalogue;
  readonly tenantId: string;
  readonly meter: string;
  readonly asks: readonly Ask[];
  readonly now: Date;
  /** What is assumed of the tenant; the statement finds out whether it still holds. */
  readonly assumed: EntitlementFacts | undefined;
  /** Reads it anew. */
  readonly refresh: () => Promise<EntitlementFacts>;
  /** What counters held when they were last seen, for a better first guess; nothing is decided by it. */
  readonly guesses?: BoundedMap<string, Guess>;
}

/** What a counter held when it was last seen. */
export interface Guess {
  /** Names the period. */
  readonly counter: string;
  readonly used: number;
}

/** What the facts mean for one meter at one moment. */
export interface Ground {
  readonly facts: EntitlementFacts;
  readonly entitlement: Entitlement;
  readonly key: CounterKey;
  readonly resetsAt: Date | null;
}

/** Every attempt after the third means that somebody else changed the counter or the tenant meanwhile. */
const maxAttempts = 1000;

/**
 * Serves a batch, as a rule with one statement: an update that adds all units that will fit, or a look where none is
 * known to fit. When nothing was added, a look tells why, and the next attempt goes by that. An error after some callers
 * were granted their units rejects only the others.
 */
export async function serveBatch(batch: Batch): Promise<readonly Served[]> {
  const { db, tenantId, meter, now } = batch;
  const served = new Map<Ask, Served>();
  let waiting = batch.asks;
  try {
    let ground = groundOf(batch, batch.assumed ?? (await batch.refresh()));
    const guess = batch.guesses?.get(meterKey(tenantId, meter));
    const guessed = guess?.counter === counterOf(ground);
    /** Guessed, as `absent` is, until a statement of this batch has told it. */
    let used = guessed ? guess.used : 0;
    let absent = guess !== undefined && !guessed;
    let sure = false;
    let fence = 0;
    for (let attempt = 0; waiting.length > 0; attempt += 1) {
      if (attempt === maxAttempts) throw new Error(`the counter of "${meter}" never came to rest`);
      const { facts, entitlement, key, resetsAt } = ground;
      const ceiling = ceilingOf(entitlement);
      const { chosen, others, sum } = chooseFitting(waiting, ceiling - used);
      if (chosen.length > 0) {
        // In one snapshot no counter is ahead of its tenant, unless somebody put back an older tenant row: then the
        // counter's own revision is the one that must not be passed, or the tenant would be refused for ever.
        const conditions = {
          units: sum,
          ceiling,
          revision: facts.revision,
          fence: Math.max(facts.revision, fence),
          members: entitlement.kind === 'quota' ? membersOf(chosen) : [],
          now,
        };
        const granted = absent ? await insertUnits(db, key, conditions) : await takeUnits(db, key, conditions);
        if (granted !== null) {
          used = granted - sum;
          for (const ask of chosen) {
            used += ask.amount;
            served.set(ask, { result: { ok: true, ...meterState(entitlement, used, resetsAt) } });
          }
          waiting = others;
          absent = false;
          sure = true;
          continue;
        }
      } else if (sure) {
        for (const ask of waiting) served.set(ask, refusal(ground, ask, used, null));
        break;
      }
      const sight = found(await seeCounter(db, key), tenantId);
      if (sight.closed !== null) {
        for (const ask of waiting) served.set(ask, refusal(ground, ask, sight.used ?? 0, sight.closed));
        break;
      }
      sure = sight.revision === facts.revision;
      if (!sure) ground = groundOf(batch, await batch.refresh());
      used = sure ? (sight.used ?? 0) : 0;
      absent = sure && sight.used === null;
      fence = sight.fence;
    }
    if (sure) batch.guesses?.set(meterKey(tenantId, meter), { counter: counterOf(ground), used });
  } catch (error) {
    for (const ask of waiting) served.set(ask, { error });
  }
  return batch.asks.map((ask) => served.get(ask) ?? { error: new TypeError('an ask was not served') });
}

/** What each member among the callers wishes for. */
function membersOf(asks: readonly Ask[]): readonly MemberUnits[] {
  const units = new Map<string, number>();
  for (const { memberId, amount } of asks) {
    if (memberId !== undefined) units.set(memberId, (units.get(memberId) ?? 0) + amount);
  }
  return [...units].map(([memberId, sum]) => ({ memberId, units: sum }));
}

/** Names one meter of one tenant. */
export function meterKey(tenantId: string, meter: string): string {
  return `${tenantId.toLowerCase()} ${meter}`;
}

function counterOf({ key: { per, start } }: Ground): string {
  return `${per} ${start.getTime()}`;
}

/** Makes of facts what one meter needs; the facts must be of a plan that the catalogue has. */
export function groundOf(
  { catalogue, tenantId, meter, now }: Pick<Batch, 'catalogue' | 'tenantId' | 'meter' | 'now'>,
  facts: EntitlementFacts,
): Ground {
  const { plan, seatsBought, since, terms } = facts;
  const entitlement = evaluateEntitlement(catalogue, { plan, seatsBought, since, terms, at: now }, meter);
  const { start, end } = periodAt(entitlement, facts, now);
  return { facts, entitlement, key: { tenantId, meter, per: counterPer(entitlement), start }, resetsAt: end };
}

/** The highest value that a counter may reach under an entitlement. */
export function ceilingOf({ amount, overage, overageAtMost }: Entitlement): number {
  if (amount === 'unlimited') return maxUsed;
  if (overage === 'refuse') return amount;
  return overageAtMost === null ? maxUsed : Math.min(maxUsed, amount + overageAtMost);
}

/** What a caller gets whose units do not fit. */
export function refusal(
  { entitlement, resetsAt }: Ground,
  { amount }: Ask,
  used: number,
  closed: TenantClosed | null,
): Served {
  if (closed === null && ceilingOf(entitlement) === maxUsed) {
    const problem = `would take the counter from ${used} past ${maxUsed}`;
    return { error: new TenantryError('amount_invalid', { amount: String(amount), problem }) };
  }
  const reason = entitlement.kind === 'limit' ? 'limit_reached' : 'quota_exceeded';
  const state = meterState(entitlement, used, resetsAt);
  return { result: { ok: false, reason: closed ?? reason, requested: amount, ...state } };
}

/** What a statement found of a tenant, which must exist. */
export function found<Value>(value: Value | undefined, tenantId: string): Value {
  if (value === undefined) throw new TenantryError('tenant_not_found', { tenant: tenantId });
  return value;
}
