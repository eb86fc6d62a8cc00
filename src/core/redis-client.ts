/** A client of `ioredis` or of `redis` (node-redis), connected. */
export type RedisClient =
  | {
      /** Runs a command, as `ioredis` does. */
      call(command: string, ...args: string[]): Promise<unknown>;
    }
  | {
      /** Runs a command, as node-redis does. */
      sendCommand(args: string[]): Promise<unknown>;
    };

/**
 * What sends commands to a Redis, by whichever client was handed in.
 *
 * @param taker The name of the function that takes the client, for the error.
 *
 * @throws TypeError when it is no client of a known kind.
 */
export function redisSender(redis: RedisClient, taker: string): (args: string[]) => Promise<unknown> {
  if ('call' in redis && typeof redis.call === 'function') {
    return ([command = '', ...args]) => redis.call(command, ...args);
  }
  if ('sendCommand' in redis && typeof redis.sendCommand === 'function') return (args) => redis.sendCommand(args);
  throw new TypeError(`${taker} takes a client of ioredis or of redis (node-redis)`);
}
