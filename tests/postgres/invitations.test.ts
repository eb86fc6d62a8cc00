import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createOrganizations, type OrganizationEvent } from '../../src/organizations/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

const clock = fixedClock('2026-03-01T12:00:00Z');
const day = 86_400_000;
const stranger = '00000000-0000-7000-8000-00000000dead';
const by = (userId: string) => ({ by: { userId } });
const refused = (reason: string) => ({ code: 'invitation_refused', details: { reason } });

let database: TestDatabase<Record<string, never>>;
let told: OrganizationEvent[] = [];
beforeAll(async () => {
  database = await postgresDatabase();
});
beforeEach(() => {
  told = [];
});
afterAll(() => database.destroy());

const plain = () => createOrganizations({ db: database.app, clock, roles: { therapist: ['vouchers:*'] } });
const telling = () =>
  createOrganizations({
    db: database.app,
    clock,
    events: async (event) => {
      told.push(event);
    },
  });

describe('an invitation', () => {
  it('holds a seat, becomes a member once, and then opens nothing', async () => {
    const { create, invitations, members, seats } = telling();
    const { tenantId } = await create({ name: 'Inv', seats: 2, owner: { userId: 'ada' } });
    told = [];
    const made = await invitations.create({ tenantId, email: 'Bob@Example.COM', role: 'admin' }, by('ada'));
    expect(made).toMatchObject({
      created: true,
      invitation: {
        tenantId,
        email: 'Bob@Example.COM',
        role: 'admin',
        status: 'pending',
        invitedBy: 'ada',
        expiresAt: new Date(clock().getTime() + 7 * day),
      },
    });
    expect(made.token).toMatch(/^inv_[\w-]{43}$/);
    expect(await seats(tenantId)).toEqual({ bought: 2, taken: 1, held: 1, free: 0, exceeded: null });
    await expect(members.add({ tenantId, userId: 'kim' })).rejects.toMatchObject({ code: 'seats_exhausted' });
    const accept = { token: made.token, userId: 'bob', verifiedEmail: 'bob@example.com', name: 'Bob' };
    const { member, created } = await invitations.accept(accept);
    expect(created).toBe(true);
    expect(member).toMatchObject({ userId: 'bob', role: 'admin', status: 'active', email: 'bob@example.com' });
    expect(await seats(tenantId)).toEqual({ bought: 2, taken: 2, held: 0, free: 0, exceeded: null });
    await expect(invitations.accept(accept)).rejects.toMatchObject(refused('used'));
    await expect(invitations.accept({ ...accept, userId: 'eve' })).rejects.toMatchObject(refused('used'));
    const { id: invitationId } = made.invitation;
    expect(await invitations.get({ tenantId, invitationId })).toMatchObject({
      status: 'accepted',
      memberId: member.id,
    });
    expect(told.map(({ name, actor }) => [name, actor?.userId])).toEqual([
      ['invitation.created', 'ada'],
      ['seats.changed', 'ada'],
      ['invitation.accepted', 'bob'],
      ['member.added', 'bob'],
      ['seats.changed', 'bob'],
    ]);
    expect(JSON.stringify(told)).not.toContain(made.token);
  });

  it('is stored as a digest', async () => {
    const { create, invitations } = plain();
    const { tenantId } = await create({ name: 'Hash', owner: { userId: 'ada' } });
    const { token } = await invitations.create({ tenantId, email: 'bob@example.com' });
    const { rows } = await sql<{ everything: string }>`
      select coalesce(string_agg(t::text || k::text, ''), '') as everything
      from tenantry.invitations t join tenantry.invitation_tokens k on k.invitation_id = t.id`.execute(database.app);
    expect(rows[0]?.everything).not.toContain(token);
    expect(rows[0]?.everything).not.toContain(token.slice(4));
  });

  it.each([
    ['BOB@example.com', 'bob@EXAMPLE.com', true],
    ['zoë@bücher.de', 'ZOË@xn--bcher-kva.de', true],
    ['zoe\u0301@example.com', 'zo\u00e9@example.com', true],
    ['bob@example.com', 'bob+x@example.com', false],
    ['bob@example.com', 'bob@example.co', false],
    ['bob@example.com', 'eve@example.com', false],
  ])('to %j opens for %j: %s', async (email, verifiedEmail, opens) => {
    const { create, invitations } = plain();
    const { tenantId } = await create({ name: 'Mail', owner: { userId: 'ada' } });
    const { token } = await invitations.create({ tenantId, email });
    const accepted = invitations.accept({ token, userId: 'bob', verifiedEmail });
    if (opens) expect(await accepted).toMatchObject({ created: true });
    else await expect(accepted).rejects.toMatchObject(refused('not_found'));
  });

  it('answers alike for tokens that nobody made, that are no tokens, and that are bound to another address', async () => {
    const { create, invitations } = plain();
    const { tenantId } = await create({ name: 'Alike', owner: { userId: 'ada' } });
    const { token } = await invitations.create({ tenantId, email: 'bob@example.com' });
    const messages = new Set<string>();
    const tokens = [token, `inv_${'A'.repeat(43)}`, 'x', '', `${token}x`, 'inv_\u0000', 'y'.repeat(1_000_000)];
    for (const one of tokens) {
      for (const call of [
        () => invitations.accept({ token: one, userId: 'eve', verifiedEmail: 'eve@example.com' }),
        () => invitations.decline({ token: one, verifiedEmail: 'eve@example.com' }),
      ]) {
        const error = await call().catch((thrown: unknown) => thrown);
        expect(error).toMatchObject(refused('not_found'));
        messages.add(String(error));
      }
    }
    expect(messages.size).toBe(1);
    expect(await invitations.list({ tenantId })).toMatchObject({ items: [{ status: 'pending' }] });
  });

  it('ends by time, and its seat is free from then on', async () => {
    const { create, invitations, members, seats } = telling();
    const { tenantId } = await create({ name: 'Time', seats: 2, owner: { userId: 'ada' } });
    const { token, invitation } = await invitations.create({
      tenantId,
      email: 'bob@example.com',
      expiresAt: new Date(clock().getTime() + 1000),
    });
    clock.advance(1000);
    told = [];
    await expect(invitations.accept({ token, userId: 'bob', verifiedEmail: 'bob@example.com' })).rejects.toMatchObject(
      refused('expired'),
    );
    expect(await seats(tenantId)).toMatchObject({ taken: 1, held: 0, free: 1 });
    expect(await invitations.list({ tenantId })).toEqual({ items: [], nextCursor: null });
    expect((await invitations.list({ tenantId, statuses: ['expired'] })).items).toMatchObject([{ id: invitation.id }]);
    expect(await members.add({ tenantId, userId: 'kim' })).toMatchObject({ created: true });
    expect(await seats(tenantId)).toMatchObject({ taken: 2, held: 0, free: 0 });
    expect(told.map(({ name }) => name)).toEqual(['member.added', 'invitation.expired', 'seats.changed']);
    await expect(invitations.resend({ tenantId, invitationId: invitation.id })).rejects.toMatchObject({
      code: 'seats_exhausted',
    });
    await members.remove({ tenantId, userId: 'kim' });
    const again = await invitations.resend({ tenantId, invitationId: invitation.id });
    expect(again.invitation).toMatchObject({ id: invitation.id, status: 'pending' });
    expect(await seats(tenantId)).toMatchObject({ taken: 1, held: 1 });
    await expect(invitations.accept({ token, userId: 'bob', verifiedEmail: 'bob@example.com' })).rejects.toMatchObject(
      refused('not_found'),
    );
    expect(
      await invitations.accept({ token: again.token, userId: 'bob', verifiedEmail: 'bob@example.com' }),
    ).toMatchObject({ created: true });
  });

  it('is sent again with a new token when the address is invited twice, in the role given then', async () => {
    const { create, invitations, seats } = telling();
    const { tenantId } = await create({ name: 'Twice', seats: 2, owner: { userId: 'ada' } });
    const first = await invitations.create({ tenantId, email: 'bob@example.com' });
    told = [];
    const second = await invitations.create({ tenantId, email: 'BOB@example.com', role: 'admin' });
    expect(second).toMatchObject({ created: false, invitation: { id: first.invitation.id, role: 'admin' } });
    expect(told.map(({ name }) => name)).toEqual(['invitation.resent']);
    expect(await seats(tenantId)).toMatchObject({ held: 1 });
    const accept = { userId: 'bob', verifiedEmail: 'bob@example.com' };
    await expect(invitations.accept({ ...accept, token: first.token })).rejects.toMatchObject(refused('not_found'));
    expect(await invitations.accept({ ...accept, token: second.token })).toMatchObject({ member: { role: 'admin' } });
  });

  it('is taken back, and turned down, and frees its seat', async () => {
    const { create, invitations, seats } = telling();
    const { tenantId } = await create({ name: 'Back', seats: 3, owner: { userId: 'ada' } });
    const bob = await invitations.create({ tenantId, email: 'bob@example.com' });
    const eve = await invitations.create({ tenantId, email: 'eve@example.com' });
    expect(await seats(tenantId)).toMatchObject({ held: 2, free: 0 });
    const invitationId = bob.invitation.id;
    expect(await invitations.revoke({ tenantId, invitationId })).toMatchObject({
      changed: true,
      invitation: { status: 'revoked' },
    });
    expect(await invitations.revoke({ tenantId, invitationId })).toMatchObject({ changed: false });
    const decline = { token: eve.token, verifiedEmail: 'eve@example.com' };
    await invitations.decline(decline);
    await invitations.decline(decline);
    expect(await seats(tenantId)).toMatchObject({ held: 0, free: 2 });
    await expect(
      invitations.accept({ token: bob.token, userId: 'bob', verifiedEmail: 'bob@example.com' }),
    ).rejects.toMatchObject(refused('revoked'));
    await expect(invitations.accept({ ...decline, userId: 'eve' })).rejects.toMatchObject(refused('declined'));
    await expect(invitations.decline({ token: bob.token, verifiedEmail: 'bob@example.com' })).rejects.toMatchObject(
      refused('revoked'),
    );
    await expect(invitations.resend({ tenantId, invitationId })).rejects.toMatchObject({
      code: 'invitation_not_found',
    });
    expect(told.filter(({ name }) => name.startsWith('invitation.')).map(({ name }) => name)).toEqual([
      'invitation.created',
      'invitation.created',
      'invitation.revoked',
      'invitation.declined',
    ]);
  });

  it('changes nothing for who is a member, does not lift a suspension, and does not undo a later removal', async () => {
    const { create, invitations, members, seats } = plain();
    const { tenantId } = await create({ name: 'There', seats: 3, owner: { userId: 'ada' } });
    await members.add({ tenantId, userId: 'bob' });
    const invite = async (email = 'bob@example.com') =>
      (await invitations.create({ tenantId, email, role: 'admin' })).token;
    const accept = { userId: 'bob', verifiedEmail: 'bob@example.com' };
    expect(await invitations.accept({ ...accept, token: await invite() })).toMatchObject({
      created: false,
      member: { role: 'member', status: 'active' },
    });
    expect(await seats(tenantId)).toMatchObject({ taken: 2, held: 0 });
    await members.suspend({ tenantId, userId: 'bob' });
    const token = await invite();
    await expect(invitations.accept({ ...accept, token })).rejects.toMatchObject(refused('suspended'));
    clock.advance(1);
    await members.remove({ tenantId, userId: 'bob' });
    await expect(invitations.accept({ ...accept, token })).rejects.toMatchObject(refused('revoked'));
    clock.advance(1);
    expect(await invitations.accept({ ...accept, token: await invite() })).toMatchObject({
      created: true,
      member: { role: 'admin', status: 'active' },
    });
    expect(await seats(tenantId)).toMatchObject({ taken: 2, held: 0 });
  });

  it('takes a user who asked to join, and one who is pending, in', async () => {
    const { create, invitations, members, seats } = plain();
    const { tenantId } = await create({ name: 'Asked', seats: 3, owner: { userId: 'ada' } });
    await members.request({ tenantId, userId: 'bob' });
    await members.add({ tenantId, userId: 'eve', status: 'pending' });
    for (const userId of ['bob', 'eve']) {
      const verifiedEmail = `${userId}@example.com`;
      const invited = invitations.create({ tenantId, email: verifiedEmail });
      if (userId === 'eve') {
        await expect(invited).rejects.toMatchObject({ code: 'seats_exhausted' });
        continue;
      }
      const { token } = await invited;
      expect(await invitations.accept({ token, userId, verifiedEmail })).toMatchObject({ created: true });
    }
    expect(await seats(tenantId)).toMatchObject({ taken: 3, held: 0 });
  });
});

