import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOrganizations, type EndedAccess, type OrganizationEvent } from '../../src/organizations/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { clinics, staffed } from '../support/staffed-organization.ts';

let database: TestDatabase<Record<string, never>>;
beforeAll(async () => {
  database = await postgresDatabase();
});
afterAll(() => database.destroy());

const make = (more: Parameters<typeof clinics>[1] = {}) => clinics(database.app, more);
const by = (userId: string) => ({ by: { userId } });
const denied = { code: 'permission_denied', status: 403 };

describe('ownership and the end of accounts', () => {
  it('goes from one to another in one step', async () => {
    const told: OrganizationEvent[] = [];
    const { tenantId, ref } = await staffed(make());
    const { members } = make({ told });
    const handed = await members.transferOwnership({ tenantId, fromUserId: 'owner', toUserId: 'client' }, by('owner'));
    expect(handed).toMatchObject({
      from: { userId: 'owner', role: 'admin' },
      to: { userId: 'client', role: 'owner' },
    });
    expect(told.map(({ name }) => name)).toEqual([
      'organization.ownership_transferred',
      'member.role_changed',
      'member.role_changed',
    ]);
    for (const [fromUserId, toUserId, code] of [
      ['owner', 'member', 'member_not_found'],
      ['client', 'nobody', 'member_not_found'],
      ['client', 'client', 'name_invalid'],
    ] as const) {
      await expect(members.transferOwnership({ tenantId, fromUserId, toUserId })).rejects.toMatchObject({ code });
    }
    await members.suspend(ref('member'));
    await expect(
      members.transferOwnership({ tenantId, fromUserId: 'client', toUserId: 'member' }),
    ).rejects.toMatchObject({ code: 'member_not_found' });
    expect(await members.get(ref('client'))).toMatchObject({ role: 'owner' });
  });

  it('takes a user out of all organizations, or out of none where they are the only owner', async () => {
    const cut: EndedAccess[] = [];
    const { create, members } = make({ cut });
    const places = [];
    for (const name of ['A', 'B', 'C']) places.push(await create({ name, owner: { userId: `${name}-owner` } }));
    for (const { tenantId } of places) {
      await members.add({ tenantId, userId: 'gone', email: 'gone@example.com', name: 'Gone' });
    }
    const own = await create({ name: 'Own', owner: { userId: 'gone', email: 'gone@example.com' } });
    await expect(members.removeUser({ userId: 'gone' })).rejects.toMatchObject({
      code: 'last_owner',
      details: { tenantId: own.tenantId },
    });
    for (const { tenantId } of places) {
      expect(await members.get({ tenantId, userId: 'gone' })).toMatchObject({ status: 'active', name: 'Gone' });
    }
    expect(cut).toEqual([]);
    await members.add({ tenantId: own.tenantId, userId: 'heir', role: 'owner' });
    await expect(members.removeUser({ userId: 'gone' }, by('heir'))).rejects.toMatchObject(denied);
    const left = await members.removeUser({ userId: 'gone' }, by('gone'));
    expect(left).toEqual([...places, own].map(({ tenantId }) => tenantId).toSorted());
    expect(cut.map(({ how, userId }) => [how, userId])).toEqual(left.map(() => ['removed', 'gone']));
    for (const tenantId of left) {
      const facts = { status: 'removed', email: null, name: null };
      expect(await members.get({ tenantId, userId: 'gone' })).toMatchObject(facts);
    }
    expect(await members.removeUser({ userId: 'gone' })).toEqual([]);
  });

  it('cuts what members hold in the transaction that ends their access', async () => {
    const cut: EndedAccess[] = [];
    const { tenantId, ref } = await staffed(make());
    const { members } = make({ cut });
    await members.suspend(ref('client'));
    await members.suspend(ref('client'));
    await members.remove(ref('client'));
    expect(cut.map(({ how }) => how)).toEqual(['suspended', 'removed']);
    const failing = createOrganizations({
      db: database.app,
      cutAccess: async () => {
        throw new Error('no');
      },
    });
    await expect(failing.members.remove({ tenantId, userId: 'member' })).rejects.toThrow('no');
    expect(await members.get(ref('member'))).toMatchObject({ status: 'active' });
  });

  it('counts the revision of a member up with role, status and grants', async () => {
    const organizations = make();
    const { tenantId, ref } = await staffed(organizations);
    const revision = async () => {
      const { rows } = await sql<{ revision: string }>`
        select revision from tenantry.members where tenant_id = ${tenantId}::uuid and user_id = 'client'`.execute(
        database.app,
      );
      return Number(rows[0]?.revision);
    };
    const seen = [await revision()];
    await organizations.members.setRole({ ...ref('client'), role: 'member' });
    seen.push(await revision());
    await organizations.grants.give({ ...ref('client'), permission: 'a' });
    seen.push(await revision());
    await organizations.grants.revoke({ ...ref('client'), permission: 'a' });
    seen.push(await revision());
    await organizations.members.suspend(ref('client'));
    seen.push(await revision());
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });
});
