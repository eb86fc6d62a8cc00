import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOrganizations, type OrganizationEvent } from '../../src/organizations/index.ts';
import { createTenancy, perOrg } from '../../src/tenancy/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { pgliteDatabase, postgresDatabase, type TestDatabase } from '../support/databases.ts';

type Empty = Record<string, never>;

const stranger = '00000000-0000-7000-8000-00000000dead';

for (const make of [pgliteDatabase, postgresDatabase]) {
  describe(`organizations (${make.name})`, () => {
    let database: TestDatabase<Empty>;
    let events: OrganizationEvent[] = [];
    const clock = fixedClock('2026-03-01T12:00:00Z');

    beforeAll(async () => {
      database = await make<Empty>();
    });
    afterAll(() => database.destroy());

    const plain = () => createOrganizations({ db: database.app, clock, roles: { therapist: ['vouchers:*'] } });
    const telling = () => {
      events = [];
      return createOrganizations({
        db: database.app,
        clock,
        events: async (event) => {
          events.push(event);
        },
      });
    };
    const told = () => events.map((event) => [event.name, event.data]);
    const rowsOf = async (table: string): Promise<number> => {
      const { rows } = await sql<{ n: number }>`select count(*)::integer as n from ${sql.table(table)}`.execute(
        database.app,
      );
      return rows[0]?.n ?? -1;
    };

    describe('create', () => {
      it('makes the organization, its tenant and its owner', async () => {
        const organizations = plain();
        const made = await organizations.create({
          name: '  Café "Zoë" & Söhne ',
          owner: { userId: 'ada', email: 'ada@example.com', name: 'Ada' },
          plan: 'team',
          seats: 5,
        });
        expect(made).toMatchObject({
          name: 'Café "Zoë" & Söhne',
          slug: 'cafe-zoe-and-sohne',
          plan: 'team',
          status: 'active',
          seatsBought: 5,
          seatsTaken: 1,
          createdAt: clock(),
          owner: { userId: 'ada', email: 'ada@example.com', name: 'Ada', role: 'owner', status: 'active' },
        });
        const { owner, ...organization } = made;
        expect(await organizations.get(made.tenantId)).toEqual(organization);
        expect(await organizations.getBySlug(made.slug)).toEqual(organization);
        expect(await organizations.members.list({ tenantId: made.tenantId })).toEqual({
          items: [owner],
          nextCursor: null,
        });
      });

      it('starts on the plan and the seats of the module when none are given', async () => {
        const organizations = createOrganizations({ db: database.app, plan: 'free', seats: 3 });
        expect(await organizations.create({ name: 'Begin', owner: { userId: 'ada' } })).toMatchObject({
          plan: 'free',
          seatsBought: 3,
        });
        expect(await organizations.create({ name: 'Begin', owner: { userId: 'ada' }, seats: null })).toMatchObject({
          slug: 'begin-2',
          seatsBought: null,
        });
      });

      it('refuses a slug that is taken, and leaves nothing behind', async () => {
        const organizations = plain();
        await organizations.create({ name: 'First', slug: 'wanted', owner: { userId: 'ada' } });
        const tables = ['tenants', 'tenant_lookups', 'organizations', 'members'].map((name) => `tenantry.${name}`);
        const before = await Promise.all(tables.map(rowsOf));
        await expect(
          organizations.create({ name: 'Second', slug: 'wanted', owner: { userId: 'bob' } }),
        ).rejects.toMatchObject({ code: 'slug_taken', details: { slug: 'wanted' }, status: 409 });
        expect(await Promise.all(tables.map(rowsOf))).toEqual(before);
      });

      it('numbers slugs that it makes, and ends numbering with a random tail', async () => {
        const organizations = plain();
        const slugs: string[] = [];
        for (let count = 0; count < 21; count += 1) {
          slugs.push((await organizations.create({ name: 'Same Name', owner: { userId: 'ada' } })).slug);
        }
        expect(slugs.slice(0, 3)).toEqual(['same-name', 'same-name-2', 'same-name-3']);
        expect(slugs[18]).toBe('same-name-19');
        expect(slugs[19]).toMatch(/^same-name-[0-9a-f]{8}$/);
        expect(new Set(slugs).size).toBe(21);
      });

      it.each([
        [{ name: ' ', owner: { userId: 'ada' } }, 'name_invalid'],
        [{ name: 'a\u0000b', owner: { userId: 'ada' } }, 'name_invalid'],
        [{ name: 'Acme', owner: { userId: '' } }, 'name_invalid'],
        [{ name: 'Acme', owner: { userId: 'a\u0000' } }, 'name_invalid'],
        [{ name: 'Acme', owner: { userId: 'half \ud800' } }, 'name_invalid'],
        [{ name: 'Acme', slug: 'www', owner: { userId: 'ada' } }, 'slug_invalid'],
        [{ name: 'Acme', slug: 'Not OK', owner: { userId: 'ada' } }, 'slug_invalid'],
        [{ name: 'Acme', seats: 0, owner: { userId: 'ada' } }, 'amount_invalid'],
        [{ name: 'Acme', seats: 1.5, owner: { userId: 'ada' } }, 'amount_invalid'],
      ])('refuses %j with %s', async (input, code) => {
        await expect(plain().create(input)).rejects.toMatchObject({ code });
      });

      it("stands or falls with the caller's transaction", async () => {
        const organizations = plain();
        const before = await rowsOf('tenantry.tenants');
        const undone = database.app.transaction().execute(async (tx) => {
          await organizations.create({ name: 'Gone', owner: { userId: 'ada' } }, { db: tx });
          throw new Error('no');
        });
        await expect(undone).rejects.toThrow('no');
        expect(await rowsOf('tenantry.tenants')).toBe(before);
      });
    });

    describe('members', () => {
      it('adds a member once and keeps what was there', async () => {
        const { create, members, seats } = plain();
        const { tenantId } = await create({ name: 'Add', owner: { userId: 'ada' } });
        const first = await members.add({ tenantId, userId: 'bob', role: 'therapist', email: 'bob@example.com' });
        expect(first).toMatchObject({
          created: true,
          member: { userId: 'bob', role: 'therapist', status: 'active', email: 'bob@example.com' },
        });
        const again = await members.add({ tenantId, userId: 'bob', role: 'admin', email: 'other@example.com' });
        expect(again).toEqual({ created: false, member: first.member });
        expect(await seats(tenantId)).toMatchObject({ bought: null, taken: 2, free: null });
        expect(await members.get({ tenantId, userId: 'bob' })).toEqual(first.member);
        expect(await members.get({ tenantId, memberId: first.member.id })).toEqual(first.member);
      });

      it('takes user ids as they are', async () => {
        const { create, members } = plain();
        const { tenantId } = await create({ name: 'Opaque', owner: { userId: 'ada' } });
        const ids = ['Ada', ' ada', 'é', 'e\u0301', 'o\'neil"; --', '42', '🦊'];
        for (const userId of ids) expect(await members.add({ tenantId, userId })).toMatchObject({ created: true });
        const { items } = await members.list({ tenantId });
        expect(items.map((member) => member.userId)).toEqual(['ada', ...ids]);
      });

      it('frees the seat of a removed member, keeps the row, and takes them back in the role given then', async () => {
        const { create, members, seats } = plain();
        const { tenantId } = await create({ name: 'Return', seats: 2, owner: { userId: 'ada' } });
        const { member } = await members.add({ tenantId, userId: 'bob', role: 'owner' });
        await expect(members.add({ tenantId, userId: 'eve' })).rejects.toMatchObject({
          code: 'seats_exhausted',
          details: { tenantId, bought: 2, taken: 2 },
        });
        expect(await members.remove({ tenantId, userId: 'bob' })).toMatchObject({
          changed: true,
          member: { id: member.id, status: 'removed' },
        });
        expect(await members.remove({ tenantId, memberId: member.id })).toMatchObject({ changed: false });
        expect(await seats(tenantId)).toMatchObject({ bought: 2, taken: 1, free: 1 });
        expect((await members.list({ tenantId })).items).toHaveLength(1);
        expect((await members.list({ tenantId, statuses: ['removed'] })).items).toMatchObject([{ id: member.id }]);
        for (const refused of [
          () => members.setRole({ tenantId, userId: 'bob', role: 'admin' }),
          () => members.suspend({ tenantId, userId: 'bob' }),
          () => members.activate({ tenantId, userId: 'bob' }),
        ]) {
          await expect(refused()).rejects.toMatchObject({ code: 'member_not_found' });
        }
        expect(await members.add({ tenantId, userId: 'bob' })).toMatchObject({
          created: true,
          member: { id: member.id, role: 'member', status: 'active' },
        });
        expect(await seats(tenantId)).toMatchObject({ bought: 2, taken: 2, free: 0 });
      });

      it('counts pending members and not suspended ones', async () => {
        const { create, members, seats } = plain();
        const { tenantId } = await create({ name: 'Status', seats: 3, owner: { userId: 'ada' } });
        await members.add({ tenantId, userId: 'bob', status: 'pending' });
        expect(await seats(tenantId)).toMatchObject({ taken: 2 });
        expect(await members.activate({ tenantId, userId: 'bob' })).toMatchObject({
          changed: true,
          member: { status: 'active' },
        });
        expect(await members.activate({ tenantId, userId: 'bob' })).toMatchObject({ changed: false });
        expect(await seats(tenantId)).toMatchObject({ taken: 2 });
        await members.suspend({ tenantId, userId: 'bob' });
        expect(await members.suspend({ tenantId, userId: 'bob' })).toMatchObject({ changed: false });
        expect(await seats(tenantId)).toMatchObject({ taken: 1 });
        expect(await members.add({ tenantId, userId: 'bob' })).toMatchObject({
          created: false,
          member: { status: 'suspended' },
        });
        await members.add({ tenantId, userId: 'eve' });
        await members.add({ tenantId, userId: 'kim' });
        await expect(members.activate({ tenantId, userId: 'bob' })).rejects.toMatchObject({ code: 'seats_exhausted' });
        await members.remove({ tenantId, userId: 'kim' });
        expect(await members.activate({ tenantId, userId: 'bob' })).toMatchObject({ changed: true });
        await members.suspend({ tenantId, userId: 'bob' });
        await members.remove({ tenantId, userId: 'bob' });
        expect(await seats(tenantId)).toMatchObject({ taken: 2 });
      });

      it('keeps the last active owner', async () => {
        const { create, members } = plain();
        const { tenantId, owner } = await create({ name: 'Owner', owner: { userId: 'ada' } });
        await members.add({ tenantId, userId: 'bob', role: 'owner', status: 'pending' });
        for (const refused of [
          () => members.setRole({ tenantId, memberId: owner.id, role: 'admin' }),
          () => members.suspend({ tenantId, userId: 'ada' }),
          () => members.remove({ tenantId, userId: 'ada' }),
        ]) {
          await expect(refused()).rejects.toMatchObject({ code: 'last_owner', details: { tenantId }, status: 409 });
        }
        expect(await members.setRole({ tenantId, userId: 'ada', role: 'owner' })).toMatchObject({ changed: false });
        await members.activate({ tenantId, userId: 'bob' });
        expect(await members.setRole({ tenantId, userId: 'ada', role: 'admin' })).toMatchObject({
          changed: true,
          member: { role: 'admin' },
        });
        await expect(members.remove({ tenantId, userId: 'bob' })).rejects.toMatchObject({ code: 'last_owner' });
      });

      it('does not reach members of another organization', async () => {
        const { create, members, membershipOf } = plain();
        const a = await create({ name: 'A', owner: { userId: 'ada' } });
        const b = await create({ name: 'B', owner: { userId: 'bob' } });
        await members.add({ tenantId: b.tenantId, userId: 'kim', role: 'owner' });
        const foreign = { tenantId: a.tenantId, memberId: b.owner.id };
        for (const refused of [
          () => members.setRole({ ...foreign, role: 'member' }),
          () => members.suspend(foreign),
          () => members.remove(foreign),
          () => members.activate({ tenantId: a.tenantId, userId: 'bob' }),
        ]) {
          await expect(refused()).rejects.toMatchObject({ code: 'member_not_found' });
        }
        expect(await members.get(foreign)).toBeNull();
        expect(await membershipOf(a.tenantId, 'bob')).toBeNull();
        expect(await membershipOf(b.tenantId, 'bob')).toEqual({ memberId: b.owner.id, role: 'owner' });
      });

      it("works in a tenant's transaction under row-level security, and for that tenant alone", async () => {
        const { create, members, setSeats, membershipOf } = telling();
        const a = await create({ name: 'Inside', seats: 2, owner: { userId: 'ada' } });
        const b = await create({ name: 'Outside', seats: 2, owner: { userId: 'ada' } });
        const tenancy = createTenancy({ db: database.app, strategy: perOrg() });
        await tenancy.transaction(a.tenantId, async (tx) => {
          const inside = { tenantId: a.tenantId, userId: 'bob' };
          const outside = { tenantId: b.tenantId, userId: 'bob' };
          expect(await members.add(inside, { db: tx })).toMatchObject({ created: true });
          await expect(members.add({ ...inside, userId: 'eve' }, { db: tx })).rejects.toMatchObject({
            code: 'seats_exhausted',
          });
          expect(await setSeats(a.tenantId, 3, { db: tx })).toMatchObject({ bought: 3, taken: 2, free: 1 });
          expect(await members.setRole({ ...inside, role: 'owner' }, { db: tx })).toMatchObject({ changed: true });
          expect(await members.remove({ ...inside, userId: 'ada' }, { db: tx })).toMatchObject({ changed: true });
          expect(await membershipOf(a.tenantId, 'ada', { db: tx })).toBeNull();
          expect(await membershipOf(b.tenantId, 'ada', { db: tx })).toBeNull();
          for (const refused of [
            () => members.add(outside, { db: tx }),
            () => members.remove({ ...outside, userId: 'ada' }, { db: tx }),
            () => setSeats(b.tenantId, 3, { db: tx }),
          ]) {
            await expect(refused()).rejects.toMatchObject({ code: 'organization_not_found' });
          }
        });
        expect(await membershipOf(b.tenantId, 'ada')).toMatchObject({ role: 'owner' });
      });

      it('answers unknown organizations, members, roles and ids that are none with their codes', async () => {
        const { create, members, seats, setSeats, get, membershipOf } = plain();
        const { tenantId } = await create({ name: 'Unknown', owner: { userId: 'ada' } });
        for (const tenant of [stranger, 'no uuid']) {
          const refused = [
            () => members.add({ tenantId: tenant, userId: 'bob' }),
            () => members.remove({ tenantId: tenant, userId: 'bob' }),
            () => seats(tenant),
            () => setSeats(tenant, 3),
          ];
          for (const one of refused) await expect(one()).rejects.toMatchObject({ code: 'organization_not_found' });
          expect(await get(tenant)).toBeNull();
          expect(await membershipOf(tenant, 'ada')).toBeNull();
        }
        for (const ref of [{ memberId: stranger }, { memberId: 'no uuid' }, { userId: 'bob' }]) {
          await expect(members.remove({ tenantId, ...ref })).rejects.toMatchObject({ code: 'member_not_found' });
        }
        const role: string = 'wizard';
        const open: ReturnType<typeof createOrganizations<Record<string, readonly string[]>>> = createOrganizations({
          db: database.app,
        });
        await expect(open.members.add({ tenantId, userId: 'bob', role })).rejects.toMatchObject({
          code: 'role_unknown',
          details: { role, known: ['owner', 'admin', 'member'] },
        });
        await expect(open.members.setRole({ tenantId, userId: 'ada', role })).rejects.toMatchObject({
          code: 'role_unknown',
        });
      });

      it('lists a long organization part by part, without a cap and without a gap', async () => {
        const { create, members } = plain();
        const { tenantId, owner } = await create({ name: 'Long', owner: { userId: 'ada' } });
        const added = [owner.id];
        for (let index = 0; index < 24; index += 1) {
          added.push((await members.add({ tenantId, userId: `u${index}` })).member.id);
        }
        const seen: string[] = [];
        const sizes: number[] = [];
        let cursor: string | null = null;
        do {
          const page: Awaited<ReturnType<typeof members.list>> = await members.list({ tenantId, limit: 5, cursor });
          seen.push(...page.items.map((member) => member.id));
          sizes.push(page.items.length);
          cursor = page.nextCursor;
        } while (cursor !== null);
        expect(seen).toEqual(added);
        expect(sizes).toEqual([5, 5, 5, 5, 5]);
        for (const limit of [0, 1001, 1.5]) {
          await expect(members.list({ tenantId, limit })).rejects.toMatchObject({ code: 'amount_invalid' });
        }
        await expect(members.list({ tenantId, cursor: 'x' })).rejects.toMatchObject({ code: 'name_invalid' });
      });

      it('lists the organizations that a user is an active member of', async () => {
        const { create, members, ofUser } = plain();
        const made = [];
        for (const name of ['One', 'Two', 'Three']) made.push(await create({ name, owner: { userId: `${name}!` } }));
        for (const { tenantId } of made) await members.add({ tenantId, userId: 'guest', role: 'admin' });
        const page = await ofUser({ userId: 'guest', limit: 2 });
        expect(page.items.map(({ organization, role }) => [organization.name, role])).toEqual([
          ['One', 'admin'],
          ['Two', 'admin'],
        ]);
        const rest = await ofUser({ userId: 'guest', limit: 2, cursor: page.nextCursor });
        expect(rest).toMatchObject({ items: [{ organization: { name: 'Three' } }], nextCursor: null });
        await members.suspend({ tenantId: made[0]?.tenantId ?? '', userId: 'guest' });
        await members.remove({ tenantId: made[1]?.tenantId ?? '', userId: 'guest' });
        expect((await ofUser({ userId: 'guest' })).items).toMatchObject([{ organization: { name: 'Three' } }]);
      });
    });

    describe('seats', () => {
      it('may go below what is taken: nobody goes, nobody comes', async () => {
        const { create, members, setSeats, seats } = plain();
        const { tenantId } = await create({ name: 'Below', seats: 3, owner: { userId: 'ada' } });
        await members.add({ tenantId, userId: 'bob' });
        await members.add({ tenantId, userId: 'eve' });
        expect(await setSeats(tenantId, 1)).toMatchObject({ bought: 1, taken: 3, free: 0 });
        expect((await members.list({ tenantId })).items).toHaveLength(3);
        await members.remove({ tenantId, userId: 'eve' });
        await expect(members.add({ tenantId, userId: 'kim' })).rejects.toMatchObject({
          code: 'seats_exhausted',
          details: { bought: 1, taken: 2 },
        });
        expect(await setSeats(tenantId, null)).toMatchObject({ bought: null, taken: 2, free: null });
        await members.add({ tenantId, userId: 'kim' });
        expect(await seats(tenantId)).toMatchObject({ bought: null, taken: 3, free: null });
        expect(await setSeats(tenantId, 0)).toMatchObject({ bought: 0, taken: 3, free: 0 });
        for (const bought of [-1, 1.5, Number.NaN, 2 ** 31]) {
          await expect(setSeats(tenantId, bought)).rejects.toMatchObject({ code: 'amount_invalid' });
        }
      });

      it("counts the revision of the tenant's entitlements up when the number is another", async () => {
        const { create, setSeats } = plain();
        const { tenantId } = await create({ name: 'Revision', seats: 3, owner: { userId: 'ada' } });
        const revision = async () => {
          const { rows } = await sql<{ entitlement_revision: string }>`
            select entitlement_revision from tenantry.tenants where tenant_id = ${tenantId}::uuid`.execute(
            database.app,
          );
          return Number(rows[0]?.entitlement_revision);
        };
        const before = await revision();
        await setSeats(tenantId, 4);
        await setSeats(tenantId, 4);
        expect(await revision()).toBe(before + 1);
      });
    });

    describe('roles', () => {
      it("joins the application's roles with the default ones", () => {
        const { permissionsOf } = plain();
        expect(['owner', 'admin', 'member', 'therapist', 'wizard', 'constructor'].map(permissionsOf)).toEqual([
          ['*'],
          ['*:read', '*:write', '*:manage'],
          ['*:read', '*:write'],
          ['vouchers:*'],
          [],
          [],
        ]);
      });

      it.each([
        { owner: ['*:read'] },
        { 'two words': ['*:read'] },
        { therapist: ['vouchers write'] },
        { therapist: [''] },
      ])('refuses %j at creation', (roles: Record<string, readonly string[]>) => {
        expect(() => createOrganizations({ db: database.app, roles })).toThrow(
          expect.objectContaining({ code: 'config_invalid' }),
        );
      });
    });

    describe('events', () => {
      it('tells of every change once, and of nothing that did not change', async () => {
        const { create, members, setSeats } = telling();
        const { tenantId, owner } = await create({ name: 'Events', seats: 3, owner: { userId: 'ada' } });
        const ada = { memberId: owner.id, userId: 'ada' };
        expect(told()).toEqual([
          ['tenant.created', { kind: 'organization', name: 'Events', plan: 'default' }],
          ['organization.created', { name: 'Events', slug: 'events-2', ownerId: owner.id }],
          ['member.added', { ...ada, role: 'owner', status: 'active', returned: false }],
        ]);
        expect(events.every((event) => event.tenantId === tenantId && event.occurredAt.getTime() === +clock())).toBe(
          true,
        );
        events = [];
        const { member } = await members.add({ tenantId, userId: 'bob', status: 'pending' });
        const bob = { memberId: member.id, userId: 'bob' };
        await members.add({ tenantId, userId: 'bob' });
        await members.activate({ tenantId, userId: 'bob' });
        await members.setRole({ tenantId, userId: 'bob', role: 'owner' });
        await members.setRole({ tenantId, userId: 'bob', role: 'owner' });
        await members.suspend({ tenantId, userId: 'bob' });
        await members.remove({ tenantId, userId: 'bob' });
        await members.add({ tenantId, userId: 'bob' });
        await setSeats(tenantId, 2);
        await setSeats(tenantId, 2);
        const seats = (taken: number, previousTaken: number, bought = 3) => ({
          bought,
          taken,
          held: 0,
          previousBought: 3,
          previousTaken,
          previousHeld: 0,
        });
        expect(told()).toEqual([
          ['member.added', { ...bob, role: 'member', status: 'pending', returned: false }],
          ['seats.changed', seats(2, 1)],
          ['member.activated', { ...bob, role: 'member', previousStatus: 'pending' }],
          ['member.role_changed', { ...bob, role: 'owner', previousRole: 'member' }],
          ['member.suspended', { ...bob, role: 'owner' }],
          ['seats.changed', seats(1, 2)],
          ['member.removed', { ...bob, role: 'owner' }],
          ['member.added', { ...bob, role: 'member', status: 'active', returned: true }],
          ['seats.changed', seats(2, 1)],
          ['seats.changed', seats(2, 2, 2)],
        ]);
      });

      it('undoes the change when the sink fails', async () => {
        const { tenantId } = await plain().create({ name: 'Fail', seats: 3, owner: { userId: 'ada' } });
        const failing = createOrganizations({
          db: database.app,
          events: async () => {
            throw new Error('sink');
          },
        });
        await expect(failing.members.add({ tenantId, userId: 'bob' })).rejects.toThrow('sink');
        await expect(failing.setSeats(tenantId, 9)).rejects.toThrow('sink');
        const before = await rowsOf('tenantry.tenants');
        await expect(failing.create({ name: 'Fail', owner: { userId: 'ada' } })).rejects.toThrow('sink');
        expect(await rowsOf('tenantry.tenants')).toBe(before);
        expect(await plain().seats(tenantId)).toMatchObject({ bought: 3, taken: 1, free: 2 });
        expect(await plain().members.get({ tenantId, userId: 'bob' })).toBeNull();
      });

      it("writes through the causing transaction, and through the caller's where there is one", async () => {
        const seen: boolean[] = [];
        const { create, members } = createOrganizations({
          db: database.app,
          events: async (event, tx) => {
            const { rows } =
              await sql`select 1 from tenantry.tenants where tenant_id = ${event.tenantId}::uuid`.execute(tx);
            seen.push(tx.isTransaction && rows.length === 1);
          },
        });
        await database.app.transaction().execute(async (tx) => {
          const { tenantId } = await create({ name: 'Joined', owner: { userId: 'ada' } }, { db: tx });
          await members.add({ tenantId, userId: 'bob' }, { db: tx });
          await expect(members.remove({ tenantId, userId: 'ada' }, { db: tx })).rejects.toMatchObject({
            code: 'last_owner',
          });
          expect(await members.add({ tenantId, userId: 'bob' }, { db: tx })).toMatchObject({ created: false });
        });
        expect(seen).toEqual([true, true, true, true, true]);
      });
    });
  });
}
