import { Client } from 'pg';
import { beforeEach, expect, it } from 'vitest';
import { createOrganizations } from '../../src/organizations/index.ts';
import { createPlans, definePlans } from '../../src/plans/index.ts';
import { planWorld } from '../support/plan-world.ts';
import { grantCatalogue as catalogue, makeTenant, times } from '../support/plans.ts';
import { untilSomebodyWaits } from '../support/until.ts';

const { database, clock, start } = await planWorld();
const create = () => createPlans({ db: database.app, plans: catalogue, clock });
let plans: ReturnType<typeof create>;
beforeEach(() => {
  plans = create();
});

it('holds units for a job: uses a part and gives the rest back where it came from', async () => {
  const tenantId = await makeTenant(database, 'free');
  await plans.grants.add(tenantId, 'calls', { amount: 5 });
  const held = await plans.reservations.hold(tenantId, 'calls', 12, { seconds: 60 });
  expect(held).toMatchObject({
    ok: true,
    used: 10,
    granted: 3,
    remaining: 3,
    expiresAt: new Date('2026-02-01T00:01:00Z'),
  });
  if (!held.ok) throw new Error('refused');
  expect(await plans.consume(tenantId, 'calls', 4)).toMatchObject({ ok: false });
  await expect(plans.reservations.commit(tenantId, held.reservationId, 13)).rejects.toMatchObject({
    code: 'amount_invalid',
  });
  const done = { ok: true, committed: 7, returned: 5 };
  expect(await plans.reservations.commit(tenantId, held.reservationId, 7)).toEqual(done);
  expect(await plans.reservations.commit(tenantId, held.reservationId, 7)).toEqual(done);
  expect(await plans.reservations.release(tenantId, held.reservationId)).toEqual({
    ok: false,
    reason: 'reservation_settled',
  });
  expect(await plans.check(tenantId, 'calls')).toMatchObject({ used: 7, granted: 5, remaining: 8 });
  const unknown = '00000000-0000-7000-8000-00000000dead';
  for (const id of [unknown, 'no uuid']) {
    expect(await plans.reservations.commit(tenantId, id)).toEqual({ ok: false, reason: 'reservation_not_found' });
  }
  const stranger = await makeTenant(database, 'free');
  expect(await plans.reservations.release(stranger, held.reservationId)).toEqual({
    ok: false,
    reason: 'reservation_not_found',
  });
});

it('frees units of a reservation whose time is over, or takes them for used, as it says', async () => {
  for (const meter of ['calls', 'bots'] as const) {
    const tenantId = await makeTenant(database, 'free');
    const most = meter === 'calls' ? 10 : 3;
    const held = await plans.reservations.hold(tenantId, meter, most, { seconds: 60 });
    if (!held.ok) throw new Error('refused');
    expect(await plans.consume(tenantId, meter)).toMatchObject({ ok: false });
    clock.advance(60_000);
    expect(await plans.reservations.commit(tenantId, held.reservationId)).toEqual({
      ok: false,
      reason: 'reservation_expired',
    });
    expect(await create().consume(tenantId, meter, most)).toMatchObject({ ok: true, used: most });
    expect(await plans.reservations.commit(tenantId, held.reservationId)).toEqual({
      ok: false,
      reason: 'reservation_expired',
    });
    clock.set(start);
  }
  const tenantId = await makeTenant(database, 'free');
  await plans.reservations.hold(tenantId, 'calls', 9, { seconds: 60, onExpiry: 'commit' });
  clock.advance(60_000);
  expect(await plans.consume(tenantId, 'calls', 2)).toMatchObject({ ok: false, used: 9 });
});

it('counts nothing of a reservation that is over to what others use, and tells of the crossing back', async () => {
  const told: string[] = [];
  const watched = createPlans({
    db: database.app,
    clock,
    plans: definePlans({ free: { quotas: { calls: { amount: 100, per: 'month', alerts: [50] } } } }),
    async events(event) {
      if (event.name === 'usage.alert') told.push(`${event.tenantId} ${event.data.direction}`);
    },
  });
  const tenants = await Promise.all(Array.from({ length: 3 }, () => makeTenant(database, 'free')));
  // The first is alone in its statement, the others share one.
  for (const together of [tenants.slice(0, 1), tenants.slice(1)]) {
    for (const tenantId of together) {
      await watched.consume(tenantId, 'calls', 1);
      await watched.reservations.hold(tenantId, 'calls', 60, { seconds: 10 });
    }
    const consume = () => Promise.all(together.map((tenantId) => watched.consume(tenantId, 'calls', 2)));
    expect(await consume()).toMatchObject(together.map(() => ({ ok: true, used: 63, remaining: 37 })));
    clock.advance(10_000);
    expect(await consume()).toMatchObject(together.map(() => ({ ok: true, used: 5, remaining: 95 })));
  }
  expect(told.toSorted()).toEqual(tenants.flatMap((tenantId) => [`${tenantId} down`, `${tenantId} up`]).toSorted());
});

