import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { actorSql } from './authority.ts';
import { decide, lockedOrganization } from './decide.ts';
import { type SeatOutcome, type SeatRow, seatOutcome } from './member-outcome.ts';
import type { ReadManager } from './member-store.ts';
import { countedSql, roomColumns, roomSql, type SeatRule } from './seat-rule.ts';

/** What an invitation is now. */
export type InvitationStatus = 'pending' | 'accepted' | 'declined' | 'revoked' | 'expired';

/** A member to be. */
export interface Invitation {
  readonly id: string;
  readonly tenantId: string;
  readonly email: string;
  readonly role: string;
  readonly status: InvitationStatus;
  /** The user who invited; null where it was the program. */
  readonly invitedBy: string | null;
  /** The member that it made; null before. */
  readonly memberId: string | null;
  readonly createdAt: Date;
  /** When its newest token was made. */
  readonly sentAt: Date;
  readonly expiresAt: Date;
}

/** An invitation as statements give it. */
export interface InvitationRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly email: string;
  readonly invitation_role: string;
  readonly invitation_status: InvitationStatus;
  readonly invited_by: string | null;
  readonly invited_member: string | null;
  readonly invited_at: Date;
  readonly sent_at: Date;
  readonly expires_at: Date;
}

/** The columns of an invitation that a statement calls `i`. One that is over is told so, whether that was noted or not. */
export const invitationColumns = (now: Date) => sql`i.tenant_id, i.id, i.email, i.role as invitation_role,
  case when i.status = 'pending' and i.expires_at <= ${now}::timestamptz then 'expired' else i.status end as invitation_status,
  i.invited_by, i.member_id as invited_member, i.created_at as invited_at, i.sent_at, i.expires_at`;

/** The invitation that a row tells of. */
export function invitationOf(row: InvitationRow): Invitation {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    email: row.email,
    role: row.invitation_role,
    status: row.invitation_status,
    invitedBy: row.invited_by,
    memberId: row.invited_member,
    createdAt: row.invited_at,
    sentAt: row.sent_at,
    expiresAt: row.expires_at,
  };
}

/** What became of an invitation. */
export interface InvitationOutcome extends SeatOutcome {
  readonly verdict:
    | 'created'
    | 'changed'
    | 'unchanged'
    | 'invitation_not_found'
    | 'role_beyond'
    | 'actor_changed'
    | 'seats_exhausted';
  readonly invitation: Invitation | null;
  /** The role of the invitation that was there. */
  readonly role: string | null;
}

interface OutcomeRow extends InvitationRow, SeatRow {
  readonly verdict: InvitationOutcome['verdict'];
  readonly before_role: string | null;
}

/** An invitation to be, or to be sent again. */
export interface NewInvitation {
  readonly tenantId: string;
  /** The id of a new one. */
  readonly id: string;
  /** Which one is sent again; null: the pending one of the address, or a new one. */
  readonly again: string | null;
  readonly email: { readonly given: string; readonly key: string } | null;
  /** Null: the role that it has. */
  readonly role: string | null;
  readonly digest: string;
  readonly invitedBy: string | null;
  readonly expiresAt: Date;
  readonly now: Date;
}

/**
 * Invites an address, and with that holds a seat; or sends an invitation again, whose token before opens nothing any
 * more. Null: there is no such organization.
 */
