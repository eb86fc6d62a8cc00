import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createOrganizations, type OrganizationEvent } from '../../src/organizations/index.ts';
import { companyOf, withTeams } from '../support/company.ts';
import { type CountingDatabase, countingDatabase } from '../support/counting.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

type Empty = Record<string, never>;

const stranger = '00000000-0000-7000-8000-00000000dead';
const by = (userId: string) => ({ by: { userId } });

let database: TestDatabase<Empty>;
let counting: CountingDatabase<Empty>;
let told: OrganizationEvent[] = [];
beforeAll(async () => {
  database = await postgresDatabase<Empty>();
  counting = countingDatabase<Empty>(database.urls?.app ?? '');
});
beforeEach(() => {
  told = [];
});
afterAll(async () => {
  await counting.destroy();
  await database.destroy();
});

const company = () => companyOf(counting.db);

describe('a tree of teams', () => {
  it('is made, renamed, moved and listed', async () => {
    const { teams, tenantId, engineering, backend, storage, sales, ref } = await company();
    expect((await teams.list({ tenantId })).items).toEqual([engineering, backend, storage, sales]);
    expect((await teams.list({ tenantId, parentId: null })).items).toEqual([engineering, sales]);
    expect((await teams.list({ tenantId, parentId: backend.id })).items).toEqual([storage]);
    const page = await teams.list({ tenantId, limit: 3 });
    expect(page.items).toHaveLength(3);
    expect((await teams.list({ tenantId, limit: 3, cursor: page.nextCursor })).items).toEqual([sales]);
    const moved = await teams.update({ ...ref(storage), name: 'Databases', parentId: sales.id, metadata: { a: 1 } });
    expect(moved).toMatchObject({ name: 'Databases', parentId: sales.id, metadata: { a: 1 } });
    expect(await teams.get(ref(storage))).toEqual(moved);
    expect(await teams.update({ ...ref(storage), parentId: null })).toMatchObject({
      name: 'Databases',
      parentId: null,
    });
  });

  it('has no cycle', async () => {
    const { teams, engineering, backend, storage, ref } = await company();
    for (const [team, parent] of [
      [engineering, engineering],
      [engineering, backend],
      [engineering, storage],
      [backend, storage],
    ] as const) {
      await expect(teams.update({ ...ref(team), parentId: parent.id })).rejects.toMatchObject({
        code: 'team_cycle',
        status: 409,
        details: { team: team.id, parent: parent.id },
      });
    }
    await teams.update({ ...ref(storage), parentId: engineering.id });
    expect(await teams.update({ ...ref(backend), parentId: storage.id })).toMatchObject({ parentId: storage.id });
  });

  it('closes over a team that ends, which takes its shares along', async () => {
    const { teams, tenantId, engineering, backend, storage, ref, host } = await company();
    await teams.share({ ...ref(backend), resource: host('b'), permission: 'hosts:read' });
    await teams.share({ ...ref(engineering), resource: host('e'), permission: 'hosts:read' });
    expect(await teams.remove(ref(backend))).toEqual(backend);
    expect(await teams.get(ref(backend))).toBeNull();
    expect(await teams.get(ref(storage))).toMatchObject({ parentId: engineering.id });
    expect((await teams.resourcesOf({ tenantId, userId: 'storage', type: 'host' })).items).toEqual([
      { id: 'e', permissions: ['hosts:read'] },
    ]);
    expect((await teams.resourcesOf({ tenantId, userId: 'backend', type: 'host' })).items).toEqual([]);
    await expect(teams.remove(ref(backend))).rejects.toMatchObject({ code: 'team_not_found' });
  });
});

