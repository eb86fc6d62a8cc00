import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { grantsSql } from './authority.ts';
import { type MemberRow, memberColumns, memberOf } from './member-row.ts';
import type { Member, MemberStatus } from './organization.ts';

/** How a member is named. */
export type MemberName = { readonly memberId: string } | { readonly userId: string };

/** Reads one member, also a removed one. */
export async function findMember(db: AnyDatabase, tenantId: string, by: MemberName): Promise<Member | null> {
  const { rows } = await sql<MemberRow>`
    select ${memberColumns} from tenantry.members m
    where m.tenant_id = ${tenantId}::uuid and ${meantSql(by)}`.execute(libraryOf(db));
  return rows[0] === undefined ? null : memberOf(rows[0]);
}

/** Reads an active member and what was granted to them, in one statement. */
export async function findStanding(
  db: AnyDatabase,
  tenantId: string,
  by: MemberName,
  now: Date,
): Promise<{ readonly memberId: string; readonly role: string; readonly grants: readonly string[] } | null> {
  const { rows } = await sql<{ id: string; role: string; grants: readonly string[] }>`
    select m.id, m.role, ${grantsSql(now)} as grants from tenantry.members m
    where m.tenant_id = ${tenantId}::uuid and ${meantSql(by)} and m.status = 'active'`.execute(libraryOf(db));
  const row = rows[0];
  return row === undefined ? null : { memberId: row.id, role: row.role, grants: row.grants };
}

/** Reads members of an organization in the order of their ids, which is the order in which they came. */
export async function listMembers(
  db: AnyDatabase,
  tenantId: string,
  part: { readonly statuses: readonly MemberStatus[]; readonly after: string | null; readonly limit: number },
): Promise<readonly Member[]> {
  const { rows } = await sql<MemberRow>`
    select ${memberColumns} from tenantry.members m
    where m.tenant_id = ${tenantId}::uuid and m.status = any(${sql.val([...part.statuses])}::text[])
      ${part.after === null ? sql`` : sql`and m.id > ${part.after}::uuid`}
    order by m.id limit ${part.limit}`.execute(libraryOf(db));
  return rows.map(memberOf);
}

/** The condition that finds a member whom the statement calls `m`. */
export function meantSql(by: MemberName) {
  return 'memberId' in by ? sql<boolean>`m.id = ${by.memberId}::uuid` : sql<boolean>`m.user_id = ${by.userId}`;
}
