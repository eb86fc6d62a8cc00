import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { AnyDatabase } from '../../src/database/index.ts';
import {
  createOrganizations,
  type OrganizationEvent,
  type OrganizationsOptions,
} from '../../src/organizations/index.ts';
import { postgresDatabase } from '../support/databases.ts';
import { atOnce, mail, stateOf as stateIn, ways } from '../support/organization-races.ts';
import { untilSomebodyWaits } from '../support/until.ts';

const database = await postgresDatabase<Record<string, never>>({ connections: 25 });
afterAll(() => database.destroy());

const stateOf = (tenantId: string) => stateIn(database, tenantId);
const callers = 50;

function moduleOf(sink: boolean, told: OrganizationEvent[] = [], options: OrganizationsOptions = {}) {
  const events = async (event: OrganizationEvent) => {
    await sleep(Math.random() * 2);
    told.push(event);
  };
  return createOrganizations({ db: database.app, ...options, ...(sink && { events }) });
}

const times = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));

describe.each(ways)('50 callers at once, in $way', ({ sink }) => {
  it('never take and hold more seats than are bought, by whatever way they come', async () => {
    const { create, members, invitations, setSeats } = moduleOf(sink);
    const { tenantId } = await create({ name: 'Seats', owner: { userId: 'owner' } });
    const waiting: string[] = [];
    for (let n = 0; n < 10; n += 1) {
      waiting.push((await invitations.create({ tenantId, email: mail(n) })).token);
      await members.add({ tenantId, userId: `back ${n}` });
      await members.suspend({ tenantId, userId: `back ${n}` });
      await members.request({ tenantId, userId: `asks ${n}` });
    }
    await setSeats(tenantId, 18);
    const { codes } = await atOnce<unknown>([
      ...times(10, (n) => () => members.add({ tenantId, userId: `new ${n}` })),
      ...times(10, (n) => () => invitations.create({ tenantId, email: mail(100 + n) })),
      ...times(10, (n) => () => members.activate({ tenantId, userId: `back ${n}` })),
      ...times(10, (n) => () => members.approve({ tenantId, userId: `asks ${n}` })),
      ...waiting.map((token, n) => () => invitations.accept({ token, userId: `inv ${n}`, verifiedEmail: mail(n) })),
    ]);
    const state = await stateOf(tenantId);
    // Ten were held and accepted; of the forty others seven found a seat.
    expect(codes).toEqual(times(33, () => 'seats_exhausted'));
    expect(state).toMatchObject({ bought: 18, taken: state.members, held: state.invited });
    expect(state.taken + state.held).toBe(18);
  });

  it('make no more organizations than a user may own', async () => {
    const { create } = moduleOf(sink, [], { organizationsPerUser: 3 });
    const userId = `maker ${sink}`;
    await create({ name: 'First', owner: { userId } });
    const { values, codes } = await atOnce(
      times(callers, (n) => () => create({ name: `Org ${n}`, owner: { userId } })),
    );
    expect(values).toHaveLength(2);
    expect(codes).toEqual(times(callers - 2, () => 'limit_reached'));
    const others = await atOnce(
      times(callers, (n) => () => create({ name: 'O', owner: { userId: `${userId} ${n}` } })),
    );
    expect(others.codes).toEqual([]);
  });

  it('make one member of an invitation, whoever accepts it', async () => {
    const { create, invitations } = moduleOf(sink);
    for (const one of [true, false]) {
      const { tenantId } = await create({ name: 'Once', seats: 2, owner: { userId: 'owner' } });
      const { token } = await invitations.create({ tenantId, email: mail(1) });
      const { values, codes } = await atOnce(
        times(callers, (n) => () => {
          const userId = one ? 'bob' : `bob ${n}`;
          return invitations.accept({ token, userId, verifiedEmail: mail(1) });
        }),
      );
      expect(values).toHaveLength(1);
      expect(codes).toEqual(times(callers - 1, () => 'invitation_refused'));
      expect(await stateOf(tenantId)).toMatchObject({ taken: 2, held: 0, members: 2, invited: 0 });
    }
  });

  it('leave one invitation of an address, and one token that opens', async () => {
    const { create, invitations } = moduleOf(sink);
    const { tenantId } = await create({ name: 'Address', seats: 2, owner: { userId: 'owner' } });
    const { values, codes } = await atOnce(
      times(
        callers,
        (n) => () => invitations.create({ tenantId, email: n % 2 === 0 ? 'bob@example.com' : 'BOB@Example.com' }),
      ),
    );
    expect(codes).toEqual([]);
    expect(new Set(values.map(({ invitation }) => invitation.id)).size).toBe(1);
    expect(values.filter(({ created }) => created)).toHaveLength(1);
    expect(await stateOf(tenantId)).toMatchObject({ taken: 1, held: 1, invited: 1 });
    const accepted = await atOnce(
      values.map(
        ({ token }, n) =>
          () =>
            invitations.accept({ token, userId: `bob ${n}`, verifiedEmail: 'bob@example.com' }),
      ),
    );
    expect(accepted.values).toHaveLength(1);
  });

  it('use, take back, turn down, or send again: an invitation ends in one way, and its seat is counted once', async () => {
    const { create, invitations } = moduleOf(sink);
    const { tenantId } = await create({ name: 'Ends', seats: 11, owner: { userId: 'owner' } });
    const made = [];
    for (let n = 0; n < 10; n += 1) made.push(await invitations.create({ tenantId, email: mail(n) }));
    await atOnce<unknown>(
      made.flatMap(({ token, invitation }, n) => {
        const named = { tenantId, invitationId: invitation.id };
        const verifiedEmail = mail(n);
        return [
          () => invitations.accept({ token, userId: `user ${n}`, verifiedEmail }),
          () => invitations.decline({ token, verifiedEmail }),
          () => invitations.revoke(named),
          () => invitations.resend(named),
          () => invitations.create({ tenantId, email: verifiedEmail, role: 'admin' }),
        ];
      }),
    );
    const state = await stateOf(tenantId);
    expect(state).toMatchObject({ taken: state.members, held: state.invited });
    expect(state.taken + state.held).toBeLessThanOrEqual(11);
  });

  it('leave an owner, by whatever way owners go', async () => {
    const { create, members } = moduleOf(sink);
    for (const count of [...times(10, () => 2), callers]) {
      const { tenantId } = await create({ name: 'Owners', owner: { userId: `o0 ${sink}` } });
      const users = times(count, (n) => `o${n} ${sink}`);
      for (const userId of users.slice(1)) await members.add({ tenantId, userId, role: 'owner' });
      await members.add({ tenantId, userId: 'heir' });
      const { codes } = await atOnce<unknown>(
        users.map((userId, n) => () => {
          const ref = { tenantId, userId };
          const other = users[(n + 1) % count] ?? '';
          if (n % 6 === 0) return members.remove(ref, { by: { userId } });
          if (n % 6 === 1) return members.remove(ref, { by: { userId: other } });
          if (n % 6 === 2) return members.setRole({ ...ref, role: 'member' }, { by: { userId } });
          if (n % 6 === 3) return members.suspend(ref);
          if (n % 6 === 4) return members.removeUser({ userId });
          return members.setRole({ ...ref, role: 'admin' });
        }),
      );
      expect(codes).not.toEqual([]);
      const state = await stateOf(tenantId);
      expect(state.owners).toBeGreaterThanOrEqual(1);
      expect(state.taken).toBe(state.members);
      // Each round uses the same users; none of them is left an owner elsewhere.
      for (const userId of users) await members.setRole({ tenantId, userId, role: 'member' }).catch(() => undefined);
      await members.add({ tenantId, userId: 'keeper', role: 'owner' });
      for (const userId of users) await members.remove({ tenantId, userId });
    }
  });

  it('hand an organization over to one of them', async () => {
    const { create, members } = moduleOf(sink);
    const { tenantId } = await create({ name: 'Hand', owner: { userId: 'owner' } });
    for (let n = 0; n < callers; n += 1) await members.add({ tenantId, userId: `user ${n}` });
    const { values, codes } = await atOnce(
      times(
        callers,
        (n) => () =>
          members.transferOwnership(
            { tenantId, fromUserId: 'owner', toUserId: `user ${n}` },
            { by: { userId: 'owner' } },
          ),
      ),
    );
    expect(values).toHaveLength(1);
    expect(new Set(codes)).toEqual(new Set(['permission_denied']));
    expect(await stateOf(tenantId)).toMatchObject({ owners: 1 });
  });

  it('make no cycle of teams', async () => {
    const { create, teams } = moduleOf(sink);
    const { tenantId } = await create({ name: 'Cycle', owner: { userId: 'owner' } });
    const ring: { readonly id: string }[] = [];
    for (let n = 0; n < 10; n += 1) ring.push(await teams.create({ tenantId, name: `team ${n}` }));
    const { codes } = await atOnce(
      times(callers, (n) => () => {
        const [team, parent] = [ring[n % 10], ring[(n * 7 + 1) % 10]];
        return teams.update({ tenantId, teamId: team?.id ?? '', parentId: parent?.id ?? '' });
      }),
    );
    expect(codes.every((code) => code === 'team_cycle')).toBe(true);
    const parents = new Map((await teams.list({ tenantId })).items.map(({ id, parentId }) => [id, parentId]));
    for (const { id } of ring) {
      const seen = new Set<string>();
      for (let at: string | null = id; at !== null; at = parents.get(at) ?? null) {
        expect(seen.has(at)).toBe(false);
        seen.add(at);
      }
    }
  });
});

