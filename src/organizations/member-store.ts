import { type RawBuilder, sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { type Authority, actorSql } from './authority.ts';
import { decide, lockedOrganization } from './decide.ts';
import { type MemberOutcome, mayBeMistaken, memberOutcome, type OutcomeRow, outcomeColumns } from './member-outcome.ts';
import { type MemberName, meantSql } from './member-reads.ts';
import { countedSql, roomSql, type SeatRule, seatTakenSql } from './seat-rule.ts';

/** Reads who acts, once for each time that a statement runs; it throws for who may not. */
export type ReadAuthority = (db: AnyDatabase) => Promise<Authority>;

/** A member to be. */
export interface NewMember {
  readonly tenantId: string;
  readonly id: string;
  readonly userId: string;
  readonly role: string;
  readonly status: 'active' | 'pending' | 'requested';
  /** What becomes of one who was removed before: `requested` asks for approval. */
  readonly comeback: 'as-given' | 'requested';
  readonly email: string | null;
  readonly name: string | null;
  readonly now: Date;
}

/**
 * Adds a member, or brings a removed one or one who asked back, and takes a seat. One who is there already stays as they
 * are (`unchanged`). Null: there is no such organization.
 */
export async function insertMember(
  db: AnyDatabase,
  seats: SeatRule,
  read: ReadAuthority,
  { tenantId, id, userId, role, status, comeback, email, name, now }: NewMember,
): Promise<MemberOutcome | null> {
  const row = await decide(
    db,
    tenantId,
    async (handle) => {
      const authority = await read(handle);
      const asks = comeback === 'requested' || status === 'requested';
      const { rows } = await sql<OutcomeRow>`
      with o as materialized (${lockedOrganization(tenantId)}), ${actorSql(tenantId, authority)},
      ${roomSql(tenantId, now)}, target as materialized (
        select m.* from o join tenantry.members m on m.tenant_id = o.tenant_id
        where m.tenant_id = ${tenantId}::uuid and m.user_id = ${userId} for no key update of m
      ), wanted as materialized (
        select room.*, target.id as member_id, target.role, target.status,
          case when target.status = 'removed' and ${asks}::boolean then 'requested' else ${status}::text end as new_status
        from room left join target on true
      ), d as materialized (
        select w.*, ${seats.takesSql(sql`${role}::text`, sql`w.new_status`)}::integer as seats_delta, 0 as held_delta,
          case
            when not actor.fit then 'actor_changed'
            when w.status in ('active', 'pending', 'suspended') or (w.status = 'requested' and ${asks}::boolean) then 'unchanged'
            when ${seats.takesSql(sql`${role}::text`, sql`w.new_status`)} and w.seats_taken + w.seats_held >= w.seats_bought
              then 'seats_exhausted'
            else 'changed'
          end as verdict
        from wanted w cross join actor
      ), ${countedSql(tenantId, now)}, revived as (
        update tenantry.members u set role = ${role}, status = d.new_status, updated_at = ${now}::timestamptz,
          revision = u.revision + 1, seat_exempt = d.new_status in ('active', 'pending') and d.seats_delta = 0,
          email = coalesce(${email}::text, u.email), name = coalesce(${name}::text, u.name),
          approved_by = null, approved_at = null
        from d where u.tenant_id = ${tenantId}::uuid and u.id = d.member_id and d.verdict = 'changed'
        returning u.*
      ), inserted as (
        insert into tenantry.members (tenant_id, id, user_id, email, name, role, status, seat_exempt, created_at, updated_at)
        select ${tenantId}::uuid, ${id}::uuid, ${userId}::text, ${email}::text, ${name}::text, ${role}::text,
          d.new_status, d.new_status in ('active', 'pending') and d.seats_delta = 0,
          ${now}::timestamptz, ${now}::timestamptz
        from d where d.member_id is null and d.verdict = 'changed'
        returning *
      )
      select ${outcomeColumns} from d left join (
        select * from revived union all select * from inserted
        union all select target.* from target, d where d.verdict = 'unchanged'
      ) m on true`.execute(libraryOf(handle));
      return rows[0];
    },
    mayBeMistaken,
  );
  return memberOutcome(row);
}

/** Which member is meant, what they are to be, and when. What is left out stays. */
export interface MemberPatch {
  readonly tenantId: string;
  readonly by: MemberName;
  readonly role?: string;
  readonly status?: 'active' | 'suspended' | 'removed';
  /** The states in which the change is possible; others are answered as if there were no such member. */
  readonly from: readonly string[];
  /** Notes who approved the member. */
  readonly approvedBy?: string | null;
  /** Takes the name and the address away. */
  readonly forget?: boolean;
  readonly now: Date;
}

/** Reads who acts, and of which roles they may manage nobody but themselves. */
export type ReadManager = (db: AnyDatabase) => Promise<{ authority: Authority; beyond: readonly string[] }>;

/**
 * Sets the role or the status of a member, and takes or gives back the seat that goes with it. The last active owner
 * stays one. Whoever is removed loses grants and teams. Null: there is no such organization.
 */
export async function updateMember(
  db: AnyDatabase,
  seats: SeatRule,
  read: ReadManager,
  { tenantId, by, role, status, from, approvedBy, forget = false, now }: MemberPatch,
): Promise<MemberOutcome | null> {
  const approved = approvedBy !== undefined;
  const row = await decide(
    db,
    tenantId,
    async (handle) => {
      const { authority, beyond } = await read(handle);
      const { rows } = await sql<OutcomeRow>`
      with o as materialized (${lockedOrganization(tenantId)}), ${actorSql(tenantId, authority)},
      ${roomSql(tenantId, now)}, target as materialized (
        select m.* from o join tenantry.members m on m.tenant_id = o.tenant_id
        where m.tenant_id = ${tenantId}::uuid and ${meantSql(by)} for no key update of m
      ), ${otherOwner(tenantId)}, wanted as materialized (
        select room.*, target.id as member_id, target.role, target.status,
          coalesce(${role ?? null}::text, target.role) as new_role, coalesce(${status ?? null}::text, target.status) as new_status,
          coalesce(${seatTakenSql('target')}, false) as seat_before
        from room left join target on true
      ), planned as materialized (
        select w.*, 0 as held_delta, case
            when w.role = w.new_role and w.status = w.new_status then 0
            else ${seats.takesSql(sql`w.new_role`, sql`w.new_status`)}::integer - w.seat_before::integer
          end as seats_delta
        from wanted w
      ), d as materialized (
        select w.*, case
          when not actor.fit then 'actor_changed'
          when w.member_id is null then 'member_not_found'
          when not (w.status = any(${sql.val([...from])}::text[]) or w.status = w.new_status) then 'member_not_found'
          when w.status = 'removed' and (w.new_status <> 'removed' or ${role ?? null}::text is not null) then 'member_not_found'
          when w.role = any(${sql.val([...beyond])}::text[])
            and w.member_id is distinct from ${authority.member?.id ?? null}::uuid then 'role_beyond'
          when w.role = w.new_role and w.status = w.new_status and not ${forget}::boolean then 'unchanged'
          when w.role = 'owner' and w.status = 'active' and not (w.new_role = 'owner' and w.new_status = 'active')
            and not exists (select 1 from other_owner) then 'last_owner'
          when w.seats_delta > 0 and w.seats_taken + w.seats_held + w.seats_delta > w.seats_bought then 'seats_exhausted'
          else 'changed'
        end as verdict
        from planned w cross join actor
      ), ${countedSql(tenantId, now)}, changed as (
        update tenantry.members u set role = d.new_role, status = d.new_status, updated_at = ${now}::timestamptz,
          revision = u.revision + 1,
          seat_exempt = d.new_status in ('active', 'pending') and d.seat_before::integer + d.seats_delta = 0,
          approved_by = case when ${approved}::boolean then ${approvedBy ?? null}::text else u.approved_by end,
          approved_at = case when ${approved}::boolean then ${now}::timestamptz else u.approved_at end,
          email = case when ${forget}::boolean then null else u.email end,
          name = case when ${forget}::boolean then null else u.name end
        from d where u.tenant_id = ${tenantId}::uuid and u.id = d.member_id and d.verdict = 'changed'
        returning u.*
      ), ${removedSql(tenantId)}
      select ${outcomeColumns} from d left join (
        select * from changed union all select target.* from target, d where d.verdict = 'unchanged'
      ) m on true`.execute(libraryOf(handle));
      return rows[0];
    },
    mayBeMistaken,
  );
  return memberOutcome(row);
}

/** A common table expression: an active owner beside the one whom `target` holds. */
function otherOwner(tenantId: string): RawBuilder<unknown> {
  return sql`other_owner as materialized (
        select m.id from target join tenantry.members m on m.tenant_id = target.tenant_id and m.id <> target.id
        where m.tenant_id = ${tenantId}::uuid and m.role = 'owner' and m.status = 'active'
        limit 1 for no key update of m
      )`;
}

/** Common table expressions: what a removed member had beyond the role ends, so that it does not come back with them. */
function removedSql(tenantId: string): RawBuilder<unknown> {
  const gone = sql`d.verdict = 'changed' and d.new_status = 'removed'`;
  return sql`grants_gone as (
        delete from tenantry.member_grants g using d
        where g.tenant_id = ${tenantId}::uuid and g.member_id = d.member_id and ${gone}
      ), teams_left as (
        delete from tenantry.team_members x using d
        where x.tenant_id = ${tenantId}::uuid and x.member_id = d.member_id and ${gone}
      )`;
}
