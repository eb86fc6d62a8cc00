import { Kysely, PostgresDialect, sql } from 'kysely';
import { Client, Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameStatements } from '../../src/database/index.ts';
import { type ConsumeResult, createPlans } from '../../src/plans/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import {
  anchor,
  catalogue,
  granted,
  makeTenant,
  type None,
  planSetter,
  times,
  usedInDatabase,
} from '../support/plans.ts';
import { untilSomebodyWaits } from '../support/until.ts';

describe('plans on a real server', () => {
  let database: TestDatabase<None>;
  let counting: Kysely<None>;
  const statements: string[] = [];
  const clock = fixedClock(anchor);
  beforeAll(async () => {
    database = await postgresDatabase<None>();
    const pool = new Pool({ connectionString: database.urls?.app, max: 10, application_name: 'counting' });
    pool.on('error', () => undefined);
    // A connection that breaks while it is lent out tells itself, beside rejecting its query.
    pool.on('connect', (client) => client.on('error', () => undefined));
    counting = new Kysely<None>({
      dialect: new PostgresDialect({ pool: nameStatements(pool) }),
      log: (event) => void statements.push(event.query.sql),
    });
  });
  afterAll(async () => {
    await counting.destroy();
    await database.destroy();
  });

  async function counted<Value>(work: () => Promise<Value>): Promise<[Value, number]> {
    statements.length = 0;
    const value = await work();
    return [value, statements.length];
  }

  it('needs one statement when warm, and few for 64 callers at once', async () => {
    const plans = createPlans({ db: counting, plans: catalogue, clock });
    const tenantId = await makeTenant(database, 'pro');
    expect((await counted(() => plans.consume(tenantId, 'calls')))[1]).toBe(2); // the plan, and the units
    expect((await counted(() => plans.consume(tenantId, 'calls')))[1]).toBe(1);
    expect((await counted(() => plans.check(tenantId, 'calls')))[1]).toBe(1);
    expect((await counted(() => times(64, () => plans.consume(tenantId, 'calls'))))[1]).toBe(1);
    const [results, some] = await counted(() => times(64, () => plans.consume(tenantId, 'calls')));
    expect([granted(results).length, some]).toEqual([34, 1]);
    expect((await counted(() => times(64, () => plans.consume(tenantId, 'calls'))))[1]).toBe(1);
    expect((await counted(() => times(64, () => plans.release(tenantId, 'bots'))))[1]).toBe(1);
    clock.set('2026-02-28T09:30:00.000Z');
    expect((await counted(() => times(64, () => plans.consume(tenantId, 'calls'))))[1]).toBe(1);
    clock.set(anchor);
  });

  it('needs a look and a second try where another process left less than was known', async () => {
    const plans = createPlans({ db: counting, plans: catalogue, clock });
    const other = createPlans({ db: database.app, plans: catalogue, clock });
    const tenantId = await makeTenant(database, 'pro');
    await plans.consume(tenantId, 'calls', 10);
    await other.consume(tenantId, 'calls', 60);
    const [results, some] = await counted(() => times(64, () => plans.consume(tenantId, 'calls')));
    expect([granted(results).length, some]).toEqual([30, 3]);
    // And where another process gave back, what is known to be full is looked at once more.
    await plans.consume(tenantId, 'bots', 5);
    await other.release(tenantId, 'bots', 4);
    expect(await counted(() => plans.consume(tenantId, 'bots', 3))).toMatchObject([{ ok: true, used: 4 }, 2]);
  });

  it('needs no look-up for a tenant whose facts the caller brought', async () => {
    const plans = createPlans({ db: counting, plans: catalogue, clock });
    const tenantId = await makeTenant(database, 'pro');
    await createPlans({ db: database.app, plans: catalogue, clock }).consume(tenantId, 'calls');
    const entitlement = { plan: 'pro', anchorAt: anchor, revision: 1, seatsBought: null, since: anchor, terms: null };
    expect((await counted(() => plans.consume(tenantId, 'calls', 1, { entitlement })))[1]).toBe(1);
    expect((await counted(() => plans.check(tenantId, 'calls', { entitlement })))[1]).toBe(1);
    expect((await counted(() => plans.has(tenantId, 'webhooks', { entitlement })))[1]).toBe(0);
  });

  it('writes nothing when it refuses', async () => {
    const plans = createPlans({ db: database.app, plans: catalogue, clock });
    const tenantId = await makeTenant(database, 'free');
    await plans.consume(tenantId, 'calls', 10);
    const place = async (): Promise<unknown> => {
      const { rows } =
        await sql`select c.ctid::text, c.xmin::text, c.xmax::text, t.ctid::text as t, t.xmin::text as tx, t.xmax::text as tm
        from tenantry.usage_counters c join tenantry.tenants t using (tenant_id) where tenant_id = ${tenantId}::uuid`.execute(
          database.app,
        );
      return rows;
    };
    const before = await place();
    const results = [
      ...(await times(64, () => plans.consume(tenantId, 'calls'))),
      await plans.consume(tenantId, 'calls', 99),
    ];
    // Nor does a process that knows nothing of the counter yet, which has one statement for both.
    const fresh = createPlans({ db: counting, plans: catalogue, clock });
    const [refused, some] = await counted(() => fresh.consume(tenantId, 'calls'));
    expect([refused.used, some]).toEqual([10, 2]);
    expect(granted([...results, refused])).toEqual([]);
    expect(await place()).toEqual(before);
  });

  it('lets no waiting call through under a plan that was changed while it waited', async () => {
    const owner = createPlans({ db: database.app, plans: catalogue, clock });
    const late = createPlans({ db: database.app, plans: catalogue, clock });
    const tenantId = await makeTenant(database, 'pro');
    await owner.consume(tenantId, 'calls', 9);
    await late.check(tenantId, 'calls'); // it now remembers the larger plan
    let waiting: Promise<ConsumeResult> | undefined;
    await database.app.transaction().execute(async (tx) => {
      await planSetter(database)(tenantId, 'free', { db: tx });
      expect(await owner.consume(tenantId, 'calls', 1, { db: tx })).toMatchObject({ ok: true, used: 10, limit: 10 });
      waiting = late.consume(tenantId, 'calls', 1);
      await untilSomebodyWaits(database);
    });
    expect(await waiting).toMatchObject({ ok: false, used: 10, limit: 10 });
    expect(await usedInDatabase(database, tenantId)).toEqual([10]);
  });

  it('grants what fits after waiting for others, also when the first look said more', async () => {
    const plans = createPlans({ db: database.app, plans: catalogue, clock });
    const tenantId = await makeTenant(database, 'pro');
    await plans.consume(tenantId, 'calls', 90);
    let waiting: Promise<ConsumeResult[]> | undefined;
    await database.app.transaction().execute(async (tx) => {
      await plans.consume(tenantId, 'calls', 6, { db: tx });
      waiting = Promise.all([5, 3, 2, 1].map((amount) => plans.consume(tenantId, 'calls', amount)));
      await untilSomebodyWaits(database);
    });
    expect((await waiting)?.map((result) => result.ok)).toEqual([false, true, false, true]);
    expect(await usedInDatabase(database, tenantId)).toEqual([100]);
  });

  it('keeps a limit exact while some take and others give back', async () => {
    const instances = [1, 2].map(() => createPlans({ db: database.app, plans: catalogue, clock }));
    const tenantId = await makeTenant(database, 'pro');
    let holding = 0;
    let most = 0;
    await times(32, async (index) => {
      const plans = instances[index % 2];
      for (let round = 0; plans !== undefined && round < 20; round += 1) {
        const result = await plans.consume(tenantId, 'bots', 1 + (index % 3));
        expect(result.used).toBeLessThanOrEqual(5);
        if (!result.ok) continue;
        holding += 1 + (index % 3);
        most = Math.max(most, holding);
        await new Promise((resolve) => setImmediate(resolve));
        holding -= 1 + (index % 3);
        await plans.release(tenantId, 'bots', 1 + (index % 3));
      }
    });
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(5);
    expect(await usedInDatabase(database, tenantId)).toEqual([0]);
  });

  it('rejects the calls of a statement whose connection breaks, counts none of them, and goes on', async () => {
    const plans = createPlans({ db: counting, plans: catalogue, clock });
    const tenantId = await makeTenant(database, 'pro');
    await plans.consume(tenantId, 'calls');
    const settled = await database.app.transaction().execute(async (tx) => {
      await plans.consume(tenantId, 'calls', 1, { db: tx });
      const calls = Promise.allSettled(Array.from({ length: 16 }, () => plans.consume(tenantId, 'calls')));
      await untilSomebodyWaits(database);
      await breakConnections(`pid in (select pid from pg_locks where not granted)`);
      return calls;
    });
    expect(settled).toHaveLength(16);
    for (const call of settled)
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'database_unavailable' } });
    expect(await usedInDatabase(database, tenantId)).toEqual([2]);
    expect(await onceReachable(() => plans.consume(tenantId, 'calls'))).toMatchObject({ ok: true, used: 3 });
  });

  it('keeps the grants of a batch whose later statement fails', async () => {
    let statementsLeft = Number.POSITIVE_INFINITY;
    const pool = new Pool({ connectionString: database.urls?.app, max: 1 });
    pool.on('connect', (client) => {
      const query = client.query;
      const failing = (...parameters: unknown[]): unknown => {
        statementsLeft -= 1;
        if (statementsLeft < 0) return Promise.reject(new Error('the line is cut'));
        return Reflect.apply(query, client, parameters);
      };
      Object.assign(client, { query: failing });
    });
    const db = new Kysely<None>({ dialect: new PostgresDialect({ pool }) });
    const plans = createPlans({ db, plans: catalogue, clock });
    const tenantId = await makeTenant(database, 'pro');
    await plans.consume(tenantId, 'bots', 4);
    await createPlans({ db: database.app, plans: catalogue, clock }).release(tenantId, 'bots', 3);
    // 4 are known, so 1 is tried first; it is told that only 2 are used now, and the other 2 are tried in vain.
    statementsLeft = 1;
    const settled = await Promise.allSettled([1, 2].map((amount) => plans.consume(tenantId, 'bots', amount)));
    expect(settled[0]).toMatchObject({ status: 'fulfilled', value: { ok: true, used: 2 } });
    expect(settled[1]).toMatchObject({ status: 'rejected', reason: { message: 'the line is cut' } });
    expect(await usedInDatabase(database, tenantId)).toEqual([2]);
    await db.destroy();
  });

  it('never answers more than the database holds, whenever connections break', async () => {
    const plans = createPlans({ db: counting, plans: catalogue, clock });
    const tenantId = await makeTenant(database, 'pro');
    let told = 0;
    let failed = 0;
    let ended = false;
    const callers = times(16, async () => {
      while (!ended) {
        try {
          const { ok } = await plans.consume(tenantId, 'rows');
          if (ok) told += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          failed += 1;
        }
      }
    });
    for (let round = 0; round < 20; round += 1) {
      const before = told;
      await breakConnections(`application_name = 'counting'`);
      while (told === before) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    ended = true;
    await callers;
    const [stored = 0] = await usedInDatabase(database, tenantId);
    expect(stored).toBeGreaterThanOrEqual(told);
    expect(stored).toBeLessThanOrEqual(told + failed);
  });

  async function breakConnections(which: string): Promise<void> {
    const breaker = new Client({ connectionString: database.urls?.superuser });
    await breaker.connect();
    await breaker.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and ${which}`);
    await breaker.end();
  }

  /** The pool lends out a connection that the server has ended until the end of its socket has been read: the next call may be the one that finds out. */
  async function onceReachable<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        expect(error).toMatchObject({ code: 'database_unavailable' });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }
});
