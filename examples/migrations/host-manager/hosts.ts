import type { Kysely } from 'kysely';
import { found, refusal } from '../refusal.ts';
import {
  type Application,
  addHost,
  type CommercialTables,
  mayManage,
  type OrganizationQueries,
  raiseAlert,
  shareHost,
} from './application.ts';
import type { HostDatabase } from './legacy-schema.ts';

/** Who asks. */
export interface Viewer {
  readonly userId: string;
  readonly db: OrganizationQueries;
}

/** What may be changed of a host. */
export interface HostChange {
  readonly name?: string;
  readonly hostname?: string;
  readonly notes?: string;
  readonly status?: 'ONLINE' | 'OFFLINE' | 'UNKNOWN';
}

/** A new id, in the form of Prisma's. */
export const newId = (): string => `c${crypto.randomUUID().replaceAll('-', '').slice(0, 24)}`;

/** Hosts as members see them: those of their teams. A host of which they see nothing is not there. */
export function createHosts(app: Application) {
  const visible = ({ db, userId }: Viewer) =>
    db
      .selectFrom('Host')
      .select(['id', 'name', 'hostname', 'port', 'status', 'notes', 'userId', 'updatedAt'])
      .where('id', 'in', (eb) =>
        eb
          .selectFrom('HostTeam')
          .innerJoin('UserTeam', 'UserTeam.teamId', 'HostTeam.teamId')
          .where('UserTeam.userId', '=', userId)
          .select('HostTeam.hostId'),
      );

  const get = async (viewer: Viewer, id: string) =>
    found(await visible(viewer).where('id', '=', id).executeTakeFirst(), 'host');

  async function requireManage(viewer: Viewer, id: string): Promise<void> {
    await get(viewer, id);
    if (!(await mayManage(viewer.db, viewer.userId, id))) throw refusal(403, 'your teams may look at this host only');
  }

  const team = async (db: OrganizationQueries, id: string): Promise<string> =>
    found(await db.selectFrom('Team').select('id').where('id', '=', id).executeTakeFirst(), 'team').id;

  return {
    get,
    /** The id of a team, once it is known that the organization has it. */
    team,
    /** The hosts behind an id, 100 at most. */
    list: (viewer: Viewer, after: string) => visible(viewer).where('id', '>', after).orderBy('id').limit(100).execute(),

    async add(viewer: Viewer, host: { readonly name: string; readonly hostname: string; readonly team_id: string }) {
      const teamId = await team(viewer.db, host.team_id);
      const id = newId();
      const { name, hostname } = host;
      await addHost(app, viewer.db.tenantId, { id, name, hostname, userId: viewer.userId, teamId, at: new Date() });
      return { id, name, hostname };
    },

    async change(viewer: Viewer, id: string, change: HostChange) {
      await requireManage(viewer, id);
      await viewer.db
        .updateTable('Host')
        .set({ ...change, updatedAt: new Date() })
        .where('id', '=', id)
        .execute();
      return get(viewer, id);
    },

    async remove(viewer: Viewer, id: string): Promise<void> {
      await requireManage(viewer, id);
      await app.tenancy.transaction(viewer.db.tenantId, async (tx) => {
        await tx.deleteFrom('HostTeam').where('hostId', '=', id).execute();
        await tx.deleteFrom('Host').where('id', '=', id).execute();
        await app.plans.resources.vacate(viewer.db.tenantId, 'hosts', id, { db: tx });
      });
    },

    /** Lets a team at a host. */
    async share(viewer: Viewer, id: string, teamId: string, access: 'VIEW' | 'MANAGE'): Promise<void> {
      await requireManage(viewer, id);
      await team(viewer.db, teamId);
      await shareHost(viewer.db, id, teamId, access);
    },

    /** Raises an alert, and tells how many were told of it. */
    async alert(viewer: Viewer, id: string, message: string) {
      await get(viewer, id);
      const alert = { id: newId(), hostId: id, message };
      return { id: alert.id, told: await raiseAlert(viewer.db, alert) };
    },
  };
}

/**
 * Counts the hosts of the converted installation against the limit of the plan. What was counted stays so, so it can be run
 * again.
 */
export async function countHosts({ plans }: Application, db: Kysely<HostDatabase>): Promise<number> {
  const hosts = await db.withTables<CommercialTables>().selectFrom('Host').select(['id', 'organizationId']).execute();
  for (const { id, organizationId } of hosts) await plans.resources.occupy(organizationId, 'hosts', id);
  return hosts.length;
}
