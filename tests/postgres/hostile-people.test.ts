import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AuthWorld, authWorld, ip, password } from '../support/auth-world.ts';
import { type HostileCall, hostileFaults } from '../support/hostile-arguments.ts';

/*
 * Every method about people with one part of its arguments after another replaced by what no database can store, what is
 * endless, and numbers and times that are none: each is answered, or refused with an error of the library.
 */

let world: AuthWorld;
let tenantId: string;
let userId: string;
const token = 'a'.repeat(43);

beforeAll(async () => {
  world = await authWorld();
  ({ tenantId, userId } = await world.signedUp());
});
afterAll(() => world.database.destroy());

it('organizations', async () => {
  const { organizations } = world;
  const { members, invitations, teams, domains, grants } = organizations;
  const { member } = await members.add({ tenantId, userId: 'bob' });
  const team = await teams.create({ tenantId, name: 'Team' });
  const { invitation } = await invitations.create({ tenantId, email: 'eve@acme.example' });
  const ref = { tenantId, memberId: member.id };
  const user = { tenantId, userId: 'bob' };
  const ofTeam = { tenantId, teamId: team.id };
  const page = { limit: 5, cursor: 'x' };
  const by = { by: { userId } };
  const resource = { type: 'host', id: 'h1' };
  const invited = { tenantId, invitationId: invitation.id };
  const future = new Date('2026-03-05T00:00:00Z');
  const calls: HostileCall[] = [
    {
      name: 'create',
      call: organizations.create,
      given: [{ name: 'A', slug: 'a-b', owner: { userId: 'x', email: 'x@y.example', name: 'X' } }, by],
    },
    { name: 'update', call: organizations.update, given: [{ tenantId, name: 'A', slug: 'a-c' }, by] },
    { name: 'get', call: organizations.get, given: [tenantId] },
    { name: 'ofUser', call: organizations.ofUser, given: [{ userId, ...page }] },
    { name: 'seats', call: organizations.seats, given: [tenantId] },
    { name: 'setSeats', call: organizations.setSeats, given: [tenantId, 50, by] },
    { name: 'recountSeats', call: organizations.recountSeats, given: [tenantId] },
    { name: 'membershipOf', call: organizations.membershipOf, given: [tenantId, 'bob'] },
    { name: 'standingOf', call: organizations.standingOf, given: [ref] },
    { name: 'seatPlaceOf', call: organizations.seatPlaceOf, given: [tenantId, member.id] },
    {
      name: 'members.add',
      call: members.add,
      given: [{ tenantId, userId: 'cy', role: 'member', email: 'c@y.example', name: 'C', status: 'active' }, by],
    },
    { name: 'members.request', call: members.request, given: [{ tenantId, userId: 'dy', role: 'member', name: 'D' }] },
    { name: 'members.approve', call: members.approve, given: [{ ...user, role: 'member' }, by] },
    { name: 'members.reject', call: members.reject, given: [{ tenantId, userId: 'nobody' }, by] },
    { name: 'members.get', call: members.get, given: [ref] },
    { name: 'members.get by user', call: members.get, given: [user] },
    { name: 'members.list', call: members.list, given: [{ tenantId, statuses: ['active'], ...page }] },
    { name: 'members.update', call: members.update, given: [{ ...ref, name: 'Ada', email: 'ada@x.test' }, by] },
    { name: 'members.setRole', call: members.setRole, given: [{ ...ref, role: 'member' }, by] },
    {
      name: 'members.transferOwnership',
      call: members.transferOwnership,
      given: [{ tenantId, fromUserId: 'bob', toUserId: userId, role: 'admin' }, by],
    },
    { name: 'members.suspend', call: members.suspend, given: [{ tenantId, userId: 'nobody' }, by] },
    { name: 'members.remove', call: members.remove, given: [{ tenantId, userId: 'nobody' }, by] },
    { name: 'members.removeUser', call: members.removeUser, given: [{ userId: 'nobody' }] },
    { name: 'grants.give', call: grants.give, given: [{ ...ref, permission: 'a:b', expiresAt: future }, by] },
    { name: 'grants.revoke', call: grants.revoke, given: [{ ...ref, permission: 'a:b' }, by] },
    { name: 'grants.list', call: grants.list, given: [{ ...ref, ...page }] },
    {
      name: 'invitations.create',
      call: invitations.create,
      given: [{ tenantId, email: 'q@acme.example', role: 'member', expiresAt: future }, by],
    },
    { name: 'invitations.resend', call: invitations.resend, given: [{ ...invited, expiresAt: future }, by] },
    { name: 'invitations.get', call: invitations.get, given: [invited] },
    { name: 'invitations.list', call: invitations.list, given: [{ tenantId, statuses: ['pending'], ...page }] },
    {
      name: 'invitations.accept',
      call: invitations.accept,
      given: [{ token, userId: 'x', verifiedEmail: 'x@y.example', name: 'X' }],
    },
    { name: 'invitations.decline', call: invitations.decline, given: [{ token, verifiedEmail: 'x@y.example' }] },
    { name: 'invitations.revoke', call: invitations.revoke, given: [{ tenantId, invitationId: member.id }, by] },
    {
      name: 'domains.add',
      call: domains.add,
      given: [{ tenantId, domain: 'd.example', mode: 'join', role: 'member' }, by],
    },
    { name: 'domains.verify', call: domains.verify, given: [{ tenantId, domain: 'no.example' }, by] },
    { name: 'domains.list', call: domains.list, given: [{ tenantId, ...page }] },
    { name: 'domains.join', call: domains.join, given: [{ userId: 'x', verifiedEmail: 'x@no.example', name: 'X' }] },
    { name: 'domains.remove', call: domains.remove, given: [{ tenantId, domain: 'no.example' }, by] },
    {
      name: 'teams.create',
      call: teams.create,
      given: [{ tenantId, name: 'T', parentId: team.id, metadata: { a: 'b' } }, by],
    },
    { name: 'teams.update', call: teams.update, given: [{ ...ofTeam, name: 'T', metadata: { a: ['b', 1] } }, by] },
    { name: 'teams.get', call: teams.get, given: [ofTeam] },
    { name: 'teams.list', call: teams.list, given: [{ tenantId, parentId: team.id, ...page }] },
    { name: 'teams.setMember', call: teams.setMember, given: [{ ...ofTeam, userId: 'bob', role: 'member' }, by] },
    { name: 'teams.removeMember', call: teams.removeMember, given: [{ ...ofTeam, userId: 'nobody' }, by] },
    { name: 'teams.members', call: teams.members, given: [{ ...ofTeam, ...page }] },
    { name: 'teams.ofUser', call: teams.ofUser, given: [{ ...user, ...page }] },
    { name: 'teams.share', call: teams.share, given: [{ ...ofTeam, resource, permission: 'a:b' }, by] },
    { name: 'teams.unshare', call: teams.unshare, given: [{ ...ofTeam, resource, permission: 'a:c' }, by] },
    { name: 'teams.shares', call: teams.shares, given: [{ ...ofTeam, ...page }] },
    {
      name: 'teams.resourcesOf',
      call: teams.resourcesOf,
      given: [{ ...user, type: 'host', permission: 'a:b', ...page }],
    },
    { name: 'teams.can', call: teams.can, given: [{ ...user, resource, permission: 'a:b' }] },
  ];
  expect(await hostileFaults(calls)).toEqual([]);
});

