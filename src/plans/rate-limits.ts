import { createBoundedMap } from '../core/bounded-map.ts';
import { cellRateOf, freeAt, type RateLimit, type RateState, rateProblem, rateStateOf } from '../core/cell-rate.ts';
import { type Clock, cleanText, isUuid, systemClock, TenantryError } from '../core/index.ts';
import { type AnyDatabase, createCoalescer } from '../database/index.ts';
import { asUnavailable } from '../database/unavailable.ts';
import { checkAmount } from './amount.ts';
import { isRecord, nameOf, refuse } from './check-shape.ts';
import { found } from './ground.ts';
import { spendRate } from './rate-limit-store.ts';
import type { RateSpent, RateStore } from './rate-store.ts';

/** What {@link createRateLimits} is made from. */
export interface RateLimitsOptions<Name extends string> {
  readonly limits: Readonly<Record<Name, RateLimit>>;
  /** Where all processes count together; without it each process counts for itself. */
  readonly db?: AnyDatabase;
  /** Where all processes count together instead of in a database, such as `redisRateStore(client)`. */
  readonly store?: RateStore;
  /**
   * What happens while the database or the store cannot be reached: `refuse` (the default) rejects with `database_unavailable`; `allow`
   * lets everybody through, and says so.
   */
  readonly whenUnavailable?: 'refuse' | 'allow';
  readonly clock?: Clock;
  /** How many limits are remembered in the process; 10,000 when absent. A process that counts for itself forgets the rest. */
  readonly remembered?: number;
}

/** Which calls count together, and how much. */
export interface RateCall {
  /** What counts apart within the tenant, such as an address or a user; the whole tenant when absent. */
  readonly subject?: string;
  /** How many calls it counts for; 1 when absent. */
  readonly cost?: number;
}

/** What became of a call. */
export type RateResult =
  | (RateState & {
      readonly ok: true;
      /** The database or the store could not be reached, and nothing was counted. */
      readonly uncounted?: true;
    })
  | (RateState & {
      readonly ok: false;
      /** When as much will fit; null for more than the limit ever lets through at once. */
      readonly retryAt: Date | null;
    });

/** Rate limits by name. */
export interface RateLimits<Name extends string = string> {
  /**
   * Counts a call, if it may be made now. Refused ones count for nothing, so a client that never pauses still gets its
   * share. Calls of one tenant that wait at the same time share a statement, and while a limit is known to be shut, no
   * statement is sent.
   *
   * @throws TenantryError `tenant_not_found`, `amount_invalid`, `name_invalid`, `database_unavailable`.
   */
  take(tenantId: string, name: Name, call?: RateCall): Promise<RateResult>;
}

interface Waiting {
  readonly cost: number;
  readonly limit: RateLimit;
}

/**
 * Makes rate limits by the generic cell rate algorithm: a burst at once after a pause, and then one call after another,
 * evenly. With a database or a store they are exact over all processes; without one each process lets through as many.
 *
 * @throws TenantryError `config_invalid`.
 *
 * @example
 * ```ts
 * import { createRateLimits } from 'tenantry/plans';
 *
 * const rates = createRateLimits({ limits: { search: { limit: 10, per: 'second', burst: 20 } } });
 * const result = await rates.take('0198c0de-0000-7000-8000-000000000001', 'search', { subject: '203.0.113.7' });
 * if (!result.ok) console.log('429, try again at', result.retryAt);
 * ```
 */
