import { type RawBuilder, sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { actorSql } from './authority.ts';
import { decide, lockedTenant } from './decide.ts';
import type { ReadAuthority } from './member-store.ts';
import { type SeatRule, seatTakenSql } from './seat-rule.ts';

/** The seats of an organization as the database has them. */
export interface SeatCounts {
  readonly bought: number | null;
  readonly taken: number;
  readonly held: number;
  readonly exceededAt: Date | null;
}

/** How many seats are still counted for invitations that are over. */
function overSql(tenantId: string, now: Date): RawBuilder<number> {
  return sql`select count(*)::integer from tenantry.invitations i where i.tenant_id = ${tenantId}::uuid
    and i.status = 'pending' and i.expires_at <= ${now}::timestamptz and i.seat_held`;
}

/** Reads the seats of an organization. Invitations that are over hold none. Null: there is no such organization. */
export async function findSeats(db: AnyDatabase, tenantId: string, now: Date): Promise<SeatCounts | null> {
  const { rows } = await sql<{ bought: number | null; taken: number; held: number; exceeded_at: Date | null }>`
    select o.seats_bought as bought, o.seats_taken as taken, o.seats_exceeded_at as exceeded_at,
      o.seats_held - (${overSql(tenantId, now)}) as held
    from tenantry.organizations o where o.tenant_id = ${tenantId}::uuid`.execute(libraryOf(db));
  const row = rows[0];
  if (row === undefined) return null;
  return { bought: row.bought, taken: row.taken, held: row.held, exceededAt: row.exceeded_at };
}

/** What became of the number of seats bought. */
export interface SeatsBought extends SeatCounts {
  readonly previousBought: number | null;
}

/**
 * Sets the number of seats bought in one statement, and counts the revision of the tenant's entitlements up. Null: there
 * is no such organization.
 */
export async function updateSeatsBought(
  db: AnyDatabase,
  tenantId: string,
  read: ReadAuthority,
  bought: number | null,
  now: Date,
): Promise<SeatsBought | null> {
  type Row = {
    fit: boolean;
    seats_bought: number | null;
    seats_taken: number;
    seats_held: number;
    exceeded_at: Date | null;
  };
  const row = await decide(
    db,
    tenantId,
    async (handle) => {
      const authority = await read(handle);
      const { rows } = await sql<Row>`
    with t as materialized (${lockedTenant(tenantId)}), o as materialized (
      select o.tenant_id, o.seats_bought, o.seats_taken, o.seats_held, o.seats_exceeded_at
      from t join tenantry.organizations o on o.tenant_id = t.tenant_id
      where o.tenant_id = ${tenantId}::uuid for no key update of o
    ), ${actorSql(tenantId, authority)}, d as materialized (
      select o.*, actor.fit, actor.fit and o.seats_bought is distinct from ${bought}::integer as differs,
        case when o.seats_taken > ${bought}::integer then coalesce(o.seats_exceeded_at, ${now}::timestamptz) end as exceeded_at
      from o cross join actor
    ), changed as (
      update tenantry.organizations u set seats_bought = ${bought}::integer, seats_exceeded_at = d.exceeded_at,
        updated_at = ${now}::timestamptz
      from d where u.tenant_id = ${tenantId}::uuid and d.differs
    ), counted as (
      update tenantry.tenants u set entitlement_revision = u.entitlement_revision + 1, updated_at = ${now}::timestamptz
      from d where u.tenant_id = ${tenantId}::uuid and d.differs
    )
    select fit, seats_bought, seats_taken, seats_held - (${overSql(tenantId, now)}) as seats_held, exceeded_at from d`.execute(
        libraryOf(handle),
      );
      return rows[0];
    },
    ({ fit }) => !fit,
    lockedTenant,
  );
  if (row === undefined) return null;
  const { seats_bought: previousBought, seats_taken: taken, seats_held: held, exceeded_at: exceededAt } = row;
  return { bought, taken, held, exceededAt, previousBought };
}

/** Counts the seats of an organization anew by the rule, behind its lock. Null: there is no such organization. */
export async function recountSeats(
  tx: AnyDatabase,
  seats: SeatRule,
  tenantId: string,
  now: Date,
): Promise<{ readonly before: SeatCounts; readonly after: SeatCounts } | null> {
  const { rows } = await sql<{
    seats_bought: number | null;
    before_taken: number;
    before_held: number;
    before_exceeded: Date | null;
    taken: number;
    held: number;
    exceeded_at: Date | null;
  }>`
    with o as materialized (
      select * from tenantry.organizations where tenant_id = ${tenantId}::uuid
    ), members as materialized (
      select m.id, ${seatTakenSql('m')} as was, ${seats.takesSql(sql`m.role`, sql`m.status`)} as takes, m.status
      from tenantry.members m where m.tenant_id = ${tenantId}::uuid
    ), invited as materialized (
      select i.id, i.seat_held as was, i.expires_at > ${now}::timestamptz and ${seats.takesSql(sql`i.role`, sql`'pending'`)} as takes
      from tenantry.invitations i where i.tenant_id = ${tenantId}::uuid and i.status = 'pending'
    ), exempted as (
      update tenantry.members u set seat_exempt = m.status in ('active', 'pending') and not m.takes
      from members m where u.tenant_id = ${tenantId}::uuid and u.id = m.id and m.was <> m.takes
    ), holding as (
      update tenantry.invitations u set seat_held = i.takes
      from invited i where u.tenant_id = ${tenantId}::uuid and u.id = i.id and i.was <> i.takes
    ), counts as materialized (
      select (select count(*) from members where takes)::integer as taken,
        (select count(*) from invited where takes)::integer as held
    ), changed as (
      update tenantry.organizations u set seats_taken = c.taken, seats_held = c.held, updated_at = ${now}::timestamptz,
        seats_exceeded_at = case when c.taken > u.seats_bought then coalesce(u.seats_exceeded_at, ${now}::timestamptz) end
      from counts c where u.tenant_id = ${tenantId}::uuid
    )
    select o.seats_bought, o.seats_taken as before_taken, o.seats_held as before_held,
      o.seats_exceeded_at as before_exceeded, c.taken, c.held,
      case when c.taken > o.seats_bought then coalesce(o.seats_exceeded_at, ${now}::timestamptz) end as exceeded_at
    from o cross join counts c`.execute(libraryOf(tx));
  const row = rows[0];
  if (row === undefined) return null;
  const bought = row.seats_bought;
  return {
    before: { bought, taken: row.before_taken, held: row.before_held, exceededAt: row.before_exceeded },
    after: { bought, taken: row.taken, held: row.held, exceededAt: row.exceeded_at },
  };
}
