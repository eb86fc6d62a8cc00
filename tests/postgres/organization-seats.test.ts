import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOrganizations, type OrganizationEvent } from '../../src/organizations/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { type CountingDatabase, countingDatabase } from '../support/counting.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

const clock = fixedClock('2026-03-01T12:00:00Z');
const day = 86_400_000;

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

describe('who is billable', () => {
  const roles = { therapist: ['vouchers:*'], client: ['vouchers:read'] } as const;
  const clinic = () =>
    createOrganizations({ db: database.app, clock, roles, billable: { roles: ['owner', 'admin', 'therapist'] } });

  it('is said by a role: clients take no seat, and none when they are invited', async () => {
    const { create, members, invitations, seats } = clinic();
    const { tenantId } = await create({ name: 'Clinic', seats: 2, owner: { userId: 'ada' } });
    for (const userId of ['c1', 'c2', 'c3']) await members.add({ tenantId, userId, role: 'client' });
    const { token } = await invitations.create({ tenantId, email: 'c4@example.com', role: 'client' });
    expect(await seats(tenantId)).toMatchObject({ taken: 1, held: 0, free: 1 });
    await invitations.accept({ token, userId: 'c4', verifiedEmail: 'c4@example.com' });
    await members.add({ tenantId, userId: 't1', role: 'therapist' });
    expect(await seats(tenantId)).toMatchObject({ taken: 2, free: 0 });
    await expect(members.setRole({ tenantId, userId: 'c1', role: 'therapist' })).rejects.toMatchObject({
      code: 'seats_exhausted',
    });
    await expect(members.add({ tenantId, userId: 't2', role: 'therapist' })).rejects.toMatchObject({
      code: 'seats_exhausted',
    });
    await members.setRole({ tenantId, userId: 't1', role: 'client' });
    expect(await seats(tenantId)).toMatchObject({ taken: 1, free: 1 });
    await members.setRole({ tenantId, userId: 'c1', role: 'therapist' });
    await members.suspend({ tenantId, userId: 'c2' });
    await members.remove({ tenantId, userId: 'c1' });
    expect(await seats(tenantId)).toMatchObject({ taken: 1, free: 1 });
    await members.transferOwnership({ tenantId, fromUserId: 'ada', toUserId: 'c3', role: 'client' });
    expect(await seats(tenantId)).toMatchObject({ taken: 1, free: 1 });
  });

  it('is said by a state: who is still to come takes none', async () => {
    const { create, members, invitations, seats } = createOrganizations({
      db: database.app,
      clock,
      billable: { statuses: ['active'] },
    });
    const { tenantId } = await create({ name: 'Active', seats: 2, owner: { userId: 'ada' } });
    for (const userId of ['p1', 'p2']) await members.add({ tenantId, userId, status: 'pending' });
    const { token } = await invitations.create({ tenantId, email: 'i@example.com' });
    expect(await seats(tenantId)).toMatchObject({ taken: 1, held: 0, free: 1 });
    await members.activate({ tenantId, userId: 'p1' });
    await expect(members.activate({ tenantId, userId: 'p2' })).rejects.toMatchObject({ code: 'seats_exhausted' });
    const accept = { token, userId: 'i', verifiedEmail: 'i@example.com' };
    await expect(invitations.accept(accept)).rejects.toMatchObject({ code: 'seats_exhausted' });
    await members.remove({ tenantId, userId: 'p1' });
    expect(await invitations.accept(accept)).toMatchObject({ created: true });
    expect(await seats(tenantId)).toMatchObject({ taken: 2, held: 0 });
  });

  it('may leave out even the owner', async () => {
    const { create, seats } = createOrganizations({ db: database.app, clock, billable: { roles: ['member'] } });
    const made = await create({ name: 'Free', seats: 1, owner: { userId: 'ada' } });
    expect(made.seatsTaken).toBe(0);
    expect(await seats(made.tenantId)).toMatchObject({ taken: 0, free: 1 });
  });

  it('is counted anew when the rule is another, and each member by it from then on', async () => {
    const told: OrganizationEvent[] = [];
    const before = createOrganizations({ db: database.app, clock, roles });
    const { tenantId } = await before.create({ name: 'Rule', seats: 9, owner: { userId: 'ada' } });
    for (const userId of ['c1', 'c2', 'c3']) await before.members.add({ tenantId, userId, role: 'client' });
    await before.invitations.create({ tenantId, email: 'c4@example.com', role: 'client' });
    expect(await before.seats(tenantId)).toMatchObject({ taken: 4, held: 1 });
    const after = createOrganizations({
      db: database.app,
      clock,
      roles,
      billable: { roles: ['owner'] },
      events: async (event) => {
        told.push(event);
      },
    });
    await after.members.remove({ tenantId, userId: 'c1' });
    expect(await after.seats(tenantId)).toMatchObject({ taken: 3, held: 1 });
    expect(await after.recountSeats(tenantId)).toMatchObject({ taken: 1, held: 0, free: 8 });
    expect(told.at(-1)).toMatchObject({
      name: 'seats.changed',
      data: { taken: 1, previousTaken: 3, held: 0, previousHeld: 1 },
    });
    await after.members.remove({ tenantId, userId: 'c2' });
    expect(await after.seats(tenantId)).toMatchObject({ taken: 1 });
    expect(await before.recountSeats(tenantId)).toMatchObject({ taken: 2, held: 1 });
    await expect(before.recountSeats('00000000-0000-7000-8000-00000000dead')).rejects.toMatchObject({
      code: 'organization_not_found',
    });
  });

  it.each([{ roles: ['wizard'] }, { roles: 'owner' }, { statuses: ['removed'] }, { statuses: 'active' }])(
    'is not %j',
    (billable) => {
      const strange = billable as unknown as { roles: ['owner'] };
      expect(() => createOrganizations({ db: database.app, billable: strange })).toThrow();
    },
  );
});