export function createRateLimits<const Name extends string>({
  limits,
  db,
  store,
  whenUnavailable = 'refuse',
  clock = systemClock,
  remembered = 10_000,
}: RateLimitsOptions<Name>): RateLimits<Name> {
  const known = checked(limits);
  if (db !== undefined && store !== undefined) refuse('store', 'cannot count beside a database: give one of both');
  /** Theoretical arrival times: all there is without a database, and what is at least the case with one. */
  const times = createBoundedMap<string, number>(remembered);

  const share = createCoalescer<Waiting, RateResult>({ run: (key, calls) => serve(key, calls) });

  async function serve(key: string, calls: readonly Waiting[]): Promise<readonly RateResult[]> {
    const [first] = calls;
    if (first === undefined) return [];
    const { limit } = first;
    const rate = cellRateOf(limit);
    const now = clock().getTime() * 1000;
    const results = new Map<Waiting, RateResult>();
    let waiting = calls;
    while (waiting.length > 0) {
      const { calls: granted, tat } = await spend(
        key,
        rate,
        now,
        waiting.map(({ cost }) => cost),
      );
      times.set(key, tat);
      const state = rateStateOf(limit, tat, now);
      for (const call of waiting.slice(0, granted)) results.set(call, { ok: true, ...state });
      // A smaller one behind the first that did not fit may fit still.
      const rest = waiting.slice(granted);
      const fitting = rest.filter(({ cost }) => cost <= state.remaining);
      for (const call of rest) results.set(call, refusalOf(call, tat, now));
      waiting = fitting;
    }
    return calls.map((call) => {
      const result = results.get(call);
      if (result === undefined) throw new TypeError('a call was not served');
      return result;
    });
  }

  async function spend(
    key: string,
    rate: ReturnType<typeof cellRateOf>,
    now: number,
    costs: readonly number[],
  ): Promise<RateSpent> {
    const [tenantId = '', name = ''] = partsOf(key);
    if (store !== undefined) return store.spend({ tenantId, name, now, rate, costs });
    if (db !== undefined) return found(await spendRate(db, { tenantId, name, now, rate, costs }), tenantId);
    let tat = Math.min(Math.max(times.get(key) ?? 0, now), now + rate.room);
    let calls = 0;
    for (const cost of costs) {
      if (freeAt(rate, tat, cost) > now) break;
      tat += cost * rate.step;
      calls += 1;
    }
    return { calls, tat };
  }

  /** Whatever a store rejects with, it cannot be asked now. */
  function unavailable(error: unknown): unknown {
    if (store === undefined) return asUnavailable(error, 'rateLimits.take');
    return new TenantryError('database_unavailable', { operation: 'rateLimits.take' }, { cause: error });
  }

  return {
    async take(tenantId, name, { subject = '', cost = 1 } = {}) {
      if (!isUuid(tenantId)) throw new TenantryError('tenant_not_found', { tenant: String(tenantId) });
      checkAmount(cost);
      const limit = known.get(name);
      if (limit === undefined) throw new TenantryError('name_invalid', { field: 'name', problem: 'is no rate limit' });
      const about = subject === '' ? '' : ` ${cleanText('subject', subject, 200)}`;
      const key = `${tenantId.toLowerCase()} limit:${name}${about}`;
      const call = { cost, limit };
      const now = clock().getTime() * 1000;
      const tat = times.get(key);
      // It only grows: what is shut by it is shut. One too far ahead is of a clock that was set back.
      if (tat !== undefined && tat <= now + cellRateOf(limit).room && freeAt(cellRateOf(limit), tat, cost) > now) {
        return refusalOf(call, tat, now);
      }
      try {
        return await share(key, call);
      } catch (error) {
        const typed = unavailable(error);
        if (whenUnavailable === 'refuse' || typed === error) throw typed;
        return { ok: true, uncounted: true, ...rateStateOf(limit, tat ?? 0, now) };
      }
    },
  };
}

function refusalOf({ cost, limit }: Waiting, tat: number, now: number): RateResult {
  const { burst = limit.limit } = limit;
  const free = Math.max(now + 1000, freeAt(cellRateOf(limit), Math.max(tat, now), cost));
  const retryAt = cost > burst ? null : new Date(Math.ceil(free / 1000));
  return { ok: false, retryAt, ...rateStateOf(limit, tat, now) };
}

function checked(limits: Readonly<Record<string, RateLimit>>): ReadonlyMap<string, RateLimit> {
  if (!isRecord(limits)) refuse('limits', 'must be an object');
  for (const [name, limit] of Object.entries(limits)) {
    nameOf(`limits.${name}`, name);
    if (!isRecord(limit)) refuse(`limits.${name}`, 'must be an object');
    const wrong = rateProblem(limit);
    if (wrong !== undefined) refuse(`limits.${name}.${wrong.field}`, wrong.problem);
  }
  return new Map(Object.entries(limits));
}

function partsOf(key: string): [tenantId: string, name: string] {
  const space = key.indexOf(' ');
  return [key.slice(0, space), key.slice(space + 1)];
}
