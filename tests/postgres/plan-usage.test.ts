import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createPlans, definePlans, forecastOf, type PlanEvent, type UsageExport } from '../../src/plans/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { countingDatabase } from '../support/counting.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { makeTenant, type None, times } from '../support/plans.ts';

const catalogue = definePlans({
  free: {
    limits: { bots: { amount: 4, alerts: [50, 100] } },
    quotas: { calls: { amount: 100, per: 'month', alerts: [80, 100] }, jobs: { amount: 9, per: 'day' } },
  },
  metered: { quotas: { calls: { amount: 10, per: 'month', overage: 'bill' } } },
});
const start = '2026-02-01T00:15:00.000Z';
const clock = fixedClock(start);
const hour = 3_600_000;

let database: TestDatabase<None>;
let events: PlanEvent[] = [];
let broken = false;
const create = () =>
  createPlans({
    db: database.app,
    plans: catalogue,
    clock,
    async events(event) {
      if (broken) throw new Error('the sink is broken');
      events.push(event);
    },
  });
let plans: ReturnType<typeof create>;
beforeAll(async () => {
  database = await postgresDatabase<None>();
});
beforeEach(() => {
  clock.set(start);
  events = [];
  broken = false;
  plans = create();
});
afterAll(() => database.destroy());

const told = (): string[] =>
  events.flatMap((event) =>
    event.name === 'usage.alert' ? [`${event.data.meter} ${event.data.percentage} ${event.data.direction}`] : [],
  );

it('reads what was used by the hour and the day, by members and keys, in one statement', async () => {
  const tenantId = await makeTenant(database, 'free');
  const [memberId, keyId, other] = ['1', '2', '3'].map((n) => `00000000-0000-7000-8000-00000000000${n}`);
  if (memberId === undefined || keyId === undefined || other === undefined) throw new Error('ids');
  await times(4, () => plans.consume(tenantId, 'calls', 1, { memberId, keyId }));
  clock.advance(hour);
  await plans.consume(tenantId, 'calls', 5, { keyId: other });
  await plans.consume(tenantId, 'jobs', 2);
  clock.advance(24 * hour);
  await plans.consume(tenantId, 'calls', 7, { memberId });
  const range = { from: new Date('2026-02-01T00:00:00Z'), to: new Date('2026-02-03T00:00:00Z') };
  const counting = countingDatabase<None>(database.urls?.app ?? '');
  const reader = createPlans({ db: counting.db, plans: catalogue, clock });
  expect(await counting.during(() => reader.usage.read(tenantId, { ...range, by: 'hour' }))).toHaveLength(1);
  await counting.destroy();
  const read = async (query: object) =>
    (await plans.usage.read(tenantId, { ...range, ...query })).map(({ quota, at, units, subjectId }) => [
      quota,
      at.toISOString().slice(5, 13),
      units,
      ...(subjectId === null ? [] : [subjectId]),
    ]);
  expect(await read({ by: 'hour', quota: 'calls' })).toEqual([
    ['calls', '02-01T00', 4],
    ['calls', '02-01T01', 5],
    ['calls', '02-02T01', 7],
  ]);
  expect(await read({})).toEqual([
    ['calls', '02-01T00', 9],
    ['jobs', '02-01T00', 2],
    ['calls', '02-02T00', 7],
  ]);
  expect(await read({ by: 'total', of: 'members' })).toEqual([['calls', '02-01T00', 11, memberId]]);
  expect(await read({ by: 'total', of: 'keys' })).toEqual([
    ['calls', '02-01T00', 4, keyId],
    ['calls', '02-01T00', 5, other],
  ]);
  expect(await read({ zone: 'America/New_York', quota: 'calls' })).toEqual([
    ['calls', '01-31T05', 9],
    ['calls', '02-01T05', 7],
  ]);
  expect((await plans.usage.periods(tenantId)).map(({ meter, per, used }) => [meter, per, used])).toEqual([
    ['calls', 'month', 16],
    ['jobs', 'day', 2],
  ]);
  const stranger = await makeTenant(database, 'free');
  expect(await plans.usage.read(stranger, range)).toEqual([]);
  for (const wrong of [{ zone: 'Mars' }, { by: 'week' }, { of: 'all' }, { from: new Date(Number.NaN) }]) {
    await expect(
      Reflect.apply(plans.usage.read, plans.usage, [tenantId, { ...range, ...wrong }]),
    ).rejects.toMatchObject({ code: 'config_invalid' });
  }
});

it('tells of each crossing once, in both directions, whichever process sees it', async () => {
  const tenantId = await makeTenant(database, 'free');
  const processes = [create(), create(), create()];
  await times(90, (index) => (processes[index % 3] ?? plans).consume(tenantId, 'calls'));
  expect(told()).toEqual(['calls 80 up']);
  await plans.consume(tenantId, 'calls', 10);
  await plans.consume(tenantId, 'calls', 10);
  expect(told()).toEqual(['calls 80 up', 'calls 100 up']);
  await plans.terms.override(tenantId, { meters: { calls: 1000 } });
  await plans.check(tenantId, 'calls');
  await plans.consume(tenantId, 'calls');
  expect(told()).toEqual(['calls 80 up', 'calls 100 up', 'calls 100 down', 'calls 80 down']);
  events = [];
  await plans.consume(tenantId, 'bots', 3);
  await plans.consume(tenantId, 'bots');
  await plans.release(tenantId, 'bots', 3);
  expect(told()).toEqual(['bots 50 up', 'bots 100 up', 'bots 100 down', 'bots 50 down']);
});

