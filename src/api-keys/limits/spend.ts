import { createBoundedMap } from '../../core/bounded-map.ts';
import { periodOf } from '../../core/period-of.ts';
import { type AnyDatabase, createCoalescer } from '../../database/index.ts';
import type { KeyFacts } from '../judge.ts';
import type { AcceptedKey, KeyLeft, KeyVerification, SpendDenial } from '../verification.ts';
import { usesStateOf } from './key-uses.ts';
import { cellRateOf, freeAt, type RateLimit, rateStateOf } from './rate-limit.ts';
import { type KeyCalls, type SpentRow, spendCalls } from './spend-store.ts';

/** One call of a key that is limited. */
interface Call {
  readonly facts: KeyFacts;
  readonly rate: RateLimit | null;
  readonly tenantRate: RateLimit | null;
  readonly now: Date;
}

/** The rate limits of keys. */
export interface KeyRates {
  /** Of each key that has none of its own; `null`, or absent: none. */
  readonly key?: RateLimit | null;
  /** Of all keys of a tenant together: one for all tenants, or by the tenant, such as by its plan. */
  readonly tenant?: RateLimit | null | ((tenant: AcceptedKey['tenant']) => RateLimit | null);
}

/** Spends what a call of a key costs. */
export interface Spender {
  /** Whether a call of this key costs anything. */
  costs(facts: KeyFacts): boolean;
  /**
   * Spends one call: shared with the other calls of the tenant, or as part of a transaction. What is left is told as it
   * is after all that shared.
   */
  spend(facts: KeyFacts, now: Date, joined?: AnyDatabase): Promise<KeyVerification>;
}

/** Makes what spends the calls of keys, each of a tenant's in one statement with all others that wait. */
export function createSpender(db: AnyDatabase, { key: common = null, tenant = null }: KeyRates): Spender {
  /**
   * Until when a limited key stays refused. A theoretical arrival time only grows, so this is not a guess: a flood of
   * refused calls costs no statement. It is named by the limit too, since another limit may let them in.
   */
  const shut = createBoundedMap<string, SpendDenial>(10_000);
  const share = createCoalescer<Call, KeyVerification>({ run: (_tenantId, calls) => serve(db, calls, true) });

  const rateOf = (facts: KeyFacts): RateLimit | null => facts.rate ?? common;
  const tenantRateOf = (facts: KeyFacts): RateLimit | null =>
    typeof tenant === 'function' ? tenant(facts.accepted.tenant) : tenant;

  async function serve(
    handle: AnyDatabase,
    calls: readonly Call[],
    remember: boolean,
  ): Promise<readonly KeyVerification[]> {
    const [first] = calls;
    if (first === undefined) return [];
    const byKey = new Map<string, { readonly call: Call; calls: number }>();
    for (const call of calls) {
      const before = byKey.get(call.facts.accepted.key.id);
      if (before === undefined) byKey.set(call.facts.accepted.key.id, { call, calls: 1 });
      else before.calls += 1;
    }
    const now = calls.reduce((latest, call) => Math.max(latest, call.now.getTime()), 0);
    const { tenantRate } = first;
    const rows = await spendCalls(handle, {
      tenantId: first.facts.accepted.tenant.id,
      keys: [...byKey.values()].map((entry) => callsOf(entry.call, entry.calls, new Date(now))),
      tenantRate: tenantRate && cellRateOf(tenantRate),
      now: now * 1000,
    });
    const left = new Map((rows ?? []).map((row) => [row.keyId, { row, granted: row.granted }]));
    return calls.map((call) => {
      const found = left.get(call.facts.accepted.key.id);
      // The tenant went away between the look-up and now.
      if (found === undefined) return { ok: false, reason: 'not_found' };
      const state = leftOf(call, found.row, new Date(now));
      if (found.granted > 0) {
        found.granted -= 1;
        return { ...call.facts.accepted, left: state };
      }
      const refused = denial(call, found.row, state, now);
      // What a transaction sees may never be committed.
      if (remember && refused.reason === 'rate_limited') shut.set(nameOf(call, refused.limitOf), refused);
      return refused;
    });
  }

  function denial(call: Call, row: SpentRow, left: KeyLeft, now: number): SpendDenial {
    const calls = row.granted + 1;
    if (row.byUses < calls && left.uses !== null) {
      return { ok: false, reason: 'quota_exceeded', limitOf: 'key', retryAt: left.uses.resetsAt, left };
    }
    const limitOf = row.byRate < calls || call.tenantRate === null ? 'key' : 'tenant';
    const rate = limitOf === 'key' ? call.rate : call.tenantRate;
    const tat = limitOf === 'key' ? row.tat : row.tenantTat;
    const retry = rate === null ? now : Math.max(now + 1, Math.ceil(freeAt(cellRateOf(rate), tat) / 1000));
    return { ok: false, reason: 'rate_limited', limitOf, retryAt: new Date(retry), left };
  }

  function nameOf({ facts, rate, tenantRate }: Call, limitOf: SpendDenial['limitOf']): string {
    const limit = limitOf === 'key' ? rate : tenantRate;
    const { key, tenant: owner } = facts.accepted;
    return `${limitOf === 'key' ? key.id : owner.id} ${limit?.limit} ${limit?.per} ${limit?.burst}`;
  }

  return {
    costs: (facts) => facts.uses !== null || rateOf(facts) !== null || tenantRateOf(facts) !== null,

    async spend(facts, now, joined) {
      const call: Call = { facts, rate: rateOf(facts), tenantRate: tenantRateOf(facts), now };
      for (const limitOf of ['key', 'tenant'] as const) {
        const refused = shut.get(nameOf(call, limitOf));
        if (refused?.retryAt == null) continue;
        // A clock that was set back says nothing about how long it is still shut.
        const wait = refused.retryAt.getTime() - now.getTime();
        if (wait > 0 && wait <= longestWait(limitOf === 'key' ? call.rate : call.tenantRate)) return refused;
        shut.delete(nameOf(call, limitOf));
      }
      if (joined === undefined) return share(facts.accepted.tenant.id, call);
      const [served] = await serve(joined, [call], false);
      if (served === undefined) throw new TypeError('a call was not served');
      return served;
    },
  };
}

/** The longest that a limit can make anybody wait for one call, in milliseconds. */
function longestWait(rate: RateLimit | null): number {
  return rate === null ? 0 : Math.ceil(cellRateOf(rate).step / 1000) + 1;
}

function callsOf({ facts, rate }: Call, calls: number, now: Date): KeyCalls {
  const { uses, anchor } = facts;
  return {
    keyId: facts.accepted.key.id,
    calls,
    rate: rate && cellRateOf(rate),
    uses: uses && { amount: uses.amount, period: periodOf(anchor, uses.per, now).start },
  };
}

/** How the limits stand after a statement, for all calls of the key that it served. */
function leftOf({ facts, rate, tenantRate }: Call, row: SpentRow, now: Date): KeyLeft {
  const { uses, anchor } = facts;
  const time = now.getTime() * 1000;
  return {
    rate: rate && rateStateOf(rate, row.tat, time),
    tenantRate: tenantRate && rateStateOf(tenantRate, row.tenantTat, time),
    uses: uses && usesStateOf(uses, { count: row.count, period: periodOf(anchor, uses.per, now).start }, anchor, now),
  };
}
