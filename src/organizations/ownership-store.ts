import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { actorSql } from './authority.ts';
import { decide, lockedOrganization } from './decide.ts';
import { type SeatOutcome, type SeatRow, seatOutcome } from './member-outcome.ts';
import { type MemberRow, memberColumns, memberOf } from './member-row.ts';
import type { ReadAuthority } from './member-store.ts';
import type { Member } from './organization.ts';
import { countedSql, roomColumns, roomSql, type SeatRule, seatTakenSql } from './seat-rule.ts';

/** Which owner hands over to whom. */
export interface Transfer {
  readonly tenantId: string;
  readonly fromUserId: string;
  readonly toUserId: string;
  /** What the former owner is then. */
  readonly role: string;
  readonly now: Date;
}

/** What became of a transfer. */
export interface TransferOutcome extends SeatOutcome {
  readonly verdict: 'changed' | 'from_not_found' | 'to_not_found' | 'seats_exhausted' | 'actor_changed';
  readonly from: Member | null;
  readonly to: (Member & { readonly previousRole: string }) | null;
}

/** Makes one owner of another member and something else of the owner, in one statement. Null: no such organization. */
export async function transferOwner(
  db: AnyDatabase,
  seats: SeatRule,
  read: ReadAuthority,
  { tenantId, fromUserId, toUserId, role, now }: Transfer,
): Promise<TransferOutcome | null> {
  type Row = MemberRow & SeatRow & { verdict: TransferOutcome['verdict']; before_role: string | null };
  const rows = await decide(
    db,
    tenantId,
    async (handle) => {
      const authority = await read(handle);
      const result = await sql<Row>`
      with o as materialized (${lockedOrganization(tenantId)}), ${actorSql(tenantId, authority)},
      ${roomSql(tenantId, now)}, pair as materialized (
        select m.*, ${seatTakenSql('m')} as seat_before,
          case when m.user_id = ${fromUserId} then ${role}::text else 'owner' end as new_role
        from o join tenantry.members m on m.tenant_id = o.tenant_id
        where m.tenant_id = ${tenantId}::uuid and m.user_id in (${fromUserId}, ${toUserId}) and m.status = 'active'
        for no key update of m
      ), planned as materialized (
        select p.*, ${seats.takesSql(sql`p.new_role`, sql`p.status`)} as seat_after from pair p
      ), d as materialized (
        select w.*, case
          when not actor.fit then 'actor_changed'
          when not exists (select 1 from pair p where p.user_id = ${fromUserId} and p.role = 'owner') then 'from_not_found'
          when not exists (select 1 from pair p where p.user_id = ${toUserId}) then 'to_not_found'
          when w.seats_delta > 0 and w.seats_taken + w.seats_held + w.seats_delta > w.seats_bought then 'seats_exhausted'
          else 'changed'
        end as verdict
        from (
          select room.*, 0 as held_delta,
            (select coalesce(sum(p.seat_after::integer - p.seat_before::integer), 0) from planned p)::integer as seats_delta
          from room
        ) w cross join actor
      ), ${countedSql(tenantId, now)}, changed as (
        update tenantry.members u set role = p.new_role, seat_exempt = not p.seat_after, revision = u.revision + 1,
          updated_at = ${now}::timestamptz
        from planned p cross join d where u.tenant_id = ${tenantId}::uuid and u.id = p.id and d.verdict = 'changed'
        returning u.*, p.role as before_role
      )
      select d.verdict, ${roomColumns}, c.taken_change, c.held_change, m.before_role, ${memberColumns}
      from d cross join counts c left join changed m on true`.execute(libraryOf(handle));
      return result.rows.length === 0 ? undefined : result.rows;
    },
    (found) => found[0]?.verdict === 'actor_changed',
  );
  const [first] = rows ?? [];
  if (rows === undefined || first === undefined) return null;
  const find = (userId: string): Row | undefined => rows.find((row) => row.user_id === userId);
  const to = find(toUserId);
  const from = find(fromUserId);
  return {
    ...seatOutcome(first),
    verdict: first.verdict,
    from: from === undefined ? null : memberOf(from),
    to: to === undefined ? null : { ...memberOf(to), previousRole: to.before_role ?? '' },
  };
}