describe('members of teams', () => {
  it('have a role there, and leave with their membership', async () => {
    const { teams, members, tenantId, backend, sales, ref } = await company();
    const set = await teams.setMember({ ...ref(backend), userId: 'sales', role: 'lead' });
    expect(set).toMatchObject({ changed: true, member: { userId: 'sales', role: 'lead', teamId: backend.id } });
    const again = { ...ref(backend), userId: 'sales', role: 'lead' } as const;
    expect(await teams.setMember(again)).toMatchObject({ changed: false });
    expect(await teams.setMember({ ...again, role: 'observer' })).toMatchObject({ changed: true });
    expect((await teams.members(ref(backend))).items.map(({ userId, role }) => [userId, role])).toEqual([
      ['backend', 'member'],
      ['sales', 'observer'],
    ]);
    const of = await teams.ofUser({ tenantId, userId: 'sales' });
    expect(of.items.map(({ team, role }) => [team.name, role])).toEqual([
      ['Backend', 'observer'],
      ['Sales', 'member'],
    ]);
    expect(await teams.removeMember({ ...ref(sales), userId: 'sales' })).toBe(true);
    expect(await teams.removeMember({ ...ref(sales), userId: 'sales' })).toBe(false);
    await members.remove({ tenantId, userId: 'sales' });
    expect((await teams.members(ref(backend))).items).toHaveLength(1);
    await expect(teams.setMember({ ...ref(backend), userId: 'sales' })).rejects.toMatchObject({
      code: 'member_not_found',
    });
    await members.add({ tenantId, userId: 'sales' });
    expect((await teams.ofUser({ tenantId, userId: 'sales' })).items).toEqual([]);
  });

  it('are listed part by part', async () => {
    const { teams, members, tenantId, backend, ref } = await company();
    for (let n = 0; n < 9; n += 1) {
      await members.add({ tenantId, userId: `u${n}` });
      await teams.setMember({ ...ref(backend), userId: `u${n}` });
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof teams.members>> = await teams.members({
        ...ref(backend),
        limit: 4,
        cursor,
      });
      seen.push(...page.items.map(({ userId }) => userId));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(['backend', ...Array.from({ length: 9 }, (_, n) => `u${n}`)]);
  });
});

describe('who changes teams', () => {
  it('needs the permission, or leads the team or one above it', async () => {
    const { teams, tenantId, engineering, backend, storage, sales, ref, host } = await company();
    const denied = { code: 'permission_denied' };
    for (const one of [
      () => teams.create({ tenantId, name: 'X' }, by('backend')),
      () => teams.update({ ...ref(backend), name: 'X' }, by('backend')),
      () => teams.setMember({ ...ref(backend), userId: 'sales' }, by('backend')),
      () => teams.share({ ...ref(backend), resource: host('x'), permission: 'hosts:read' }, by('backend')),
    ]) {
      await expect(one()).rejects.toMatchObject(denied);
    }
    await teams.setMember({ ...ref(backend), userId: 'backend', role: 'lead' });
    const lead = by('backend');
    expect(await teams.update({ ...ref(storage), name: 'Disks' }, lead)).toMatchObject({ name: 'Disks' });
    expect(await teams.create({ tenantId, name: 'Cache', parentId: backend.id }, lead)).toMatchObject({
      name: 'Cache',
    });
    expect(await teams.setMember({ ...ref(storage), userId: 'sales' }, lead)).toMatchObject({ changed: true });
    const share = { ...ref(storage), resource: host('x') };
    expect(await teams.share({ ...share, permission: 'hosts:read' }, lead)).toMatchObject({ changed: true });
    for (const one of [
      () => teams.share({ ...share, permission: 'hosts:manage' }, lead),
      () => teams.update({ ...ref(engineering), name: 'X' }, lead),
      () => teams.update({ ...ref(storage), parentId: sales.id }, lead),
      () => teams.update({ ...ref(storage), parentId: null }, lead),
      () => teams.create({ tenantId, name: 'Top' }, lead),
      () => teams.remove(ref(sales), lead),
      () => teams.unshare({ tenantId, resource: host('x') }, lead),
    ]) {
      await expect(one()).rejects.toMatchObject(denied);
    }
    await expect(teams.update({ ...ref(storage), name: 'X' }, by('nobody'))).rejects.toMatchObject({
      code: 'organization_not_found',
    });
    expect(await teams.removeMember({ ...ref(engineering), userId: 'engineering' }, by('engineering'))).toBe(true);
    await expect(teams.removeMember({ ...ref(sales), userId: 'sales' }, lead)).rejects.toMatchObject(denied);
  });

  it('meets typed errors with foreign ids and wrong values, and changes nothing', async () => {
    const mine = await company();
    const theirs = await company();
    const { teams, tenantId } = mine;
    const resource = mine.host('x');
    for (const teamId of [theirs.backend.id, stranger, 'no uuid']) {
      const ref = { tenantId, teamId };
      for (const one of [
        () => teams.update({ ...ref, name: 'X' }),
        () => teams.update({ ...mine.ref(mine.sales), parentId: teamId }),
        () => teams.create({ tenantId, name: 'X', parentId: teamId }),
        () => teams.remove(ref),
        () => teams.setMember({ ...ref, userId: 'sales' }),
        () => teams.removeMember({ ...ref, userId: 'sales' }),
        () => teams.share({ ...ref, resource, permission: 'a' }),
        () => teams.unshare({ ...ref, resource }),
      ]) {
        await expect(one()).rejects.toMatchObject({ code: 'team_not_found' });
      }
      expect(await teams.get(ref)).toBeNull();
      expect((await teams.members(ref)).items).toEqual([]);
      expect((await teams.shares(ref)).items).toEqual([]);
      expect((await teams.list({ tenantId, parentId: teamId })).items).toEqual([]);
    }
    for (const tenant of [stranger, 'no uuid']) {
      await expect(teams.create({ tenantId: tenant, name: 'X' })).rejects.toMatchObject({
        code: 'organization_not_found',
      });
    }
    for (const memberId of [theirs.owner.id, stranger, 'no uuid']) {
      await expect(teams.setMember({ ...mine.ref(mine.sales), memberId })).rejects.toMatchObject({
        code: 'member_not_found',
      });
    }
    for (const name of ['', ' ', 'a\u0007b', 'x'.repeat(201), '\ud800']) {
      await expect(teams.create({ tenantId, name })).rejects.toMatchObject({ code: 'name_invalid' });
    }
    const huge = { text: 'x'.repeat(10 * 1024 * 1024) };
    await expect(teams.create({ tenantId, name: 'X', metadata: huge })).rejects.toMatchObject({ code: 'name_invalid' });
    const role: string = 'wizard';
    const open = createOrganizations<Record<never, never>, Record<string, readonly string[]>>({ db: counting.db });
    await expect(open.teams.setMember({ ...mine.ref(mine.sales), userId: 'sales', role })).rejects.toMatchObject({
      code: 'role_unknown',
    });
    for (const wrong of [
      { type: '', id: 'x' },
      { type: 'host', id: '' },
      { type: 'host', id: 'a\u0000' },
    ]) {
      const call = teams.share({ ...mine.ref(mine.sales), resource: wrong, permission: 'a' });
      await expect(call).rejects.toMatchObject({ code: 'name_invalid' });
    }
    const many = { tenantId, userId: 'sales', type: 'host', permission: Array(9).fill('a').join(':') };
    await expect(teams.resourcesOf(many)).rejects.toMatchObject({ code: 'name_invalid' });
    for (const cursor of ['x', '', 'WyJhIiwiYiJd', Buffer.from('["a\u0000"]').toString('base64url')]) {
      await expect(teams.resourcesOf({ tenantId, userId: 'sales', type: 'host', cursor })).rejects.toMatchObject({
        code: 'name_invalid',
      });
    }
    expect((await teams.list({ tenantId })).items).toHaveLength(4);
    expect((await theirs.teams.list({ tenantId: theirs.tenantId })).items).toHaveLength(4);
  });

  it('is told by events, once for each change', async () => {
    const { tenantId, backend, sales, ref, host } = await company();
    const { teams } = withTeams(counting.db, told);
    await teams.update({ ...ref(backend), name: 'API' }, by('owner'));
    await teams.setMember({ ...ref(backend), userId: 'sales' });
    await teams.setMember({ ...ref(backend), userId: 'sales', role: 'lead' });
    await teams.setMember({ ...ref(backend), userId: 'sales', role: 'lead' });
    await teams.share({ ...ref(backend), resource: host('x'), permission: 'hosts:read' });
    await teams.share({ ...ref(backend), resource: host('x'), permission: 'hosts:read' });
    await teams.unshare({ tenantId, resource: host('x') });
    await teams.removeMember({ ...ref(backend), userId: 'sales' });
    await teams.remove(ref(sales));
    expect(told.map(({ name }) => name)).toEqual([
      'team.updated',
      'team.member_added',
      'team.member_role_changed',
      'team.resource_shared',
      'team.resource_unshared',
      'team.member_removed',
      'team.removed',
    ]);
    expect(told[0]).toMatchObject({ actor: { userId: 'owner' }, data: { name: 'API', previousName: 'Backend' } });
  });
});
