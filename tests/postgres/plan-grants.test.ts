import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import { createPlans, type PlanEvent } from '../../src/plans/index.ts';
import { planWorld } from '../support/plan-world.ts';
import { grantCatalogue as catalogue, makeTenant, times } from '../support/plans.ts';

const day = 86_400_000;

const { database, clock } = await planWorld();
const create = () => createPlans({ db: database.app, plans: catalogue, clock });
let plans: ReturnType<typeof create>;
beforeEach(() => {
  plans = create();
});

const lefts = async (tenantId: string, quota: 'calls' | 'sessions' = 'calls'): Promise<number[]> =>
  (await plans.grants.list(tenantId, quota, { all: true })).map(({ left }) => left);

it('burns the plan first, then grants by priority, by what expires first, and by age', async () => {
  const tenantId = await makeTenant(database, 'free');
  const other = create();
  await other.check(tenantId, 'calls');
  const soon = new Date('2026-02-10T00:00:00Z');
  const add = (amount: number, more: object = {}) => plans.grants.add(tenantId, 'calls', { amount, ...more });
  const late = await add(4);
  const later = await add(4, { expiresAt: new Date('2026-03-20T00:00:00Z') });
  const first = await add(4, { priority: -1 });
  const sooner = await add(4, { expiresAt: soon });
  const order = (await plans.grants.list(tenantId, 'calls')).map(({ id }) => id);
  expect(order).toEqual([first.id, sooner.id, later.id, late.id]);
  // Another process, which knew of no grants, notices them.
  expect(await other.consume(tenantId, 'calls', 12)).toMatchObject({ ok: true, used: 10, remaining: 14, granted: 14 });
  expect(await lefts(tenantId)).toEqual([2, 4, 4, 4]);
  expect(await plans.consume(tenantId, 'calls', 15)).toMatchObject({
    ok: false,
    reason: 'quota_exceeded',
    remaining: 14,
  });
  expect(await plans.consume(tenantId, 'calls', 7)).toMatchObject({ ok: true, used: 10, granted: 7 });
  expect(await lefts(tenantId)).toEqual([0, 0, 3, 4]);
  expect(await plans.check(tenantId, 'calls', { amount: 8 })).toMatchObject({ ok: false, remaining: 7 });
  clock.set('2026-03-25T00:00:00Z');
  // A new period, and one of the grants is over.
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ ok: true, used: 0, remaining: 14, granted: 4 });
  expect(await plans.consume(tenantId, 'calls', 14)).toMatchObject({ ok: true, used: 10, remaining: 0, granted: 0 });
  expect(await plans.consume(tenantId, 'calls')).toMatchObject({ ok: false });
});

it('uses grants before what is billed, and no more than the cap', async () => {
  const tenantId = await makeTenant(database, 'metered');
  await plans.grants.add(tenantId, 'calls', { amount: 10 });
  expect(await plans.consume(tenantId, 'calls', 8)).toMatchObject({ used: 5, overage: 0, granted: 7 });
  expect(await plans.consume(tenantId, 'calls', 17)).toMatchObject({ ok: true, used: 15, overage: 10, granted: 0 });
  expect(await plans.consume(tenantId, 'calls', 11)).toMatchObject({ ok: false, used: 15 });
  expect(await plans.consume(tenantId, 'calls', 10)).toMatchObject({ ok: true, used: 25, overage: 20 });
  await plans.terms.override(tenantId, { meters: { calls: { overageAtMost: 21 } } });
  expect(await plans.consume(tenantId, 'calls')).toMatchObject({ ok: true, overage: 21 });
  expect(await plans.consume(tenantId, 'calls')).toMatchObject({ ok: false });
});

