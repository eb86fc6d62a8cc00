import { type RawBuilder, type Selectable, sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import type { TeamTable } from '../database/tables.ts';
import { type MemberName, meantSql } from './member-reads.ts';
import type { Team, TeamMember } from './teams-interface.ts';

/*
 * Teams are changed behind the lock of the organization, so each statement here sees what the one before it left.
 */

/** Reads one team. */
export async function findTeam(db: AnyDatabase, tenantId: string, teamId: string): Promise<Team | null> {
  const row = await libraryOf(db)
    .selectFrom('tenantry.teams')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', teamId)
    .executeTakeFirst();
  return row === undefined ? null : teamOf(row);
}

/** Tells whether there is such an organization. */
export async function hasOrganization(db: AnyDatabase, tenantId: string): Promise<boolean> {
  const { rows } = await sql`select 1 from tenantry.organizations where tenant_id = ${tenantId}::uuid`.execute(
    libraryOf(db),
  );
  return rows.length > 0;
}

/** Makes a team. */
export async function insertTeam(db: AnyDatabase, team: Team): Promise<void> {
  await libraryOf(db)
    .insertInto('tenantry.teams')
    .values({
      tenant_id: team.tenantId,
      id: team.id,
      parent_id: team.parentId,
      name: team.name,
      metadata: JSON.stringify(team.metadata),
      created_at: team.createdAt,
      updated_at: team.updatedAt,
    })
    .execute();
}

/** The ids of a team and of those above it. */
const lineage = (tenantId: string, teamId: string): RawBuilder<unknown> => sql`
  with recursive line (id) as (
    select ${teamId}::uuid
    union
    select t.parent_id from line join tenantry.teams t on t.tenant_id = ${tenantId}::uuid and t.id = line.id
    where t.parent_id is not null
  ) select id from line`;

/** Tells whether a team is another or stands below it. */
export async function isWithin(db: AnyDatabase, tenantId: string, teamId: string, above: string): Promise<boolean> {
  const { rows } = await sql`select 1 from (${lineage(tenantId, teamId)}) l where l.id = ${above}::uuid`.execute(
    libraryOf(db),
  );
  return rows.length > 0;
}

/** Tells whether a member has one of the roles in a team or in one above it. */
export async function leads(
  db: AnyDatabase,
  tenantId: string,
  teamId: string,
  memberId: string,
  roles: readonly string[],
): Promise<boolean> {
  const { rows } = await sql`select 1 from tenantry.team_members x
    where x.tenant_id = ${tenantId}::uuid and x.member_id = ${memberId}::uuid
      and x.role = any(${sql.val([...roles])}::text[]) and x.team_id in (${lineage(tenantId, teamId)})
    limit 1`.execute(libraryOf(db));
  return rows.length > 0;
}

/** Writes what a team is now. */
export async function updateTeam(db: AnyDatabase, team: Team): Promise<void> {
  await libraryOf(db)
    .updateTable('tenantry.teams')
    .set({
      parent_id: team.parentId,
      name: team.name,
      metadata: JSON.stringify(team.metadata),
      updated_at: team.updatedAt,
    })
    .where('tenant_id', '=', team.tenantId)
    .where('id', '=', team.id)
    .execute();
}

/** Deletes a team and hangs those below it under the one above, in one statement. */
export async function deleteTeam(db: AnyDatabase, { tenantId, id, parentId }: Team, now: Date): Promise<void> {
  await sql`with raised as (
      update tenantry.teams set parent_id = ${parentId}::uuid, updated_at = ${now}::timestamptz
      where tenant_id = ${tenantId}::uuid and parent_id = ${id}::uuid
    ) delete from tenantry.teams where tenant_id = ${tenantId}::uuid and id = ${id}::uuid`.execute(libraryOf(db));
}

/** Which teams of an organization are wanted. */
export interface TeamPart {
  /** Undefined: all; null: those at the top. */
  readonly parentId: string | null | undefined;
  readonly after: string | null;
  readonly limit: number;
}

/** Reads teams in the order of their ids. */
export async function listTeams(
  db: AnyDatabase,
  tenantId: string,
  { parentId, after, limit }: TeamPart,
): Promise<readonly Team[]> {
  let query = libraryOf(db).selectFrom('tenantry.teams').selectAll().where('tenant_id', '=', tenantId);
  if (parentId !== undefined) query = query.where('parent_id', 'is not distinct from', parentId);
  if (after !== null) query = query.where('id', '>', after);
  const rows = await query.orderBy('id').limit(limit).execute();
  return rows.map(teamOf);
}

interface TeamMemberRow {
  readonly tenant_id: string;
  readonly team_id: string;
  readonly member_id: string;
  readonly user_id: string;
  readonly role: string;
  readonly created_at: Date;
}

/** What became of a member in a team; `member` is null where there is no such member of the organization. */
export interface TeamMemberOutcome {
  readonly member: TeamMember | null;
  /** The role before; null when they were not in the team. */
  readonly previousRole: string | null;
}

/** Puts a member into a team, or sets the role there. */
export async function setTeamMember(
  db: AnyDatabase,
  tenantId: string,
  teamId: string,
  by: MemberName,
  role: string,
  now: Date,
): Promise<TeamMemberOutcome> {
  const { rows } = await sql<TeamMemberRow & { previous_role: string | null }>`
    with target as materialized (
      select m.id, m.user_id from tenantry.members m
      where m.tenant_id = ${tenantId}::uuid and ${meantSql(by)} and m.status <> 'removed'
    ), before as materialized (
      select x.role from target join tenantry.team_members x on x.member_id = target.id
      where x.tenant_id = ${tenantId}::uuid and x.team_id = ${teamId}::uuid
    ), put as (
      insert into tenantry.team_members as x (tenant_id, team_id, member_id, role, created_at, updated_at)
      select ${tenantId}::uuid, ${teamId}::uuid, target.id, ${role}::text, ${now}::timestamptz, ${now}::timestamptz
      from target
      on conflict (tenant_id, team_id, member_id) do update set role = excluded.role, updated_at = excluded.updated_at
      returning *
    )
    select put.*, target.user_id, (select role from before) as previous_role from put cross join target`.execute(
    libraryOf(db),
  );
  const row = rows[0];
  return { member: row === undefined ? null : teamMemberOf(row), previousRole: row?.previous_role ?? null };
}

/** Takes a member out of a team. */
export async function deleteTeamMember(
  db: AnyDatabase,
  tenantId: string,
  teamId: string,
  by: MemberName,
): Promise<TeamMemberOutcome & { readonly memberId: string | null }> {
  const { rows } = await sql<Omit<TeamMemberRow, 'team_id'> & { team_id: string | null; target_id: string }>`
    with target as materialized (
      select m.id, m.user_id from tenantry.members m where m.tenant_id = ${tenantId}::uuid and ${meantSql(by)}
    ), gone as (
      delete from tenantry.team_members x using target
      where x.tenant_id = ${tenantId}::uuid and x.team_id = ${teamId}::uuid and x.member_id = target.id
      returning x.*
    )
    select gone.*, target.user_id, target.id as target_id from target left join gone on true`.execute(libraryOf(db));
  const row = rows[0];
  if (row === undefined) return { memberId: null, member: null, previousRole: null };
  const { team_id: gone, target_id: memberId } = row;
  const member = gone === null ? null : teamMemberOf({ ...row, team_id: gone });
  return { memberId, member, previousRole: member?.role ?? null };
}

/** Reads the members of a team in the order of their ids. */
export async function listTeamMembers(
  db: AnyDatabase,
  tenantId: string,
  teamId: string,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly TeamMember[]> {
  const { rows } = await sql<TeamMemberRow>`
    select x.*, m.user_id from tenantry.team_members x
      join tenantry.members m on m.tenant_id = x.tenant_id and m.id = x.member_id
    where x.tenant_id = ${tenantId}::uuid and x.team_id = ${teamId}::uuid
      ${after === null ? sql`` : sql`and x.member_id > ${after}::uuid`}
    order by x.member_id limit ${limit}`.execute(libraryOf(db));
  return rows.map(teamMemberOf);
}

/** Reads the teams that a user is in themselves, in the order of the teams' ids. */
export async function listTeamsOf(
  db: AnyDatabase,
  tenantId: string,
  userId: string,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly { team: Team; role: string }[]> {
  const { rows } = await sql<Selectable<TeamTable> & { team_role: string }>`
    select t.*, x.role as team_role from tenantry.members m
      join tenantry.team_members x on x.tenant_id = m.tenant_id and x.member_id = m.id
      join tenantry.teams t on t.tenant_id = x.tenant_id and t.id = x.team_id
    where m.tenant_id = ${tenantId}::uuid and m.user_id = ${userId} and m.status <> 'removed'
      ${after === null ? sql`` : sql`and t.id > ${after}::uuid`}
    order by t.id limit ${limit}`.execute(libraryOf(db));
  return rows.map((row) => ({ team: teamOf(row), role: row.team_role }));
}

function teamOf(row: Selectable<TeamTable>): Team {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    parentId: row.parent_id,
    metadata: row.metadata,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function teamMemberOf(row: TeamMemberRow): TeamMember {
  return {
    tenantId: row.tenant_id,
    teamId: row.team_id,
    memberId: row.member_id,
    userId: row.user_id,
    role: row.role,
    createdAt: row.created_at,
  };
}
