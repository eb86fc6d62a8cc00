import { createHash } from 'node:crypto';
import { type RedisClient, redisSender } from '../core/redis-client.ts';
import type { RateStore } from './rate-store.ts';

export type { RedisClient } from '../core/redis-client.ts';

/** Options of {@link redisRateStore}. */
export interface RedisRateStoreOptions {
  /** What the names of its keys begin with; `tenantry:rate:` when absent. */
  readonly prefix?: string;
}

/*
 * The same rule as in the database: a stored time further ahead than the limit can bring it was written by a clock that
 * runs ahead, or under a larger limit, and is taken for the furthest that can be. Lua's numbers are exact up to 2^53, which
 * microseconds since 1970 stay below for centuries. A time that is over says nothing, so the key may vanish a minute later.
 */
const script = `
local now, step, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local tat = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now), now + room)
local calls = 0
for place = 4, #ARGV do
  local cost = tonumber(ARGV[place]) * step
  if tat + cost - room > now then break end
  tat = tat + cost
  calls = calls + 1
end
local told = string.format('%.0f', tat)
if calls > 0 then redis.call('SET', KEYS[1], told, 'PX', string.format('%.0f', math.ceil((tat - now) / 1000) + 60000)) end
return { calls, told }`;
const digest = createHash('sha1').update(script).digest('hex');

/**
 * Counts rate limits in a Redis, for programs of many processes that would rather not ask their database: one round trip
 * for all calls that wait. Redis itself is not imported; hand in a client. What a Redis forgets, such as in a restart, is
 * granted anew.
 *
 * @throws TypeError when it is handed no client of a known kind.
 *
 * @example
 * ```ts
 * import { createRateLimits, redisRateStore, type RedisClient } from 'tenantry/plans';
 *
 * const ratesOn = (redis: RedisClient) =>
 *   createRateLimits({ limits: { search: { limit: 10, per: 'second' } }, store: redisRateStore(redis) });
 * // const rates = ratesOn(new Redis('redis://…')); or of createClient({ url }) once it is connected
 * ```
 */
export function redisRateStore(
  redis: RedisClient,
  { prefix = 'tenantry:rate:' }: RedisRateStoreOptions = {},
): RateStore {
  const send = redisSender(redis, 'redisRateStore');

  /** Redis knows a script by its digest once it has run it, until it restarts. */
  async function run(key: string, args: readonly string[]): Promise<unknown> {
    try {
      return await send(['EVALSHA', digest, '1', key, ...args]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return send(['EVAL', script, '1', key, ...args]);
    }
  }

  return {
    async spend({ tenantId, name, now, rate, costs }) {
      // In braces: a cluster keeps what belongs to a tenant on one node.
      const args = [now, rate.step, rate.room, ...costs].map(String);
      const answer = await run(`${prefix}{${tenantId}}:${name}`, args);
      const [calls, tat] = Array.isArray(answer) ? answer : [];
      const spent = { calls: Number(calls), tat: Number(tat) };
      if (Number.isSafeInteger(spent.calls) && Number.isSafeInteger(spent.tat)) return spent;
      throw new Error('the Redis gave no answer that a rate limit can have');
    },
  };
}
