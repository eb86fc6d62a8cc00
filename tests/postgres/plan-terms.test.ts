import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createPlans, definePlans, type PlanEvent } from '../../src/plans/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { makeTenant, type None, planSetter, times } from '../support/plans.ts';

const catalogue = definePlans(
  {
    free: {
      limits: { bots: 2 },
      quotas: { calls: { amount: 10, per: 'month' }, days: { amount: 3, per: 'day', from: 'calendar' } },
      values: { retentionDays: 7 },
    },
    pro: {
      limits: { bots: 10 },
      quotas: { calls: { amount: 300, per: 'month', every: 3 } },
      features: ['sso'],
      values: { retentionDays: 90, support: 'mail' },
      trialDays: 14,
      earlier: [
        {
          until: '2026-01-01T00:00:00Z',
          quotas: { calls: { amount: 100, per: 'month' } },
          values: { retentionDays: 30 },
        },
        { until: '2026-03-01T00:00:00Z', quotas: { calls: { amount: 200, per: 'month' } }, features: ['legacy'] },
      ],
    },
    old: { limits: { bots: { amount: 1, freeze: 'oldest' } } },
  },
  { extra: { limits: { bots: 3 }, quotas: { calls: 50 }, features: ['export'] } },
);
const start = '2026-02-01T00:00:00.000Z';
const clock = fixedClock(start);
let database: TestDatabase<None>;
let events: PlanEvent[] = [];
const create = () =>
  createPlans({
    db: database.app,
    plans: catalogue,
    clock,
    async events(event) {
      events.push(event);
    },
  });
let plans: ReturnType<typeof create>;
let setPlan: ReturnType<typeof planSetter>;
beforeAll(async () => {
  database = await postgresDatabase<None>();
  setPlan = planSetter(database);
});
beforeEach(() => {
  clock.set(start);
  events = [];
  plans = create();
});
afterAll(() => database.destroy());

async function signed(tenantId: string, at: string): Promise<void> {
  await sql`update tenantry.tenants set plan_since = ${new Date(at)}::timestamptz,
    entitlement_revision = entitlement_revision + 1 where tenant_id = ${tenantId}::uuid`.execute(database.app);
}

it('lets a tenant keep the version that it signed for, until it is moved', async () => {
  const tenantId = await makeTenant(database, 'pro');
  await signed(tenantId, '2025-06-01T00:00:00Z');
  expect(await plans.inForce(tenantId)).toMatchObject({ plan: 'pro', version: 1 });
  expect(await plans.consume(tenantId, 'calls', 60)).toMatchObject({ limit: 100, remaining: 40 });
  expect(await plans.value(tenantId, 'retentionDays')).toBe(30);
  await signed(tenantId, '2026-01-01T00:00:00Z');
  expect(await plans.inForce(tenantId)).toMatchObject({ version: 2 });
  expect([await plans.has(tenantId, 'legacy'), await plans.has(tenantId, 'sso')]).toEqual([true, false]);
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ limit: 200, used: 60 });
  await plans.terms.setVersion(tenantId, 'newest');
  expect(await plans.inForce(tenantId)).toMatchObject({ version: 3 });
  // Counted per quarter now, and so anew.
  expect(await plans.check(tenantId, 'calls')).toMatchObject({
    limit: 300,
    used: 0,
    resetsAt: new Date('2026-04-30T09:30:00Z'),
  });
  await plans.terms.setVersion(tenantId, 1);
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ limit: 100, used: 60 });
  await expect(plans.terms.setVersion(tenantId, 4)).rejects.toMatchObject({ code: 'config_invalid' });
  // Another plan, and back: it is signed anew.
  await setPlan(tenantId, 'free');
  const later = createPlans({ db: database.app, plans: catalogue, clock });
  await setPlan(tenantId, 'pro');
  expect(await later.inForce(tenantId)).toMatchObject({ version: 1 });
});

it('signs anew with another plan', async () => {
  const tenantId = await makeTenant(database, 'free');
  await signed(tenantId, '2020-01-01T00:00:00Z');
  await setPlan(tenantId, 'pro');
  // The test's tenancy lives on 31 January 2026.
  expect(await plans.inForce(tenantId)).toMatchObject({ plan: 'pro', version: 2 });
});

