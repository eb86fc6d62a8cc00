import { type Actor, cleanText, isUuid, opaqueId, permits, TenantryError } from '../core/index.ts';
import { pageOf, readPage } from '../core/page.ts';
import type { AnyDatabase } from '../database/index.ts';
import { type Authority, readActor, requirePermission } from './authority.ts';
import { behindLock } from './decide.ts';
import { readMemberRef, readMetadata, readTenantId } from './input.ts';
import { createRoleBook, type RoleDefinitions } from './roles.ts';
import { type ChangeTeam, createTeamShares } from './team-shares.ts';
import {
  deleteTeam,
  deleteTeamMember,
  findTeam,
  hasOrganization,
  insertTeam,
  isWithin,
  leads,
  listTeamMembers,
  listTeams,
  listTeamsOf,
  setTeamMember,
  updateTeam,
} from './team-store.ts';
import type { Team, Teams } from './teams-interface.ts';
import type { Toolbox } from './toolbox.ts';

/** What may be done to teams takes this permission. */
const managesTeams = 'teams:manage';
/** What may be done to one team and those below it takes this permission of the role in it. */
const managesTeam = 'team:manage';

/** The roles that every team has. */
const defaultTeamRoles: RoleDefinitions = { lead: ['team:*'], member: ['team:read'] };

