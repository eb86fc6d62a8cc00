import { type RawBuilder, sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { patternsThatPermit } from './patterns-that-permit.ts';
import type { Resource, ResourcesOfInput, TeamShare } from './teams-interface.ts';

interface ShareRow {
  readonly tenant_id: string;
  readonly team_id: string;
  readonly resource_type: string;
  readonly resource_id: string;
  readonly permission: string;
  readonly shared_by: string | null;
  readonly shared_at: Date;
}

/** Shares a resource to a team; false when it was shared before. */
export async function insertShare(db: AnyDatabase, share: TeamShare): Promise<boolean> {
  const { rows } = await sql`
    insert into tenantry.team_resources (tenant_id, team_id, resource_type, resource_id, permission, shared_by, shared_at)
    values (${share.tenantId}::uuid, ${share.teamId}::uuid, ${share.resource.type}, ${share.resource.id},
      ${share.permission}, ${share.sharedBy}, ${share.sharedAt}::timestamptz)
    on conflict (tenant_id, team_id, resource_type, resource_id, permission) do nothing
    returning tenant_id`.execute(libraryOf(db));
  return rows.length > 0;
}

/** Reads one share. */
export async function findShare(db: AnyDatabase, share: TeamShare): Promise<TeamShare> {
  const { rows } = await sql<ShareRow>`
    select r.* from tenantry.team_resources r
    where r.tenant_id = ${share.tenantId}::uuid and r.team_id = ${share.teamId}::uuid
      and r.resource_type = ${share.resource.type} and r.resource_id = ${share.resource.id}
      and r.permission = ${share.permission}`.execute(libraryOf(db));
  return rows[0] === undefined ? share : shareOf(rows[0]);
}

/** Ends shares of a resource: of one team or all, of one permission or all. Gives those that ended. */
export async function deleteShares(
  db: AnyDatabase,
  tenantId: string,
  { teamId, resource, permission }: { teamId: string | null; resource: Resource; permission: string | null },
): Promise<readonly TeamShare[]> {
  const { rows } = await sql<ShareRow>`
    delete from tenantry.team_resources r
    where r.tenant_id = ${tenantId}::uuid and r.resource_type = ${resource.type} and r.resource_id = ${resource.id}
      ${teamId === null ? sql`` : sql`and r.team_id = ${teamId}::uuid`}
      ${permission === null ? sql`` : sql`and r.permission = ${permission}`}
    returning r.*`.execute(libraryOf(db));
  return rows.map(shareOf);
}

/** Reads what a team was given, ordered by type, id and permission. */
export async function listShares(
  db: AnyDatabase,
  tenantId: string,
  teamId: string,
  { after, limit }: { readonly after: readonly string[] | null; readonly limit: number },
): Promise<readonly TeamShare[]> {
  const { rows } = await sql<ShareRow>`
    select r.* from tenantry.team_resources r
    where r.tenant_id = ${tenantId}::uuid and r.team_id = ${teamId}::uuid
      ${after === null ? sql`` : sql`and (r.resource_type, r.resource_id, r.permission) > (${after[0]}, ${after[1]}, ${after[2]})`}
    order by r.resource_type, r.resource_id, r.permission limit ${limit}`.execute(libraryOf(db));
  return rows.map(shareOf);
}

/**
 * A query of what a user has by their teams, as `shared (resource_id, permission)`: from the teams that they are in up to
 * the top, and there what was given. One statement, however deep the tree.
 */
function sharedSql(
  { tenantId, userId, type, permission }: ResourcesOfInput,
  columns: RawBuilder<unknown>,
  rest: RawBuilder<unknown> = sql``,
): RawBuilder<unknown> {
  const fitting = permission === undefined ? null : patternsThatPermit(permission);
  return sql`with recursive mine (team_id) as (
      select x.team_id from tenantry.members m
        join tenantry.team_members x on x.tenant_id = m.tenant_id and x.member_id = m.id
      where m.tenant_id = ${tenantId}::uuid and x.tenant_id = ${tenantId}::uuid and m.user_id = ${userId}
        and m.status = 'active'
      union
      select t.parent_id from mine join tenantry.teams t on t.tenant_id = ${tenantId}::uuid and t.id = mine.team_id
      where t.parent_id is not null
    ) select ${columns} from mine join tenantry.team_resources r
      on r.tenant_id = ${tenantId}::uuid and r.team_id = mine.team_id
    where r.resource_type = ${type}
      ${fitting === null ? sql`` : sql`and r.permission = any(${sql.val([...fitting])}::text[])`} ${rest}`;
}

/** The ids of the resources that a user has by their teams, as a subquery. */
export function resourceIdsSql(input: ResourcesOfInput): RawBuilder<string> {
  return sql<string>`(${sharedSql(input, sql`r.resource_id`)})`;
}

/** Reads the resources that a user has by their teams, ordered by id. */
export async function listResourcesOf(
  db: AnyDatabase,
  input: ResourcesOfInput,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly { id: string; permissions: readonly string[] }[]> {
  const columns = sql`r.resource_id as id, array_agg(distinct r.permission order by r.permission) as permissions`;
  const rest = sql`${after === null ? sql`` : sql`and r.resource_id > ${after}`}
    group by r.resource_id order by r.resource_id limit ${limit}`;
  const { rows } = await sql<{
    id: string;
    permissions: readonly string[];
  }>`${sharedSql(input, columns, rest)}`.execute(libraryOf(db));
  return rows;
}

/** Tells whether a user may do something with a resource by their teams. */
export async function hasShared(db: AnyDatabase, input: ResourcesOfInput, resourceId: string): Promise<boolean> {
  const { rows } = await sql`${sharedSql(input, sql`1`, sql`and r.resource_id = ${resourceId} limit 1`)}`.execute(
    libraryOf(db),
  );
  return rows.length > 0;
}

function shareOf(row: ShareRow): TeamShare {
  return {
    tenantId: row.tenant_id,
    teamId: row.team_id,
    resource: { type: row.resource_type, id: row.resource_id },
    permission: row.permission,
    sharedBy: row.shared_by,
    sharedAt: row.shared_at,
  };
}
