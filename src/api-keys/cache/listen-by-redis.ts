import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import { gapMark, keyChannel, pingChannel } from './channel.ts';
import { type KeyListening, pingText } from './listener.ts';

/** What a subscriber of either kind tells of its connection. */
interface RedisConnection {
  /** Listens to the connection. */
  on(event: 'error' | 'end' | 'close' | 'reconnecting', listener: (error?: Error) => void): unknown;
}

/** A client of `ioredis` that does nothing else than subscribe. */
export interface IoredisSubscriber extends RedisConnection {
  /** Tells that it is of `ioredis`. */
  call(command: string, ...args: string[]): Promise<unknown>;
  /** Subscribes to a channel. */
  subscribe(channel: string): Promise<unknown>;
  /** Listens to messages. */
  on(event: 'message', listener: (channel: string, message: string) => void): unknown;
  /** Listens to the connection. */
  on(event: 'error' | 'end' | 'close' | 'reconnecting', listener: (error?: Error) => void): unknown;
  /** Ends the connection. */
  disconnect(): unknown;
}

/** A client of `redis` (node-redis), connected, that does nothing else than subscribe. */
export interface NodeRedisSubscriber extends RedisConnection {
  /** Subscribes to a channel. */
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  /** Ends the connection, from version 5 on. */
  destroy?(): unknown;
  /** Ends the connection, before that. */
  disconnect?(): unknown;
}

/** A client of a Redis, of its own, that subscribes. */
export type RedisSubscriber = IoredisSubscriber | NodeRedisSubscriber;

/** Options of {@link listenByRedis}. */
export interface ListenByRedisOptions {
  /** The database that the keys are in. Each heartbeat sends one short statement, over any pool or pooler. */
  readonly db: AnyDatabase;
  /**
   * Gives a client of its own: `async () => redis.duplicate()` with `ioredis`; with `redis` one that is connected and has
   * a listener for errors.
   */
  readonly subscriber: () => Promise<RedisSubscriber>;
  /** The channel of the relay; `tenantry_keys` when absent. */
  readonly channel?: string;
}

/**
 * Makes what {@link KeyCacheOptions.listen} takes for processes that hear by a Redis what the database tells, instead of
 * by a connection of their own to PostgreSQL. A {@link createKeyRelay} must run somewhere.
 *
 * The database stays the truth: what changes a key tells it in its transaction, so nobody can die between the commit and
 * the message. What is remembered is used only while a message that this process sends through the database comes back
 * over the relay and the Redis. It is forgotten at once when the connection to the Redis breaks or the relay tells of a gap.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { createApiKeys, listenByRedis, type RedisSubscriber } from 'tenantry/api-keys';
 *
 * const remembering = (db: Kysely<object>, subscriber: () => Promise<RedisSubscriber>) =>
 *   createApiKeys({ db, prefix: 'hc', cache: { listen: listenByRedis({ db, subscriber }) } });
 * // remembering(db, async () => redis.duplicate());
 * ```
 */
export function listenByRedis({
  db,
  subscriber,
  channel = keyChannel,
}: ListenByRedisOptions): () => Promise<KeyListening> {
  return async () => {
    const redis = await subscriber();
    const heard: ((message: { readonly payload: string }) => void)[] = [];
    const ended: ((error?: Error) => void)[] = [];
    let over = false;

    function finish(error?: Error): void {
      if (over) return;
      over = true;
      for (const listener of ended) listener(error);
    }

    function hear(message: string): void {
      for (const payload of message.split('\n')) {
        if (over) return;
        if (payload === gapMark) finish(new Error('the relay may have missed messages'));
        else for (const listener of heard) listener({ payload });
      }
    }

    // A client that connects again by itself may have missed messages: another one is made instead.
    for (const event of ['error', 'end', 'close', 'reconnecting'] as const) {
      redis.on(event, (error) =>
        finish(error instanceof Error ? error : new Error('the connection to the Redis broke')),
      );
    }
    if ('call' in redis) redis.on('message', (_channel, message) => hear(message));
    const subscribe = (name: string): Promise<unknown> =>
      'call' in redis ? redis.subscribe(name) : redis.subscribe(name, hear);

    return {
      async start(id) {
        await subscribe(pingChannel(channel, id));
        await subscribe(channel);
        if (over) throw new Error('the connection to the Redis broke');
      },
      ping: (payload) => sql.raw(pingText(payload)).execute(libraryOf(db)),
      on(...[event, listener]: ListenArguments) {
        if (event === 'notification') heard.push(listener);
        else ended.push(listener);
      },
      end() {
        over = true;
        if ('call' in redis || redis.destroy === undefined) redis.disconnect?.();
        else redis.destroy();
      },
    };
  };
}

type ListenArguments =
  | [event: 'notification', listener: (message: { readonly payload?: string | undefined }) => void]
  | [event: 'error' | 'end', listener: (error?: Error) => void];