it('agrees other things with one tenant, for a while', async () => {
  const tenantId = await makeTenant(database, 'free');
  const other = create();
  await other.check(tenantId, 'calls');
  const expiresAt = new Date('2026-02-10T00:00:00Z');
  await plans.terms.override(
    tenantId,
    { meters: { calls: 50, bots: { amount: 'unlimited' } }, features: { sso: true }, values: { support: 'phone' } },
    { expiresAt },
  );
  expect(await other.consume(tenantId, 'calls', 45)).toMatchObject({ ok: true, limit: 50 });
  expect(await plans.check(tenantId, 'bots')).toMatchObject({ limit: 'unlimited' });
  expect([await plans.has(tenantId, 'sso'), await plans.value(tenantId, 'support')]).toEqual([true, 'phone']);
  expect(events.map(({ name }) => name)).toEqual(['tenant.terms_changed']);
  await plans.terms.override(tenantId, { meters: { bots: null } });
  expect(await plans.check(tenantId, 'bots')).toMatchObject({ limit: 2 });
  clock.set(expiresAt);
  expect(await other.consume(tenantId, 'calls')).toMatchObject({ ok: false, limit: 10, used: 45, overage: 35 });
  expect([await plans.has(tenantId, 'sso'), await plans.value(tenantId, 'support')]).toEqual([false, undefined]);
  for (const wrong of [
    { meters: { calls: -1 } },
    { meters: { calls: {} } },
    { meters: { bots: { overage: 'bill' } } },
    { features: { sso: 1 } },
    { features: { none: true } },
    { values: { none: 1 } },
    { values: { support: {} } },
    { limits: { bots: 5 } },
    null,
  ]) {
    await expect(Reflect.apply(plans.terms.override, plans.terms, [tenantId, wrong])).rejects.toMatchObject({
      code: 'config_invalid',
    });
  }
  await expect(
    Reflect.apply(plans.terms.override, plans.terms, [tenantId, { meters: { none: 1 } }]),
  ).rejects.toMatchObject({ code: 'meter_unknown' });
});

it('goes back, when something agreed for a while is over, to what was agreed before and holds longer', async () => {
  const tenantId = await makeTenant(database, 'free');
  const at = (day: number) => new Date(Date.UTC(2026, 1, day));
  const { override, setAddOn } = plans.terms;
  clock.set(at(1));
  await override(tenantId, { meters: { calls: 300 }, features: { sso: true }, values: { support: 'phone' } });
  await setAddOn(tenantId, 'extra', 1);
  const other = { meters: { calls: 900 }, features: { sso: false }, values: { support: 'mail' } };
  await override(tenantId, other, { expiresAt: at(20) });
  await override(tenantId, { meters: { calls: 400 } }, { expiresAt: at(15) });
  await override(tenantId, { meters: { calls: 500 } }, { expiresAt: at(10) });
  // It is over before the one in front is, and never counts.
  await override(tenantId, { meters: { calls: 600 } }, { expiresAt: at(12) });
  await setAddOn(tenantId, 'extra', 3, { expiresAt: at(20) });
  const seen = async (day: number) => {
    clock.set(at(day));
    const [calls, bots] = [await plans.check(tenantId, 'calls'), await plans.check(tenantId, 'bots')];
    return [calls.limit, bots.limit, await plans.has(tenantId, 'sso'), await plans.value(tenantId, 'support')];
  };
  expect(await seen(2)).toEqual([600, 11, false, 'mail']);
  expect(await seen(12)).toEqual([400, 11, false, 'mail']);
  expect(await seen(15)).toEqual([900, 11, false, 'mail']);
  expect(await seen(20)).toEqual([300, 5, true, 'phone']);
  await override(tenantId, { meters: { calls: 5 } }, { expiresAt: at(21) });
  expect((await plans.terms.of(tenantId))?.meters).toEqual({
    calls: { amount: 5, until: at(21).getTime(), afterwards: { amount: 300 } },
  });
  await override(tenantId, { meters: { calls: null } });
  expect(await seen(22)).toEqual([60, 5, true, 'phone']); // the plan's 10 and 50 of the add-on
  for (const expiresAt of [at(22), at(3), new Date('never')]) {
    await expect(override(tenantId, { meters: { calls: 1 } }, { expiresAt })).rejects.toMatchObject({
      code: 'config_invalid',
      details: { path: 'expiresAt' },
    });
    await expect(setAddOn(tenantId, 'extra', 1, { expiresAt })).rejects.toMatchObject({ code: 'config_invalid' });
  }
});

