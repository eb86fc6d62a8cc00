import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/index.ts';
import { none, perOrg, perUser } from '../../src/index.ts';
import { type PeopleTarget, planPeople } from '../../src/migrate/retenant/people/index.ts';
import { retenantPeople, seats } from '../support/retenant-people.ts';

const world = retenantPeople();
const { program, user, unitOf, move, back, failed, everything, twoOrganizations } = world;

/** Trails grow, and are kept when their tenant ends. */
const ofTrail = (table: string): boolean => /^(?:tenantry\.)?audit_/.test(table);

describe('users and organizations', () => {
  it('makes one organization of several users, whose keys act for them', async () => {
    const users = program(perUser({ plan: 'free' }));
    const ada = await users.tenancy.provision({ userId: user('ada'), name: 'Ada' });
    const bob = await users.tenancy.provision({ userId: user('bob'), name: 'Bob' });
    const { secret } = await users.apiKeys.issue({ tenantId: bob.tenantId });
    await users.plans.consume(ada.tenantId, 'calls', 4);
    await users.plans.consume(bob.tenantId, 'calls', 5);
    const before = await everything();
    const fresh = uuidv7();
    const unit = (tenantId: string) => unitOf(tenantId, [{ tenantId: fresh, name: `Acme ${world.count}` }]);

    const planned = await planPeople(world.app, [unit(ada.tenantId), unit(bob.tenantId)]);
    expect(planned).toMatchObject({ conflicts: [], counts: { tenantsMade: 1, tenantsRetired: 2, keys: 1 } });
    await move(unit(ada.tenantId));
    await move(unit(bob.tenantId));

    const organizations = program(seats);
    expect(await organizations.organizations.get(fresh)).toMatchObject({
      seatsBought: 2,
      seatsTaken: 2,
      name: `Acme ${world.count}`,
    });
    expect(await organizations.tenancy.resolve({ userId: user('ada') })).toMatchObject({
      ok: true,
      tenantId: fresh,
      role: 'owner',
    });
    expect(await organizations.tenancy.resolve({ userId: user('bob') })).toMatchObject({
      ok: true,
      tenantId: fresh,
      role: 'member',
    });
    expect(await organizations.apiKeys.verify(secret)).toMatchObject({
      ok: true,
      tenant: { id: fresh },
      member: { userId: user('bob') },
    });
    expect(await organizations.plans.check(fresh, 'calls')).toMatchObject({ used: 9 });
    // The application of the strategy before goes on, and has no way around the membership.
    expect(await users.tenancy.resolve({ userId: user('bob'), tenantId: bob.tenantId })).toMatchObject({
      ok: true,
      tenantId: fresh,
      role: 'member',
    });
    expect(await users.tenancy.provision({ userId: user('bob') })).toEqual({ tenantId: fresh, created: false });
    await organizations.organizations.members.remove({ tenantId: fresh, userId: user('bob') });
    expect(await users.tenancy.resolve({ userId: user('bob') })).toEqual({ ok: false, reason: 'tenant_not_found' });
    await organizations.organizations.members.add({ tenantId: fresh, userId: user('bob') });
    await organizations.plans.consume(fresh, 'calls', 3);
    const newcomer = await organizations.organizations.members
      .add({ tenantId: fresh, userId: user('new') })
      .catch((error) => error.code);
    expect(newcomer).toBe('seats_exhausted');

    await back(bob.tenantId);
    const { kept } = await back(ada.tenantId);
    expect(kept.filter(({ table }) => !ofTrail(table))).toEqual([]);
    expect(await users.plans.check(ada.tenantId, 'calls')).toMatchObject({ used: 7 });
    expect(await users.plans.check(bob.tenantId, 'calls')).toMatchObject({ used: 5 });
    const growing = ['usage_hours', 'audit_entries', 'audit_personal', 'audit_heads'];
    const steady = (rows: typeof before) => rows.filter(({ name }) => !growing.includes(name));
    expect(steady(await everything()).length).toBe(steady(before).length);
    // The key ended when its member was removed, and did not come back with him.
    expect(await users.apiKeys.verify(secret)).toEqual({ ok: false, reason: 'revoked' });
  });

  it('converts a user into an organization of one where it stands, and keeps what has no place when it goes back', async () => {
    const users = program(perUser({ plan: 'free' }));
    const ada = await users.tenancy.provision({ userId: user('ada'), name: `Ada ${world.count}` });
    const { secret } = await users.apiKeys.issue({ tenantId: ada.tenantId });
    const before = await everything();
    const unit = unitOf(ada.tenantId, [{ tenantId: ada.tenantId }]);
    await move(unit);
    const organizations = program(seats);
    const { tenantId } = ada;
    expect(await organizations.organizations.get(tenantId)).toMatchObject({
      slug: `ada-${world.count}`,
      seatsBought: 2,
      seatsTaken: 1,
      plan: 'free',
    });
    expect(await organizations.apiKeys.verify(secret)).toMatchObject({
      ok: true,
      member: { userId: user('ada'), role: 'owner' },
    });
    expect(await users.tenancy.resolve({ userId: user('ada') })).toMatchObject({ ok: true, tenantId, role: 'owner' });
    expect(await failed()).toEqual([]);
    await organizations.organizations.members.add({ tenantId, userId: user('bob') });
    const bob = await organizations.organizations.members.get({ tenantId, userId: user('bob') });
    const ofBob = await organizations.apiKeys.issue({ tenantId, memberId: bob?.id ?? '' });
    const { kept } = await back(tenantId);
    expect(kept.map(({ table, reason }) => `${table}: ${reason}`)).toEqual([
      'api_keys: made since for one who has no place: revoked',
      'members: a member who came since and has no place in the old tenant',
    ]);
    expect(await users.apiKeys.verify(ofBob.secret)).toEqual({ ok: false, reason: 'revoked' });
    const steady = (rows: typeof before) =>
      rows.filter((row) => !ofTrail(row.name) && !JSON.stringify(row).includes(ofBob.key.id));
    expect(steady(await everything())).toEqual(steady(before));
    expect(await users.tenancy.resolve({ userId: user('bob'), tenantId })).toEqual({
      ok: false,
      reason: 'tenant_not_found',
    });
  });

  it('gives every member a tenant of their own, and lets the old application find it', async () => {
    const { tenantry, beta, keys } = await twoOrganizations();
    const before = await everything();
    const own = new Map(['eve', 'bob', 'sam'].map((one) => [one, uuidv7()]));
    const targets = [...own].map(([one, tenantId]): PeopleTarget => ({ tenantId, users: [{ userId: user(one) }] }));
    const [main, ...others] = targets;
    if (main === undefined) throw new Error('no targets');
    const moved = await move(unitOf(beta.tenantId, [main, ...others], { to: perUser({ plan: 'team' }) }));
    expect(moved.counts).toMatchObject({ tenantsMade: 3, tenantsRetired: 1 });
    expect(await failed()).toEqual([]);
    const users = program(perUser({ plan: 'team' }));
    for (const application of [users, tenantry]) {
      expect(await application.tenancy.resolve({ userId: user('eve') })).toMatchObject({
        ok: true,
        tenantId: own.get('eve'),
        role: 'owner',
      });
      expect(await application.tenancy.resolve({ userId: user('eve'), tenantId: beta.tenantId })).toMatchObject({
        ok: true,
        tenantId: own.get('eve'),
      });
    }
    expect(await users.tenancy.resolve({ userId: user('sam') })).toEqual({ ok: false, reason: 'tenant_suspended' });
    expect(await users.apiKeys.verify(keys.bob)).toMatchObject({
      ok: true,
      tenant: { id: own.get('bob') },
      member: null,
    });
    expect(await users.plans.check(own.get('eve') ?? '', 'calls')).toMatchObject({ used: 32 });
    await back(beta.tenantId);
    expect(await everything()).toEqual(before);
  });

  it('brings the members of organizations into the program, where the old application finds them', async () => {
    const { tenantry, acme, beta, keys } = await twoOrganizations();
    const before = await everything();
    const fresh = uuidv7();
    const to = none({ plan: 'team' });
    for (const { tenantId } of [acme, beta]) await move(unitOf(tenantId, [{ tenantId: fresh }], { to }));
    expect(await failed()).toEqual([]);
    const whole = program(to);
    expect(await whole.tenancy.resolve({ userId: user('anybody') })).toMatchObject({
      ok: true,
      tenantId: fresh,
      role: 'member',
    });
    expect(await tenantry.tenancy.resolve({ userId: user('bob'), tenantId: beta.tenantId })).toMatchObject({
      ok: true,
      tenantId: fresh,
      role: 'admin',
    });
    expect(await tenantry.tenancy.resolve({ userId: user('bob') })).toMatchObject({
      ok: true,
      tenantId: fresh,
      role: 'member',
    });
    expect(await tenantry.tenancy.resolve({ userId: user('anybody') })).toEqual({
      ok: false,
      reason: 'tenant_not_found',
    });
    expect(await whole.apiKeys.verify(keys.bob)).toMatchObject({ ok: true, tenant: { id: fresh }, member: null });
    expect(await whole.plans.check(fresh, 'calls')).toMatchObject({ used: 42 });
    await back(beta.tenantId);
    await back(acme.tenantId);
    expect(await everything()).toEqual(before);
  });
});

