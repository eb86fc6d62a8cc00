import { performance } from 'node:perf_hooks';
import { TenantryError } from '../../core/index.ts';
import { type RedisClient, redisSender } from '../../core/redis-client.ts';
import { gapMark, keyChannel, pingChannel, pingerOf } from './channel.ts';
import { createListener, type ListeningClient } from './listener.ts';

/** What {@link createKeyRelay} is made from. */
export interface KeyRelayOptions {
  /** Gives a connection of its own straight to PostgreSQL, as for {@link KeyCacheOptions.listen}. */
  readonly listen: () => Promise<ListeningClient>;
  /** A connected client that publishes. */
  readonly redis: RedisClient;
  /** The channel; `tenantry_keys` when absent. */
  readonly channel?: string;
  /** How often the connection to PostgreSQL is tried, in milliseconds; 1,000 when absent. */
  readonly heartbeat?: number;
  /** Told when either connection breaks; both are tried again in any case. */
  readonly onError?: (error: unknown) => void;
}

/** What passes the messages of the database on. */
export interface KeyRelay {
  /** Whether messages of the database arrive. */
  trusted(): boolean;
  /** Ends the connection to PostgreSQL. The processes that listen are told, and remember nothing until another relay runs. */
  close(): Promise<void>;
}

/** Beyond that it is shorter to say that everything may have changed. */
const mostWaiting = 10_000;

/**
 * Passes on to a Redis what PostgreSQL tells of keys when transactions are committed, for processes that listen by
 * {@link listenByRedis}. Run one, or several in different places: what is told twice does no harm.
 *
 * What it heard is published in the order of the commits. Whenever it may have missed a message, or one could not be
 * published, it says so before anything else, and all who listen forget what they remember.
 *
 * @throws TypeError when it is handed no client of a known kind.
 * @throws TenantryError `config_invalid` for another option that cannot be.
 *
 * @example
 * ```ts
 * import { Client } from 'pg';
 * import { createKeyRelay } from 'tenantry/api-keys';
 * import type { RedisClient } from 'tenantry/plans';
 *
 * const relaying = (connectionString: string, redis: RedisClient) =>
 *   createKeyRelay({
 *     redis,
 *     async listen() {
 *       const client = new Client({ connectionString });
 *       await client.connect();
 *       return client;
 *     },
 *   });
 * ```
 */
export function createKeyRelay({
  listen,
  redis,
  channel = keyChannel,
  heartbeat = 1000,
  onError = () => undefined,
}: KeyRelayOptions): KeyRelay {
  const send = redisSender(redis, 'createKeyRelay');
  if (typeof listen !== 'function') throw misconfigured('listen', 'must be a function that gives a connection');
  if (!Number.isSafeInteger(heartbeat) || heartbeat < 1) {
    throw misconfigured('heartbeat', 'must be a whole number of milliseconds from 1');
  }
  const messages = new Set<string>();
  // Of each process the last that it sent to itself is enough.
  const pings = new Map<string, string>();
  let gap = false;
  let closed = false;
  let working: Promise<void> | undefined;

  function wake(): void {
    working ??= work().finally(() => {
      working = undefined;
      if (!closed && (gap || messages.size > 0 || pings.size > 0)) wake();
    });
  }

  /** One after another: a ping must not overtake a message that could not be published. */
  async function work(): Promise<void> {
    while (gap || messages.size > 0 || pings.size > 0) {
      const told = [...(gap ? [gapMark] : []), ...messages];
      const answers = [...pings];
      gap = false;
      messages.clear();
      pings.clear();
      try {
        if (told.length > 0) await send(['PUBLISH', channel, told.join('\n')]);
        await Promise.all(answers.map(([id, ping]) => send(['PUBLISH', pingChannel(channel, id), ping])));
      } catch (error) {
        gap = true;
        onError(error);
        if (closed) return;
        await new Promise((resolve) => setTimeout(resolve, heartbeat).unref());
      }
    }
  }

  const listener = createListener({
    listen,
    heartbeat,
    onError,
    now: () => performance.now(),
    onMessage(payload) {
      if (messages.size >= mostWaiting) gap = true;
      else messages.add(payload);
      wake();
    },
    onForeignPing(payload) {
      pings.set(pingerOf(payload), payload);
      wake();
    },
    onGap() {
      gap = true;
      wake();
    },
  });

  return {
    trusted: listener.trusted,
    async close() {
      await listener.close();
      closed = true;
      // The last gap is told if it can be; a Redis that does not answer keeps nobody.
      const patience = new Promise((resolve) => setTimeout(resolve, heartbeat).unref());
      await Promise.race([working, patience]);
    },
  };
}

function misconfigured(option: string, problem: string): TenantryError {
  return new TenantryError('config_invalid', { path: `createKeyRelay.${option}`, problem });
}