describe('fewer seats bought than taken', () => {
  it('is told with since when and until when, and ends when there is room again', async () => {
    const { create, members, setSeats, seats } = createOrganizations({
      db: database.app,
      clock,
      whenSeatsExceeded: { policy: 'read-only', graceDays: 14 },
    });
    const { tenantId } = await create({ name: 'Grace', seats: 3, owner: { userId: 'ada' } });
    for (const userId of ['bob', 'eve']) await members.add({ tenantId, userId });
    const since = clock();
    const graceUntil = new Date(since.getTime() + 14 * day);
    expect(await setSeats(tenantId, 2)).toMatchObject({ exceeded: { since, graceUntil, standing: 'grace' } });
    clock.advance(day);
    expect(await setSeats(tenantId, 1)).toMatchObject({ exceeded: { since, standing: 'grace' } });
    clock.advance(13 * day);
    expect(await seats(tenantId)).toMatchObject({ free: 0, exceeded: { since, standing: 'read-only' } });
    await members.remove({ tenantId, userId: 'eve' });
    expect(await seats(tenantId)).toMatchObject({ exceeded: { since } });
    await members.remove({ tenantId, userId: 'bob' });
    expect(await seats(tenantId)).toMatchObject({ exceeded: null });
    await setSeats(tenantId, 0);
    expect(await seats(tenantId)).toMatchObject({ exceeded: { since: clock(), standing: 'grace' } });
    expect(await setSeats(tenantId, null)).toMatchObject({ exceeded: null });
  });

  it.each([{ policy: 'delete' }, { policy: 'block', graceDays: -1 }, { policy: 'block', graceDays: Number.NaN }])(
    'has no policy %j',
    (policy) => {
      const strange = policy as unknown as { policy: 'block' };
      expect(() => createOrganizations({ db: database.app, whenSeatsExceeded: strange })).toThrow(
        expect.objectContaining({ code: 'config_invalid' }),
      );
    },
  );

  it('are set by who may', async () => {
    const { create, members, setSeats } = createOrganizations({ db: database.app, clock });
    const { tenantId } = await create({ name: 'May', seats: 3, owner: { userId: 'ada' } });
    await members.add({ tenantId, userId: 'bob' });
    await expect(setSeats(tenantId, 9, { by: { userId: 'bob' } })).rejects.toMatchObject({
      code: 'permission_denied',
      details: { permission: 'seats:manage' },
    });
    expect(await setSeats(tenantId, 9, { by: { userId: 'ada' } })).toMatchObject({ bought: 9 });
  });
});

describe('statements', () => {
  it('are as few as can be', async () => {
    const organizations = createOrganizations({ db: counting.db, clock });
    const { create, members, grants, invitations, seats, standingOf, ofUser } = organizations;
    const { tenantId } = await create({ name: 'Count', owner: { userId: 'ada' } });
    for (let n = 0; n < 5; n += 1) await members.add({ tenantId, userId: `u${n}` });
    const count = async (work: () => Promise<unknown>): Promise<number> => (await counting.during(work)).length;
    expect(await count(() => create({ name: 'One', owner: { userId: 'ada' } }))).toBe(1);
    expect(await count(() => members.list({ tenantId, limit: 2 }))).toBe(1);
    expect(await count(() => members.add({ tenantId, userId: 'new' }))).toBe(1);
    expect(await count(() => members.remove({ tenantId, userId: 'new' }))).toBe(1);
    expect(await count(() => members.setRole({ tenantId, userId: 'u1', role: 'admin' }))).toBe(1);
    expect(
      await count(() => members.setRole({ tenantId, userId: 'u2', role: 'admin' }, { by: { userId: 'ada' } })),
    ).toBe(2);
    expect(await count(() => grants.give({ tenantId, userId: 'u1', permission: 'a' }))).toBe(1);
    expect(await count(() => standingOf({ tenantId, userId: 'u1' }))).toBe(1);
    expect(await count(() => grants.list({ tenantId }))).toBe(1);
    expect(await count(() => invitations.create({ tenantId, email: 'x@example.com' }))).toBe(1);
    expect(await count(() => invitations.list({ tenantId }))).toBe(1);
    expect(await count(() => seats(tenantId))).toBe(1);
    expect(await count(() => ofUser({ userId: 'ada' }))).toBe(1);
    const limited = createOrganizations({ db: counting.db, clock, organizationsPerUser: 100 });
    const sent = await counting.during(() => limited.create({ name: 'Limited', owner: { userId: 'ada' } }));
    expect([sent[0], sent.length, sent.at(-1)]).toEqual([expect.stringMatching(/^begin/), 5, 'commit']);
  });

  it('make an organization with events in one transaction, which a failing sink undoes', async () => {
    const rows = async () =>
      (await sql<{ n: number }>`select count(*)::integer as n from tenantry.tenants`.execute(database.app)).rows[0]?.n;
    const before = await rows();
    let seen = 0;
    const { create } = createOrganizations({
      db: counting.db,
      clock,
      organizationsPerUser: 100,
      events: async () => {
        seen += 1;
        if (seen === 3) throw new Error('sink');
      },
    });
    await expect(create({ name: 'Undone', slug: 'undone', owner: { userId: 'ada' } })).rejects.toThrow('sink');
    expect(await rows()).toBe(before);
    expect(await create({ name: 'Done', slug: 'undone', owner: { userId: 'ada' } })).toMatchObject({ slug: 'undone' });
  });
});