export async function sendInvitation(
  db: AnyDatabase,
  seats: SeatRule,
  read: ReadManager,
  { tenantId, id, again, email, role, digest, invitedBy, expiresAt, now }: NewInvitation,
): Promise<InvitationOutcome | null> {
  const meant =
    again === null
      ? sql`i.email_key = ${email?.key ?? ''} and i.status = 'pending' and i.expires_at > ${now}::timestamptz`
      : sql`i.id = ${again}::uuid and i.status in ('pending', 'expired')`;
  return run(db, tenantId, async (handle) => {
    const { authority, beyond } = await read(handle);
    const { rows } = await sql<OutcomeRow>`
      with o as materialized (${lockedOrganization(tenantId)}), ${actorSql(tenantId, authority)},
      ${roomSql(tenantId, now, again)}, target as materialized (
        select i.* from o join tenantry.invitations i on i.tenant_id = o.tenant_id
        where i.tenant_id = ${tenantId}::uuid and ${meant} for no key update of i
      ), rival as materialized (
        select i.id from target join tenantry.invitations i on i.tenant_id = target.tenant_id
          and i.email_key = target.email_key and i.id <> target.id and i.status = 'pending'
          and i.expires_at > ${now}::timestamptz
        where i.tenant_id = ${tenantId}::uuid limit 1
      ), wanted as materialized (
        select room.*, target.id as invitation_id, target.role as before_role,
          coalesce(target.seat_held and target.status = 'pending', false) as held_before,
          coalesce(${role}::text, target.role) as new_role
        from room left join target on true
      ), d as materialized (
        select w.*, 0 as seats_delta, ${seats.takesSql(sql`w.new_role`, sql`'pending'::text`)} as holds,
          ${seats.takesSql(sql`w.new_role`, sql`'pending'::text`)}::integer - w.held_before::integer as held_delta,
          case
            when not actor.fit then 'actor_changed'
            when w.invitation_id is null and ${again !== null}::boolean then 'invitation_not_found'
            when w.before_role = any(${sql.val([...beyond])}::text[]) then 'role_beyond'
            when exists (select 1 from rival) then 'invitation_not_found'
            when ${seats.takesSql(sql`w.new_role`, sql`'pending'::text`)} and not w.held_before
              and w.seats_taken + w.seats_held >= w.seats_bought then 'seats_exhausted'
            else 'changed'
          end as verdict
        from wanted w cross join actor
      ), ${countedSql(tenantId, now)}, renewed as (
        update tenantry.invitations u set role = d.new_role, status = 'pending', seat_held = d.holds, decided_at = null,
          sent_at = ${now}::timestamptz, expires_at = ${expiresAt}::timestamptz
        from d where u.tenant_id = ${tenantId}::uuid and u.id = d.invitation_id and d.verdict = 'changed'
        returning u.*
      ), made as (
        insert into tenantry.invitations (tenant_id, id, email, email_key, role, status, seat_held, invited_by,
          created_at, sent_at, expires_at)
        select ${tenantId}::uuid, ${id}::uuid, ${email?.given ?? ''}::text, ${email?.key ?? ''}::text, d.new_role, 'pending',
          d.holds, ${invitedBy}::text, ${now}::timestamptz, ${now}::timestamptz, ${expiresAt}::timestamptz
        from d where d.invitation_id is null and d.verdict = 'changed'
        returning *
      ), old_tokens as (
        delete from tenantry.invitation_tokens k using d
        where k.tenant_id = ${tenantId}::uuid and k.invitation_id = d.invitation_id and d.verdict = 'changed'
      ), token as (
        insert into tenantry.invitation_tokens (digest, tenant_id, invitation_id)
        select ${digest}, ${tenantId}::uuid, i.id from (select id from renewed union all select id from made) i
      )
      select case when d.verdict = 'changed' and d.invitation_id is null then 'created' else d.verdict end as verdict,
        d.before_role, ${roomColumns}, c.taken_change, c.held_change, ${invitationColumns(now)}
      from d cross join counts c left join (select * from renewed union all select * from made) i on true`.execute(
      libraryOf(handle),
    );
    return rows[0];
  });
}

/** Ends a pending invitation and frees its seat. Null: there is no such organization. */
export async function endInvitation(
  db: AnyDatabase,
  read: ReadManager,
  {
    tenantId,
    invitationId,
    emailKey,
    status,
    now,
  }: {
    readonly tenantId: string;
    readonly invitationId: string;
    /** The address that it must be bound to; null: any. */
    readonly emailKey: string | null;
    readonly status: 'revoked' | 'declined';
    readonly now: Date;
  },
): Promise<InvitationOutcome | null> {
  return run(db, tenantId, async (handle) => {
    const { authority, beyond } = await read(handle);
    const { rows } = await sql<OutcomeRow>`
      with o as materialized (${lockedOrganization(tenantId)}), ${actorSql(tenantId, authority)},
      ${roomSql(tenantId, now, invitationId)}, target as materialized (
        select i.* from o join tenantry.invitations i on i.tenant_id = o.tenant_id
        where i.tenant_id = ${tenantId}::uuid and i.id = ${invitationId}::uuid
          ${emailKey === null ? sql`` : sql`and i.email_key = ${emailKey}`}
        for no key update of i
      ), d as materialized (
        select room.*, target.id as invitation_id, target.role as before_role, 0 as seats_delta,
          - coalesce(target.seat_held, false)::integer as held_delta, case
            when not actor.fit then 'actor_changed'
            when target.id is null then 'invitation_not_found'
            when target.role = any(${sql.val([...beyond])}::text[]) then 'role_beyond'
            when target.status <> 'pending' or target.expires_at <= ${now}::timestamptz then 'unchanged'
            else 'changed'
          end as verdict
        from room cross join actor left join target on true
      ), ${countedSql(tenantId, now)}, ended as (
        update tenantry.invitations u set status = ${status}, decided_at = ${now}::timestamptz
        from d where u.tenant_id = ${tenantId}::uuid and u.id = d.invitation_id and d.verdict = 'changed'
        returning u.*
      )
      select d.verdict, d.before_role, ${roomColumns}, c.taken_change, c.held_change, ${invitationColumns(now)}
      from d cross join counts c left join (
        select * from ended union all select target.* from target cross join d where d.verdict = 'unchanged'
      ) i on true`.execute(libraryOf(handle));
    return rows[0];
  });
}

async function run(
  db: AnyDatabase,
  tenantId: string,
  statement: (db: AnyDatabase) => Promise<OutcomeRow | undefined>,
): Promise<InvitationOutcome | null> {
  const row = await decide(
    db,
    tenantId,
    statement,
    ({ verdict }) => verdict === 'actor_changed' || verdict === 'seats_exhausted',
  );
  if (row === undefined) return null;
  const { verdict, before_role: role } = row;
  const done = verdict === 'created' || verdict === 'changed' || verdict === 'unchanged';
  return { ...seatOutcome(row), verdict, role, invitation: done ? invitationOf(row) : null };
}