it('adds what was bought on top of the plan', async () => {
  const tenantId = await makeTenant(database, 'free');
  await plans.terms.setAddOn(tenantId, 'extra', 2);
  expect(await plans.check(tenantId, 'bots')).toMatchObject({ limit: 8 });
  expect(await plans.consume(tenantId, 'calls', 110)).toMatchObject({ ok: true, limit: 110 });
  expect(await plans.has(tenantId, 'export')).toBe(true);
  await plans.terms.setAddOn(tenantId, 'extra', 0);
  expect(await plans.terms.of(tenantId)).toBeNull();
  expect(await plans.check(tenantId, 'bots')).toMatchObject({ limit: 2 });
  await expect(plans.terms.setAddOn(tenantId, 'none', 1)).rejects.toMatchObject({ code: 'config_invalid' });
  await expect(plans.terms.setAddOn(tenantId, 'extra', 0.5)).rejects.toMatchObject({ code: 'config_invalid' });
});

it('lets a tenant try a plan once, and whoever is behind it', async () => {
  const tenantId = await makeTenant(database, 'free');
  const endsAt = new Date('2026-02-15T00:00:00Z');
  const results = await times(6, () => create().terms.startTrial(tenantId, 'pro', { fingerprints: ['card 1'] }));
  expect(results.filter(({ ok }) => ok)).toEqual([{ ok: true, endsAt }]);
  expect(await plans.has(tenantId, 'legacy')).toBe(true);
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ limit: 200 });
  clock.set(endsAt);
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ limit: 10 });
  expect(await plans.terms.startTrial(tenantId, 'pro')).toEqual({ ok: false, reason: 'trial_used' });
  const second = await makeTenant(database, 'free');
  expect(await plans.terms.startTrial(second, 'pro', { fingerprints: ['card 2', 'card 1'] })).toEqual({
    ok: false,
    reason: 'trial_used',
  });
  expect(await plans.terms.startTrial(second, 'pro', { fingerprints: ['card 2'] })).toMatchObject({ ok: true });
  expect(await plans.terms.startTrial(second, 'free')).toEqual({ ok: false, reason: 'no_trial' });
});

it('counts days by the clocks of the tenant, and gives no fresh quota for another zone', async () => {
  const tenantId = await makeTenant(database, 'free');
  clock.set('2026-07-01T10:00:00Z');
  expect(await plans.consume(tenantId, 'days', 3)).toMatchObject({
    ok: true,
    resetsAt: new Date('2026-07-02T00:00:00Z'),
  });
  await plans.terms.setTimeZone(tenantId, 'Asia/Tokyo');
  await plans.terms.setTimeZone(tenantId, 'Pacific/Auckland');
  expect(await create().consume(tenantId, 'days')).toMatchObject({
    ok: false,
    resetsAt: new Date('2026-07-02T00:00:00Z'),
  });
  clock.set('2026-07-02T00:00:00Z');
  expect(await plans.consume(tenantId, 'days', 3)).toMatchObject({
    ok: true,
    resetsAt: new Date('2026-07-02T12:00:00Z'),
  });
  clock.set('2026-07-02T12:00:00Z');
  expect(await plans.consume(tenantId, 'days', 3)).toMatchObject({
    ok: true,
    resetsAt: new Date('2026-07-03T12:00:00Z'),
  });
  await expect(plans.terms.setTimeZone(tenantId, 'Mars/Base')).rejects.toMatchObject({ code: 'config_invalid' });
});

it('gives no fresh quota however often the zone is changed', async () => {
  const tenantId = await makeTenant(database, 'free');
  const yearly = createPlans({
    db: database.app,
    plans: definePlans({ free: { quotas: { calls: { amount: 5, per: 'year', from: 'calendar' } } } }),
    clock,
  });
  clock.set('2026-03-01T10:00:00Z');
  await yearly.consume(tenantId, 'calls', 5);
  const zones = ['Pacific/Kiritimati', 'Pacific/Pago_Pago'];
  for (let n = 0; n < 30; n += 1) await yearly.terms.setTimeZone(tenantId, zones[n % 2] ?? '');
  expect((await yearly.terms.of(tenantId))?.zones).toHaveLength(2);
  const outcomes: string[] = [];
  for (let n = 0; n < 40; n += 1) {
    clock.advance(86_400_000);
    outcomes.push(
      await yearly.terms.setTimeZone(tenantId, zones[n % 2] ?? '').then(
        () => 'changed',
        ({ code }) => code,
      ),
    );
    expect(await yearly.check(tenantId, 'calls')).toMatchObject({ ok: false, used: 5 });
  }
  expect(outcomes.slice(0, 23)).toEqual([...Array.from({ length: 22 }, () => 'changed'), 'config_invalid']);
  clock.set('2032-01-03T00:00:00Z');
  await yearly.terms.setTimeZone(tenantId, 'Europe/Berlin');
  expect(await yearly.consume(tenantId, 'calls', 5)).toMatchObject({ ok: true, used: 5 });
});