it('locks no counter in a transaction before the reservations that are over, as whoever settles them', async () => {
  const tenantId = await makeTenant(database, 'free');
  await plans.reservations.hold(tenantId, 'calls', 4, { seconds: 10 });
  clock.advance(10_000);
  const settling = new Client({ connectionString: database.urls?.superuser });
  await settling.connect();
  await settling.query('begin');
  await settling.query('select from tenantry.usage_reservations where tenant_id = $1 for update', [tenantId]);
  const consumed = database.app
    .transaction()
    .execute((tx) => plans.consume(tenantId, 'calls', 3, { db: tx, idempotencyKey: 'job' }));
  await untilSomebodyWaits(database);
  const counter = 'select used from tenantry.usage_counters where tenant_id = $1 for no key update nowait';
  expect((await settling.query(counter, [tenantId])).rows).toMatchObject([{ used: '4' }]);
  await settling.query('commit');
  await settling.end();
  expect(await consumed).toMatchObject({ ok: true, used: 3 });
});

it('settles a reservation once, whoever comes first', async () => {
  const tenantId = await makeTenant(database, 'free');
  await plans.grants.add(tenantId, 'calls', { amount: 50 });
  for (let round = 0; round < 10; round += 1) {
    const held = await plans.reservations.hold(tenantId, 'calls', 12);
    if (!held.ok) throw new Error('refused');
    const results = await times(8, (index) =>
      index % 2 === 0
        ? create().reservations.release(tenantId, held.reservationId)
        : plans.reservations.commit(tenantId, held.reservationId, 0),
    );
    for (const result of results) expect(result).toEqual({ ok: true, committed: 0, returned: 12 });
    expect(await plans.check(tenantId, 'calls')).toMatchObject({ used: 0, granted: 50 });
  }
});

it('counts what a reservation that is over held to what is left of a grant', async () => {
  const tenantId = await makeTenant(database, 'free');
  const grant = await plans.grants.add(tenantId, 'sessions', { amount: 10 });
  await plans.reservations.hold(tenantId, 'sessions', 4, { seconds: 60 });
  clock.advance(60_000);
  expect(await plans.grants.list(tenantId, 'sessions')).toMatchObject([{ left: 10, held: 0 }]);
  await plans.reservations.hold(tenantId, 'sessions', 4, { seconds: 60 });
  clock.advance(60_000);
  expect(await plans.grants.revoke(tenantId, grant.id)).toBe(10);
});

it('keeps what members and keys use of what they held, and nothing of limits', async () => {
  const organizations = createOrganizations({ db: database.app, clock });
  const { tenantId } = await organizations.create({ name: 'Acme', owner: { userId: 'ada' }, plan: 'free' });
  const [member] = (await organizations.members.list({ tenantId })).items;
  if (member === undefined) throw new Error('none');
  const [memberId, keyId] = [member.id, '00000000-0000-7000-8000-00000000000b'];
  const stranger = '00000000-0000-7000-8000-00000000000c';
  await plans.grants.add(tenantId, 'calls', { amount: 5 });
  for (const [amount, by] of [
    [12, { memberId, keyId }],
    [3, { memberId: stranger }],
  ] as const) {
    const held = await plans.reservations.hold(tenantId, 'calls', amount, by);
    if (!held.ok) throw new Error('refused');
    await plans.reservations.commit(tenantId, held.reservationId, amount - 1);
  }
  const forgotten = await plans.reservations.hold(tenantId, 'calls', 1, { memberId, seconds: 60, onExpiry: 'commit' });
  const bot = await plans.reservations.hold(tenantId, 'bots', 1, { memberId });
  if (!forgotten.ok || !bot.ok) throw new Error('refused');
  await plans.reservations.commit(tenantId, bot.reservationId);
  clock.advance(60_000);
  await plans.check(tenantId, 'calls');
  expect((await plans.usageByMember(tenantId, 'calls')).items).toEqual([{ memberId, used: 12 }]);
  const read = async (of: 'tenant' | 'members' | 'keys') =>
    (
      await plans.usage.read(tenantId, {
        of,
        by: 'total',
        from: new Date(start),
        to: new Date('2026-02-02'),
      })
    ).map(({ quota, units, subjectId }) => [quota, units, subjectId]);
  expect(await read('tenant')).toEqual([['calls', 14, null]]);
  expect(await read('members')).toEqual(
    [
      ['calls', 12, memberId],
      ['calls', 2, stranger],
    ].toSorted(([, , one], [, , other]) => String(one).localeCompare(String(other))),
  );
  expect(await read('keys')).toEqual([['calls', 11, keyId]]);
  await expect(
    Reflect.apply(plans.reservations.hold, plans.reservations, [tenantId, 'calls', 1, { onExpiry: 'keep' }]),
  ).rejects.toMatchObject({ code: 'config_invalid' });
});

it('gives late units what a reservation held then, and is free by now', async () => {
  const tenantId = await makeTenant(database, 'free');
  await plans.reservations.hold(tenantId, 'calls', 10, { seconds: 3600 });
  clock.advance(3_600_000);
  const at = new Date('2026-02-01T00:30:00Z');
  expect(await create().consume(tenantId, 'calls', 10, { at })).toMatchObject({ ok: true, used: 10 });
});

it('looks no longer than its clock allows, which was set back meanwhile', async () => {
  const tenantId = await makeTenant(database, 'free');
  await plans.reservations.hold(tenantId, 'calls', 10, { seconds: 60 });
  clock.advance(60_000);
  const moments = [clock(), new Date('2026-01-31T23:00:00Z')];
  const jumping = createPlans({ db: database.app, plans: catalogue, clock: () => moments.shift() ?? new Date(start) });
  expect(await jumping.check(tenantId, 'calls')).toMatchObject({ ok: true, used: 0 });
});
