import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { decide, lockedOrganization } from './decide.ts';
import { type SeatOutcome, type SeatRow, seatOutcome } from './member-outcome.ts';
import { type MemberRow, memberColumns, memberOf } from './member-row.ts';
import type { Member, MemberStatus } from './organization.ts';
import { countedSql, roomColumns, roomSql, type SeatRule, seatTakenSql } from './seat-rule.ts';

/** Why an invitation does not open: it is another's or there is none, over, used, taken back, or turned down. */
export type InvitationDenial = 'not_found' | 'expired' | 'used' | 'revoked' | 'declined' | 'suspended';

/** Where a token leads. */
export interface TokenTarget {
  readonly tenantId: string;
  readonly invitationId: string;
}

/** Finds the invitation of a token. */
export async function findToken(db: AnyDatabase, digest: string): Promise<TokenTarget | null> {
  const row = await libraryOf(db)
    .selectFrom('tenantry.invitation_tokens')
    .select(['tenant_id', 'invitation_id'])
    .where('digest', '=', digest)
    .executeTakeFirst();
  return row === undefined ? null : { tenantId: row.tenant_id, invitationId: row.invitation_id };
}

/** Who accepts which invitation. */
export interface Acceptance extends TokenTarget {
  readonly digest: string;
  readonly emailKey: string;
  readonly email: string;
  readonly userId: string;
  readonly name: string | null;
  /** The id of a new member. */
  readonly memberId: string;
  readonly now: Date;
}

/** What became of an acceptance. */
export interface AcceptanceOutcome extends SeatOutcome {
  /** `accepted`; `member`: the invitation is used up, and the user was a member before. */
  readonly verdict: 'accepted' | 'member' | 'seats_exhausted' | InvitationDenial;
  readonly member: Member | null;
  readonly before: MemberStatus | null;
  readonly invitation: { readonly email: string; readonly role: string } | null;
}

/**
 * Makes a member of an invitation, once, in one statement. The seat that it held becomes the member's. Null: there is no
 * such organization.
 */
export async function acceptInvitation(
  db: AnyDatabase,
  seats: SeatRule,
  { tenantId, invitationId, digest, emailKey, email, userId, name, memberId, now }: Acceptance,
): Promise<AcceptanceOutcome | null> {
  type Row = MemberRow &
    SeatRow & {
      verdict: AcceptanceOutcome['verdict'];
      before_status: MemberStatus | null;
      invited_email: string | null;
      invited_role: string | null;
    };
  const row = await decide(
    db,
    tenantId,
    async (handle) => {
      const { rows } = await sql<Row>`
      with o as materialized (${lockedOrganization(tenantId)}), ${roomSql(tenantId, now, invitationId)},
      invitation as materialized (
        select i.* from o join tenantry.invitations i on i.tenant_id = o.tenant_id
        where i.tenant_id = ${tenantId}::uuid and i.id = ${invitationId}::uuid and i.email_key = ${emailKey}
        for no key update of i
      ), token as materialized (
        select k.digest from invitation join tenantry.invitation_tokens k on k.invitation_id = invitation.id
        where k.digest = ${digest} and k.tenant_id = ${tenantId}::uuid for share of k
      ), target as materialized (
        select m.* from o join tenantry.members m on m.tenant_id = o.tenant_id
        where m.tenant_id = ${tenantId}::uuid and m.user_id = ${userId} for no key update of m
      ), wanted as materialized (
        select room.*, i.id as invitation_id, i.email as invited_email, i.role as invited_role, i.status as state,
          i.expires_at, i.sent_at, i.seat_held, target.id as member_id, target.status as before_status,
          target.updated_at as member_updated, coalesce(${seatTakenSql('target')}, false) as seat_before
        from room left join (invitation i join token on true) on true left join target on true
      ), planned as materialized (
        select w.*, ${seats.takesSql(sql`w.invited_role`, sql`'active'::text`)} as seat_after,
          - coalesce(w.seat_held, false)::integer as held_delta,
          case when w.before_status = 'active' then 0
            else ${seats.takesSql(sql`w.invited_role`, sql`'active'::text`)}::integer - w.seat_before::integer
          end as seats_delta
        from wanted w
      ), judged as materialized (
        select p.*, case
          when p.invitation_id is null then 'not_found'
          when p.state = 'accepted' then 'used'
          when p.state <> 'pending' then p.state
          when p.expires_at <= ${now}::timestamptz then 'expired'
          when p.before_status = 'suspended' then 'suspended'
          when p.before_status = 'removed' and p.member_updated > p.sent_at then 'revoked'
          when p.seats_delta + p.held_delta > 0
            and p.seats_taken + p.seats_held + p.seats_delta + p.held_delta > p.seats_bought then 'seats_exhausted'
          when p.before_status = 'active' then 'member'
          else 'accepted'
        end as answer
        from planned p
      ), d as materialized (
        select j.*, case when j.answer in ('accepted', 'member') then 'changed' else 'refused' end as verdict from judged j
      ), ${countedSql(tenantId, now)}, revived as (
        update tenantry.members u set role = d.invited_role, status = 'active', updated_at = ${now}::timestamptz,
          revision = u.revision + 1, seat_exempt = not d.seat_after, email = ${email}::text,
          name = coalesce(${name}::text, u.name), approved_by = null, approved_at = null
        from d where u.tenant_id = ${tenantId}::uuid and u.id = d.member_id and d.answer = 'accepted'
        returning u.*
      ), inserted as (
        insert into tenantry.members (tenant_id, id, user_id, email, name, role, status, seat_exempt, created_at, updated_at)
        select ${tenantId}::uuid, ${memberId}::uuid, ${userId}::text, ${email}::text, ${name}::text, d.invited_role,
          'active', not d.seat_after, ${now}::timestamptz, ${now}::timestamptz
        from d where d.member_id is null and d.answer = 'accepted'
        returning *
      ), used as (
        update tenantry.invitations u set status = 'accepted', decided_at = ${now}::timestamptz,
          member_id = coalesce(d.member_id, ${memberId}::uuid)
        from d where u.tenant_id = ${tenantId}::uuid and u.id = d.invitation_id and d.verdict = 'changed'
      )
      select d.answer as verdict, d.before_status, d.invited_email, d.invited_role, ${roomColumns}, c.taken_change,
        c.held_change, ${memberColumns}
      from d cross join counts c left join (
        select * from revived union all select * from inserted
        union all select target.* from target cross join d where d.answer = 'member'
      ) m on true`.execute(libraryOf(handle));
      return rows[0];
    },
    ({ verdict }) => verdict === 'seats_exhausted',
  );
  if (row === undefined) return null;
  const { verdict, before_status: before, invited_email: invitedEmail, invited_role: role } = row;
  return {
    ...seatOutcome(row),
    verdict,
    before,
    member: verdict === 'accepted' || verdict === 'member' ? memberOf(row) : null,
    invitation: invitedEmail === null || role === null ? null : { email: invitedEmail, role },
  };
}
