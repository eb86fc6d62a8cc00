import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { actorSql } from './authority.ts';
import { decide, lockedOrganization } from './decide.ts';
import { type MemberName, meantSql } from './member-reads.ts';
import type { ReadManager } from './member-store.ts';

/** What one member may do beyond the role. */
export interface Grant {
  readonly tenantId: string;
  readonly memberId: string;
  /** A pattern of permissions, such as `vouchers:manage` or `vouchers:*`. */
  readonly permission: string;
  /** The user who granted it; null where nobody did but the program. */
  readonly grantedBy: string | null;
  readonly grantedAt: Date;
  /** When it is over; null: when it is taken back. */
  readonly expiresAt: Date | null;
}

/** What became of a grant. */
export interface GrantOutcome {
  readonly verdict: 'changed' | 'unchanged' | 'member_not_found' | 'grant_not_found' | 'role_beyond' | 'actor_changed';
  /** The role of the member who is meant. */
  readonly role: string | null;
  readonly grant: Grant | null;
}

interface GrantRow {
  readonly tenant_id: string;
  readonly member_id: string;
  readonly permission: string;
  readonly granted_by: string | null;
  readonly granted_at: Date;
  readonly expires_at: Date | null;
}

interface OutcomeRow extends GrantRow {
  readonly verdict: GrantOutcome['verdict'];
  readonly role: string | null;
}

/** Which grant of which member is meant. */
export interface GrantName {
  readonly tenantId: string;
  readonly member: MemberName;
  readonly permission: string;
  readonly now: Date;
}

/** Grants a permission, or sets its expiry anew, and counts the member's revision up. Null: no such organization. */
export async function setGrant(
  db: AnyDatabase,
  read: ReadManager,
  {
    tenantId,
    member,
    permission,
    grantedBy,
    expiresAt,
    now,
  }: GrantName & { readonly grantedBy: string | null; readonly expiresAt: Date | null },
): Promise<GrantOutcome | null> {
  return run(db, tenantId, async (handle) => {
    const { authority, beyond } = await read(handle);
    const { rows } = await sql<OutcomeRow>`
      with o as materialized (${lockedOrganization(tenantId)}), ${actorSql(tenantId, authority)},
      target as materialized (
        select m.id, m.role, m.status from o join tenantry.members m on m.tenant_id = o.tenant_id
        where m.tenant_id = ${tenantId}::uuid and ${meantSql(member)} for no key update of m
      ), d as materialized (
        select target.id as member_id, target.role, case
          when not actor.fit then 'actor_changed'
          when target.id is null or target.status = 'removed' then 'member_not_found'
          when target.role = any(${sql.val([...beyond])}::text[])
            and target.id is distinct from ${authority.member?.id ?? null}::uuid then 'role_beyond'
          else 'changed'
        end as verdict
        from o cross join actor left join target on true
      ), given as (
        insert into tenantry.member_grants as g (tenant_id, member_id, permission, granted_by, granted_at, expires_at)
        select ${tenantId}::uuid, d.member_id, ${permission}::text, ${grantedBy}::text, ${now}::timestamptz,
          ${expiresAt}::timestamptz
        from d where d.verdict = 'changed'
        on conflict (tenant_id, member_id, permission) do update set granted_by = excluded.granted_by,
          granted_at = excluded.granted_at, expires_at = excluded.expires_at
        returning *
      ), counted as (
        update tenantry.members u set revision = u.revision + 1, updated_at = ${now}::timestamptz
        from d where u.tenant_id = ${tenantId}::uuid and u.id = d.member_id and d.verdict = 'changed'
      )
      select d.verdict, d.role, g.* from d left join given g on true`.execute(libraryOf(handle));
    return rows[0];
  });
}

/** Takes a grant back and counts the member's revision up. Null: there is no such organization. */
export async function removeGrant(
  db: AnyDatabase,
  read: ReadManager,
  { tenantId, member, permission, now }: GrantName,
): Promise<GrantOutcome | null> {
  return run(db, tenantId, async (handle) => {
    const { authority, beyond } = await read(handle);
    const { rows } = await sql<OutcomeRow>`
      with o as materialized (${lockedOrganization(tenantId)}), ${actorSql(tenantId, authority)},
      target as materialized (
        select m.id, m.role, m.status from o join tenantry.members m on m.tenant_id = o.tenant_id
        where m.tenant_id = ${tenantId}::uuid and ${meantSql(member)} for no key update of m
      ), held as materialized (
        select g.* from target join tenantry.member_grants g on g.member_id = target.id
        where g.tenant_id = ${tenantId}::uuid and g.permission = ${permission} for update of g
      ), d as materialized (
        select target.id as member_id, target.role, case
          when not actor.fit then 'actor_changed'
          when target.id is null then 'member_not_found'
          when target.role = any(${sql.val([...beyond])}::text[])
            and target.id is distinct from ${authority.member?.id ?? null}::uuid then 'role_beyond'
          when not exists (select 1 from held) then 'grant_not_found'
          else 'changed'
        end as verdict
        from o cross join actor left join target on true
      ), gone as (
        delete from tenantry.member_grants g using d
        where g.tenant_id = ${tenantId}::uuid and g.member_id = d.member_id and g.permission = ${permission}
          and d.verdict = 'changed'
        returning g.*
      ), counted as (
        update tenantry.members u set revision = u.revision + 1, updated_at = ${now}::timestamptz
        from d where u.tenant_id = ${tenantId}::uuid and u.id = d.member_id and d.verdict = 'changed'
      )
      select d.verdict, d.role, g.* from d left join gone g on true`.execute(libraryOf(handle));
    return rows[0];
  });
}

/** Reads grants in the order of member and permission. */
export async function listGrants(
  db: AnyDatabase,
  tenantId: string,
  part: { readonly member: MemberName | null; readonly after: readonly string[] | null; readonly limit: number },
): Promise<readonly Grant[]> {
  const { rows } = await sql<GrantRow>`
    select g.* from tenantry.member_grants g
    where g.tenant_id = ${tenantId}::uuid
      ${part.member === null ? sql`` : sql`and g.member_id in (select m.id from tenantry.members m where m.tenant_id = ${tenantId}::uuid and ${meantSql(part.member)})`}
      ${part.after === null ? sql`` : sql`and (g.member_id, g.permission) > (${part.after[0]}::uuid, ${part.after[1]})`}
    order by g.member_id, g.permission limit ${part.limit}`.execute(libraryOf(db));
  return rows.map(grantOf);
}

async function run(
  db: AnyDatabase,
  tenantId: string,
  statement: (db: AnyDatabase) => Promise<OutcomeRow | undefined>,
): Promise<GrantOutcome | null> {
  const row = await decide(db, tenantId, statement, ({ verdict }) => verdict === 'actor_changed');
  if (row === undefined) return null;
  const { verdict, role } = row;
  return { verdict, role, grant: verdict === 'changed' || verdict === 'unchanged' ? grantOf(row) : null };
}

function grantOf(row: GrantRow): Grant {
  return {
    tenantId: row.tenant_id,
    memberId: row.member_id,
    permission: row.permission,
    grantedBy: row.granted_by,
    grantedAt: row.granted_at,
    expiresAt: row.expires_at,
  };
}