describe('who invites', () => {
  it('needs the permission, and invites into no role that allows more', async () => {
    const organizations = plain();
    const { create, invitations, members } = organizations;
    const { tenantId } = await create({ name: 'Who', owner: { userId: 'ada' } });
    for (const role of ['admin', 'member'] as const) await members.add({ tenantId, userId: role, role });
    const email = 'bob@example.com';
    await expect(invitations.create({ tenantId, email }, by('member'))).rejects.toMatchObject({
      code: 'permission_denied',
      details: { permission: 'invitations:manage' },
    });
    await expect(invitations.create({ tenantId, email, role: 'owner' }, by('admin'))).rejects.toMatchObject({
      code: 'permission_denied',
    });
    await expect(invitations.create({ tenantId, email }, by('nobody'))).rejects.toMatchObject({
      code: 'organization_not_found',
    });
    const { invitation } = await invitations.create({ tenantId, email, role: 'owner' }, by('ada'));
    const named = { tenantId, invitationId: invitation.id };
    for (const one of [
      () => invitations.create({ tenantId, email }, by('admin')),
      () => invitations.resend(named, by('admin')),
      () => invitations.revoke(named, by('admin')),
    ]) {
      await expect(one()).rejects.toMatchObject({ code: 'permission_denied' });
    }
    expect(await invitations.get(named)).toMatchObject({ status: 'pending', role: 'owner' });
  });

  it('meets typed errors with foreign ids, unknown roles and addresses that are none', async () => {
    const { create, invitations, members } = plain();
    const a = await create({ name: 'A', owner: { userId: 'ada' } });
    const b = await create({ name: 'B', owner: { userId: 'bob' } });
    const { invitation } = await invitations.create({ tenantId: b.tenantId, email: 'x@example.com' });
    for (const invitationId of [invitation.id, stranger, 'no uuid']) {
      const named = { tenantId: a.tenantId, invitationId };
      for (const one of [invitations.revoke, invitations.resend]) {
        await expect(one(named)).rejects.toMatchObject({ code: 'invitation_not_found' });
      }
      expect(await invitations.get(named)).toBeNull();
    }
    for (const tenantId of [stranger, 'no uuid']) {
      await expect(invitations.create({ tenantId, email: 'x@example.com' })).rejects.toMatchObject({
        code: 'organization_not_found',
      });
    }
    const { tenantId } = a;
    for (const email of [
      '',
      'x',
      'x@',
      '@x.de',
      'a b@x.de',
      'x@localhost',
      'x@y..de',
      'x\u0000@y.de',
      'x@-y.de',
      'é'.repeat(400),
    ]) {
      await expect(invitations.create({ tenantId, email })).rejects.toMatchObject({ code: 'name_invalid' });
    }
    const role: string = 'wizard';
    const open = createOrganizations<Record<string, readonly string[]>>({ db: database.app });
    await expect(open.invitations.create({ tenantId, email: 'x@y.de', role })).rejects.toMatchObject({
      code: 'role_unknown',
    });
    const past = { tenantId, email: 'x@y.de', expiresAt: clock() };
    await expect(invitations.create(past)).rejects.toMatchObject({ code: 'name_invalid' });
    expect((await invitations.list({ tenantId })).items).toEqual([]);
    expect(await members.get({ tenantId, userId: 'bob' })).toBeNull();
  });

  it('sees all of them, part by part', async () => {
    const { create, invitations } = plain();
    const { tenantId } = await create({ name: 'Many', owner: { userId: 'ada' } });
    const made: string[] = [];
    for (let n = 0; n < 11; n += 1) {
      made.push((await invitations.create({ tenantId, email: `u${n}@example.com` })).invitation.id);
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof invitations.list>> = await invitations.list({ tenantId, limit: 4, cursor });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(made);
    for (const limit of [0, 1001]) {
      await expect(invitations.list({ tenantId, limit })).rejects.toMatchObject({ code: 'amount_invalid' });
    }
  });
});