it('sells vouchers as the application knows them: sessions, backup sessions, days of validity, and rules of its own', async () => {
  const types = [
    {
      name: 'Standard Individual Therapy',
      total_sessions: 10,
      backup_sessions: 2,
      validity_days: 90,
      rules: { monday: { enabled: true, start_time: '08:00', end_time: '20:00' } },
    },
    { name: 'Group Therapy Package', total_sessions: 8, backup_sessions: 2, validity_days: 60, rules: {} },
    {
      name: 'Intensive Daily Sessions',
      total_sessions: 20,
      backup_sessions: 4,
      validity_days: 30,
      rules: { friday: { enabled: true, start_time: '12:00', end_time: '15:00' } },
    },
  ];
  const tenantId = await makeTenant(database, 'free');
  for (const type of types) {
    const voucher = await plans.grants.add(tenantId, 'sessions', {
      amount: type.total_sessions,
      spare: type.backup_sessions,
      validDays: type.validity_days,
      idempotencyKey: `invoice ${type.name}`,
      metadata: { voucherType: type.name, bookingRules: type.rules },
    });
    expect(voucher).toMatchObject({
      amount: type.total_sessions,
      left: type.total_sessions,
      metadata: { voucherType: type.name, bookingRules: type.rules },
    });
  }
  // The payment is told twice.
  await plans.grants.add(tenantId, 'sessions', {
    amount: 10,
    spare: 2,
    validDays: 90,
    idempotencyKey: 'invoice Standard Individual Therapy',
  });
  expect(await plans.check(tenantId, 'sessions')).toMatchObject({ limit: 0, granted: 46, remaining: 46 });
  const burnt = async () =>
    (await plans.grants.list(tenantId, 'sessions', { all: true })).map(({ amount, left }) => `${left}/${amount}`);
  await times(21, () => plans.consume(tenantId, 'sessions'));
  // What ends first goes first, its backup sessions after its sessions.
  expect(await burnt()).toEqual(['0/20', '3/4', '8/8', '2/2', '10/10', '2/2']);
  clock.advance(31 * day);
  expect(await plans.check(tenantId, 'sessions')).toMatchObject({ granted: 22 });
  await times(9, () => plans.consume(tenantId, 'sessions'));
  expect(await burnt()).toEqual(['0/20', '3/4', '0/8', '1/2', '10/10', '2/2']);
  clock.advance(60 * day);
  expect(await plans.consume(tenantId, 'sessions')).toMatchObject({
    ok: false,
    reason: 'quota_exceeded',
    remaining: 0,
  });
});

it('carries over what a rollover allows when a period begins', async () => {
  const tenantId = await makeTenant(database, 'free');
  await plans.grants.add(tenantId, 'calls', { amount: 100, rollover: { min: 5, max: 20 } });
  await plans.consume(tenantId, 'calls', 40);
  expect(await lefts(tenantId)).toEqual([70]);
  clock.set('2026-03-10T00:00:00Z');
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ granted: 20, remaining: 30 });
  await plans.consume(tenantId, 'calls', 28);
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ granted: 2 });
  clock.set('2026-04-10T00:00:00Z');
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ granted: 5, remaining: 15 });
  await plans.consume(tenantId, 'calls', 15);
  clock.set('2026-05-10T00:00:00Z');
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ granted: 5 });
});

it('uses units once for an idempotency key, whoever sends it and how often', async () => {
  const tenantId = await makeTenant(database, 'free');
  const processes = [create(), create(), create()];
  const results = await times(30, (index) => {
    const sender = processes[index % 3] ?? plans;
    return sender.consume(tenantId, 'calls', 2, { idempotencyKey: `job ${index % 4}` });
  });
  expect(results.filter((result) => result.ok && result.replayed !== true)).toHaveLength(4);
  expect(results.every(({ ok }) => ok)).toBe(true);
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ used: 8 });
  await expect(plans.consume(tenantId, 'calls', 3, { idempotencyKey: 'job 1' })).rejects.toMatchObject({
    code: 'amount_invalid',
  });
  await plans.consume(tenantId, 'calls', 2);
  // Full: what was used is answered, what was not is refused, and may come again.
  expect(await plans.consume(tenantId, 'calls', 2, { idempotencyKey: 'job 1' })).toMatchObject({
    ok: true,
    replayed: true,
  });
  expect(await plans.consume(tenantId, 'calls', 2, { idempotencyKey: 'job 9' })).toMatchObject({ ok: false });
  await plans.grants.add(tenantId, 'calls', { amount: 2 });
  expect(await plans.consume(tenantId, 'calls', 2, { idempotencyKey: 'job 9' })).toMatchObject({
    ok: true,
    granted: 0,
  });
});

it('refuses another grant under an idempotency key, rather than to take it for the one that was made', async () => {
  const tenantId = await makeTenant(database, 'free');
  const add = (quota: 'calls' | 'sessions', amount: number) =>
    plans.grants.add(tenantId, quota, { amount, idempotencyKey: 'invoice 1' });
  const { id } = await add('calls', 5);
  expect((await add('calls', 5)).id).toBe(id);
  await expect(add('calls', 6)).rejects.toMatchObject({ code: 'amount_invalid', details: { amount: '6' } });
  await expect(add('sessions', 5)).rejects.toMatchObject({
    code: 'name_invalid',
    details: { field: 'idempotencyKey' },
  });
  expect(await plans.grants.list(tenantId, 'calls')).toMatchObject([{ id, left: 5 }]);
});