it('refuses no resource that is counted already, however many come with it at once', async () => {
  for (let round = 0; round < 20; round += 1) {
    const tenantId = await makeTenant(database, 'free');
    const results = await times(20, (index) => create().resources.occupy(tenantId, 'bots', `bot ${index % 2}`));
    expect(results.filter((result) => result.ok && result.known !== true)).toHaveLength(2);
    expect(results.filter((result) => result.ok && result.known === true)).toHaveLength(18);
  }
});

it('freezes the surplus after a downgrade by a rule, deletes nothing, and thaws it on an upgrade', async () => {
  const tenantId = await makeTenant(database, 'pro');
  await setPlan(tenantId, 'pro');
  const { resources } = plans;
  await plans.terms.override(tenantId, { meters: { bots: 5 } });
  const results = await times(8, (index) => create().resources.occupy(tenantId, 'bots', `bot ${index % 5}`));
  expect(results.every(({ ok }) => ok)).toBe(true);
  expect(results.filter((result) => result.ok && result.known !== true)).toHaveLength(5);
  expect(await resources.occupy(tenantId, 'bots', 'bot 9')).toMatchObject({
    ok: false,
    reason: 'limit_reached',
    used: 5,
  });
  expect(await resources.occupy(tenantId, 'bots', 'bot 1')).toMatchObject({ ok: true, known: true, used: 5 });
  for (let index = 0; index < 5; index += 1) {
    await sql`update tenantry.limit_resources set occupied_at = ${new Date(index)}::timestamptz
      where tenant_id = ${tenantId}::uuid and resource_id = ${`bot ${index}`}`.execute(database.app);
  }
  expect(await resources.frozen(tenantId, 'bots')).toEqual({ ids: [], surplus: 0 });
  await plans.terms.override(tenantId, { meters: { bots: 2 } });
  expect(await create().resources.frozen(tenantId, 'bots')).toEqual({ ids: ['bot 4', 'bot 3', 'bot 2'], surplus: 3 });
  expect(await resources.frozen(tenantId, 'bots', { order: 'oldest' })).toEqual({
    ids: ['bot 0', 'bot 1', 'bot 2'],
    surplus: 3,
  });
  expect(await resources.choose(tenantId, 'bots', ['bot 3', 'bot 2', 'no bot'])).toBe(2);
  expect(await resources.frozen(tenantId, 'bots')).toEqual({ ids: ['bot 4', 'bot 1', 'bot 0'], surplus: 3 });
  expect([
    await resources.isFrozen(tenantId, 'bots', 'bot 3'),
    await resources.isFrozen(tenantId, 'bots', 'bot 0'),
    await resources.isFrozen(tenantId, 'bots', 'no bot'),
  ]).toEqual([false, true, false]);
  // One goes, and one thaws.
  expect(await resources.vacate(tenantId, 'bots', 'bot 4')).toMatchObject({ used: 4 });
  await resources.vacate(tenantId, 'bots', 'bot 4');
  expect(await resources.frozen(tenantId, 'bots')).toEqual({ ids: ['bot 1', 'bot 0'], surplus: 2 });
  await setPlan(tenantId, 'old');
  await plans.terms.override(tenantId, { meters: { bots: null } });
  await resources.choose(tenantId, 'bots', []);
  expect(await resources.frozen(tenantId, 'bots')).toEqual({ ids: ['bot 0', 'bot 1', 'bot 2'], surplus: 3 });
  await plans.terms.override(tenantId, { meters: { bots: 'unlimited' } });
  expect(await resources.frozen(tenantId, 'bots')).toEqual({ ids: [], surplus: 0 });
  await plans.terms.override(tenantId, { meters: { bots: { amount: 1, overage: 'allow' } } });
  expect(await resources.frozen(tenantId, 'bots')).toEqual({ ids: [], surplus: 0 });
  await plans.terms.override(tenantId, { meters: { bots: { amount: 1, overage: 'allow', overageAtMost: 1 } } });
  expect(await resources.frozen(tenantId, 'bots')).toEqual({ ids: ['bot 0', 'bot 1'], surplus: 2 });
  const stranger = await makeTenant(database, 'free');
  expect(await resources.frozen(stranger, 'bots')).toEqual({ ids: [], surplus: 0 });
});
