import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/index.ts';
import { problemOf } from '../../src/http/index.ts';
import { perUser } from '../../src/index.ts';
import { type PeoplePolicies, type PeopleTarget, planPeople } from '../../src/migrate/retenant/people/index.ts';
import { retenantPeople } from '../support/retenant-people.ts';

const world = retenantPeople();
const { program, user, unitOf, move, back, failed, everything, twoOrganizations } = world;

describe('a merge of two organizations', () => {
  it('joins the person in both in the higher role, keeps one owner, and adds seats and usage up', async () => {
    const { tenantry, acme, beta, keys } = await twoOrganizations();
    const unit = unitOf(beta.tenantId, [{ tenantId: acme.tenantId }]);
    const planned = await planPeople(world.app, [unit]);
    const moved = await move(unit);

    expect(planned).toEqual({ ...moved, conflicts: [] });
    expect(moved.counts).toMatchObject({ tenantsRetired: 1, membersJoined: 1, keys: 2, aliases: 1 });
    const members = await tenantry.organizations.members.list({ tenantId: acme.tenantId });
    expect(Object.fromEntries(members.items.map(({ userId, role, status }) => [userId, `${role} ${status}`]))).toEqual({
      [user('ada')]: 'owner active',
      [user('bob')]: 'admin active',
      [user('eve')]: 'admin active',
      [user('sam')]: 'member suspended',
    });
    expect(await tenantry.organizations.seats(acme.tenantId)).toMatchObject({ bought: 7, taken: 3, free: 4 });
    expect(await tenantry.plans.check(acme.tenantId, 'calls')).toMatchObject({ used: 42 });
    expect(await tenantry.plans.check(acme.tenantId, 'bots')).toMatchObject({ used: 2 });
    for (const secret of Object.values(keys)) {
      expect(await tenantry.apiKeys.verify(secret)).toMatchObject({ ok: true, tenant: { id: acme.tenantId } });
    }
    expect(await tenantry.apiKeys.verify(keys.bob)).toMatchObject({ member: { userId: user('bob'), role: 'admin' } });
    expect(await failed()).toEqual([]);
  });

  it('leads from the old tenant, its slug and its users to the new one', async () => {
    const { tenantry, acme, beta } = await twoOrganizations();
    await move(unitOf(beta.tenantId, [{ tenantId: acme.tenantId }]));
    const { tenancy, organizations } = tenantry;
    expect(await tenancy.get(beta.tenantId)).toMatchObject({ tenantId: acme.tenantId, status: 'active' });
    expect(await organizations.getBySlug(beta.slug)).toMatchObject({ tenantId: acme.tenantId, slug: acme.slug });
    for (const tenantId of [beta.tenantId, acme.tenantId]) {
      expect(await tenancy.resolve({ userId: user('eve'), tenantId })).toMatchObject({
        ok: true,
        tenantId: acme.tenantId,
        role: 'admin',
      });
    }
    expect(await tenancy.resolve({ userId: user('sam'), tenantId: beta.tenantId })).toEqual({
      ok: false,
      reason: 'tenant_not_found',
    });
    expect(await tenancy.resolve({ userId: user('stranger'), tenantId: beta.tenantId })).toEqual({
      ok: false,
      reason: 'tenant_not_found',
    });
    await expect(tenantry.plans.consume(beta.tenantId, 'calls', 1)).rejects.toMatchObject({ code: 'tenant_not_found' });
    await expect(tenantry.apiKeys.issue({ tenantId: beta.tenantId })).rejects.toMatchObject({
      code: 'tenant_not_found',
    });
    await expect(tenancy.suspend(beta.tenantId)).rejects.toMatchObject({ code: 'tenant_not_found' });
    await expect(organizations.members.add({ tenantId: beta.tenantId, userId: user('new') })).rejects.toMatchObject({
      code: 'organization_not_found',
    });
  });

  it('is returned to the last bit', async () => {
    const { beta, acme } = await twoOrganizations();
    const before = await everything();
    await move(unitOf(beta.tenantId, [{ tenantId: acme.tenantId }]));
    expect(await everything()).not.toEqual(before);
    expect(await back(beta.tenantId)).toEqual({ returned: true, kept: [] });
    expect(await everything()).toEqual(before);
    expect(await back(beta.tenantId)).toEqual({ returned: false, kept: [] });
  });

  it('is returned with what was written since', async () => {
    const { tenantry, acme, beta, keys } = await twoOrganizations();
    const { organizations, apiKeys, plans: limits } = tenantry;
    await move(unitOf(beta.tenantId, [{ tenantId: acme.tenantId }]));
    const { key } = await apiKeys.verify(keys.beta).then((found) => (found.ok ? found : Promise.reject(found.reason)));
    await apiKeys.revoke({ tenantId: acme.tenantId, keyId: key.id });
    await organizations.members.remove({ tenantId: acme.tenantId, userId: user('bob') });
    await organizations.members.add({ tenantId: acme.tenantId, userId: user('new') });
    await limits.consume(acme.tenantId, 'calls', 5);

    const { kept } = await back(beta.tenantId);

    expect(kept.map(({ table, reason }) => `${table}: ${reason}`).sort()).toEqual([
      'api_keys: written since: revoked_at',
      'api_keys: written since: revoked_at',
      'members: written since, and taken over: status',
      'members: written since: status',
    ]);
    expect(await apiKeys.verify(keys.beta)).toEqual({ ok: false, reason: 'revoked' });
    expect(await apiKeys.verify(keys.acme)).toMatchObject({ ok: true, tenant: { id: acme.tenantId } });
    expect(await apiKeys.verify(keys.bob)).toEqual({ ok: false, reason: 'revoked' });
    expect(await organizations.members.get({ tenantId: acme.tenantId, userId: user('new') })).toMatchObject({
      status: 'active',
    });
    expect(await organizations.seats(acme.tenantId)).toMatchObject({ bought: 3, taken: 2 });
    expect(await organizations.seats(beta.tenantId)).toMatchObject({ bought: 4, taken: 1 });
    expect(await limits.check(acme.tenantId, 'calls')).toMatchObject({ used: 15 });
    expect(await limits.check(beta.tenantId, 'calls')).toMatchObject({ used: 32 });
    const stored = await sql`select 1 from tenantry.retenant_kept where retenanting = ${world.name}`.execute(world.app);
    expect(stored.rows).toHaveLength(4);
  });

  it('refuses to join two live subscriptions, and ends the one that is said', async () => {
    const { tenantry, acme, beta } = await twoOrganizations();
    await sql`insert into tenantry.tenant_lookups (kind, value, tenant_id) values
      ('provider_customer', ${user('cus_acme')}, ${acme.tenantId}), ('provider_customer', ${user('cus_beta')}, ${beta.tenantId})`.execute(
      world.app,
    );
    await tenantry.tenancy.setPlan(acme.tenantId, 'free', { subscriptionStatus: 'past_due' });
    await tenantry.tenancy.setPlan(beta.tenantId, 'team', { subscriptionStatus: 'active' });
    const unit = (policies: Partial<PeoplePolicies>) =>
      unitOf(beta.tenantId, [{ tenantId: acme.tenantId }], { policies });
    const before = await everything();

    const refused = await planPeople(world.app, [unit({})]);
    expect(refused.conflicts).toMatchObject([
      { topic: 'subscriptions', between: [user('cus_acme'), user('cus_beta')] },
    ]);
    await expect(move(unit({}))).rejects.toMatchObject({
      code: 'migration_conflict',
      details: { keys: [user('cus_acme'), user('cus_beta')] },
    });
    expect(await everything()).toEqual(before);

    const holder = async (value: string) =>
      (
        await sql<{
          tenant_id: string;
        }>`select tenant_id from tenantry.tenant_lookups where value = ${user(value)}`.execute(world.app)
      ).rows[0]?.tenant_id;
    const ends = (moved: Awaited<ReturnType<typeof move>>) =>
      moved.decisions.find(({ topic }) => topic === 'subscription-ends')?.about;
    expect(ends(await move(unit({ subscriptions: 'keepTarget' })))).toEqual([user('cus_beta')]);
    expect(await tenantry.tenancy.get(acme.tenantId)).toMatchObject({ plan: 'free', subscriptionStatus: 'past_due' });
    expect([await holder('cus_acme'), await holder('cus_beta')]).toEqual([acme.tenantId, beta.tenantId]);
    await back(beta.tenantId);
    expect(await everything()).toEqual(before);
    expect(ends(await move(unit({ subscriptions: 'keepSource' })))).toEqual([user('cus_acme')]);
    expect(await tenantry.tenancy.get(acme.tenantId)).toMatchObject({ plan: 'team', subscriptionStatus: 'active' });
    expect([await holder('cus_acme'), await holder('cus_beta')]).toEqual([beta.tenantId, acme.tenantId]);
    await back(beta.tenantId);
    expect(await everything()).toEqual(before);
  });

  it('never fills an organization beyond its seats silently', async () => {
    const { tenantry, acme, beta } = await twoOrganizations();
    await tenantry.organizations.setSeats(acme.tenantId, 2);
    const unit = (policies: Partial<PeoplePolicies>) =>
      unitOf(beta.tenantId, [{ tenantId: acme.tenantId }], { policies });
    await expect(move(unit({ seats: 'keepTarget' }))).rejects.toMatchObject({
      code: 'migration_conflict',
      details: { table: 'tenantry.organizations' },
    });
    await move(unit({ seats: 'atLeastTaken' }));
    expect(await tenantry.organizations.seats(acme.tenantId)).toMatchObject({ bought: 3, taken: 3 });
  });

  it('revokes keys where that is said, and gives them back', async () => {
    const { tenantry, acme, beta, keys } = await twoOrganizations();
    await move(unitOf(beta.tenantId, [{ tenantId: acme.tenantId }], { policies: { keys: 'revoke' } }));
    expect(await tenantry.apiKeys.verify(keys.beta)).toEqual({ ok: false, reason: 'revoked' });
    expect(await tenantry.apiKeys.verify(keys.acme)).toMatchObject({ ok: true });
    await back(beta.tenantId);
    expect(await tenantry.apiKeys.verify(keys.beta)).toMatchObject({ ok: true, tenant: { id: beta.tenantId } });
  });
});