it('takes away what is left of a grant, not what is used or held', async () => {
  const tenantId = await makeTenant(database, 'free');
  const grant = await plans.grants.add(tenantId, 'sessions', { amount: 10 });
  await plans.consume(tenantId, 'sessions', 3);
  const held = await plans.reservations.hold(tenantId, 'sessions', 2);
  expect(await plans.grants.revoke(tenantId, grant.id)).toBe(5);
  expect(await plans.consume(tenantId, 'sessions')).toMatchObject({ ok: false });
  if (!held.ok) throw new Error('refused');
  expect(await plans.reservations.release(tenantId, held.reservationId)).toMatchObject({ ok: true, returned: 2 });
  // It is closed, and stays closed.
  expect(await plans.consume(tenantId, 'sessions')).toMatchObject({ ok: false });
  expect(await plans.grants.revoke(tenantId, '00000000-0000-7000-8000-00000000dead')).toBeNull();
});

it('grants no unit twice to many callers in several processes', async () => {
  const tenantId = await makeTenant(database, 'free');
  await plans.grants.add(tenantId, 'calls', { amount: 60, spare: 30 });
  const processes = [create(), create(), create(), create()];
  const results = await times(200, (index) =>
    (processes[index % 4] ?? plans).consume(tenantId, 'calls', 1 + (index % 2)),
  );
  const units = results.reduce((sum, result, index) => sum + (result.ok ? 1 + (index % 2) : 0), 0);
  expect(units).toBeGreaterThanOrEqual(99);
  expect(units).toBeLessThanOrEqual(100);
  expect((await lefts(tenantId)).reduce((sum, left) => sum + left, 0)).toBe(100 - units);
  const { rows } = await sql<{
    units: string;
  }>`select units::text from tenantry.usage_hours where tenant_id = ${tenantId}::uuid and subject = ''`.execute(
    database.app,
  );
  expect(rows).toEqual([{ units: String(units) }]);
});

it('refuses what cannot be granted', async () => {
  const tenantId = await makeTenant(database, 'free');
  const add = (input: object): Promise<unknown> =>
    Reflect.apply(plans.grants.add, plans.grants, [tenantId, 'calls', input]);
  for (const amount of [0, -1, 1.5, Number.NaN, 2 ** 53, '1', null]) {
    await expect(add({ amount })).rejects.toMatchObject({ code: 'amount_invalid' });
    await expect(add({ amount: 1, spare: amount === 0 ? -1 : amount })).rejects.toMatchObject({
      code: 'amount_invalid',
    });
  }
  for (const wrong of [
    { priority: 0.5 },
    { validDays: 0 },
    { validDays: 3, expiresAt: new Date('2027-01-01') },
    { expiresAt: new Date('2020-01-01') },
    { startsAt: new Date(Number.NaN) },
    { rollover: { max: -1 } },
    { rollover: { min: 3, max: 2 } },
  ]) {
    await expect(add({ amount: 1, ...wrong })).rejects.toMatchObject({ code: 'config_invalid' });
  }
  await expect(Reflect.apply(plans.grants.add, plans.grants, [tenantId, 'bots', { amount: 1 }])).rejects.toMatchObject({
    code: 'meter_unknown',
  });
  await expect(plans.grants.add('00000000-0000-7000-8000-00000000dead', 'calls', { amount: 1 })).rejects.toMatchObject({
    code: 'tenant_not_found',
  });
  expect(await plans.grants.list(tenantId, 'calls', { all: true })).toEqual([]);
});

it('keeps facts of the application that JSON can write, and no more than 16 KiB of them', async () => {
  const tenantId = await makeTenant(database, 'free');
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const add = (metadata: Readonly<Record<string, unknown>>) =>
    plans.grants.add(tenantId, 'calls', { amount: 1, metadata });
  for (const metadata of [circular, { a: 1n }, { a: 'x'.repeat(16_384) }, { a: '\ud800' }, { '\0': 1 }]) {
    await expect(add(metadata)).rejects.toMatchObject({ code: 'config_invalid', details: { path: 'metadata' } });
  }
  await expect(Reflect.apply(add, undefined, [['a']])).rejects.toMatchObject({ code: 'config_invalid' });
  const metadata = { a: 'x'.repeat(16_000), rules: { sunday: [1.5, null, '😀'] } };
  expect(await add(metadata)).toMatchObject({ metadata });
  expect(await plans.grants.list(tenantId, 'calls', { all: true })).toMatchObject([{ metadata }]);
});

