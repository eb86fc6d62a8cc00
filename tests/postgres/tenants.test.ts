import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTenancy, hybridSeats, none, perOrg, perUser, type TenancyEvent } from '../../src/tenancy/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { pgliteDatabase, postgresDatabase, type TestDatabase } from '../support/databases.ts';

type Empty = Record<string, never>;

const stranger = '00000000-0000-7000-8000-00000000dead';
let count = 0;
const newUser = (): string => {
  count += 1;
  return `user ${count}`;
};

describe('strategies', () => {
  it('say who the tenant is and what follows from it', () => {
    const facts = [none(), perUser(), perOrg(), perOrg({ seats: 10 }), hybridSeats(), hybridSeats({ seats: 5 })].map(
      ({ name, plan, tenantKind, made, actors, actingRole, seats, bill }) => [
        name,
        plan,
        tenantKind,
        made,
        actors,
        actingRole,
        `${seats.rule} ${seats.initial}`,
        bill,
      ],
    );
    expect(facts).toEqual([
      ['none', 'default', 'program', 'at-install', 'everyone', 'member', 'none null', 'nothing'],
      ['per-user', 'default', 'user', 'at-first-sight', 'its-user', 'owner', 'one 1', 'user'],
      ['per-org', 'default', 'organization', 'when-created', 'its-members', null, 'cap null', 'organization'],
      ['per-org', 'default', 'organization', 'when-created', 'its-members', null, 'cap 10', 'organization'],
      ['hybrid-seats', 'default', 'organization', 'when-created', 'its-members', null, 'bought 1', 'base+seats+usage'],
      ['hybrid-seats', 'default', 'organization', 'when-created', 'its-members', null, 'bought 5', 'base+seats+usage'],
    ]);
    expect(none({ plan: 'self-hosted', role: 'admin', bill: 'licence' })).toMatchObject({
      plan: 'self-hosted',
      actingRole: 'admin',
      bill: 'licence',
    });
  });

  it.each([
    () => none({ role: ' ' }),
    () => none({ name: '' }),
    () => perUser({ plan: '' }),
    () => perOrg({ seats: 0 }),
    () => hybridSeats({ seats: 1.5 }),
    () => hybridSeats({ seats: Number.NaN }),
  ])('refuse what cannot be, when they are made: %s', (make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });
});

