import { cursorOf, readCursor } from '../core/cursor.ts';
import { type Actor, isUuid, opaqueId } from '../core/index.ts';
import { pageOf, readLimit } from '../core/page.ts';
import type { AnyDatabase } from '../database/index.ts';
import { type ActOptions, type Authority, requireHeld } from './authority.ts';
import { readPermission, readTenantId } from './input.ts';
import {
  deleteShares,
  findShare,
  hasShared,
  insertShare,
  listResourcesOf,
  listShares,
  resourceIdsSql,
} from './share-store.ts';
import type { Resource, ResourcesOfInput, Team, TeamShare, Teams } from './teams-interface.ts';
import type { Toolbox } from './toolbox.ts';

/** Runs a change behind the lock of the organization, for whoever may do it to a team (null: to all). */
export type ChangeTeam = <Result>(
  place: { readonly tenantId: string; readonly teamId: string | null },
  options: ActOptions | undefined,
  work: (tx: AnyDatabase, team: Team | null, by: Actor | undefined, authority: Authority) => Promise<Result>,
  /** Who else may do it. */
  check?: (authority: Authority) => boolean,
) => Promise<Result>;

type Shares = Pick<Teams, 'share' | 'unshare' | 'shares' | 'resourcesOf' | 'resourceIds' | 'can'>;

/** Makes the methods of teams that speak of what was shared to them. */
export function createTeamShares({ db, clock, publish }: Toolbox, changeTeam: ChangeTeam): Shares {
  return {
    async share({ tenantId, teamId, resource, permission }, options) {
      const wanted = { resource: readResource(resource), permission: readPermission(permission) };
      return changeTeam({ tenantId, teamId }, options, async (tx, _team, by, authority) => {
        requireHeld(authority, permission);
        const share: TeamShare = { tenantId, teamId, ...wanted, sharedBy: by?.userId ?? null, sharedAt: clock() };
        if (!(await insertShare(tx, share))) return { share: await findShare(tx, share), changed: false };
        await publish({ name: 'team.resource_shared', tenantId, data: { teamId, ...wanted } }, tx, by);
        return { share, changed: true };
      });
    },

    async unshare({ tenantId, teamId, resource, permission }, options) {
      const ending = {
        teamId: teamId ?? null,
        resource: readResource(resource),
        permission: permission === undefined ? null : readPermission(permission),
      };
      return changeTeam({ tenantId, teamId: ending.teamId }, options, async (tx, _team, by) => {
        const ended = await deleteShares(tx, tenantId, ending);
        for (const { teamId: one, permission: what } of ended) {
          const data = { teamId: one, resource: ending.resource, permission: what };
          await publish({ name: 'team.resource_unshared', tenantId, data }, tx, by);
        }
        return ended.length;
      });
    },

    async shares({ tenantId, teamId, ...page }, options) {
      const limit = readLimit(page.limit);
      const after = readCursor(page.cursor, 3);
      if (!isUuid(tenantId) || !isUuid(teamId)) return { items: [], nextCursor: null };
      const found = await listShares(options?.db ?? db, tenantId, teamId, { after, limit: limit + 1 });
      return pageOf(found, limit, ({ resource, permission }) => cursorOf([resource.type, resource.id, permission]));
    },

    async resourcesOf(input, options) {
      const limit = readLimit(input.limit);
      const after = readCursor(input.cursor, 1)?.[0] ?? null;
      const found = await listResourcesOf(options?.db ?? db, readResourcesOf(input), { after, limit: limit + 1 });
      return pageOf(found, limit, ({ id }) => cursorOf([id]));
    },

    resourceIds: (input) => resourceIdsSql(readResourcesOf(input)),

    async can({ tenantId, userId, resource, permission }, options) {
      const { type, id } = readResource(resource);
      return hasShared(options?.db ?? db, readResourcesOf({ tenantId, userId, type, permission }), id);
    },
  };
}

function readResource({ type, id }: Resource): Resource {
  return { type: opaqueId('resource.type', type), id: opaqueId('resource.id', id) };
}

function readResourcesOf({ tenantId, userId, type, permission }: ResourcesOfInput): ResourcesOfInput {
  return {
    tenantId: readTenantId(tenantId),
    userId: opaqueId('userId', userId),
    type: opaqueId('type', type),
    ...(permission !== undefined && { permission: readPermission(permission) }),
  };
}
