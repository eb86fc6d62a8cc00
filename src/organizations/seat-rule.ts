import { type RawBuilder, sql } from 'kysely';
import { TenantryError } from '../core/index.ts';

/** Which members take a seat: a condition on their role and status. What is left out restricts nothing. */
export interface BillableMembers<Role extends string = string> {
  /** Only members in these roles. */
  readonly roles?: readonly Role[];
  /** Only members in these states; `pending` ones are those who were given a seat before they come, and invitations. */
  readonly statuses?: readonly ('active' | 'pending')[];
}

/** The condition, as statements use it. */
export interface SeatRule {
  /** Whether somebody in a role and state takes a seat. */
  takes(role: string, status: string): boolean;
  /** The same as SQL, over two expressions. */
  takesSql(role: RawBuilder<unknown>, status: RawBuilder<unknown>): RawBuilder<boolean>;
}

const seated = ['active', 'pending'];

/**
 * Makes the rule of who takes a seat.
 *
 * @throws TenantryError `config_invalid` for lists that are none.
 */
export function createSeatRule({ roles, statuses }: BillableMembers = {}): SeatRule {
  check('roles', roles);
  check('statuses', statuses);
  const states = statuses ?? seated;
  if (!states.every((state) => seated.includes(state))) {
    throw new TenantryError('config_invalid', { path: 'billable.statuses', problem: 'takes "active" and "pending"' });
  }
  return {
    takes: (role, status) => states.some((one) => one === status) && (roles === undefined || roles.includes(role)),
    takesSql: (role, status) => sql`(${status} = any(${sql.val([...states])}::text[])
      ${roles === undefined ? sql`` : sql`and ${role} = any(${sql.val([...roles])}::text[])`})`,
  };
}

function check(name: string, list: unknown): void {
  if (list === undefined || (Array.isArray(list) && list.every((one) => typeof one === 'string'))) return;
  throw new TenantryError('config_invalid', { path: `billable.${name}`, problem: 'must be a list of texts' });
}

/** Whether a member whom the statement calls by an alias takes a seat now, as it was counted. */
export function seatTakenSql(alias: string): RawBuilder<boolean> {
  return sql.raw(`(${alias}.status in ('active', 'pending') and not ${alias}.seat_exempt)`);
}

/**
 * Two common table expressions over `o`, the locked organization: `lapsed`, the pending invitations that are over, which
 * hold no seat any more; and `room`, the organization with the seats as they are then.
 *
 * @param but An invitation that the statement itself decides over, since it cannot write a row twice.
 */
export function roomSql(tenantId: string, now: Date, but: string | null = null): RawBuilder<unknown> {
  return sql`lapsed as (
      update tenantry.invitations i set status = 'expired', decided_at = ${now}::timestamptz
      from o where i.tenant_id = ${tenantId}::uuid and o.tenant_id = i.tenant_id and i.status = 'pending'
        and i.expires_at <= ${now}::timestamptz ${but === null ? sql`` : sql`and i.id <> ${but}::uuid`}
      returning i.id, i.email, i.role, i.seat_held
    ), room as materialized (
      select o.tenant_id, o.seats_bought, o.seats_taken, o.seats_exceeded_at, o.seats_held as previous_held,
        o.seats_held - (select count(*) from lapsed l where l.seat_held)::integer as seats_held
      from o
    )`;
}

/** The columns of `room` and `lapsed` that an outcome tells. */
export const roomColumns = sql`d.seats_bought, d.seats_taken as previous_taken, d.previous_held,
  (select jsonb_agg(jsonb_build_object('id', l.id, 'email', l.email, 'role', l.role)) from lapsed l) as lapsed`;

/**
 * A common table expression `counted` that writes the seats of the organization: where the verdict of `d` is `changed`
 * its `seats_delta` and `held_delta`, and in any case what lapsed.
 */
export function countedSql(tenantId: string, now: Date): RawBuilder<unknown> {
  return sql`counts as (
      select d.*, case when d.verdict = 'changed' then d.seats_delta else 0 end as taken_change,
        case when d.verdict = 'changed' then d.held_delta else 0 end + d.seats_held - d.previous_held as held_change
      from d
    ), counted as (
      update tenantry.organizations u set seats_taken = u.seats_taken + c.taken_change,
        seats_held = u.seats_held + c.held_change, updated_at = ${now}::timestamptz,
        seats_exceeded_at = case when u.seats_taken + c.taken_change > u.seats_bought
          then coalesce(u.seats_exceeded_at, ${now}::timestamptz) end
      from counts c where u.tenant_id = ${tenantId}::uuid and (c.taken_change <> 0 or c.held_change <> 0)
    )`;
}
