import { EventEmitter } from 'node:events';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createApiKeys,
  createKeyRelay,
  type IoredisSubscriber,
  type KeyRelay,
  listenByRedis,
  type NodeRedisSubscriber,
  type RedisSubscriber,
  tellKeys,
} from '../../src/api-keys/index.ts';
import { createTenancy, perOrg } from '../../src/tenancy/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type KeyProcess, keyProcess } from '../support/key-process.ts';
import { keyWorld } from '../support/key-world.ts';
import { hasRedis, startRedis, type TestRedis, type TestRedisClient } from '../support/redis.ts';
import { until } from '../support/until.ts';

/** A subscriber as `ioredis` makes them. */
function asIoredis(client: TestRedisClient): IoredisSubscriber {
  const events = new EventEmitter();
  client.onMessage((channel, message) => events.emit('message', channel, message));
  client.onClose(() => events.emit('close'));
  return Object.assign(events, {
    call: client.call,
    subscribe: (channel: string) => client.call('SUBSCRIBE', channel),
    disconnect: () => client.close(),
  });
}

/** A subscriber as node-redis makes them. */
function asNodeRedis(client: TestRedisClient): NodeRedisSubscriber {
  const events = new EventEmitter();
  client.onClose(() => events.emit('error', new Error('Socket closed unexpectedly')));
  return Object.assign(events, {
    async subscribe(channel: string, listener: (message: string) => void) {
      client.onMessage((name, message) => {
        if (name === channel) listener(message);
      });
      await client.sendCommand(['SUBSCRIBE', channel]);
    },
    destroy: () => client.close(),
  });
}

