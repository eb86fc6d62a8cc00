import type { Kysely } from 'kysely';
import { createOrganizations, type EndedAccess, type OrganizationEvent } from '../../src/organizations/index.ts';
import { fixedClock } from '../../src/testing/index.ts';

/** The clock of {@link clinics}. */
export const clock = fixedClock('2026-03-01T12:00:00Z');

/** The module with roles of its own; what it tells and whose access it cuts is kept where that is asked for. */
export const clinics = <DB>(db: Kysely<DB>, more: { told?: OrganizationEvent[]; cut?: EndedAccess[] } = {}) => {
  const { told, cut } = more;
  return createOrganizations({
    db,
    clock,
    roles: {
      therapist: { permissions: ['vouchers:*', 'members:manage'], above: ['client'] },
      client: ['vouchers:read'],
      staff: ['vouchers:read', 'members:manage', 'invitations:manage'],
    },
    ...(told !== undefined && {
      events: async (event: OrganizationEvent) => {
        told.push(event);
      },
    }),
    ...(cut !== undefined && {
      cutAccess: async (ended: EndedAccess) => {
        cut.push(ended);
      },
    }),
  });
};

type Organizations = ReturnType<typeof clinics>;

/** An organization with one member of each role, whose user's id is the role. */
export async function staffed(organizations: Organizations) {
  const { tenantId, owner } = await organizations.create({ name: 'Clinic', owner: { userId: 'owner' } });
  for (const role of ['admin', 'member', 'therapist', 'client', 'staff'] as const) {
    await organizations.members.add({ tenantId, userId: role, role });
  }
  return { tenantId, owner, ref: (userId: string) => ({ tenantId, userId }) };
}
