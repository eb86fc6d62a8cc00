import { sql } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiKeysOptions, createApiKeys, type KeyVerification } from '../../src/api-keys/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { type CountingDatabase, countingDatabase } from '../support/counting.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { keyWorld } from '../support/key-world.ts';

type Database = Record<string, never>;

let database: TestDatabase<Database>;
let counting: CountingDatabase<Database>;
const clock = fixedClock('2026-03-31T12:00:00Z');
beforeAll(async () => {
  database = await postgresDatabase<Database>();
  counting = countingDatabase<Database>(database.urls?.app ?? '');
});
afterAll(async () => {
  await counting.destroy();
  await database.destroy();
});

/** As many instances as there are processes: each has its own coalescer and memory of refusals. */
const create = (options: ApiKeysOptions = {}, db = database.app) =>
  createApiKeys({ db, clock, prefix: 'hc', lastUsed: false, ...options });

async function count(calls: readonly Promise<KeyVerification>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const result of await Promise.all(calls)) {
    const name = result.ok ? 'ok' : result.reason;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe('uses', () => {
  it('are granted exactly, whoever asks at the same time', async () => {
    const { tenantId } = await keyWorld(database.app);
    const keys = [create(), create(), create(), create()];
    const { key, secret } = await create().issue({ tenantId, uses: { amount: 137 } });
    const calls = Array.from(
      { length: 400 },
      (_, index) => keys[index % keys.length]?.verify(secret) ?? Promise.reject(),
    );
    expect(await count(calls)).toEqual({ ok: 137, quota_exceeded: 263 });
    expect((await create().get({ tenantId, keyId: key.id }))?.uses).toEqual({
      amount: 137,
      per: 'once',
      used: 137,
      remaining: 0,
      resetsAt: null,
    });
    expect(await create().verify(secret)).toMatchObject({ reason: 'quota_exceeded', limitOf: 'key', retryAt: null });
  });

  it('are full again in each period, counted from when the key was made, and stay counted when the clock goes back', async () => {
    const { tenantId } = await keyWorld(database.app);
    const keys = create();
    clock.set('2026-01-31T12:00:00Z');
    const { secret } = await keys.issue({ tenantId, uses: { amount: 2, per: 'month' } });
    const use = async () => {
      const result = await keys.verify(secret);
      return result.ok ? `left ${result.left?.uses?.remaining}` : result.reason;
    };
    expect([await use(), await use(), await use()]).toEqual(['left 1', 'left 0', 'quota_exceeded']);
    expect(await keys.verify(secret)).toMatchObject({ retryAt: new Date('2026-02-28T12:00:00Z') });
    clock.set('2026-02-28T11:59:59.999Z');
    expect(await use()).toBe('quota_exceeded');
    clock.set('2026-02-28T12:00:00Z');
    expect(await use()).toBe('left 1');
    // A clock that jumps back into January finds the balance of February, not a new one.
    clock.set('2026-02-01T00:00:00Z');
    expect([await use(), await use()]).toEqual(['left 0', 'quota_exceeded']);
    clock.set('2026-03-31T12:00:00Z');
    expect(await use()).toBe('left 1');
  });

  it('are full again once, and once only, when 64 callers of two processes cross into a period together', async () => {
    const { tenantId } = await keyWorld(database.app);
    const processes = [create(), create()];
    clock.set('2026-05-01T00:00:00Z');
    const { key, secret } = await create().issue({ tenantId, uses: { amount: 50, per: 'hour' } });
    const round = () =>
      count(Array.from({ length: 128 }, (_, index) => processes[index % 2]?.verify(secret) ?? Promise.reject()));
    expect(await round()).toEqual({ ok: 50, quota_exceeded: 78 });
    for (let hour = 1; hour <= 3; hour += 1) {
      clock.set(new Date(Date.UTC(2026, 4, 1, hour) - 1));
      const early = round();
      clock.advance(1);
      // Those who came a millisecond before the border may still be in the statement of those who came after it.
      const [before, after] = await Promise.all([early, round()]);
      expect((before.ok ?? 0) + (after.ok ?? 0)).toBe(50);
      expect((await create().get({ tenantId, keyId: key.id }))?.uses).toMatchObject({ used: 50, remaining: 0 });
    }
  });

  it('of 0 open nothing, and a new balance is full', async () => {
    const { tenantId } = await keyWorld(database.app);
    const { key, secret } = await create().issue({ tenantId, uses: { amount: 0 } });
    expect(await create().verify(secret)).toMatchObject({ ok: false, reason: 'quota_exceeded' });
    await create().update({ tenantId, keyId: key.id, uses: { amount: 1 } });
    expect(await count([create().verify(secret), create().verify(secret)])).toEqual({ ok: 1, quota_exceeded: 1 });
  });
});

describe('rate limits', () => {
  it('let a burst through, then one for each step, over all processes', async () => {
    const { tenantId } = await keyWorld(database.app);
    const keys = [create(), create(), create()];
    const { secret } = await create().issue({ tenantId, rateLimit: { limit: 10, per: 'second', burst: 25 } });
    const round = (calls: number) =>
      count(Array.from({ length: calls }, (_, index) => keys[index % 3]?.verify(secret) ?? Promise.reject()));
    expect(await round(60)).toEqual({ ok: 25, rate_limited: 35 });
    expect(await round(9)).toEqual({ rate_limited: 9 });
    clock.advance(99);
    expect(await round(9)).toEqual({ rate_limited: 9 });
    clock.advance(1);
    expect(await round(9)).toEqual({ ok: 1, rate_limited: 8 });
    clock.advance(1000);
    expect(await round(30)).toEqual({ ok: 10, rate_limited: 20 });
    clock.advance(60_000);
    expect(await round(60)).toEqual({ ok: 25, rate_limited: 35 });
  });

  it('tell when to come again, and cost no statement until then', async () => {
    const { tenantId } = await keyWorld(database.app);
    const keys = create({}, counting.db);
    const { secret } = await keys.issue({ tenantId, rateLimit: { limit: 2, per: 'minute', burst: 1 } });
    expect(await keys.verify(secret)).toMatchObject({
      ok: true,
      left: { rate: { remaining: 0, limit: 2, per: 'minute' } },
    });
    const refused = await keys.verify(secret);
    expect(refused).toMatchObject({
      reason: 'rate_limited',
      limitOf: 'key',
      retryAt: new Date(clock().getTime() + 30_000),
      left: { rate: { remaining: 0 } },
    });
    const sent = await counting.during(async () => {
      for (let call = 0; call < 20; call += 1) expect(await keys.verify(secret)).toEqual(refused);
    });
    // The look-ups alone: a process that remembers keys sends none at all.
    expect(sent).toHaveLength(20);
    expect(sent.filter((text) => text.includes('rate_limits'))).toEqual([]);
    clock.advance(30_000);
    expect(await keys.verify(secret)).toMatchObject({ ok: true });
  });

  it('of a tenant hold all its keys together, by its plan, and a call that one refuses is counted in none', async () => {
    const { tenantId } = await keyWorld(database.app);
    const rates = {
      tenant: ({ plan }: { plan: string }) => (plan === 'free' ? ({ limit: 8, per: 'minute' } as const) : null),
    };
    const keys = create({ rates });
    const [a, b, c] = [
      await keys.issue({ tenantId, uses: { amount: 3 } }),
      await keys.issue({ tenantId, uses: { amount: 100 }, rateLimit: { limit: 100, per: 'minute' } }),
      await keys.issue({ tenantId }),
    ];
    const usedOf = async (keyId: string) => (await keys.get({ tenantId, keyId }))?.uses?.used;
    expect(await count(Array.from({ length: 5 }, () => keys.verify(a.secret)))).toEqual({ ok: 3, quota_exceeded: 2 });
    expect(await count(Array.from({ length: 9 }, () => keys.verify(b.secret)))).toEqual({ ok: 5, rate_limited: 4 });
    expect(await keys.verify(c.secret)).toMatchObject({ reason: 'rate_limited', limitOf: 'tenant' });
    expect([await usedOf(a.key.id), await usedOf(b.key.id)]).toEqual([3, 5]);
    // The rate of the key itself was spent five times, and no more.
    clock.advance(60_000 / 8);
    expect(await keys.verify(b.secret)).toMatchObject({
      ok: true,
      left: { uses: { used: 6 }, tenantRate: { remaining: 0 } },
    });
    await sql`update tenantry.tenants set plan = 'pro' where tenant_id = ${tenantId}`.execute(database.app);
    expect(await count(Array.from({ length: 9 }, () => keys.verify(c.secret)))).toEqual({ ok: 9 });
    const other = await keyWorld(database.app);
    expect(await keys.verify((await keys.issue({ tenantId: other.tenantId })).secret)).toMatchObject({ ok: true });
  });

  it('of many keys of one tenant are exact when all are called at once', async () => {
    const { tenantId } = await keyWorld(database.app);
    const rates = { key: { limit: 40, per: 'hour' }, tenant: { limit: 100, per: 'hour' } } as const;
    const processes = [create({ rates }), create({ rates })];
    const secrets: string[] = [];
    for (let index = 0; index < 5; index += 1) secrets.push((await create().issue({ tenantId })).secret);
    const results = await Promise.all(
      Array.from({ length: 500 }, async (_, index) => {
        const result = await processes[index % 2]?.verify(secrets[index % 5]);
        return { secret: index % 5, result };
      }),
    );
    const granted = results.filter(({ result }) => result?.ok);
    expect(granted).toHaveLength(100);
    for (let index = 0; index < 5; index += 1) {
      expect(granted.filter(({ secret }) => secret === index).length).toBeLessThanOrEqual(40);
    }
  });

  it('do not shut a key for long when a clock ran ahead, nor open it wider when it goes back', async () => {
    const { tenantId } = await keyWorld(database.app);
    const { secret } = await create().issue({ tenantId, rateLimit: { limit: 60, per: 'minute', burst: 2 } });
    clock.advance(3_600_000);
    expect(await count([create().verify(secret), create().verify(secret), create().verify(secret)])).toEqual({
      ok: 2,
      rate_limited: 1,
    });
    clock.advance(-3_600_000);
    expect(await count([create().verify(secret)])).toEqual({ rate_limited: 1 });
    clock.advance(1000);
    expect(await count([create().verify(secret), create().verify(secret)])).toEqual({ ok: 1, rate_limited: 1 });
  });

  it('of a key can be taken away while its uses and those of its tenant go on', async () => {
    const { tenantId } = await keyWorld(database.app);
    const limited = create({ rates: { key: { limit: 5, per: 'hour' }, tenant: { limit: 4, per: 'hour' } } });
    const { key, secret } = await limited.issue({
      tenantId,
      uses: { amount: 4 },
      rateLimit: { limit: 1, per: 'hour' },
    });
    const { secret: other } = await limited.issue({ tenantId, uses: { amount: 4 } });
    expect(await count([1, 2].map(() => limited.verify(secret)))).toEqual({ ok: 1, rate_limited: 1 });
    expect(await limited.verify(other)).toMatchObject({ ok: true });
    // Taken away from one key, and, in another version of the program, from all that have none of their own.
    await limited.update({ tenantId, keyId: key.id, rateLimit: null });
    const bare = create({ rates: { tenant: { limit: 4, per: 'hour' } } });
    expect(await bare.verify(secret)).toMatchObject({ ok: true, left: { rate: null, uses: { used: 2 } } });
    expect(await bare.verify(other)).toMatchObject({ ok: true, left: { rate: null, uses: { used: 2 } } });
    expect(await bare.verify(other)).toMatchObject({ reason: 'rate_limited', limitOf: 'tenant' });
    expect(await count(Array.from({ length: 3 }, () => create().verify(secret)))).toEqual({
      ok: 2,
      quota_exceeded: 1,
    });
  });

  it('are part of a transaction, and undone with it', async () => {
    const { tenantId } = await keyWorld(database.app);
    const keys = create();
    const { secret } = await keys.issue({ tenantId, rateLimit: { limit: 1, per: 'day' }, uses: { amount: 5 } });
    const work = database.app.transaction().execute(async (tx) => {
      expect(await keys.verify(secret, { db: tx })).toMatchObject({ ok: true });
      expect(await keys.verify(secret, { db: tx })).toMatchObject({ reason: 'rate_limited' });
      throw new Error('undo');
    });
    await expect(work).rejects.toThrow('undo');
    expect(await keys.verify(secret)).toMatchObject({ ok: true, left: { uses: { used: 1 } } });
  });

  it('refuse wiring that cannot be', () => {
    for (const rates of [{ key: { limit: 0, per: 'second' } }, { tenant: { limit: 1, per: 'year' } }]) {
      expect(() => Reflect.apply(create, undefined, [{ rates }])).toThrow(
        expect.objectContaining({
          code: 'config_invalid',
          details: expect.objectContaining({ path: 'apiKeys.rates' }),
        }),
      );
    }
  });
});

it('spends all calls of a tick in two statements: one that looks, one that counts', async () => {
  const { tenantId } = await keyWorld(database.app);
  const keys = create({}, counting.db);
  const { secret } = await keys.issue({ tenantId, uses: { amount: 1000 }, rateLimit: { limit: 1000, per: 'second' } });
  await keys.verify(secret);
  const sent = await counting.during(async () => {
    expect(await count(Array.from({ length: 64 }, () => keys.verify(secret)))).toEqual({ ok: 64 });
  });
  expect(sent).toHaveLength(2);
});

it('grants nothing and says so when the database is gone', async () => {
  const { tenantId } = await keyWorld(database.app);
  const broken = countingDatabase<Database>('postgres://nobody@127.0.0.1:1/none');
  const { secret } = await create().issue({ tenantId, uses: { amount: 1 } });
  await expect(create({}, broken.db).verify(secret)).rejects.toMatchObject({
    code: 'database_unavailable',
    status: 503,
    details: { operation: 'apiKeys.verify' },
  });
  const away = create({}, broken.db);
  const ref = { tenantId, keyId: tenantId };
  for (const [operation, call] of Object.entries({
    issue: () => away.issue({ tenantId }),
    get: () => away.get(ref),
    list: () => away.list(tenantId),
    update: () => away.update({ ...ref, name: 'x' }),
    disable: () => away.disable(ref),
    rotate: () => away.rotate(ref),
    revoke: () => away.revoke(ref),
    revokeAll: () => away.revokeAll({ tenantId }),
  })) {
    const details = { operation: `apiKeys.${operation}` };
    await expect(call()).rejects.toMatchObject({ code: 'database_unavailable', details });
  }
  await broken.destroy();
  expect(await create().verify(secret)).toMatchObject({ ok: true });
});

it('grants nothing twice and nothing that is not counted while the database is gone again and again', async () => {
  const { tenantId } = await keyWorld(database.app);
  const superuser = new Client({ connectionString: database.urls?.superuser });
  await superuser.connect();
  // A pool of its own, whose connections alone are ended.
  const cut = countingDatabase<Database>(`${database.urls?.app}?application_name=cut_off`);
  const keys = create({}, cut.db);
  const { key, secret } = await create().issue({ tenantId, uses: { amount: 120 } });
  let running = true;
  const granted: number[] = [];
  const errors = new Set<unknown>();
  const callers = Array.from({ length: 64 }, async () => {
    while (running) {
      await keys.verify(secret).then(
        (result) => {
          if (result.ok) granted.push(result.left?.uses?.used ?? 0);
          else if (result.reason === 'quota_exceeded') running = false;
        },
        (error: unknown) => errors.add(Reflect.get(Object(error), 'code')),
      );
    }
  });
  while (running) {
    await superuser.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut_off'`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(callers);
  const used = (await create().get({ tenantId, keyId: key.id }))?.uses?.used ?? 0;
  // A statement may have been committed whose answer was lost on the way: counted, and granted to nobody.
  expect(granted.length).toBeLessThanOrEqual(used);
  expect(used).toBe(120);
  expect([...errors].filter((code) => code !== 'database_unavailable')).toEqual([]);
  await cut.destroy();
  await superuser.end();
});
