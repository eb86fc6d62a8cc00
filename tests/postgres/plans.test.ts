import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsumeResult, createPlans, type EntitlementFacts } from '../../src/plans/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { pgliteDatabase, postgresDatabase, type TestDatabase } from '../support/databases.ts';
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

for (const make of [pgliteDatabase, postgresDatabase]) {
  describe(`plans (${make.name})`, () => {
    let database: TestDatabase<None>;
    const clock = fixedClock(anchor);
    const create = () => createPlans({ db: database.app, plans: catalogue, clock });
    let plans: ReturnType<typeof create>;
    let setPlan: ReturnType<typeof planSetter>;
    beforeAll(async () => {
      database = await make<None>();
      plans = create();
      setPlan = planSetter(database);
    });
    afterAll(() => database.destroy());

    it('grants up to the quota, refuses what does not fit, and still grants what does', async () => {
      const tenantId = await makeTenant(database, 'free');
      const resetsAt = new Date('2026-02-28T09:30:00.000Z');
      const state = { limit: 10, overage: 0, resetsAt };
      expect(await plans.check(tenantId, 'calls')).toEqual({ ok: true, used: 0, remaining: 10, ...state });
      expect(await plans.consume(tenantId, 'calls', 8)).toEqual({ ok: true, used: 8, remaining: 2, ...state });
      expect(await plans.consume(tenantId, 'calls', 3)).toEqual({
        ok: false,
        reason: 'quota_exceeded',
        requested: 3,
        used: 8,
        remaining: 2,
        ...state,
      });
      expect(await plans.check(tenantId, 'calls', { amount: 3 })).toMatchObject({
        ok: false,
        reason: 'quota_exceeded',
      });
      expect(await plans.check(tenantId, 'calls', { amount: 2 })).toMatchObject({ ok: true, used: 8 });
      expect(await plans.consume(tenantId, 'calls', 2)).toEqual({ ok: true, used: 10, remaining: 0, ...state });
      expect(await plans.consume(tenantId, 'calls')).toMatchObject({ ok: false, used: 10, requested: 1 });
      expect(await usedInDatabase(database, tenantId)).toEqual([10]);
    });

    it('refuses more than the whole quota before there is a counter, and makes none', async () => {
      const tenantId = await makeTenant(database, 'free');
      expect(await plans.consume(tenantId, 'calls', 11)).toMatchObject({ ok: false, used: 0, remaining: 10 });
      expect(await usedInDatabase(database, tenantId)).toEqual([]);
    });

    it('begins anew with each period, counted from the anchor', async () => {
      const tenantId = await makeTenant(database, 'free');
      await plans.consume(tenantId, 'calls', 10);
      clock.set('2026-02-28T09:29:59.999Z');
      expect(await plans.consume(tenantId, 'calls')).toMatchObject({ ok: false });
      clock.set('2026-02-28T09:30:00.000Z');
      const resetsAt = new Date('2026-03-31T09:30:00.000Z');
      expect(await plans.consume(tenantId, 'calls', 4)).toMatchObject({ ok: true, used: 4, resetsAt });
      expect(await usedInDatabase(database, tenantId)).toEqual([10, 4]);
      clock.set(anchor);
    });

    it('gives once what is given once', async () => {
      const tenantId = await makeTenant(database, 'free');
      expect(await plans.consume(tenantId, 'trial', 3)).toMatchObject({ ok: true, resetsAt: null });
      clock.set('2036-02-28T09:30:00.000Z');
      expect(await plans.consume(tenantId, 'trial')).toMatchObject({ ok: false, used: 3, resetsAt: null });
      clock.set(anchor);
    });

    it('counts what exists against a limit and takes it back, never below nothing', async () => {
      const tenantId = await makeTenant(database, 'free');
      const results = await times(5, () => plans.consume(tenantId, 'bots'));
      expect(granted(results)).toHaveLength(2);
      expect(results.find((result) => !result.ok)).toMatchObject({ reason: 'limit_reached', resetsAt: null, used: 2 });
      expect(await plans.release(tenantId, 'bots')).toMatchObject({ used: 1, limit: 2, remaining: 1 });
      expect(await plans.consume(tenantId, 'bots')).toMatchObject({ ok: true, used: 2 });
      const states = await times(5, () => plans.release(tenantId, 'bots'));
      expect(states.map((state) => state.used)).toEqual([0, 0, 0, 0, 0]);
      expect(await plans.release(await makeTenant(database, 'free'), 'bots', 7)).toMatchObject({ used: 0 });
    });

    it('grants exactly the quota to 64 callers, and tells each its own place', async () => {
      const tenantId = await makeTenant(database, 'pro');
      const results = [
        ...(await times(64, () => plans.consume(tenantId, 'calls'))),
        ...(await times(64, () => plans.consume(tenantId, 'calls'))),
      ];
      const places = granted(results).map((result) => result.used);
      expect(places).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
      for (const result of results) {
        expect(result.remaining).toBe(100 - result.used);
        if (!result.ok) expect(result).toMatchObject({ reason: 'quota_exceeded', used: 100, remaining: 0 });
      }
      expect(await usedInDatabase(database, tenantId)).toEqual([100]);
    });

    it('grants in order of arrival what fits, whatever the amounts', async () => {
      const amounts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 30 });
      await fc.assert(
        fc.asyncProperty(amounts, amounts, async (first, second) => {
          const tenantId = await makeTenant(database, 'pro');
          const ask = (amount: number): Promise<ConsumeResult> => plans.consume(tenantId, 'calls', amount);
          const all = [...first, ...second];
          const results = [...(await Promise.all(first.map(ask))), ...(await Promise.all(second.map(ask)))];
          let used = 0;
          for (const [index, amount] of all.entries()) {
            const fits = used + amount <= 100;
            if (fits) used += amount;
            expect(results[index]?.ok).toBe(fits);
            if (fits) expect(results[index]).toMatchObject({ used, remaining: 100 - used });
            else expect(results[index]).toMatchObject({ requested: amount });
          }
          const stored = await usedInDatabase(database, tenantId);
          expect(stored).toEqual(used === 0 ? [] : [used]);
        }),
        { numRuns: 60 },
      );
    });

    it('counts what is unlimited all the same, and stays exact up to 2^53 - 1', async () => {
      const tenantId = await makeTenant(database, 'pro');
      const most = Number.MAX_SAFE_INTEGER;
      expect(await plans.consume(tenantId, 'rows', most - 5)).toEqual({
        ok: true,
        used: most - 5,
        limit: 'unlimited',
        remaining: 'unlimited',
        overage: 0,
        resetsAt: null,
      });
      const settled = await Promise.allSettled([5, most, 1].map((amount) => plans.consume(tenantId, 'rows', amount)));
      expect(settled[0]).toMatchObject({ status: 'fulfilled', value: { used: most } });
      expect(settled[1]).toMatchObject({ status: 'rejected', reason: { code: 'amount_invalid' } });
      expect(settled[2]).toMatchObject({ status: 'rejected', reason: { code: 'amount_invalid' } });
      expect(await usedInDatabase(database, tenantId)).toEqual([most]);
      await times(3, () => plans.release(tenantId, 'rows', most));
      expect(await usedInDatabase(database, tenantId)).toEqual([0]);
    });

    it('grants and reports what is beyond a billed quota', async () => {
      const tenantId = await makeTenant(database, 'metered');
      expect(await plans.consume(tenantId, 'calls', 8)).toMatchObject({ ok: true, overage: 0, remaining: 2 });
      expect(await plans.check(tenantId, 'calls', { amount: 100 })).toMatchObject({ ok: true });
      expect(await plans.consume(tenantId, 'calls', 8)).toMatchObject({ ok: true, used: 16, remaining: 0, overage: 6 });
    });

    it('grants nothing of what the plan sets to 0 or does not name', async () => {
      const tenantId = await makeTenant(database, 'metered');
      expect(await plans.consume(tenantId, 'rows')).toMatchObject({ ok: false, reason: 'limit_reached', limit: 0 });
      expect(await plans.consume(tenantId, 'bots')).toMatchObject({ ok: false, reason: 'limit_reached', limit: 0 });
      expect(await plans.consume(tenantId, 'trial')).toMatchObject({ ok: false, reason: 'quota_exceeded', limit: 0 });
      expect(await usedInDatabase(database, tenantId)).toEqual([]);
    });

    it('multiplies by the seats of the moment', async () => {
      const tenantId = await makeTenant(database, 'team', { seats: 2 });
      expect(await plans.consume(tenantId, 'calls', 10)).toMatchObject({ ok: true, limit: 10, remaining: 0 });
      await sql`with o as (update tenantry.organizations set seats_bought = 3 where tenant_id = ${tenantId}::uuid)
        update tenantry.tenants set entitlement_revision = entitlement_revision + 1 where tenant_id = ${tenantId}::uuid`.execute(
        database.app,
      );
      expect(await plans.consume(tenantId, 'calls', 5)).toMatchObject({ ok: true, limit: 15, remaining: 0 });
      expect(await plans.check(tenantId, 'bots')).toMatchObject({ limit: 6 });
      const uncapped = await makeTenant(database, 'team', { seats: null });
      expect(await plans.check(uncapped, 'bots')).toMatchObject({ limit: 2 });
    });

    it('notices a plan that another process changed, in both directions', async () => {
      const tenantId = await makeTenant(database, 'free');
      await plans.consume(tenantId, 'calls', 10);
      await setPlan(tenantId, 'pro');
      expect(await plans.consume(tenantId, 'calls', 50)).toMatchObject({ ok: true, used: 60, limit: 100 });
      await setPlan(tenantId, 'free');
      expect(await plans.consume(tenantId, 'calls')).toMatchObject({ ok: false, used: 60, limit: 10, remaining: 0 });
      await setPlan(tenantId, 'pro');
      await setPlan(tenantId, 'free');
      expect(await plans.check(tenantId, 'calls')).toMatchObject({ ok: false, limit: 10, remaining: 0, overage: 50 });
      expect(await plans.release(tenantId, 'bots')).toMatchObject({ limit: 2 });
    });

    it('counts a quota per month and one per day apart, even where they begin together', async () => {
      const tenantId = await makeTenant(database, 'pro');
      await plans.consume(tenantId, 'calls', 100);
      await setPlan(tenantId, 'metered');
      expect(await plans.consume(tenantId, 'calls', 4)).toMatchObject({ ok: true, used: 4, limit: 10 });
    });

    it('takes facts that the caller brought as an assumption only', async () => {
      const tenantId = await makeTenant(database, 'free');
      const facts = { anchorAt: anchor, seatsBought: null, since: anchor, terms: null };
      const old: EntitlementFacts = { ...facts, plan: 'pro', revision: 0 };
      expect(await plans.consume(tenantId, 'calls', 11, { entitlement: old })).toMatchObject({ ok: false, limit: 10 });
      const never: EntitlementFacts = { ...facts, plan: 'pro', revision: 7 };
      const results = await Promise.all([
        plans.consume(tenantId, 'calls', 1, { entitlement: never }),
        plans.consume(tenantId, 'calls', 10),
        plans.consume(tenantId, 'calls', 9, { entitlement: { ...facts, plan: 'gone', revision: 9 } }),
      ]);
      expect(results.map((result) => [result.ok, result.limit])).toEqual([
        [true, 10],
        [false, 10],
        [true, 10],
      ]);
      expect(await plans.check(tenantId, 'calls', { entitlement: old })).toMatchObject({ limit: 10 });
    });

    it('becomes part of the transaction that it is given', async () => {
      const tenantId = await makeTenant(database, 'free');
      await plans.consume(tenantId, 'bots');
      const work = database.app.transaction().execute(async (tx) => {
        await setPlan(tenantId, 'pro', { db: tx });
        expect(await plans.consume(tenantId, 'bots', 4, { db: tx })).toMatchObject({ ok: true, used: 5, limit: 5 });
        expect(await plans.consume(tenantId, 'bots', 1, { db: tx })).toMatchObject({ ok: false, limit: 5 });
        expect(await plans.release(tenantId, 'bots', 1, { db: tx })).toMatchObject({ used: 4, limit: 5 });
        throw new Error('undo');
      });
      await expect(work).rejects.toThrow('undo');
      // The revision is given out again, with another meaning: what was read inside must not be remembered.
      await setPlan(tenantId, 'metered');
      expect(await plans.check(tenantId, 'bots')).toMatchObject({ used: 1, limit: 0 });
      expect(await plans.consume(tenantId, 'bots')).toMatchObject({ ok: false, limit: 0 });
      await database.app.transaction().execute(async (tx) => {
        const inside = createPlans({ db: tx, plans: catalogue, clock });
        expect(await inside.consume(tenantId, 'calls', 2)).toMatchObject({ ok: true, used: 2 });
      });
      expect(await plans.check(tenantId, 'calls')).toMatchObject({ used: 2 });
    });

    it('refuses a suspended tenant, and lets it give back', async () => {
      const tenantId = await makeTenant(database, 'free');
      await plans.consume(tenantId, 'bots');
      await sql`update tenantry.tenants set status = 'suspended' where tenant_id = ${tenantId}::uuid`.execute(
        database.app,
      );
      for (const result of [await plans.consume(tenantId, 'bots'), await plans.check(tenantId, 'bots')]) {
        expect(result).toMatchObject({ ok: false, reason: 'tenant_suspended', used: 1, limit: 2, remaining: 1 });
      }
      expect(await plans.consume(tenantId, 'calls')).toMatchObject({ reason: 'tenant_suspended', used: 0 });
      expect(await plans.release(tenantId, 'bots')).toMatchObject({ used: 0 });
    });

    it('knows the features of the plan', async () => {
      const tenantId = await makeTenant(database, 'free');
      expect(await plans.has(tenantId, 'webhooks')).toBe(false);
      await setPlan(tenantId, 'pro');
      expect(await plans.has(tenantId, 'webhooks')).toBe(true);
      const entitlement = {
        plan: 'free',
        anchorAt: anchor,
        revision: 1,
        seatsBought: null,
        since: anchor,
        terms: null,
      };
      expect(await plans.has(tenantId, 'webhooks', { entitlement })).toBe(false);
    });

    it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', null, 1n])(
      'refuses the amount %s',
      async (amount) => {
        const tenantId = await makeTenant(database, 'free');
        const invalid = expect.objectContaining({ code: 'amount_invalid' });
        for (const method of [plans.consume, plans.release]) {
          await expect(Reflect.apply(method, plans, [tenantId, 'bots', amount])).rejects.toEqual(invalid);
        }
        await expect(Reflect.apply(plans.check, plans, [tenantId, 'bots', { amount }])).rejects.toEqual(invalid);
      },
    );

    it('names what it does not know', async () => {
      const tenantId = await makeTenant(database, 'free');
      const code = (value: string): unknown => expect.objectContaining({ code: value });
      const call = (...parameters: unknown[]): Promise<unknown> => Reflect.apply(plans.consume, plans, parameters);
      await expect(call(undefined, 'calls')).rejects.toEqual(code('tenant_required'));
      await expect(call('acme', 'calls')).rejects.toEqual(code('tenant_not_found'));
      const nobody = '00000000-0000-7000-8000-ffffffffffff';
      for (const work of [
        () => plans.consume(nobody, 'calls'),
        () => plans.check(nobody, 'calls'),
        () => plans.release(nobody, 'bots'),
        () => plans.has(nobody, 'webhooks'),
      ]) {
        await expect(work()).rejects.toEqual(code('tenant_not_found'));
      }
      await expect(call(tenantId, 'cals')).rejects.toEqual(code('meter_unknown'));
      await expect(call(tenantId, 'constructor')).rejects.toEqual(code('meter_unknown'));
      await expect(Reflect.apply(plans.release, plans, [tenantId, 'calls'])).rejects.toEqual(code('meter_unknown'));
    });

    it('names a plan that the catalogue does not have, and goes on when that is mended', async () => {
      const tenantId = await makeTenant(database, 'legacy');
      for (const work of [
        () => plans.consume(tenantId, 'calls'),
        () => plans.check(tenantId, 'calls'),
        () => plans.has(tenantId, 'webhooks'),
      ]) {
        await expect(work()).rejects.toMatchObject({ code: 'plan_unknown', details: { plan: 'legacy' } });
      }
      await setPlan(tenantId, 'free');
      expect(await plans.consume(tenantId, 'calls')).toMatchObject({ ok: true, limit: 10 });
    });

    it('recovers from a tenant row that was put back to an older revision', async () => {
      const tenantId = await makeTenant(database, 'pro');
      await setPlan(tenantId, 'free');
      await plans.consume(tenantId, 'calls');
      await sql`update tenantry.tenants set entitlement_revision = 1 where tenant_id = ${tenantId}::uuid`.execute(
        database.app,
      );
      expect(await plans.consume(tenantId, 'calls')).toMatchObject({ ok: true, used: 2, limit: 10 });
    });

    it('remembers only as many tenants as it may', async () => {
      const forgetful = createPlans({ db: database.app, plans: catalogue, clock, remembered: 1 });
      const [a, b] = [await makeTenant(database, 'free'), await makeTenant(database, 'free')];
      for (const tenantId of [a, b, a, b]) await forgetful.consume(tenantId, 'calls');
      expect([await usedInDatabase(database, a), await usedInDatabase(database, b)]).toEqual([[2], [2]]);
    });
  });
}