describe('a split of one organization', () => {
  it('lets users go to a new one, with their keys, and leaves the rest where it is', async () => {
    const { tenantry, beta, keys } = await twoOrganizations();
    const before = await everything();
    const fresh = uuidv7();
    const target: PeopleTarget = { tenantId: fresh, name: `Gamma ${world.count}`, users: [{ userId: user('bob') }] };
    await move(unitOf(beta.tenantId, [{ tenantId: beta.tenantId }, target]));
    expect(await tenantry.organizations.get(fresh)).toMatchObject({
      slug: `gamma-${world.count}`,
      seatsBought: 2,
      seatsTaken: 1,
    });
    expect(await tenantry.apiKeys.verify(keys.bob)).toMatchObject({
      ok: true,
      tenant: { id: fresh },
      member: { role: 'owner' },
    });
    expect(await tenantry.apiKeys.verify(keys.beta)).toMatchObject({ ok: true, tenant: { id: beta.tenantId } });
    expect(await tenantry.tenancy.resolve({ userId: user('bob'), tenantId: beta.tenantId })).toMatchObject({
      ok: true,
      tenantId: fresh,
    });
    expect(await tenantry.tenancy.resolve({ userId: user('eve'), tenantId: beta.tenantId })).toMatchObject({
      ok: true,
      tenantId: beta.tenantId,
    });
    expect(await tenantry.organizations.seats(beta.tenantId)).toMatchObject({ bought: 4, taken: 1 });
    expect(await failed()).toEqual([]);
    expect(await back(beta.tenantId)).toEqual({ returned: true, kept: [] });
    expect(await everything()).toEqual(before);
  });
});

