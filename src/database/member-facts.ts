import { sql } from 'kysely';
import type { SeatFacts } from '../core/seat-policy.ts';
import { type AnyDatabase, libraryOf } from './handle.ts';

/**
 * The grants of the member `m`, over or not, as a column of a statement: each a permission and, where it ends, a space
 * and the second since 1970. JSON; NULL without one, as for most members.
 */
export const grantsColumn = `to_json(nullif(array(
    select g.permission || coalesce(' ' || extract(epoch from g.expires_at), '')
    from tenantry.member_grants g where g.tenant_id = m.tenant_id and g.member_id = m.id), '{}'))`;

/** The grants of a member as a statement reads them. */
export type GrantsValue = readonly string[] | null;

/** The permissions of grants that are not over at a moment. */
export function liveGrants(grants: GrantsValue, now: Date): readonly string[] {
  const seconds = now.getTime() / 1000;
  return (grants ?? []).flatMap((grant) => {
    const [permission = '', until] = grant.split(' ');
    return until === undefined || Number(until) > seconds ? [permission] : [];
  });
}

/** Since when the organization `o` takes more seats than it bought, in seconds since 1970, as a column of a statement. */
export const exceededColumn = `case when o.seats_taken > o.seats_bought then
    coalesce(extract(epoch from o.seats_exceeded_at)::float8, 0) end`;

/** More seats taken than bought. */
export interface ExceededSeats extends SeatFacts {
  readonly bought: number;
}

/** The seats of an organization that takes more than it bought; null otherwise. */
export function exceededSeats({
  seats_bought: bought,
  seats_taken: taken,
  exceeded,
}: {
  readonly seats_bought: number | null;
  readonly seats_taken: number | null;
  /** What {@link exceededColumn} gives. */
  readonly exceeded: number | null;
}): ExceededSeats | null {
  if (exceeded === null || bought === null || taken === null) return null;
  return { bought, taken, exceededAt: exceeded === 0 ? null : new Date(Math.round(exceeded * 1000)) };
}

/**
 * Reads the place of a member among those who take a seat: owners first, then in the order in which they came. 0 for who
 * takes none. Nobody asks it but where too many seats are taken.
 */
export async function readSeatPlace(db: AnyDatabase, tenantId: string, memberId: string): Promise<number> {
  const { rows } = await sql<{ place: number }>`
    select count(*)::integer as place from tenantry.members m join tenantry.members s on s.tenant_id = m.tenant_id
    where m.tenant_id = ${tenantId}::uuid and s.tenant_id = ${tenantId}::uuid and m.id = ${memberId}::uuid
      and not m.seat_exempt and s.status in ('active', 'pending') and not s.seat_exempt
      and (s.role <> 'owner', s.id) <= (m.role <> 'owner', m.id)`.execute(libraryOf(db));
  return rows[0]?.place ?? 0;
}