for (const make of [pgliteDatabase, postgresDatabase]) {
  describe(`tenants (${make.name})`, () => {
    let database: TestDatabase<Empty>;
    const told: TenancyEvent[] = [];
    const clock = fixedClock('2026-03-01T12:00:00Z');

    beforeAll(async () => {
      database = await make<Empty>();
    });
    beforeEach(() => {
      told.length = 0;
    });
    afterAll(() => database.destroy());

    const plain = () => createTenancy({ db: database.app, clock, strategy: perUser({ plan: 'free' }) });
    const telling = () =>
      createTenancy({
        db: database.app,
        clock,
        strategy: perUser({ plan: 'free' }),
        events: async (event, tx) => {
          await sleep(Math.random());
          await sql`select 1`.execute(tx);
          told.push(event);
        },
      });

    it('reads a tenant, and null for what is none', async () => {
      const tenancy = plain();
      const { tenantId } = await tenancy.provision({ userId: newUser(), name: 'Ada' });
      expect(await tenancy.get(tenantId)).toEqual({
        tenantId,
        kind: 'user',
        name: 'Ada',
        status: 'active',
        plan: 'free',
        subscriptionStatus: null,
        anchorAt: clock(),
        entitlementRevision: 1,
        createdAt: clock(),
      });
      for (const id of [stranger, 'no uuid', '']) expect(await tenancy.get(id)).toBeNull();
    });

    it.each([{ sink: false }, { sink: true }])(
      'makes one tenant of 50 first sights at once (sink: $sink)',
      async ({ sink }) => {
        const tenancy = sink ? telling() : plain();
        const userId = newUser();
        const seen = await Promise.all(
          Array.from({ length: 50 }, async (_, index) => {
            if (index % 2 === 0) return tenancy.provision({ userId });
            const resolution = await tenancy.resolve({ userId });
            return { tenantId: resolution.ok ? resolution.tenantId : resolution.reason, created: null };
          }),
        );
        expect(new Set(seen.map((one) => one.tenantId)).size).toBe(1);
        expect(seen.filter((one) => one.created).length).toBeLessThanOrEqual(1);
        const { rows } = await sql`select 1 from tenantry.tenants where name = ${userId}`.execute(database.app);
        expect(rows).toHaveLength(1);
        if (sink) expect(told.map((event) => event.name)).toEqual(['tenant.created']);
      },
    );

    it("makes one tenant of the whole program, whoever is first, and leaves others' alone", async () => {
      const tenancy = createTenancy({ db: database.app, strategy: none({ name: 'The program', role: 'admin' }) });
      const other = await plain().provision({ userId: newUser() });
      const seen = await Promise.all(
        Array.from({ length: 50 }, (_, index) => tenancy.provision({ userId: `user ${index}`, name: `Name ${index}` })),
      );
      const ids = new Set(seen.map((one) => one.tenantId));
      expect(ids.size).toBe(1);
      expect(seen.filter((one) => one.created)).toHaveLength(1);
      const [tenantId = ''] = ids;
      expect(await tenancy.get(tenantId)).toMatchObject({ kind: 'program', name: 'The program' });
      expect(await tenancy.resolve({ userId: 'anybody' })).toMatchObject({ ok: true, tenantId, role: 'admin' });
      expect(await tenancy.resolve({ userId: 'anybody', tenantId: other.tenantId })).toEqual({
        ok: false,
        reason: 'tenant_not_found',
      });
    });

    it('suspends and resumes, and tells of it once however many do it at once', async () => {
      const tenancy = telling();
      const userId = newUser();
      const { tenantId } = await tenancy.provision({ userId });
      told.length = 0;
      const suspended = await Promise.all(Array.from({ length: 10 }, () => tenancy.suspend(tenantId)));
      expect(suspended.filter((one) => one.changed)).toHaveLength(1);
      expect(suspended.every((one) => one.tenant.status === 'suspended')).toBe(true);
      expect(await tenancy.resolve({ userId })).toEqual({ ok: false, reason: 'tenant_suspended' });
      expect(await tenancy.resolve({ userId: newUser(), tenantId })).toEqual({ ok: false, reason: 'tenant_not_found' });
      const resumed = await Promise.all(Array.from({ length: 10 }, () => tenancy.resume(tenantId)));
      expect(resumed.filter((one) => one.changed)).toHaveLength(1);
      expect(await tenancy.resolve({ userId })).toMatchObject({ ok: true, tenantId, role: 'owner', memberId: null });
      expect(told.map((event) => [event.name, event.tenantId, event.occurredAt])).toEqual([
        ['tenant.suspended', tenantId, clock()],
        ['tenant.resumed', tenantId, clock()],
      ]);
      expect((await tenancy.get(tenantId))?.entitlementRevision).toBe(1);
    });

    it('sets plan, state of the subscription and anchor, and counts the revision up with each change', async () => {
      const tenancy = telling();
      const { tenantId } = await tenancy.provision({ userId: newUser() });
      told.length = 0;
      expect(await tenancy.setPlan(tenantId, 'pro', { subscriptionStatus: 'trialing' })).toMatchObject({
        changed: true,
        tenant: { plan: 'pro', subscriptionStatus: 'trialing', entitlementRevision: 2 },
      });
      expect(await tenancy.setPlan(tenantId, 'pro')).toMatchObject({
        changed: false,
        tenant: { plan: 'pro', subscriptionStatus: 'trialing', entitlementRevision: 2 },
      });
      const anchorAt = new Date('2026-04-15T00:00:00Z');
      expect(await tenancy.setPlan(tenantId, 'pro', { anchorAt, subscriptionStatus: null })).toMatchObject({
        changed: true,
        tenant: { anchorAt, subscriptionStatus: null, entitlementRevision: 3 },
      });
      expect(told.map((event) => event.data)).toEqual([
        {
          plan: 'pro',
          previousPlan: 'free',
          subscriptionStatus: 'trialing',
          previousSubscriptionStatus: null,
        },
        {
          plan: 'pro',
          previousPlan: 'pro',
          subscriptionStatus: null,
          previousSubscriptionStatus: 'trialing',
        },
      ]);
    });

    it('counts the revision up once for each of many plans set at once', async () => {
      const tenancy = plain();
      const { tenantId } = await tenancy.provision({ userId: newUser() });
      const changes = await Promise.all(
        Array.from({ length: 20 }, (_, index) => tenancy.setPlan(tenantId, `plan ${index}`)),
      );
      expect(changes.every((one) => one.changed)).toBe(true);
      expect(changes.map((one) => one.tenant.entitlementRevision).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 20 }, (_, index) => index + 2),
      );
    });

    it('knows the plans there are, where it was told', async () => {
      const options = { db: database.app, plans: ['free', 'pro'] };
      const tenancy = createTenancy({ ...options, strategy: perUser({ plan: 'free' }) });
      const { tenantId } = await tenancy.provision({ userId: newUser() });
      await expect(tenancy.setPlan(tenantId, 'gold')).rejects.toMatchObject({
        code: 'plan_unknown',
        details: { plan: 'gold', known: ['free', 'pro'] },
      });
      expect(() => createTenancy({ ...options, strategy: perUser() })).toThrow(
        expect.objectContaining({ code: 'plan_unknown' }),
      );
    });

    it('answers unknown tenants with their code, whatever the id', async () => {
      const tenancy = plain();
      for (const id of [stranger, 'no uuid', '']) {
        for (const call of [() => tenancy.suspend(id), () => tenancy.resume(id), () => tenancy.setPlan(id, 'pro')]) {
          await expect(call()).rejects.toMatchObject({ code: 'tenant_not_found' });
        }
        expect(await tenancy.resolve({ userId: 'ada', tenantId: id })).toEqual({
          ok: false,
          reason: 'tenant_not_found',
        });
      }
    });

    it('makes no tenant of a user who names one that is not theirs', async () => {
      const userId = newUser();
      expect(await plain().resolve({ userId, tenantId: stranger })).toEqual({ ok: false, reason: 'tenant_not_found' });
      const { rows } = await sql`select 1 from tenantry.tenants where name = ${userId}`.execute(database.app);
      expect(rows).toEqual([]);
    });

    it.each(['', 'a\u0000b', 'half \udc00', 'x'.repeat(256)])('refuses %j as a user', async (userId) => {
      await expect(plain().provision({ userId })).rejects.toMatchObject({ code: 'name_invalid' });
      await expect(plain().resolve({ userId })).rejects.toMatchObject({ code: 'name_invalid' });
    });

    it('keeps users apart whose ids look alike', async () => {
      const alike = ['É', 'É'.normalize('NFD'), ' É', 'é'];
      const tenants = await Promise.all(alike.map((userId) => plain().provision({ userId })));
      expect(new Set(tenants.map((one) => one.tenantId)).size).toBe(alike.length);
    });

    it('undoes the tenant, and the change, when the sink fails', async () => {
      const userId = newUser();
      const { tenantId } = await plain().provision({ userId: newUser() });
      const failing = createTenancy({
        db: database.app,
        strategy: perUser(),
        events: async () => {
          throw new Error('sink');
        },
      });
      await expect(failing.provision({ userId })).rejects.toThrow('sink');
      await expect(failing.suspend(tenantId)).rejects.toThrow('sink');
      await expect(failing.setPlan(tenantId, 'pro')).rejects.toThrow('sink');
      const { rows } = await sql`select 1 from tenantry.tenant_lookups where value = ${userId}`.execute(database.app);
      expect(rows).toEqual([]);
      expect(await plain().get(tenantId)).toMatchObject({ status: 'active', plan: 'free', entitlementRevision: 1 });
    });

    it("joins the caller's transaction", async () => {
      const tenancy = telling();
      const userId = newUser();
      const work = database.app.transaction().execute(async (tx) => {
        const { tenantId } = await tenancy.provision({ userId }, { db: tx });
        await tenancy.suspend(tenantId, { db: tx });
        expect(await tenancy.resolve({ userId }, { db: tx })).toEqual({ ok: false, reason: 'tenant_suspended' });
        throw new Error('undo');
      });
      await expect(work).rejects.toThrow('undo');
      expect(told.map((event) => event.name)).toEqual(['tenant.created', 'tenant.suspended']);
      const { rows } = await sql`select 1 from tenantry.tenants where name = ${userId}`.execute(database.app);
      expect(rows).toEqual([]);
    });

    it('says what is missing when it should make an organization and cannot', async () => {
      const tenancy = createTenancy({ db: database.app, strategy: perOrg() });
      await expect(tenancy.provision({ userId: 'ada' })).rejects.toMatchObject({ code: 'config_invalid' });
    });

    it("asks a function of the application's own about memberships where there is one", async () => {
      const { tenantId } = await plain().provision({ userId: newUser() });
      const tenancy = createTenancy({
        db: database.app,
        strategy: perOrg(),
        membershipOf: async (_tenantId, userId) =>
          userId === 'ada' ? { memberId: 'employee 7', role: 'therapist' } : null,
      });
      expect(await tenancy.resolve({ userId: 'ada', tenantId: tenantId.toUpperCase() })).toMatchObject({
        ok: true,
        tenantId,
        role: 'therapist',
        memberId: 'employee 7',
      });
      expect(await tenancy.resolve({ userId: 'bob', tenantId })).toEqual({ ok: false, reason: 'tenant_not_found' });
      expect(await tenancy.resolve({ userId: 'ada', tenantId: stranger })).toEqual({
        ok: false,
        reason: 'tenant_not_found',
      });
      expect(await tenancy.resolve({ userId: 'ada' })).toEqual({ ok: false, reason: 'tenant_required' });
      await plain().suspend(tenantId);
      expect(await tenancy.resolve({ userId: 'ada', tenantId })).toEqual({ ok: false, reason: 'tenant_suspended' });
      expect(await tenancy.resolve({ userId: 'bob', tenantId })).toEqual({ ok: false, reason: 'tenant_not_found' });
    });
  });
}