/** Makes the teams of `createOrganizations`. */
export function createTeams(toolbox: Toolbox, ownRoles: RoleDefinitions = {}): Teams {
  const { db, clock, ids, changing, publish, authorityOf } = toolbox;
  const roles = createRoleBook(ownRoles, defaultTeamRoles, { path: 'teamRoles', fixed: null });
  const leading = [...Object.keys(defaultTeamRoles), ...Object.keys(ownRoles)].filter((role) =>
    permits(roles.permissionsOf(role), managesTeam),
  );

  const changeTeam: ChangeTeam = ({ tenantId, teamId }, options, work, check = () => false) => {
    readTenantId(tenantId);
    const by = readActor(options?.by);
    return changing(
      options,
      (tx) =>
        behindLock(tx, tenantId, async () => {
          const authority = await authorityOf(tx, tenantId, by);
          const team = teamId === null || !isUuid(teamId) ? null : await findTeam(tx, tenantId, teamId);
          if (team === null && !(await hasOrganization(tx, tenantId))) {
            throw new TenantryError('organization_not_found', { organization: tenantId });
          }
          if (teamId !== null && team === null) throw noTeam(teamId);
          if (!permits(authority.patterns, managesTeams) && !check(authority)) {
            const own =
              team !== null &&
              authority.member !== null &&
              (await leads(tx, tenantId, team.id, authority.member.id, leading));
            if (!own) requirePermission(authority, managesTeams);
          }
          return work(tx, team, by, authority);
        }),
      true,
    );
  };

  async function placeOf(tx: AnyDatabase, tenantId: string, parentId: string): Promise<Team> {
    const parent = isUuid(parentId) ? await findTeam(tx, tenantId, parentId) : null;
    if (parent === null) throw noTeam(parentId);
    return parent;
  }

  return {
    async create({ tenantId, name, parentId = null, metadata = {} }, options) {
      const wanted = { name: cleanText('name', name, 200), metadata: JSON.parse(readMetadata(metadata)) };
      return changeTeam({ tenantId, teamId: parentId }, options, async (tx, parent, by) => {
        const now = clock();
        const times = { createdAt: now, updatedAt: now };
        const team: Team = { id: ids(), tenantId, ...wanted, parentId: parent?.id ?? null, ...times };
        await insertTeam(tx, team);
        await publish({ name: 'team.created', tenantId, data: dataOf(team) }, tx, by);
        return team;
      });
    },

    async update({ tenantId, teamId, name, parentId, metadata }, options) {
      const set = {
        ...(name !== undefined && { name: cleanText('name', name, 200) }),
        ...(metadata !== undefined && { metadata: JSON.parse(readMetadata(metadata)) }),
      };
      const moving = parentId !== undefined;
      // To move a team takes a right over the place that it leaves, and over the one where it goes.
      const change = async (tx: AnyDatabase, before: Team | null, by: Actor | undefined): Promise<Team> => {
        if (before === null) throw noTeam(teamId);
        const parent = parentId === undefined || parentId === null ? null : await placeOf(tx, tenantId, parentId);
        if (parent !== null && (await isWithin(tx, tenantId, parent.id, before.id))) {
          throw new TenantryError('team_cycle', { team: before.id, parent: parent.id });
        }
        const team = { ...before, ...set, ...(moving && { parentId: parent?.id ?? null }), updatedAt: clock() };
        await updateTeam(tx, team);
        const { name: previousName, parentId: previousParentId } = before;
        const data = { ...dataOf(team), previousName, previousParentId };
        await publish({ name: 'team.updated', tenantId, data }, tx, by);
        return team;
      };
      if (!moving) return changeTeam({ tenantId, teamId }, options, change);
      return changing(
        options,
        async (tx) => {
          const inside = { ...options, db: tx };
          await changeTeam({ tenantId, teamId: parentId }, inside, async () => undefined);
          return changeTeam({ tenantId, teamId }, inside, change);
        },
        true,
      );
    },

    async remove({ tenantId, teamId }, options) {
      return changeTeam({ tenantId, teamId }, options, async (tx, team, by) => {
        if (team === null) throw noTeam(teamId);
        await deleteTeam(tx, team, clock());
        await publish({ name: 'team.removed', tenantId, data: dataOf(team) }, tx, by);
        return team;
      });
    },

    get: async ({ tenantId, teamId }, options) =>
      isUuid(tenantId) && isUuid(teamId) ? findTeam(options?.db ?? db, tenantId, teamId) : null,

    async list({ tenantId, parentId, ...page }, options) {
      const { after, limit } = readPage(page);
      readTenantId(tenantId);
      if (typeof parentId === 'string' && !isUuid(parentId)) return { items: [], nextCursor: null };
      const found = await listTeams(options?.db ?? db, tenantId, { parentId, after, limit: limit + 1 });
      return pageOf(found, limit, ({ id }) => id);
    },

    async setMember({ tenantId, teamId, role = 'member', ...ref }, options) {
      roles.check(role);
      const member = readMemberRef(ref);
      return changeTeam({ tenantId, teamId }, options, async (tx, team, by) => {
        if (team === null) throw noTeam(teamId);
        const outcome = await setTeamMember(tx, tenantId, team.id, member, role, clock());
        const named = ref.userId ?? ref.memberId ?? '';
        if (outcome.member === null) throw new TenantryError('member_not_found', { member: named });
        const { memberId } = outcome.member;
        const data = { teamId: team.id, memberId, role };
        const { previousRole } = outcome;
        if (previousRole === null) await publish({ name: 'team.member_added', tenantId, data }, tx, by);
        else if (previousRole !== role) {
          await publish({ name: 'team.member_role_changed', tenantId, data: { ...data, previousRole } }, tx, by);
        }
        return { member: outcome.member, changed: previousRole !== role };
      });
    },

    async removeMember({ tenantId, teamId, ...ref }, options) {
      const member = readMemberRef(ref);
      const self = (authority: Authority): boolean =>
        authority.member !== null &&
        ('userId' in member ? member.userId === options?.by?.userId : member.memberId === authority.member.id);
      const work = async (tx: AnyDatabase, team: Team | null, by: Actor | undefined): Promise<boolean> => {
        if (team === null) throw noTeam(teamId);
        const gone = await deleteTeamMember(tx, tenantId, team.id, member);
        const named = ref.userId ?? ref.memberId ?? '';
        if (gone.memberId === null) throw new TenantryError('member_not_found', { member: named });
        if (gone.member === null) return false;
        const data = { teamId: team.id, memberId: gone.memberId, role: gone.member.role };
        await publish({ name: 'team.member_removed', tenantId, data }, tx, by);
        return true;
      };
      return changeTeam({ tenantId, teamId }, options, work, self);
    },

    async members({ tenantId, teamId, ...page }, options) {
      const { after, limit } = readPage(page);
      if (!isUuid(tenantId) || !isUuid(teamId)) return { items: [], nextCursor: null };
      const found = await listTeamMembers(options?.db ?? db, tenantId, teamId, { after, limit: limit + 1 });
      return pageOf(found, limit, ({ memberId }) => memberId);
    },

    async ofUser({ tenantId, userId, ...page }, options) {
      const { after, limit } = readPage(page);
      const user = opaqueId('userId', userId);
      const found = await listTeamsOf(options?.db ?? db, readTenantId(tenantId), user, { after, limit: limit + 1 });
      return pageOf(found, limit, ({ team }) => team.id);
    },

    ...createTeamShares(toolbox, changeTeam),
  };
}

function noTeam(teamId: string): TenantryError {
  return new TenantryError('team_not_found', { team: isUuid(teamId) ? teamId : '(not an id)' });
}

function dataOf({ id, name, parentId }: Team) {
  return { teamId: id, name, parentId };
}
