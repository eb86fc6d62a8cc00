import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool } from 'pg';
import { type ApiKeys, type ApiKeysOptions, createApiKeys } from '../../src/api-keys/index.ts';
import { nameStatements } from '../../src/database/index.ts';
import { until } from './until.ts';

/** What a process of its own has: a pool, a memory of keys, and a connection that listens. */
export interface KeyProcess {
  readonly db: Kysely<Record<string, never>>;
  readonly keys: ApiKeys;
  /** The messages that were heard, in order. */
  readonly heard: string[];
  /** How many statements were sent over the pool. */
  sent(): number;
  /** The server's id of the connection that listens. */
  listenerPid(): number;
  /** How many connections that listen have ended. */
  ended(): number;
  /** Lets messages through, or swallows them as a connection does that hangs. */
  hang(yes: boolean): void;
  close(): Promise<void>;
}

/** Makes keys that are remembered, as in a process of its own; resolves when the memory is used. */
export async function keyProcess(url: string, options: ApiKeysOptions = {}, heartbeat = 50): Promise<KeyProcess> {
  const pool = new Pool({ connectionString: url, max: 4 });
  let sent = 0;
  let ended = 0;
  let pid = 0;
  let hanging = false;
  const heard: string[] = [];
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    const query = client.query;
    Object.assign(client, {
      query: (...args: unknown[]): unknown => {
        sent += 1;
        return Reflect.apply(query, client, args);
      },
    });
  });
  const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool: nameStatements(pool) }) });
  const keys = createApiKeys({
    db,
    prefix: 'hc',
    lastUsed: false,
    ...options,
    cache: {
      heartbeat,
      async listen() {
        const client = new Client({ connectionString: url });
        await client.connect();
        pid = Number(Reflect.get(client, 'processID'));
        client.on('error', () => undefined);
        const emit = client.emit;
        client.emit = (event: string | symbol, ...args: unknown[]): boolean => {
          if (event === 'notification' && hanging) return true;
          const result: unknown = Reflect.apply(emit, client, [event, ...args]);
          // After the memory heard it itself.
          if (event === 'notification') heard.push(String(Reflect.get(Object(args[0]), 'payload')));
          if (event === 'end') ended += 1;
          return result === true;
        };
        return client;
      },
      ...options.cache,
    },
  });
  await until(() => keys.cacheState().trusted);
  return {
    db,
    keys,
    heard,
    sent: () => sent,
    listenerPid: () => pid,
    ended: () => ended,
    hang(yes) {
      hanging = yes;
    },
    async close() {
      await keys.close();
      await db.destroy();
    },
  };
}
