import type { Kysely } from 'kysely';
import { createOrganizations, type OrganizationEvent } from '../../src/organizations/index.ts';

/** The module with a role of teams of its own; what it tells goes to `told`. */
export const withTeams = <DB>(db: Kysely<DB>, told?: OrganizationEvent[]) =>
  createOrganizations({
    db,
    teamRoles: { observer: ['team:read'] },
    ...(told !== undefined && {
      events: async (event: OrganizationEvent) => {
        told.push(event);
      },
    }),
  });

/** Engineering above Backend above Storage, and Sales beside them; each has one member of its name. */
export async function companyOf<DB>(db: Kysely<DB>) {
  const organizations = withTeams(db);
  const { create, members, teams } = organizations;
  const { tenantId, owner } = await create({ name: 'Company', owner: { userId: 'owner' } });
  const engineering = await teams.create({ tenantId, name: 'Engineering' });
  const backend = await teams.create({ tenantId, name: 'Backend', parentId: engineering.id });
  const storage = await teams.create({ tenantId, name: 'Storage', parentId: backend.id });
  const sales = await teams.create({ tenantId, name: 'Sales' });
  const all = { engineering, backend, storage, sales };
  for (const [userId, team] of Object.entries(all)) {
    await members.add({ tenantId, userId });
    await teams.setMember({ tenantId, teamId: team.id, userId });
  }
  const ref = (team: { readonly id: string }) => ({ tenantId, teamId: team.id });
  const host = (id: string) => ({ type: 'host', id });
  return { ...organizations, ...all, tenantId, owner, ref, host };
}