it('users, passwords and sessions', async () => {
  const { auth } = world;
  const mine = await world.signedUp();
  const { sessionId } = mine.session;
  const { refreshToken } = mine.tokens;
  const user = { userId: mine.userId };
  const from = { ip, userAgent: 'agent' };
  const calls: HostileCall[] = [
    {
      name: 'signUp',
      call: auth.signUp,
      given: [{ email: 'n@acme.example', password, name: 'N', tenant: { name: 'N', slug: 'n-n' }, ...from }],
    },
    { name: 'login', call: auth.login, given: [{ email: mine.email, password, tenantId: mine.tenantId, ...from }] },
    { name: 'authenticate', call: auth.authenticate, given: [mine.tokens.accessToken] },
    { name: 'verifyToken', call: auth.verifyToken, given: [mine.tokens.accessToken] },
    {
      name: 'users.create',
      call: auth.users.create,
      given: [{ email: 'm@acme.example', name: 'M', userId: 'm', password }],
    },
    { name: 'users.get', call: auth.users.get, given: [user] },
    { name: 'users.get by mail', call: auth.users.get, given: [{ email: 'm@acme.example' }] },
    { name: 'users.update', call: auth.users.update, given: [{ ...user, name: 'M' }] },
    { name: 'users.setEmail', call: auth.users.setEmail, given: [{ userId: 'nobody', email: 'k@acme.example' }] },
    { name: 'users.suspend', call: auth.users.suspend, given: ['nobody'] },
    { name: 'users.remove', call: auth.users.remove, given: ['nobody'] },
    { name: 'sessions.start', call: auth.sessions.start, given: [{ ...user, tenantId: mine.tenantId, ...from }] },
    { name: 'sessions.refresh', call: auth.sessions.refresh, given: [{ refreshToken: token }] },
    { name: 'sessions.switchTenant', call: auth.sessions.switchTenant, given: [{ refreshToken, tenantId }] },
    { name: 'sessions.get', call: auth.sessions.get, given: [sessionId] },
    { name: 'sessions.list', call: auth.sessions.list, given: [mine.userId] },
    { name: 'sessions.logOut', call: auth.sessions.logOut, given: [{ refreshToken: token }] },
    { name: 'sessions.end', call: auth.sessions.end, given: [{ userId: 'nobody', sessionId }] },
    { name: 'sessions.endAll', call: auth.sessions.endAll, given: [{ userId: 'nobody', except: sessionId, tenantId }] },
    {
      name: 'impersonation.start',
      call: auth.impersonation.start,
      given: [{ ...user, tenantId, by: 'root', reason: 'r' }],
    },
    { name: 'emailVerification.send', call: auth.emailVerification.send, given: [user] },
    { name: 'emailVerification.confirm', call: auth.emailVerification.confirm, given: [{ token }] },
    {
      name: 'emailChange.request',
      call: auth.emailChange.request,
      given: [{ ...user, sessionId, email: 'z@acme.example' }],
    },
    { name: 'emailChange.confirm', call: auth.emailChange.confirm, given: [{ token }] },
    {
      name: 'changePassword',
      call: auth.changePassword,
      given: [{ ...user, sessionId, current: 'wrong', next: 'another long password', ip }],
    },
    { name: 'passwordReset.request', call: auth.passwordReset.request, given: [{ email: 'nobody@acme.example', ip }] },
    { name: 'passwordReset.complete', call: auth.passwordReset.complete, given: [{ token, password }] },
    { name: 'setup.of', call: auth.setup.of, given: [tenantId] },
    { name: 'setup.save', call: auth.setup.save, given: [{ tenantId, step: 'phone', data: { a: 'b' } }] },
    { name: 'setup.complete', call: auth.setup.complete, given: [{ tenantId, step: 'phone', data: { a: 'b' } }] },
    { name: 'setup.skip', call: auth.setup.skip, given: [{ tenantId, step: 'greeting' }] },
  ];
  expect(await hostileFaults(calls)).toEqual([]);
});
