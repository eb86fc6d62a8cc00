import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOrganizations, type OrganizationEvent } from '../../src/organizations/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { clinics, clock, staffed } from '../support/staffed-organization.ts';

const stranger = '00000000-0000-7000-8000-00000000dead';

let database: TestDatabase<Record<string, never>>;
beforeAll(async () => {
  database = await postgresDatabase();
});
afterAll(() => database.destroy());

const make = (more: Parameters<typeof clinics>[1] = {}) => clinics(database.app, more);
const by = (userId: string) => ({ by: { userId } });
const denied = { code: 'permission_denied', status: 403 };

describe('who acts', () => {
  it('needs the permission, and is told nothing without a membership', async () => {
    const organizations = make();
    const { tenantId, ref } = await staffed(organizations);
    const { members } = organizations;
    await expect(members.add({ tenantId, userId: 'new' }, by('member'))).rejects.toMatchObject({
      ...denied,
      details: { permission: 'members:manage' },
    });
    const answers = [];
    for (const place of [tenantId, stranger]) {
      answers.push(await members.remove({ tenantId: place, userId: 'client' }, by('nobody')).catch((error) => error));
    }
    expect(answers.map(({ code }) => code)).toEqual(['organization_not_found', 'organization_not_found']);
    await members.suspend(ref('admin'));
    await expect(members.remove(ref('client'), by('admin'))).rejects.toMatchObject({ code: 'organization_not_found' });
    await expect(members.remove(ref('client'), by('a\u0000'))).rejects.toMatchObject({ code: 'name_invalid' });
    expect(await members.get(ref('client'))).toMatchObject({ status: 'active' });
  });

  it('gives only roles that allow no more than they hold, and touches nobody who holds more', async () => {
    const { tenantId, ref, owner } = await staffed(make());
    const { members } = make();
    const admin = by('admin');
    const refused = [
      () => members.add({ tenantId, userId: 'new', role: 'owner' }, admin),
      () => members.setRole({ ...ref('member'), role: 'owner' }, admin),
      () => members.setRole({ ...ref('admin'), role: 'owner' }, admin),
      () => members.setRole({ ...ref('owner'), role: 'member' }, admin),
      () => members.suspend(ref('owner'), admin),
      () => members.remove({ tenantId, memberId: owner.id }, admin),
      () => members.setRole({ ...ref('member'), role: 'admin' }, by('staff')),
      () => members.remove(ref('admin'), by('staff')),
      () => members.transferOwnership({ tenantId, fromUserId: 'owner', toUserId: 'admin' }, admin),
    ];
    for (const one of refused) await expect(one()).rejects.toMatchObject(denied);
    expect(await members.setRole({ ...ref('member'), role: 'admin' }, admin)).toMatchObject({ changed: true });
    expect(await members.setRole({ ...ref('client'), role: 'staff' }, by('owner'))).toMatchObject({ changed: true });
    expect(await members.remove(ref('member'), admin)).toMatchObject({ changed: true });
  });

  it('manages, where a role stands above others, those roles and no others', async () => {
    const organizations = make();
    const { tenantId, ref } = await staffed(organizations);
    const { members } = organizations;
    const therapist = by('therapist');
    expect(organizations.permissionsOf('therapist')).toEqual(['vouchers:*', 'members:manage', 'vouchers:read']);
    expect(await members.add({ tenantId, userId: 'c2', role: 'client' }, therapist)).toMatchObject({ created: true });
    await members.add({ tenantId, userId: 't2', role: 'therapist' });
    for (const one of [
      () => members.add({ tenantId, userId: 't3', role: 'therapist' }, therapist),
      () => members.remove(ref('t2'), therapist),
      () => members.remove(ref('staff'), therapist),
      () => members.setRole({ ...ref('c2'), role: 'member' }, therapist),
    ]) {
      await expect(one()).rejects.toMatchObject(denied);
    }
    expect(await members.remove(ref('c2'), therapist)).toMatchObject({ changed: true });
  });

  it.each([
    { boss: { permissions: ['*'], above: ['boss'] } },
    { a: { permissions: [], above: ['b'] }, b: { permissions: [], above: ['a'] } },
    { a: { permissions: [], above: ['wizard'] } },
    { a: { permissions: [], above: ['owner'] } },
    { a: { permissions: ['x y'] } },
    { a: { permissions: 'x' } },
  ])('refuses the hierarchy %j at creation', (roles) => {
    const given = roles as unknown as Record<string, readonly string[]>;
    expect(() => createOrganizations({ db: database.app, roles: given })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  });

  it('may always leave, but for the last owner', async () => {
    const { ref, tenantId } = await staffed(make());
    const { members } = make();
    const self = await members.get(ref('client'));
    expect(await members.remove({ tenantId, memberId: self?.id ?? '' }, by('client'))).toMatchObject({ changed: true });
    expect(await members.remove(ref('member'), by('member'))).toMatchObject({ changed: true });
    await expect(members.suspend(ref('staff'), by('therapist'))).rejects.toMatchObject(denied);
    await expect(members.remove(ref('owner'), by('owner'))).rejects.toMatchObject({ code: 'last_owner' });
  });

  it('stands above all as a super admin, and events say so', async () => {
    const told: OrganizationEvent[] = [];
    const { tenantId, ref } = await staffed(make());
    const { members } = make({ told });
    const root = { by: { userId: 'root', superAdmin: true } };
    await members.add({ tenantId, userId: 'second', role: 'owner' }, root);
    await members.remove(ref('owner'), root);
    await members.remove(ref('admin'), by('second'));
    expect(told.filter(({ name }) => name !== 'seats.changed').map(({ name, actor }) => [name, actor])).toEqual([
      ['member.added', root.by],
      ['member.removed', root.by],
      ['member.removed', { userId: 'second' }],
    ]);
  });
});

describe('approval', () => {
  it('lets in who asked, notes by whom and when, and takes the seat only then', async () => {
    const told: OrganizationEvent[] = [];
    const { create, members, seats, standingOf } = make({ told });
    const { tenantId } = await create({ name: 'Ask', seats: 2, owner: { userId: 'owner' } });
    const ask = { tenantId, userId: 'bob', email: 'bob@example.com' };
    const { member } = await members.request(ask);
    expect(member).toMatchObject({ status: 'requested', role: 'member', approvedBy: null, approvedAt: null });
    expect(await members.request(ask)).toEqual({ member, created: false });
    expect(await seats(tenantId)).toMatchObject({ taken: 1, free: 1 });
    expect(await standingOf({ tenantId, userId: 'bob' })).toBeNull();
    for (const one of [members.activate, members.suspend]) {
      await expect(one({ tenantId, userId: 'bob' })).rejects.toMatchObject({ code: 'member_not_found' });
    }
    const approved = await members.approve({ tenantId, userId: 'bob', role: 'client' }, by('owner'));
    const facts = { status: 'active', role: 'client', approvedBy: 'owner', approvedAt: clock() };
    expect(approved).toMatchObject({ changed: true, member: facts });
    expect(await members.approve({ tenantId, userId: 'bob' }, by('owner'))).toMatchObject({ changed: false });
    expect(await seats(tenantId)).toMatchObject({ taken: 2, free: 0 });
    await members.request({ tenantId, userId: 'eve' });
    await expect(members.approve({ tenantId, userId: 'eve' })).rejects.toMatchObject({ code: 'seats_exhausted' });
    expect(told.map(({ name }) => name)).toContain('member.approved');
  });

  it('turns away, frees the seat of a pending one, and lets them ask again', async () => {
    const { create, members, seats } = make();
    const { tenantId } = await create({ name: 'No', seats: 2, owner: { userId: 'owner' } });
    await members.add({ tenantId, userId: 'bob', status: 'pending' });
    expect(await members.reject({ tenantId, userId: 'bob' }, by('owner'))).toMatchObject({
      changed: true,
      member: { status: 'removed' },
    });
    expect(await members.reject({ tenantId, userId: 'bob' })).toMatchObject({ changed: false });
    expect(await seats(tenantId)).toMatchObject({ taken: 1 });
    expect(await members.request({ tenantId, userId: 'bob' })).toMatchObject({
      created: true,
      member: { status: 'requested' },
    });
    for (const one of [members.reject, members.approve]) {
      await expect(one({ tenantId, userId: 'owner2' })).rejects.toMatchObject({ code: 'member_not_found' });
    }
    await expect(members.reject({ tenantId, userId: 'owner' })).rejects.toMatchObject({ code: 'member_not_found' });
  });

  it('does not lift a suspension', async () => {
    const { members } = make();
    const { ref, tenantId } = await staffed(make());
    await members.suspend(ref('client'));
    await expect(members.approve(ref('client'))).rejects.toMatchObject({ code: 'member_not_found' });
    expect(await members.request({ tenantId, userId: 'client' })).toMatchObject({
      created: false,
      member: { status: 'suspended' },
    });
  });

  it('takes in who asked when they are added', async () => {
    const { create, members } = make();
    const { tenantId } = await create({ name: 'Add', owner: { userId: 'owner' } });
    await members.request({ tenantId, userId: 'bob' });
    expect(await members.add({ tenantId, userId: 'bob', role: 'admin' })).toMatchObject({
      created: true,
      member: { status: 'active', role: 'admin' },
    });
  });
});

describe('grants', () => {
  it('allow one member more, until they are taken back or over', async () => {
    const organizations = make();
    const { tenantId, ref } = await staffed(organizations);
    const { grants, standingOf } = organizations;
    const expiresAt = new Date(clock().getTime() + 86_400_000);
    const given = await grants.give({ ...ref('client'), permission: 'vouchers:write', expiresAt }, by('owner'));
    expect(given).toMatchObject({ permission: 'vouchers:write', grantedBy: 'owner', grantedAt: clock(), expiresAt });
    await grants.give({ ...ref('client'), permission: 'reports:*' });
    expect(await standingOf(ref('client'))).toMatchObject({
      role: 'client',
      grants: ['reports:*', 'vouchers:write'],
      permissions: ['vouchers:read', 'reports:*', 'vouchers:write'],
    });
    clock.advance(86_400_000);
    expect(await standingOf(ref('client'))).toMatchObject({ grants: ['reports:*'] });
    expect(await grants.revoke({ ...ref('client'), permission: 'reports:*' })).toBe(true);
    expect(await grants.revoke({ ...ref('client'), permission: 'reports:*' })).toBe(false);
    expect(await standingOf(ref('client'))).toMatchObject({ grants: [] });
    expect(await standingOf({ tenantId, userId: 'nobody' })).toBeNull();
  });

  it('hand on only what is held, not what is held for a time, and not to those who hold more', async () => {
    const organizations = make();
    const { ref } = await staffed(organizations);
    const { grants, members } = organizations;
    const staff = by('staff');
    const client = ref('client');
    await expect(grants.give({ ...client, permission: 'vouchers:write' }, staff)).rejects.toMatchObject({
      ...denied,
      details: { permission: 'vouchers:write' },
    });
    await expect(grants.give({ ...client, permission: '*' }, staff)).rejects.toMatchObject(denied);
    await grants.give({ ...ref('staff'), permission: 'vouchers:*', expiresAt: new Date(clock().getTime() + 1000) });
    await expect(grants.give({ ...client, permission: 'vouchers:write' }, staff)).rejects.toMatchObject(denied);
    await expect(grants.give({ ...ref('staff'), permission: 'vouchers:*' }, staff)).rejects.toMatchObject(denied);
    await grants.give({ ...ref('staff'), permission: 'vouchers:*' });
    expect(await grants.give({ ...client, permission: 'vouchers:write' }, staff)).toMatchObject({ grantedBy: 'staff' });
    await expect(grants.give({ ...ref('admin'), permission: 'vouchers:read' }, staff)).rejects.toMatchObject(denied);
    // What is granted is held for giving roles as well.
    await expect(members.setRole({ ...client, role: 'member' }, staff)).rejects.toMatchObject(denied);
    for (const permission of ['*:read', '*:write']) await grants.give({ ...ref('staff'), permission });
    expect(await members.setRole({ ...client, role: 'member' }, staff)).toMatchObject({ changed: true });
    await members.remove(ref('staff'));
    await expect(grants.give({ ...client, permission: 'vouchers:read' }, staff)).rejects.toMatchObject({
      code: 'organization_not_found',
    });
  });

  it('are listed part by part, and end with the membership', async () => {
    const organizations = make();
    const { tenantId, ref } = await staffed(organizations);
    const { grants, members, standingOf } = organizations;
    for (const userId of ['client', 'member']) {
      for (let n = 0; n < 7; n += 1) await grants.give({ ...ref(userId), permission: `p${n}:read` });
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof grants.list>> = await grants.list({ tenantId, limit: 3, cursor });
      seen.push(...page.items.map((grant) => `${grant.memberId} ${grant.permission}`));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toHaveLength(14);
    expect(seen).toEqual(seen.toSorted());
    expect((await grants.list(ref('client'))).items).toHaveLength(7);
    await members.remove(ref('client'));
    await members.add({ ...ref('client'), role: 'client' });
    expect(await standingOf(ref('client'))).toMatchObject({ grants: [] });
    for (const strange of ['x', 'bm8', '']) {
      await expect(grants.list({ tenantId, cursor: strange })).rejects.toMatchObject({ code: 'name_invalid' });
    }
  });

  it('refuse what is no permission, no moment ahead and no member here', async () => {
    const organizations = make();
    const { ref, tenantId } = await staffed(organizations);
    const { grants } = organizations;
    const other = await organizations.create({ name: 'Other', owner: { userId: 'eve' } });
    for (const permission of ['', 'a b', 'a:', 'x\u0007', 'y'.repeat(300)]) {
      await expect(grants.give({ ...ref('client'), permission })).rejects.toMatchObject({ code: 'name_invalid' });
    }
    const past = { ...ref('client'), permission: 'a', expiresAt: clock() };
    await expect(grants.give(past)).rejects.toMatchObject({ code: 'name_invalid' });
    for (const memberId of [other.owner.id, stranger, 'no uuid']) {
      await expect(grants.give({ tenantId, memberId, permission: 'a' })).rejects.toMatchObject({
        code: 'member_not_found',
      });
      await expect(grants.revoke({ tenantId, memberId, permission: 'a' })).rejects.toMatchObject({
        code: 'member_not_found',
      });
    }
    await expect(grants.give({ tenantId: stranger, userId: 'eve', permission: 'a' })).rejects.toMatchObject({
      code: 'organization_not_found',
    });
  });
});

describe('an organization', () => {
  it('keeps facts and a new slug, and is found by the one before', async () => {
    const told: OrganizationEvent[] = [];
    const { create, update, getBySlug, get } = make({ told });
    const made = await create({ name: 'Old', slug: 'old-name', metadata: { tier: 3 }, owner: { userId: 'ada' } });
    expect(made).toMatchObject({ metadata: { tier: 3 } });
    const { tenantId } = made;
    const changed = await update({ tenantId, name: 'New', slug: 'new-name', metadata: { tier: 4 } }, by('ada'));
    expect(changed).toMatchObject({ name: 'New', slug: 'new-name', metadata: { tier: 4 } });
    expect(await getBySlug('old-name')).toEqual(changed);
    expect(await getBySlug('new-name')).toEqual(await get(tenantId));
    await expect(create({ name: 'Else', slug: 'old-name', owner: { userId: 'eve' } })).rejects.toMatchObject({
      code: 'slug_taken',
    });
    expect(await update({ tenantId, slug: 'old-name' })).toMatchObject({ slug: 'old-name', name: 'New' });
    told.length = 0;
    await update({ tenantId, slug: 'old-name' });
    expect(told).toEqual([]);
    const other = await create({ name: 'Other', slug: 'other-name', owner: { userId: 'eve' } });
    await expect(update({ tenantId, slug: 'other-name' })).rejects.toMatchObject({ code: 'slug_taken' });
    await expect(update({ tenantId: other.tenantId, name: 'Mine' }, by('ada'))).rejects.toMatchObject({
      code: 'organization_not_found',
    });
    await expect(update({ tenantId, slug: 'admin' })).rejects.toMatchObject({ code: 'slug_invalid' });
  });

  it('refuses facts that are too large or cannot be stored, as values of a type', async () => {
    const { create } = make();
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    for (const metadata of [
      { text: 'x'.repeat(10 * 1024 * 1024) },
      { text: 'a\u0000b' },
      { 'half \ud800': 1 },
      { big: 1n },
      loop,
    ]) {
      await expect(create({ name: 'Big', metadata, owner: { userId: 'ada' } })).rejects.toMatchObject({
        code: 'name_invalid',
        details: { field: 'metadata' },
      });
    }
    const fine = { text: 'a\\u0000b', nested: { list: [1, null, 'ü'] } };
    const made = await create({ name: 'Fine', metadata: fine, owner: { userId: 'ada' } });
    expect(made.metadata).toEqual(fine);
  });
});