describe('a change of strategy where the tenant stays', () => {
  it('takes seats to be counted and not to be counted again', async () => {
    const org = program(perOrg({ plan: 'team' }));
    const { tenantId } = await org.tenancy.provision({ userId: user('ada'), name: `Acme ${world.count}` });
    for (const one of ['b', 'c', 'd']) await org.organizations.members.add({ tenantId, userId: user(one) });
    const before = await everything();
    await move(unitOf(tenantId, [{ tenantId }]));
    expect(await program(seats).organizations.seats(tenantId)).toMatchObject({ bought: 4, taken: 4 });
    await back(tenantId);
    expect(await everything()).toEqual(before);
  });
});

describe('a tenant that is converted where it stands', () => {
  it('makes an organization of the program, whose members alone act for it', async () => {
    const whole = program(none({ plan: 'team' }));
    const { tenantId } = await whole.tenancy.provision({ userId: user('ada') });
    const { secret } = await whole.apiKeys.issue({ tenantId });
    const before = await everything();
    const users = ['ada', 'bob'].map((one) => ({ userId: user(one) }));
    await move(unitOf(tenantId, [{ tenantId, name: `Acme ${world.count}`, users }]));
    expect(await failed()).toEqual([]);
    for (const application of [whole, program(seats)]) {
      const { tenancy } = application;
      expect(await tenancy.resolve({ userId: user('ada') })).toMatchObject({ ok: true, tenantId, role: 'owner' });
      expect(await tenancy.resolve({ userId: user('bob') })).toMatchObject({ ok: true, tenantId, role: 'member' });
      expect(await tenancy.resolve({ userId: user('eve') })).toEqual({ ok: false, reason: 'tenant_not_found' });
    }
    expect(await whole.apiKeys.verify(secret)).toMatchObject({
      ok: true,
      tenant: { id: tenantId, kind: 'organization' },
    });
    await back(tenantId);
    expect(await everything()).toEqual(before);
  });

  it.each([
    { to: perUser({ plan: 'team' }), kind: 'user' },
    { to: none({ plan: 'team' }), kind: 'program' },
  ] as const)('makes a $kind of an organization, and its keys go on', async ({ to, kind }) => {
    await sql`delete from tenantry.tenant_lookups where kind = 'program'`.execute(world.app);
    const { organizations, apiKeys, tenancy } = program(seats);
    const { tenantId, owner } = await organizations.create({
      name: `Acme ${world.count}`,
      owner: { userId: user('ada') },
    });
    const { secret } = await apiKeys.issue({ tenantId, memberId: owner.id });
    const before = await everything();
    await move(unitOf(tenantId, [{ tenantId, users: [{ userId: user('ada') }] }], { to }));
    expect(await failed()).toEqual([]);
    expect(await apiKeys.verify(secret)).toMatchObject({ ok: true, tenant: { id: tenantId, kind }, member: null });
    for (const application of [tenancy, program(to).tenancy]) {
      expect(await application.resolve({ userId: user('ada') })).toMatchObject({ ok: true, tenantId });
      expect(await application.resolve({ userId: user('ada'), tenantId })).toMatchObject({ ok: true, tenantId });
    }
    expect(await tenancy.resolve({ userId: user('eve') })).toEqual({ ok: false, reason: 'tenant_not_found' });
    expect(await organizations.get(tenantId)).toBeNull();
    await back(tenantId);
    expect(await everything()).toEqual(before);
    expect(await apiKeys.verify(secret)).toMatchObject({ ok: true, member: { userId: user('ada') } });
  });

  it('refuses to let a member go nowhere', async () => {
    const { beta } = await twoOrganizations();
    const { tenantId } = beta;
    const unit = unitOf(tenantId, [{ tenantId, users: [{ userId: user('eve') }] }], { to: perUser({ plan: 'team' }) });
    const { conflicts } = await planPeople(world.app, [unit]);
    expect(conflicts).toEqual([{ topic: 'target', between: [user('bob'), user('sam')], remedy: expect.any(String) }]);
    await expect(move(unit)).rejects.toMatchObject({ code: 'migration_conflict' });
  });
});