it('tells of a crossing downwards when a reservation gives its units back', async () => {
  const tenantId = await makeTenant(database, 'free');
  const held = await plans.reservations.hold(tenantId, 'calls', 85);
  if (!held.ok) throw new Error('refused');
  expect(told()).toEqual(['calls 80 up']);
  await plans.reservations.commit(tenantId, held.reservationId, 10);
  expect(told()).toEqual(['calls 80 up', 'calls 80 down']);
  const again = await plans.reservations.hold(tenantId, 'calls', 85, { seconds: 60 });
  if (!again.ok) throw new Error('refused');
  clock.advance(60_000);
  expect(await plans.reservations.release(tenantId, again.reservationId)).toMatchObject({
    reason: 'reservation_expired',
  });
  expect(told()).toEqual(['calls 80 up', 'calls 80 down', 'calls 80 up', 'calls 80 down']);
});

it('uses the units when the sink fails, and tells of the crossing later', async () => {
  const tenantId = await makeTenant(database, 'free');
  broken = true;
  expect(await plans.consume(tenantId, 'calls', 85)).toMatchObject({ ok: true, used: 85 });
  broken = false;
  await plans.consume(tenantId, 'calls');
  expect(told()).toEqual(['calls 80 up']);
});

it('foretells when a quota will be used up', async () => {
  const tenantId = await makeTenant(database, 'free');
  clock.advance(10 * 24 * hour);
  for (let n = 0; n < 7; n += 1) {
    clock.advance(24 * hour);
    await plans.consume(tenantId, 'calls', 5);
  }
  const forecast = await plans.usage.forecast(tenantId, 'calls');
  expect(forecast).toMatchObject({ used: 35, remaining: 65, perDay: 5, exhaustsAt: null });
  await plans.consume(tenantId, 'calls', 45);
  const { exhaustsAt } = await plans.usage.forecast(tenantId, 'calls');
  expect(exhaustsAt?.toISOString().slice(0, 10)).toBe('2026-02-19');
  // A period that began within an hour, and one of a program that writes down no hours.
  const young = await makeTenant(database, 'free');
  clock.set('2026-02-10T09:45:00.000Z');
  await plans.consume(young, 'jobs', 2);
  clock.set('2026-02-10T11:30:00.000Z');
  const pace = { used: 2, remaining: 7, perDay: 24, exhaustsAt: new Date('2026-02-10T18:30:00.000Z') };
  expect(await plans.usage.forecast(young, 'jobs')).toMatchObject(pace);
  const plain = createPlans({ db: database.app, plans: catalogue, clock, history: false });
  expect(await plain.usage.forecast(young, 'jobs')).toMatchObject(pace);
  const state = { used: 0, remaining: 10, resetsAt: null };
  const at = new Date(start);
  expect(forecastOf({ state, units: 0, since: at, now: at })).toEqual({
    used: 0,
    remaining: 10,
    perDay: 0,
    exhaustsAt: null,
    usedAtEnd: null,
  });
  expect(forecastOf({ state: { ...state, remaining: 0 }, units: 0, since: at, now: at })).toMatchObject({
    exhaustsAt: at,
  });
});

it('tells the billing provider of each unit once, the same ones again under the same id after a crash', async () => {
  const tenantId = await makeTenant(database, 'metered');
  const sent: UsageExport[] = [];
  const send = async (usage: UsageExport): Promise<void> => {
    sent.push(usage);
  };
  await plans.consume(tenantId, 'calls', 8);
  expect(await plans.usage.export(tenantId, send)).toBe(0);
  await plans.consume(tenantId, 'calls', 6);
  const crash = plans.usage.export(tenantId, async (usage) => {
    sent.push(usage);
    throw new Error('the line is cut');
  });
  await expect(crash).rejects.toThrow('the line is cut');
  await plans.consume(tenantId, 'calls', 3);
  expect(await create().usage.export(tenantId, send)).toBe(7);
  expect(sent.map(({ units }) => units)).toEqual([4, 4, 3]);
  expect(sent[0]).toEqual(sent[1]);
  expect(new Set(sent.map(({ id }) => id)).size).toBe(2);
  expect(await plans.usage.export(tenantId, send)).toBe(0);
  // A late unit of a period that is over.
  clock.set('2026-03-01T00:00:00Z');
  const at = new Date('2026-02-28T09:00:00Z');
  await plans.consume(tenantId, 'calls', 2, { at });
  expect([await plans.usage.export(tenantId, send), await plans.usage.export(tenantId, send, { at })]).toEqual([0, 2]);
});

it('tells the billing provider of no unit that may still be given back', async () => {
  const tenantId = await makeTenant(database, 'metered');
  const sent: number[] = [];
  const tell = () => plans.usage.export(tenantId, async ({ units }) => void sent.push(units));
  await plans.grants.add(tenantId, 'calls', { amount: 3 });
  await plans.consume(tenantId, 'calls', 6);
  // Four of the plan, three of the grant, and five beyond.
  const held = await plans.reservations.hold(tenantId, 'calls', 12);
  if (!held.ok) throw new Error('refused');
  await plans.consume(tenantId, 'calls', 2);
  await tell();
  // Without the twelve it is two of ten that are left free.
  expect(sent).toEqual([]);
  await plans.reservations.commit(tenantId, held.reservationId, 9);
  await tell();
  expect(sent).toEqual([4]);
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ used: 14, overage: 4 });
});
