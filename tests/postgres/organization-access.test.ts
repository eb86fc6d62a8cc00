import { createTenantry, definePlans, hybridSeats } from 'tenantry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SeatPolicy } from '../../src/core/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { type CountingDatabase, countingDatabase } from '../support/counting.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

const clock = fixedClock('2026-03-01T12:00:00Z');
const day = 86_400_000;
const plans = definePlans({ free: {} });

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

const wire = (whenSeatsExceeded?: SeatPolicy) =>
  createTenantry({
    db: counting.db,
    clock,
    plans,
    strategy: hybridSeats({ plan: 'free', seats: 9 }),
    roles: { therapist: ['vouchers:*'], client: ['vouchers:read'] },
    ...(whenSeatsExceeded !== undefined && { organizations: { whenSeatsExceeded } }),
  });
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

/** An organization whose members, in the order in which they came, have a key each. */
async function staffed(tenantry: ReturnType<typeof wire>, users: readonly string[]) {
  const { tenantId, owner } = await tenantry.organizations.create({ name: 'Clinic', owner: { userId: 'owner' } });
  const secrets = new Map<string, string>();
  const issue = async (userId: string, memberId: string) => {
    secrets.set(userId, (await tenantry.apiKeys.issue({ tenantId, memberId })).secret);
  };
  await issue('owner', owner.id);
  for (const userId of users) {
    await issue(userId, (await tenantry.organizations.members.add({ tenantId, userId })).member.id);
  }
  const byKey = (userId: string) => tenantry.access.authenticate(bearer(secrets.get(userId) ?? ''));
  const byUser = (userId: string) => tenantry.access.forUser({ userId, tenantId });
  return { tenantId, byKey, byUser };
}

describe('permissions', () => {
  it('come from the role and from grants, with who and where in one statement', async () => {
    const tenantry = wire();
    const { tenantId, byKey, byUser } = await staffed(tenantry, ['bob']);
    const { members, grants } = tenantry.organizations;
    await members.setRole({ tenantId, userId: 'bob', role: 'client' });
    for (const enter of [byKey, byUser]) {
      const before = await enter('bob');
      expect([before.can('vouchers:read'), before.can('vouchers:write')]).toEqual([true, false]);
    }
    const expiresAt = new Date(clock().getTime() + day);
    await grants.give({ tenantId, userId: 'bob', permission: 'vouchers:write', expiresAt });
    for (const enter of [byKey, byUser]) {
      const sent = await counting.during(async () => {
        const access = await enter('bob');
        access.require('vouchers:write');
        expect(() => access.require('calls:write')).toThrow(expect.objectContaining({ code: 'permission_denied' }));
      });
      expect(sent).toHaveLength(1);
    }
    clock.advance(day);
    for (const enter of [byKey, byUser]) expect((await enter('bob')).can('vouchers:write')).toBe(false);
  });

  it('of a key stay within its scopes, whatever is granted', async () => {
    const tenantry = wire();
    const { tenantId } = await staffed(tenantry, []);
    const { member } = await tenantry.organizations.members.add({ tenantId, userId: 'bob', role: 'client' });
    await tenantry.organizations.grants.give({ tenantId, userId: 'bob', permission: '*' });
    const { secret } = await tenantry.apiKeys.issue({ tenantId, memberId: member.id, scopes: ['vouchers:*'] });
    const access = await tenantry.access.authenticate(bearer(secret));
    expect([access.can('vouchers:delete'), access.can('calls:read')]).toEqual([true, false]);
  });
});

describe('the end of a membership', () => {
  it('is the end of its keys: for a time when suspended, for good when removed', async () => {
    const tenantry = wire();
    const { tenantId, byKey, byUser } = await staffed(tenantry, ['bob']);
    const { members } = tenantry.organizations;
    const bob = { tenantId, userId: 'bob' };
    await members.suspend(bob);
    await expect(byKey('bob')).rejects.toMatchObject({ code: 'key_refused', details: { reason: 'member_inactive' } });
    await expect(byUser('bob')).rejects.toMatchObject({ code: 'tenant_not_found' });
    await members.activate(bob);
    expect(await byKey('bob')).toMatchObject({ userId: 'bob' });
    await members.remove(bob);
    await expect(byKey('bob')).rejects.toMatchObject({ code: 'key_refused', details: { reason: 'revoked' } });
    await members.add(bob);
    expect(await byUser('bob')).toMatchObject({ userId: 'bob' });
    await expect(byKey('bob')).rejects.toMatchObject({ code: 'key_refused', details: { reason: 'revoked' } });
  });
});

describe('fewer seats bought than taken', () => {
  const users = ['first', 'second', 'third'];

  it('keeps the newest to reading, owners never, after the days of grace', async () => {
    const tenantry = wire({ policy: 'read-only', graceDays: 14 });
    const { tenantId, byKey, byUser } = await staffed(tenantry, users);
    const { members, setSeats } = tenantry.organizations;
    const standing = async () => {
      const seen: Record<string, boolean> = {};
      for (const userId of ['owner', ...users]) {
        const [key, user] = [await byKey(userId), await byUser(userId)];
        expect(key.readOnly).toBe(user.readOnly);
        expect([key, user].map((access) => access.can('calls:write'))).toEqual([!key.readOnly, !key.readOnly]);
        expect([key, user].map((access) => access.can('calls:read'))).toEqual([true, true]);
        seen[userId] = key.readOnly;
      }
      return seen;
    };
    await setSeats(tenantId, 2);
    expect(await standing()).toEqual({ owner: false, first: false, second: false, third: false });
    clock.advance(14 * day);
    expect(await standing()).toEqual({ owner: false, first: false, second: true, third: true });
    await members.setRole({ tenantId, userId: 'third', role: 'owner' });
    expect(await standing()).toEqual({ owner: false, first: true, second: true, third: false });
    const sent = await counting.during(() => byKey('first'));
    expect(sent).toHaveLength(2);
    await setSeats(tenantId, 4);
    expect(await standing()).toEqual({ owner: false, first: false, second: false, third: false });
    const gone = await tenantry.organizations.members.list({ tenantId });
    expect(gone.items).toHaveLength(4);
  });

  it('refuses keys and users but for owners, or nothing at all, as the policy says', async () => {
    for (const policy of [undefined, { policy: 'block' }, { policy: 'allow' }] as const) {
      const tenantry = wire(policy);
      const { tenantId, byKey, byUser } = await staffed(tenantry, users);
      await tenantry.organizations.setSeats(tenantId, 3);
      if (policy?.policy === 'allow') {
        expect(await byKey('third')).toMatchObject({ readOnly: false });
        expect(await byUser('third')).toMatchObject({ readOnly: false });
        continue;
      }
      const refused = { code: 'key_refused', details: { reason: 'seats_exceeded' } };
      await expect(byKey('first')).rejects.toMatchObject(refused);
      await expect(byKey('owner')).rejects.toMatchObject(refused);
      await expect(byUser('first')).rejects.toMatchObject({ code: 'seats_exceeded', status: 403 });
      expect(await byUser('owner')).toMatchObject({ role: 'owner', readOnly: false });
    }
  });
});
