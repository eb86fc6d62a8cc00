import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createOrganizations } from '../../src/organizations/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { postgresDatabase } from '../support/databases.ts';
import { atOnce, mail, stateOf as stateIn, ways } from '../support/organization-races.ts';

const database = await postgresDatabase<Record<string, never>>({ connections: 25 });
afterAll(() => database.destroy());

const stateOf = (tenantId: string) => stateIn(database, tenantId);

describe.each(ways)('anything in any order, in $way', ({ sink }) => {
  const user = fc.integer({ min: 0, max: 4 });
  const role = fc.constantFrom('owner' as const, 'admin' as const, 'member' as const);
  const step = fc.record({
    kind: fc.constantFrom(
      'add',
      'request',
      'approve',
      'role',
      'remove',
      'suspend',
      'activate',
      'invite',
      'accept',
      'revoke',
      'wait',
      'seats',
      'recount',
    ),
    user,
    by: fc.option(user),
    role,
    pending: fc.boolean(),
    seats: fc.option(fc.nat(6)),
  });

  it('counts every seat, holds every seat, and keeps an owner', { timeout: 250_000 }, async () => {
    const clock = fixedClock();
    const options = { billable: { roles: ['owner', 'member'] } } as const;
    const events = async () => {
      await sleep(Math.random());
    };
    const { create, members, invitations, setSeats, recountSeats } = createOrganizations({
      db: database.app,
      clock,
      ...options,
      ...(sink && { events }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 40 }), async (steps) => {
        const { tenantId } = await create({ name: 'Any', seats: 4, owner: { userId: '0' } });
        const sent: { id: string; token: string; email: string }[] = [];
        await atOnce<unknown>(
          steps.map((one) => async () => {
            const ref = { tenantId, userId: String(one.user) };
            const by = one.by === null ? {} : { by: { userId: String(one.by) } };
            const email = mail(one.user);
            const last = sent.at(-1 - one.user) ?? sent.at(-1);
            switch (one.kind) {
              case 'add':
                return members.add({ ...ref, role: one.role, status: one.pending ? 'pending' : 'active' }, by);
              case 'request':
                return members.request(ref);
              case 'approve':
                return members.approve(ref, by);
              case 'role':
                return members.setRole({ ...ref, role: one.role }, by);
              case 'remove':
                return members.remove(ref, by);
              case 'suspend':
                return members.suspend(ref, by);
              case 'activate':
                return members.activate(ref, by);
              case 'invite': {
                const { invitation, token } = await invitations.create({ tenantId, email, role: one.role }, by);
                return sent.push({ id: invitation.id, token, email });
              }
              case 'accept':
                return last && invitations.accept({ token: last.token, userId: ref.userId, verifiedEmail: last.email });
              case 'revoke':
                return last && invitations.revoke({ tenantId, invitationId: last.id }, by);
              case 'wait':
                return clock.advance(one.pending ? 8 * 86_400_000 : 3_600_000);
              case 'recount':
                return recountSeats(tenantId);
              default:
                return setSeats(tenantId, one.seats, by);
            }
          }),
        );
        const state = await stateOf(tenantId);
        expect(state).toMatchObject({ taken: state.members, held: state.invited });
        expect(state.owners).toBeGreaterThanOrEqual(1);
        if (!steps.some(({ kind }) => kind === 'seats')) expect(state.taken + state.held).toBeLessThanOrEqual(4);
      }),
      { numRuns: 80 },
    );
  });
});
