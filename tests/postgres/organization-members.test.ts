import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { createOrganizations } from '../../src/organizations/index.ts';
import { createTenancy, perOrg } from '../../src/tenancy/index.ts';
import { pgliteDatabase, postgresDatabase } from '../support/databases.ts';
import { organizationWorld } from '../support/organization-world.ts';

const stranger = '00000000-0000-7000-8000-00000000dead';

for (const make of [pgliteDatabase, postgresDatabase]) {
  describe(`members of organizations (${make.name})`, async () => {
    const { database, events, plain, telling } = await organizationWorld(make);

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

    it('shows another name and address once they are told, and keeps the version of the membership', async () => {
      const { create, members } = telling();
      const { tenantId, owner } = await create({ name: 'Names', owner: { userId: 'ada', name: 'Ada' } });
      const bob = { tenantId, userId: 'bob' };
      await members.add({ ...bob, name: 'Bob', email: 'bob@example.com' });
      await members.add({ tenantId, userId: 'eve', email: 'bob@new.example' });
      const versions = () =>
        sql<{ revision: string }>`select revision::text from tenantry.members order by id`.execute(database.owner);
      const before = (await versions()).rows;
      events.length = 0;
      // Addresses are nobody's alone within an organization: two users may share one.
      const named = await members.update({ ...bob, name: ' Robert ', email: 'bob@new.example' }, { by: bob });
      expect(named).toMatchObject({
        changed: true,
        member: { name: 'Robert', email: 'bob@new.example', role: 'member' },
      });
      const { id: memberId } = named.member;
      const data = { memberId, userId: 'bob', role: 'member', name: 'Robert', email: 'bob@new.example' };
      expect(events).toMatchObject([
        {
          name: 'member.updated',
          tenantId,
          actor: { userId: 'bob' },
          data: { ...data, previousName: 'Bob', previousEmail: 'bob@example.com' },
        },
      ]);
      expect(await members.update({ ...bob, name: 'Robert' })).toEqual({ changed: false, member: named.member });
      expect(await members.update({ tenantId, memberId })).toEqual({ changed: false, member: named.member });
      expect(events).toHaveLength(1);
      expect(await members.update({ tenantId, memberId, email: null })).toMatchObject({
        member: { name: 'Robert', email: null },
      });
      expect((await versions()).rows).toEqual(before);

      const ownerRef = { tenantId, memberId: owner.id };
      await members.setRole({ tenantId, userId: 'eve', role: 'admin' });
      for (const [call, code] of [
        [() => members.update({ ...ownerRef, name: 'x' }, { by: { userId: 'bob' } }), 'permission_denied'],
        [() => members.update({ ...ownerRef, name: 'x' }, { by: { userId: 'eve' } }), 'permission_denied'],
        [() => members.update({ ...bob, name: 'x' }, { by: { userId: 'nobody' } }), 'organization_not_found'],
        [() => members.update({ tenantId: stranger, userId: 'bob', name: 'x' }), 'organization_not_found'],
        [() => members.update({ tenantId, userId: 'nobody', name: 'x' }), 'member_not_found'],
        [() => members.update({ tenantId, memberId: stranger, name: 'x' }), 'member_not_found'],
        [() => members.update({ ...bob, name: ' ' }), 'name_invalid'],
        [() => members.update({ ...bob, email: 'a\u0000@example.com' }), 'name_invalid'],
      ] as const) {
        await expect(call()).rejects.toMatchObject({ code });
      }
      expect(await members.update({ ...bob, name: 'Bob' }, { by: { userId: 'eve' } })).toMatchObject({ changed: true });
      await members.remove(bob);
      await expect(members.update({ ...bob, name: 'x' })).rejects.toMatchObject({ code: 'member_not_found' });
      expect((await members.get(ownerRef))?.name).toBe('Ada');
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
}
