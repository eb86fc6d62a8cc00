import { createTenantry, definePlans, hybridSeats } from 'tenantry';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fixedClock } from '../../src/testing/index.ts';
import { type CountingDatabase, countingDatabase } from '../support/counting.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

const clock = fixedClock('2026-03-01T12:00:00Z');
const plans = definePlans({
  free: { limits: { bots: 5 }, quotas: { calls: { amount: 100, per: 'month' }, jobs: { amount: 9, per: 'day' } } },
});

let database: TestDatabase<Record<string, never>>;
let counting: CountingDatabase<Record<string, never>>;
beforeAll(async () => {
  database = await postgresDatabase();
  counting = countingDatabase(database.urls?.app ?? '');
});
afterAll(async () => {
  await counting.destroy();
  await database.destroy();
});

const wire = () =>
  createTenantry({ db: counting.db, clock, plans, strategy: hybridSeats({ plan: 'free', seats: 9 }), audit: false });

it('keeps what each member uses of a quota, in the statement that uses it, and the sums never differ', async () => {
  const tenantry = wire();
  const { tenantId, owner } = await tenantry.organizations.create({ name: 'Usage', owner: { userId: 'ada' } });
  const { member } = await tenantry.organizations.members.add({ tenantId, userId: 'bob' });
  const [ada, bob] = [
    await tenantry.access.forUser({ userId: 'ada', tenantId }),
    await tenantry.access.forUser({ userId: 'bob', tenantId }),
  ];
  const { secret } = await tenantry.apiKeys.issue({ tenantId });
  const whole = await tenantry.access.authenticate({ authorization: `Bearer ${secret}` });
  await ada.consume('calls', 3);
  expect(await counting.during(() => bob.consume('calls', 2))).toHaveLength(1);
  await whole.consume('calls', 5);
  await ada.consume('bots');
  await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? ada : bob).consume('calls')));
  const usage = await tenantry.plans.usageByMember(tenantId, 'calls');
  expect(usage).toEqual({
    items: [
      { memberId: owner.id, used: 23 },
      { memberId: member.id, used: 22 },
    ],
    nextCursor: null,
  });
  expect(await whole.check('calls')).toMatchObject({ used: 50 });
  await expect(bob.consume('calls', 51)).rejects.toMatchObject({ code: 'quota_exceeded' });
  expect(await tenantry.plans.usageByMember(tenantId, 'calls')).toEqual(usage);
  expect((await tenantry.plans.usageByMember(tenantId, 'bots')).items).toEqual([]);
  const first = await tenantry.plans.usageByMember(tenantId, 'calls', { limit: 1 });
  expect(first).toEqual({ items: [{ memberId: owner.id, used: 23 }], nextCursor: owner.id });
  expect(await tenantry.plans.usageByMember(tenantId, 'calls', { limit: 1, cursor: first.nextCursor })).toEqual({
    items: [{ memberId: member.id, used: 22 }],
    nextCursor: null,
  });
  const now = clock();
  clock.advance(31 * 86_400_000);
  await bob.consume('calls', 7);
  expect((await tenantry.plans.usageByMember(tenantId, 'calls')).items).toEqual([{ memberId: member.id, used: 7 }]);
  expect((await tenantry.plans.usageByMember(tenantId, 'calls', { at: now })).items).toHaveLength(2);
});

it('keeps nothing for who is no member, and what is kept stands or falls with the transaction', async () => {
  const tenantry = wire();
  const { tenantId, owner } = await tenantry.organizations.create({ name: 'Nobody', owner: { userId: 'ada' } });
  const other = await tenantry.organizations.create({ name: 'Other', owner: { userId: 'eve' } });
  for (const memberId of [other.owner.id, 'no uuid', '00000000-0000-7000-8000-00000000dead']) {
    expect(await tenantry.plans.consume(tenantId, 'jobs', 1, { memberId })).toMatchObject({ ok: true });
  }
  const undone = counting.db.transaction().execute(async (tx) => {
    await tenantry.plans.consume(tenantId, 'jobs', 1, { memberId: owner.id, db: tx });
    expect((await tenantry.plans.usageByMember(tenantId, 'jobs', { db: tx })).items).toHaveLength(1);
    throw new Error('no');
  });
  await expect(undone).rejects.toThrow('no');
  expect((await tenantry.plans.usageByMember(tenantId, 'jobs')).items).toEqual([]);
  expect((await tenantry.plans.usageByMember(other.tenantId, 'jobs')).items).toEqual([]);
  expect(await tenantry.plans.check(tenantId, 'jobs')).toMatchObject({ used: 3 });
  for (const limit of [0, 1001, 1.5]) {
    await expect(tenantry.plans.usageByMember(tenantId, 'jobs', { limit })).rejects.toMatchObject({
      code: 'amount_invalid',
    });
  }
  await expect(tenantry.plans.usageByMember(tenantId, 'jobs', { cursor: 'x' })).rejects.toMatchObject({
    code: 'name_invalid',
  });
});
