import { sql } from 'kysely';
import { TenantryError } from '../core/index.ts';
import { type MemberRow, memberColumns, memberOf } from './member-row.ts';
import type { Member, MemberStatus } from './organization.ts';
import { roomColumns } from './seat-rule.ts';

/** What a statement decided. */
export type Verdict =
  | 'changed'
  | 'unchanged'
  | 'member_not_found'
  | 'role_beyond'
  | 'actor_changed'
  | 'last_owner'
  | 'seats_exhausted';

/** A pending invitation that was over when somebody came by. */
export interface LapsedInvitation {
  readonly id: string;
  readonly email: string;
  readonly role: string;
}

/** The seats of an organization before and after a statement, and the invitations that lapsed in it. */
export interface SeatOutcome {
  readonly bought: number | null;
  readonly taken: number;
  readonly previousTaken: number;
  readonly held: number;
  readonly previousHeld: number;
  readonly lapsed: readonly LapsedInvitation[];
}

/** The outcome of a statement that may change a member. `member` is null when it was refused. */
export interface MemberOutcome extends SeatOutcome {
  readonly verdict: Verdict;
  readonly member: Member | null;
  /** What the member was before; null when there was none. */
  readonly before: { readonly role: string; readonly status: MemberStatus } | null;
}

/** What every deciding statement tells of the seats. */
export interface SeatRow {
  readonly seats_bought: number | null;
  readonly previous_taken: number;
  readonly previous_held: number;
  readonly taken_change: number;
  readonly held_change: number;
  readonly lapsed: readonly LapsedInvitation[] | null;
}

/** A row of a statement that may change a member. */
export interface OutcomeRow extends MemberRow, SeatRow {
  readonly verdict: Verdict;
  readonly before_role: string | null;
  readonly before_status: MemberStatus | null;
}

/** What a deciding statement gives, of `d`, `counts` and the member `m`. */
export const outcomeColumns = sql`d.verdict, d.role as before_role, d.status as before_status, ${roomColumns},
  (select c.taken_change from counts c) as taken_change, (select c.held_change from counts c) as held_change,
  ${memberColumns}`;

/** What may be decided otherwise behind the lock. */
export function mayBeMistaken({ verdict, before_status: before }: OutcomeRow): boolean {
  return verdict === 'last_owner' || verdict === 'actor_changed' || (verdict === 'seats_exhausted' && before === null);
}

/** The seats that a row tells of. */
export function seatOutcome(row: SeatRow): SeatOutcome {
  return {
    bought: row.seats_bought,
    taken: row.previous_taken + row.taken_change,
    previousTaken: row.previous_taken,
    held: row.previous_held + row.held_change,
    previousHeld: row.previous_held,
    lapsed: row.lapsed ?? [],
  };
}

/** The outcome that a row tells of; null without one. */
export function memberOutcome(row: OutcomeRow | undefined): MemberOutcome | null {
  if (row === undefined) return null;
  const { verdict, before_role: role, before_status: status } = row;
  const done = verdict === 'changed' || verdict === 'unchanged';
  return {
    verdict,
    member: done ? memberOf(row) : null,
    before: role === null || status === null ? null : { role, status },
    ...seatOutcome(row),
  };
}

/** The member that a statement left behind; what it refused becomes an error. */
export function acceptedMember(outcome: MemberOutcome | null, tenantId: string, named: string): Member {
  if (outcome === null) throw new TenantryError('organization_not_found', { organization: tenantId });
  const { verdict, member, bought, taken } = outcome;
  if (verdict === 'last_owner') throw new TenantryError('last_owner', { tenantId });
  if (verdict === 'seats_exhausted')
    throw new TenantryError('seats_exhausted', { tenantId, bought: bought ?? 0, taken });
  if (verdict === 'role_beyond') {
    throw new TenantryError('permission_denied', { permission: `roles:${outcome.before?.role ?? ''}` });
  }
  if (member === null) throw new TenantryError('member_not_found', { member: named });
  return member;
}