describe.skipIf(!hasRedis)('keys that are remembered, and heard of by a Redis', () => {
  let database: TestDatabase<Record<string, never>>;
  let superuser: Client;
  let redis: TestRedis;
  let relay: KeyRelay;
  let relayPid = 0;
  let hanging = false;
  let failing = false;
  let failed = 0;
  let publisher: TestRedisClient | undefined;
  const open: KeyProcess[] = [];

  beforeAll(async () => {
    database = await postgresDatabase();
    superuser = new Client({ connectionString: database.urls?.superuser });
    await superuser.connect();
    redis = await startRedis();
  });
  afterAll(async () => {
    await redis.stop();
    await superuser.end();
    await database.destroy();
  });

  beforeEach(async () => {
    relay = createKeyRelay({
      heartbeat: 20,
      redis: {
        // The real clients connect again by themselves.
        async call(command, ...args) {
          if (failing) {
            failed += 1;
            throw new Error('not published');
          }
          try {
            publisher ??= await redis.client();
            return await publisher.call(command, ...args);
          } catch (error) {
            publisher = undefined;
            throw error;
          }
        },
      },
      async listen() {
        const client = new Client({ connectionString: database.urls?.app });
        await client.connect();
        relayPid = Number(Reflect.get(client, 'processID'));
        client.on('error', () => undefined);
        const emit = client.emit;
        client.emit = (event: string | symbol, ...args: unknown[]): boolean =>
          (event === 'notification' && hanging) || Reflect.apply(emit, client, [event, ...args]) === true;
        return client;
      },
    });
    await until(() => relay.trusted());
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((process) => process.close()));
    await relay.close();
  });

  async function start(heartbeat = 30, as: (client: TestRedisClient) => RedisSubscriber = asIoredis) {
    const listen = listenByRedis({ db: database.app, subscriber: async () => as(await redis.client()) });
    const process = await keyProcess(database.urls?.app ?? '', { cache: { listen } }, heartbeat);
    open.push(process);
    return process;
  }

  /** A process that knows nothing of a Redis, and could die as soon as a change is committed. */
  const other = () => createApiKeys({ db: database.app, prefix: 'hc', lastUsed: false });
  const reasonOf = async ({ keys }: KeyProcess, secret: string): Promise<string> => {
    const result = await keys.verify(secret);
    return result.ok ? 'ok' : result.reason;
  };

  it.each([
    ['ioredis', asIoredis],
    ['node-redis', asNodeRedis],
  ] as const)('cost no statement, and none that was revoked elsewhere is let in (%s)', async (_kind, as) => {
    const process = await start(200, as);
    const { tenantId, memberId } = await keyWorld(database.app);
    const [one, two, three] = [
      await other().issue({ tenantId }),
      await other().issue({ tenantId, memberId }),
      await other().issue({ tenantId }),
    ];
    for (const { secret } of [one, two, three]) expect(await reasonOf(process, secret)).toBe('ok');
    // Messages of what was issued may still be on their way, and a slow machine may miss a heartbeat.
    await until(async () => {
      const before = process.sent();
      for (let call = 0; call < 50; call += 1) expect(await reasonOf(process, one.secret)).toBe('ok');
      return process.sent() === before;
    });
    await other().revoke({ tenantId, keyId: one.key.id });
    await until(async () => (await reasonOf(process, one.secret)) === 'revoked');
    const tenancy = createTenancy({ db: database.app, strategy: perOrg(), events: tellKeys });
    await tenancy.suspend(tenantId);
    await until(async () => (await reasonOf(process, two.secret)) === 'tenant_suspended');
    await tenancy.resume(tenantId);
    await until(async () => (await reasonOf(process, two.secret)) === 'ok');
    // What the process changes itself is so at once.
    await process.keys.disable({ tenantId, keyId: three.key.id });
    expect(await reasonOf(process, three.secret)).toBe('disabled');
    expect(process.listenerPid()).toBe(0);
  });

  it('are not used while the Redis is gone, and are forgotten when it is back', async () => {
    const process = await start();
    const { tenantId } = await keyWorld(database.app);
    const [one, two] = [await other().issue({ tenantId }), await other().issue({ tenantId })];
    expect([await reasonOf(process, one.secret), await reasonOf(process, two.secret)]).toEqual(['ok', 'ok']);
    const { port } = redis;
    await redis.stop();
    await until(() => !process.keys.cacheState().trusted);
    expect(process.keys.cacheState()).toEqual({ trusted: false, size: 0 });
    await other().revoke({ tenantId, keyId: one.key.id });
    const before = process.sent();
    expect([await reasonOf(process, one.secret), await reasonOf(process, two.secret)]).toEqual(['revoked', 'ok']);
    expect(process.sent()).toBe(before + 2);
    redis = await startRedis(port);
    await until(() => process.keys.cacheState().trusted);
    expect([await reasonOf(process, one.secret), await reasonOf(process, two.secret)]).toEqual(['revoked', 'ok']);
    await other().revoke({ tenantId, keyId: two.key.id });
    await until(async () => (await reasonOf(process, two.secret)) === 'revoked');
  });

  it('are not used once the relay is silent for three heartbeats', async () => {
    const process = await start();
    const { tenantId } = await keyWorld(database.app);
    const { key, secret } = await other().issue({ tenantId });
    expect(await reasonOf(process, secret)).toBe('ok');
    hanging = true;
    await other().revoke({ tenantId, keyId: key.id });
    await until(() => !process.keys.cacheState().trusted);
    expect(await reasonOf(process, secret)).toBe('revoked');
    hanging = false;
    await until(() => process.keys.cacheState().trusted);
    expect(await reasonOf(process, secret)).toBe('revoked');
  });

  it('are forgotten at once when the relay loses its connection to the database, and when it is closed', async () => {
    for (const end of [() => superuser.query('select pg_terminate_backend($1)', [relayPid]), () => relay.close()]) {
      await until(() => relay.trusted());
      // With a heartbeat of a minute nothing but the relay's word ends the trust.
      const process = await start(60_000);
      const { tenantId } = await keyWorld(database.app);
      const { secret } = await other().issue({ tenantId });
      expect(await reasonOf(process, secret)).toBe('ok');
      await end();
      await until(() => !process.keys.cacheState().trusted);
      expect(process.keys.cacheState().size).toBe(0);
    }
  });

  it('are forgotten when the relay could not publish a message', async () => {
    const process = await start(60_000);
    const { tenantId } = await keyWorld(database.app);
    const { key, secret } = await other().issue({ tenantId });
    expect(await reasonOf(process, secret)).toBe('ok');
    failing = true;
    const before = failed;
    await other().revoke({ tenantId, keyId: key.id });
    await until(() => failed > before);
    failing = false;
    await until(async () => (await reasonOf(process, secret)) === 'revoked');
  });

  it('are never let in again after a revocation was seen, however often the Redis is killed', async () => {
    const process = await start();
    const { tenantId } = await keyWorld(database.app);
    for (let round = 0; round < 5; round += 1) {
      const issued = await Promise.all(Array.from({ length: 4 }, () => other().issue({ tenantId })));
      await until(() => process.keys.cacheState().trusted);
      let running = true;
      const wrong: string[] = [];
      const load = issued.map(async ({ secret }) => {
        for (let seen = false; running; ) {
          const reason = await reasonOf(process, secret);
          if (reason === 'revoked') seen = true;
          else if (seen || reason !== 'ok') wrong.push(reason);
          await new Promise((resolve) => setImmediate(resolve));
        }
      });
      const { port } = redis;
      await redis.stop();
      await until(() => !process.keys.cacheState().trusted);
      for (const { key, secret } of issued) {
        await other().revoke({ tenantId, keyId: key.id });
        expect(await reasonOf(process, secret)).toBe('revoked');
      }
      redis = await startRedis(port);
      await until(() => process.keys.cacheState().trusted);
      for (const { secret } of issued) expect(await reasonOf(process, secret)).toBe('revoked');
      running = false;
      await Promise.all(load);
      expect(wrong).toEqual([]);
    }
  });
});

it('a relay refuses what it cannot work with', () => {
  const listen = (): Promise<Client> => Promise.reject(new Error('not asked'));
  // @ts-expect-error: no client
  expect(() => createKeyRelay({ listen, redis: {} })).toThrow(TypeError);
  for (const heartbeat of [0, -1, 1.5, Number.NaN]) {
    expect(() => createKeyRelay({ listen, redis: { call: async () => 0 }, heartbeat })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  }
});

it('keys are closed although a Redis that is gone is being waited for', async () => {
  const database = await postgresDatabase<Record<string, never>>();
  const subscriber = () => new Promise<RedisSubscriber>(() => undefined);
  const listen = listenByRedis({ db: database.app, subscriber });
  const keys = createApiKeys({ db: database.app, prefix: 'hc', cache: { listen, heartbeat: 10 } });
  const { tenantId } = await keyWorld(database.app);
  const { secret } = await keys.issue({ tenantId });
  expect(await keys.verify(secret)).toMatchObject({ ok: true });
  await keys.close();
  await database.destroy();
});