describe('what comes after what', () => {
  it('leads through several merges, and back through them', async () => {
    const { tenantry, acme, beta } = await twoOrganizations();
    const before = await everything();
    const last = await tenantry.organizations.create({
      name: `Last ${world.count}`,
      seats: 9,
      owner: { userId: user('zed') },
    });
    await move(unitOf(beta.tenantId, [{ tenantId: acme.tenantId }]));
    await move(unitOf(acme.tenantId, [{ tenantId: last.tenantId }]));
    expect(await failed()).toEqual([]);
    expect(await tenantry.tenancy.get(beta.tenantId)).toMatchObject({ tenantId: last.tenantId });
    expect(await tenantry.organizations.get(beta.tenantId)).toMatchObject({ tenantId: last.tenantId });
    expect(await tenantry.organizations.getBySlug(beta.slug)).toMatchObject({ tenantId: last.tenantId });
    expect(await tenantry.tenancy.resolve({ userId: user('eve'), tenantId: beta.tenantId })).toMatchObject({
      ok: true,
      tenantId: last.tenantId,
    });
    await back(acme.tenantId);
    await back(beta.tenantId);
    expect((await everything()).filter((row) => !JSON.stringify(row).includes(last.tenantId))).toEqual(before);
  });

  it('refuses a tenant that moved as the old one and as the target', async () => {
    const { acme, beta } = await twoOrganizations();
    await move(unitOf(beta.tenantId, [{ tenantId: acme.tenantId }]));
    await expect(move(unitOf(beta.tenantId, [{ tenantId: acme.tenantId }], { unit: 'again' }))).rejects.toMatchObject({
      code: 'tenant_not_found',
    });
    await expect(move(unitOf(acme.tenantId, [{ tenantId: beta.tenantId }], { unit: 'round' }))).rejects.toMatchObject({
      code: 'migration_conflict',
    });
  });

  it('adds the running period of one tenant to the running period of the other', async () => {
    const { tenantry, acme, beta } = await twoOrganizations();
    const anchorAt = new Date('2020-01-17T11:00:00Z');
    await tenantry.tenancy.setPlan(beta.tenantId, 'team', { anchorAt });
    await tenantry.plans.consume(beta.tenantId, 'calls', 7);
    await move(unitOf(beta.tenantId, [{ tenantId: acme.tenantId }]));
    expect(await tenantry.plans.check(acme.tenantId, 'calls')).toMatchObject({ used: 17 });
    expect(await failed()).toEqual([]);
  });

  it('gives reserved units back to the counter that has them now, or to none where all begin at nothing', async () => {
    for (const usage of ['carry', 'anew'] as const) {
      const { tenantry, acme, beta } = await twoOrganizations();
      const { plans } = tenantry;
      await tenantry.tenancy.setPlan(beta.tenantId, 'team', { anchorAt: new Date('2020-01-17T11:00:00Z') });
      await plans.consume(beta.tenantId, 'calls', 7);
      const reserve = async (amount: number) => {
        const held = await plans.reservations.hold(beta.tenantId, 'calls', amount);
        if (!held.ok) throw new Error(held.reason);
        return held.reservationId;
      };
      const [one, two] = [await reserve(5), await reserve(3)];
      const before = await everything();
      const unit = unitOf(beta.tenantId, [{ tenantId: acme.tenantId }], { unit: usage, policies: { usage } });
      await move(unit);
      expect(await back(usage)).toEqual({ returned: true, kept: [] });
      expect(await everything()).toEqual(before);
      await move(unit);
      const used = async () => (await plans.check(acme.tenantId, 'calls')).used;
      const seen = [await used()];
      await plans.reservations.release(acme.tenantId, one);
      seen.push(await used());
      await plans.reservations.commit(acme.tenantId, two, 1);
      seen.push(await used());
      expect([usage, ...seen]).toEqual(usage === 'carry' ? [usage, 25, 20, 18] : [usage, 10, 10, 10]);
    }
  });

  it('keeps a live subscription, and refuses a second one in the same target', async () => {
    const users = program(perUser({ plan: 'free' }));
    const ids: string[] = [];
    for (const one of ['ada', 'bob']) {
      const { tenantId } = await users.tenancy.provision({ userId: user(one) });
      await users.tenancy.setPlan(tenantId, 'team', { subscriptionStatus: 'active' });
      ids.push(tenantId);
    }
    const fresh = uuidv7();
    const units = ids.map((id) => unitOf(id, [{ tenantId: fresh, name: `Acme ${world.count}` }]));
    const { conflicts, decisions } = await planPeople(world.app, units);
    expect(conflicts).toMatchObject([{ topic: 'subscriptions', between: [fresh, ids[1]] }]);
    expect(decisions.map(({ topic }) => topic)).toContain('subscription-carried');
    await move(units[0] ?? unitOf('', [{ tenantId: '' }]));
    expect(await users.tenancy.get(fresh)).toMatchObject({ plan: 'team', subscriptionStatus: 'active' });
  });
});

it('answers for a tenant in maintenance that it should be tried again', async () => {
  const { tenantry, acme, keys } = await twoOrganizations();
  const { tenantId } = acme;
  await sql`update tenantry.tenants set status = 'maintenance' where tenant_id = ${tenantId}`.execute(world.app);
  const closed = { ok: false, reason: 'tenant_in_maintenance' };
  expect(await tenantry.tenancy.resolve({ userId: user('ada'), tenantId })).toEqual(closed);
  expect(await tenantry.apiKeys.verify(keys.acme)).toEqual(closed);
  expect(await tenantry.plans.consume(tenantId, 'calls', 1)).toMatchObject(closed);
  expect(await tenantry.plans.check(tenantId, 'calls')).toMatchObject(closed);
  await expect(tenantry.tenancy.resume(tenantId)).rejects.toMatchObject({ code: 'tenant_in_maintenance' });
  for (const refused of [
    () => tenantry.access.forUser({ userId: user('ada'), tenantId }),
    () => tenantry.access.authenticate({ 'x-api-key': keys.acme }),
  ]) {
    const error: unknown = await refused().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'tenant_in_maintenance', status: 503 });
    expect(problemOf(error)).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  }
});