it('fills a grant up once for a period, whatever late units come after it', async () => {
  const tenantId = await makeTenant(database, 'free');
  clock.set('2026-02-28T09:00:00Z');
  await plans.consume(tenantId, 'calls', 10);
  await plans.grants.add(tenantId, 'calls', { amount: 8, rollover: { min: 5, max: 5 } });
  clock.set('2026-02-28T10:00:00Z');
  // A new period: ten of the plan, and the grant brought to five.
  expect(await plans.consume(tenantId, 'calls', 14)).toMatchObject({ ok: true, used: 10, granted: 1 });
  const at = new Date('2026-02-28T09:10:00Z');
  expect(await plans.consume(tenantId, 'calls', 1, { at })).toMatchObject({ ok: true, granted: 0 });
  expect(await plans.consume(tenantId, 'calls')).toMatchObject({ ok: false, granted: 0 });
});

it('tells of a grant that is taken away once, and keeps nothing on it that comes back', async () => {
  const events: PlanEvent[] = [];
  const telling = createPlans({
    db: database.app,
    plans: catalogue,
    clock,
    events: async (event) => void events.push(event),
  });
  const tenantId = await makeTenant(database, 'free');
  const grant = await telling.grants.add(tenantId, 'sessions', { amount: 10 });
  const held = await telling.reservations.hold(tenantId, 'sessions', 4);
  if (!held.ok) throw new Error('refused');
  expect([await telling.grants.revoke(tenantId, grant.id), await telling.grants.revoke(tenantId, grant.id)]).toEqual([
    6, 0,
  ]);
  expect(events.map(({ name }) => name)).toEqual(['grant.added', 'grant.revoked']);
  await telling.reservations.release(tenantId, held.reservationId);
  expect(await lefts(tenantId, 'sessions')).toEqual([0]);
});

it('burns the voucher that somebody holds up, its units before its spare ones, and no other', async () => {
  const tenantId = await makeTenant(database, 'free');
  const sell = (amount: number, more: object = {}) => plans.grants.add(tenantId, 'sessions', { amount, ...more });
  const ada = await sell(3, { spare: 1, validDays: 90 });
  const eve = await sell(5, { validDays: 30 });
  const pack = ada.packId;
  expect(await plans.check(tenantId, 'sessions', { pack, amount: 4 })).toMatchObject({ ok: true, remaining: 4 });
  const answers = await times(6, (index) =>
    (index % 2 === 0 ? plans : create()).consume(tenantId, 'sessions', 1, { pack }),
  );
  expect(answers.map(({ ok }) => ok).toSorted()).toEqual([false, false, true, true, true, true]);
  for (const answer of answers.filter(({ ok }) => !ok)) {
    expect(answer).toMatchObject({ reason: 'quota_exceeded', remaining: 0, granted: 0 });
  }
  expect((await plans.grants.list(tenantId, 'sessions')).map(({ id, left }) => [id, left])).toEqual([[eve.id, 5]]);
  // Without a pack it is burnt as ever, and the plan's own units are for nobody's voucher.
  await plans.consume(tenantId, 'sessions');
  const held = await plans.reservations.hold(tenantId, 'sessions', 3, { pack: eve.packId });
  if (!held.ok) throw new Error('refused');
  expect(held).toMatchObject({ remaining: 1 });
  expect(await plans.reservations.commit(tenantId, held.reservationId, 1)).toMatchObject({ returned: 2 });
  expect(await plans.check(tenantId, 'sessions', { pack: eve.packId })).toMatchObject({ remaining: 3 });
  const topUp = await plans.grants.add(tenantId, 'calls', { amount: 2 });
  expect(await plans.consume(tenantId, 'calls', 3, { pack: topUp.packId })).toMatchObject({ ok: false, remaining: 2 });
  expect(await plans.consume(tenantId, 'calls', 2, { pack: topUp.packId, idempotencyKey: 'visit 1' })).toMatchObject({
    ok: true,
    used: 0,
    remaining: 0,
  });
  expect(await plans.consume(tenantId, 'calls', 2, { pack: topUp.packId, idempotencyKey: 'visit 1' })).toMatchObject({
    ok: true,
    replayed: true,
  });
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ used: 0, remaining: 10 });
  clock.advance(31 * day);
  expect(await plans.consume(tenantId, 'sessions', 1, { pack: eve.packId })).toMatchObject({ ok: false, remaining: 0 });
  const stranger = await makeTenant(database, 'free');
  expect(await plans.consume(stranger, 'calls', 1, { pack: topUp.packId })).toMatchObject({ ok: false, remaining: 0 });
  await expect(plans.consume(tenantId, 'calls', 1, { pack: 'voucher' })).rejects.toMatchObject({
    code: 'name_invalid',
  });
  await expect(plans.consume(tenantId, 'bots', 1, { pack })).rejects.toMatchObject({ code: 'meter_unknown' });
});
