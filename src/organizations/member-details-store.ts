import { type RawBuilder, sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { actorSql } from './authority.ts';
import { decide, lockedOrganization } from './decide.ts';
import type { Verdict } from './member-outcome.ts';
import { type MemberName, meantSql } from './member-reads.ts';
import { type MemberRow, memberColumns, memberOf } from './member-row.ts';
import type { ReadManager } from './member-store.ts';
import type { Member } from './organization.ts';

/** Who a member is: what is left out stays, null is taken away. */
export interface MemberDetails {
  readonly name?: string | null;
  readonly email?: string | null;
}

/** What became of a change of details. `member` is null when it was refused. */
export interface DetailsOutcome {
  readonly verdict: Verdict;
  readonly member: Member | null;
  readonly role: string | null;
  readonly before: Required<MemberDetails>;
}

interface DetailsRow extends MemberRow {
  readonly verdict: Verdict;
  readonly before_role: string | null;
  readonly before_name: string | null;
  readonly before_email: string | null;
}

/**
 * Sets the name and the address of a member who is not removed. The version of the membership stays: what somebody is
 * called changes nothing that they may do. Null: there is no such organization.
 */
export async function updateDetails(
  db: AnyDatabase,
  read: ReadManager,
  { tenantId, by, details, now }: { tenantId: string; by: MemberName; details: MemberDetails; now: Date },
): Promise<DetailsOutcome | null> {
  const row = await decide(
    db,
    tenantId,
    async (handle) => {
      const { authority, beyond } = await read(handle);
      const { rows } = await sql<DetailsRow>`
      with o as materialized (${lockedOrganization(tenantId)}), ${actorSql(tenantId, authority)}, target as materialized (
        select m.* from o join tenantry.members m on m.tenant_id = o.tenant_id
        where m.tenant_id = ${tenantId}::uuid and ${meantSql(by)} for no key update of m
      ), d as materialized (
        select t.*, ${valueSql(details.name, sql`t.name`)} as new_name, ${valueSql(details.email, sql`t.email`)} as new_email,
          actor.fit from o cross join actor left join target t on true
      ), judged as materialized (
        select d.*, case
          when not d.fit then 'actor_changed'
          when d.id is null or d.status = 'removed' then 'member_not_found'
          when d.role = any(${sql.val([...beyond])}::text[])
            and d.id is distinct from ${authority.member?.id ?? null}::uuid then 'role_beyond'
          when d.name is not distinct from d.new_name and d.email is not distinct from d.new_email then 'unchanged'
          else 'changed'
        end as verdict from d
      ), changed as (
        update tenantry.members u set name = j.new_name, email = j.new_email, updated_at = ${now}::timestamptz
        from judged j where u.tenant_id = ${tenantId}::uuid and u.id = j.id and j.verdict = 'changed'
        returning u.*
      )
      select j.verdict, j.role as before_role, j.name as before_name, j.email as before_email, ${memberColumns}
      from judged j left join (
        select * from changed union all select target.* from target, judged where judged.verdict = 'unchanged'
      ) m on true`.execute(libraryOf(handle));
      return rows[0];
    },
    ({ verdict }) => verdict === 'actor_changed',
  );
  if (row === undefined) return null;
  const { verdict } = row;
  return {
    verdict,
    member: verdict === 'changed' || verdict === 'unchanged' ? memberOf(row) : null,
    role: row.before_role,
    before: { name: row.before_name, email: row.before_email },
  };
}

function valueSql(value: string | null | undefined, column: RawBuilder<unknown>): RawBuilder<unknown> {
  return value === undefined ? column : sql`${value}::text`;
}