describe('a role that is changed while it is used', () => {
  it('gives nothing from the moment on in which it is gone', async () => {
    const told: OrganizationEvent[] = [];
    const { create, members, grants, invitations } = moduleOf(true, told);
    for (let round = 0; round < 3; round += 1) {
      const { tenantId } = await create({ name: 'Demote', owner: { userId: 'owner' } });
      await members.add({ tenantId, userId: 'admin', role: 'admin' });
      for (let n = 0; n < 12; n += 1) await members.add({ tenantId, userId: `user ${n}` });
      told.length = 0;
      const by = { by: { userId: 'admin' } };
      const end = [
        () => members.setRole({ tenantId, userId: 'admin', role: 'member' }),
        () => members.suspend({ tenantId, userId: 'admin' }),
        () => members.remove({ tenantId, userId: 'admin' }),
      ][round];
      const work = times<() => Promise<unknown>>(callers - 1, (n) => {
        const user = { tenantId, userId: `user ${n % 12}` };
        if (n % 4 === 0) return () => members.setRole({ ...user, role: 'admin' }, by);
        if (n % 4 === 1) return () => grants.give({ ...user, permission: 'calls:write' }, by);
        if (n % 4 === 2) return () => invitations.create({ tenantId, email: mail(n), role: 'admin' }, by);
        return () => members.add({ tenantId, userId: `new ${n}`, role: 'admin' }, by);
      });
      const { codes } = await atOnce<unknown>([...work.slice(0, 20), ...(end ? [end] : []), ...work.slice(20)]);
      const denials = ['permission_denied', 'organization_not_found'];
      expect(codes.every((code) => denials.includes(code))).toBe(true);
      // Events are told behind the lock, so they stand in the order in which changes were made.
      const ended = ['member.role_changed', 'member.suspended', 'member.removed'][round];
      const at = told.findIndex(
        ({ name, actor, data }) => name === ended && actor === undefined && 'userId' in data && data.userId === 'admin',
      );
      expect(at).toBeGreaterThanOrEqual(0);
      expect(told.slice(at).filter(({ actor }) => actor?.userId === 'admin')).toEqual([]);
    }
  });

  const { create, members, grants, invitations, teams } = moduleOf(false);

  /** Begins `second` while `first` is not committed, and commits when it stands at the lock. */
  async function behind(first: (tx: AnyDatabase) => Promise<unknown>, second: () => Promise<unknown>) {
    const waiting: Promise<unknown>[] = [];
    await database.app.transaction().execute(async (tx) => {
      await first(tx);
      const call = second();
      call.catch(() => undefined);
      waiting.push(call);
      await untilSomebodyWaits(database);
    });
    return waiting[0];
  }

  const uses = (tenantId: string, teamId: string): Record<string, () => Promise<unknown>> => {
    const by = { by: { userId: 'admin' } };
    const bob = { tenantId, userId: 'bob' };
    return {
      'gives a role': () => members.setRole({ ...bob, role: 'admin' }, by),
      'adds a member': () => members.add({ tenantId, userId: 'new' }, by),
      'removes a member': () => members.remove(bob, by),
      grants: () => grants.give({ ...bob, permission: 'calls:write' }, by),
      invites: () => invitations.create({ tenantId, email: mail(1) }, by),
      'makes a team': () => teams.create({ tenantId, name: 'Team' }, by),
      shares: () =>
        teams.share({ tenantId, teamId, resource: { type: 'host', id: '1' }, permission: 'hosts:read' }, by),
    };
  };

  it.each(Object.keys(uses('', '')))('is judged as it is then when a member %s', async (what) => {
    const { tenantId } = await create({ name: 'Stale', owner: { userId: 'owner' } });
    await members.add({ tenantId, userId: 'admin', role: 'admin' });
    await members.add({ tenantId, userId: 'bob' });
    const team = await teams.create({ tenantId, name: 'Team' });
    const use = uses(tenantId, team.id)[what];
    if (use === undefined) throw new Error('no such use');
    const demote = (tx: AnyDatabase) => members.setRole({ tenantId, userId: 'admin', role: 'member' }, { db: tx });
    await expect(behind(demote, use)).rejects.toMatchObject({ code: 'permission_denied' });
    const promote = (tx: AnyDatabase) => members.setRole({ tenantId, userId: 'admin', role: 'admin' }, { db: tx });
    await promote(database.app);
    const grant = { tenantId, userId: 'admin', permission: '*' };
    const busy = (tx: AnyDatabase) => grants.give(grant, { db: tx });
    expect(await behind(busy, use)).toBeDefined();
  });

  it('does not let two owners take the role from each other', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { tenantId } = await create({ name: 'Two', owner: { userId: 'a' } });
      await members.add({ tenantId, userId: 'b', role: 'owner' });
      const { values, codes } = await atOnce([
        () => members.remove({ tenantId, userId: 'b' }, { by: { userId: 'a' } }),
        () => members.remove({ tenantId, userId: 'a' }, { by: { userId: 'b' } }),
      ]);
      expect(values).toHaveLength(1);
      expect(['organization_not_found', 'last_owner']).toContain(codes[0]);
      expect(await stateOf(tenantId)).toMatchObject({ owners: 1 });
    }
  });
});
