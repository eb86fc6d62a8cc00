import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { createOrganizations } from '../../src/organizations/index.ts';
import { pgliteDatabase, postgresDatabase } from '../support/databases.ts';
import { organizationWorld } from '../support/organization-world.ts';

for (const make of [pgliteDatabase, postgresDatabase]) {
  describe(`organizations (${make.name})`, async () => {
    const { database, clock, events, plain, telling } = await organizationWorld(make);
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
        events.length = 0;
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
