import type { AnyDatabase } from '../database/index.ts';
import { run } from '../database/run.ts';
import type { Int8 } from './store.ts';

/** What became of one reservation. */
export interface SettledReservation {
  readonly id: string;
  readonly meter: string;
  readonly units: number;
  readonly committed: number;
}

/** A reservation as it is stored. */
export interface ReservationRow {
  readonly id: string;
  readonly meter: string;
  readonly units: number;
  readonly status: 'held' | 'committed' | 'released' | 'expired';
  readonly committed: number | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/*
 * The tenant is locked first (see `burn-store.ts`), the reservations next, then counters, then grants, each in one order. What takes units locks counters and
 * then grants, and makes its reservation last, so nobody waits in a circle. Units are kept in the order in which they were
 * taken; the others go back where they came from. What is written down by the hour and for members comes after the counters,
 * as everywhere, and not when the server likes. A reservation is settled once: who comes second finds it settled.
 *
 * $1 tenant, $2 ids, $3 how many units of each are kept (null: as the reservation says of its expiry), $4 now, $5 true for
 * those whose time is over, false for those whose time is not.
 */
const settleText = `
  with tenant as materialized (
    select tenant_id from tenantry.tenants where tenant_id = $1::uuid for key share
  ), chosen as materialized (
    select r.* from tenantry.usage_reservations r
    where exists (select from tenant) and r.tenant_id = $1::uuid and r.id = any($2::uuid[]) and r.status = 'held'
      and (r.expires_at <= $4::timestamptz) = $5::boolean
    order by r.id for update
  ), kept as materialized (
    select c.*, least(c.units, coalesce(w.kept, case when c.on_expiry = 'commit' then c.units else 0 end)) as keep,
      w.kept is null as over
    from chosen c join unnest($2::uuid[], $3::bigint[]) as w (id, kept) on w.id = c.id
  ), parts as materialized (
    select k.id, k.meter, (p.value ->> 'grant')::uuid as grant_id, (p.value ->> 'units')::bigint as units,
      (p.value ->> 'units')::bigint - least((p.value ->> 'units')::bigint, greatest(0, k.keep
        - (sum((p.value ->> 'units')::bigint) over (partition by k.id order by p.place) - (p.value ->> 'units')::bigint))) as back
    from kept k cross join lateral jsonb_array_elements(k.parts) with ordinality as p (value, place)
  ), less as materialized (
    select k.meter, c.value ->> 'per' as per, (c.value ->> 'start')::timestamptz as period_start,
      sum(case when c.place = 1 then (select sum(back) from parts p where p.id = k.id and p.grant_id is null)
        else (select sum(back) from parts p where p.id = k.id) end) as units
    from kept k cross join lateral jsonb_array_elements(k.counters) with ordinality as c (value, place)
    group by 1, 2, 3
  ), counters as materialized (
    select u.meter, u.per, u.period_start from tenantry.usage_counters u
    join less l on l.meter = u.meter and l.per = u.per and l.period_start = u.period_start
    where u.tenant_id = $1::uuid order by u.meter, u.per, u.period_start for no key update of u
  ), more as materialized (
    select grant_id, sum(units) as units, sum(back) as back from parts where grant_id is not null group by grant_id
  ), grants as materialized (
    select g.id from tenantry.usage_grants g join more m on m.grant_id = g.id
    where g.tenant_id = $1::uuid and (select count(*) from counters) >= 0 order by g.id for no key update of g
  ), lowered as (
    update tenantry.usage_counters u set used = greatest(0, u.used - l.units), updated_at = $4::timestamptz
    from less l join counters c on c.meter = l.meter and c.per = l.per and c.period_start = l.period_start
    where u.tenant_id = $1::uuid and u.meter = l.meter and u.per = l.per and u.period_start = l.period_start and l.units > 0
      and (select count(*) from grants) >= 0
  ), raised as (
    update tenantry.usage_grants g set balance = case when g.closed_at is null then g.balance + m.back else 0 end, held = g.held - m.units,
      closed_at = coalesce(g.closed_at,
        case when g.balance + m.back = 0 and g.held = m.units and g.rollover_max is null then $4::timestamptz end)
    from more m join grants l on l.id = m.grant_id where g.tenant_id = $1::uuid and g.id = m.grant_id
  ), settled as (
    update tenantry.usage_reservations r set committed = k.keep, settled_at = $4::timestamptz,
      status = case when k.keep > 0 then 'committed' when k.over then 'expired' else 'released' end
    from kept k where r.tenant_id = $1::uuid and r.id = k.id
  ), used as materialized (
    select k.*, k.counters -> 0 ->> 'per' as per, (k.counters -> 0 ->> 'start')::timestamptz as period_start
    from kept k where k.keep > 0 and k.counters -> 0 ->> 'per' <> 'none' and (select count(*) from counters) >= 0
  ), hours as (
    insert into tenantry.usage_hours as h (tenant_id, meter, subject, hour, units)
    select $1::uuid, k.meter, s.subject, date_trunc('hour', $4::timestamptz, 'UTC'), sum(k.keep)
    from used k cross join lateral (values (''), ('m:' || k.member_id), ('k:' || k.key_id)) as s (subject)
    where $6::boolean and s.subject is not null group by k.meter, s.subject order by k.meter, s.subject
    on conflict (tenant_id, meter, subject, hour) do update set units = h.units + excluded.units
  ), members as (
    insert into tenantry.member_usage as m (tenant_id, member_id, meter, per, period_start, used, updated_at)
    select $1::uuid, k.member_id, k.meter, k.per, k.period_start, sum(k.keep), $4::timestamptz from used k
    where exists (select from tenantry.members o where o.tenant_id = $1::uuid and o.id = k.member_id)
    group by k.member_id, k.meter, k.per, k.period_start order by k.member_id, k.meter
    on conflict (tenant_id, member_id, meter, per, period_start)
      do update set used = m.used + excluded.used, updated_at = excluded.updated_at
  )
  select id, meter, units, keep as committed from kept order by id`;

interface SettledRow {
  readonly id: string;
  readonly meter: string;
  readonly units: Int8;
  readonly committed: Int8;
}

/** Settles open reservations: gives back what is not kept. Those that are settled, or not there, are left out. */
export async function settleReservations(
  db: AnyDatabase,
  tenantId: string,
  reservations: readonly { readonly id: string; readonly kept: number | null }[],
  { now, over, history }: { readonly now: Date; readonly over: boolean; readonly history: boolean },
): Promise<readonly SettledReservation[]> {
  const ids = reservations.map(({ id }) => id);
  const kept = reservations.map((reservation) => reservation.kept);
  const rows = await run<SettledRow>(db, settleText, [tenantId, ids, kept, now, over, history]);
  return rows.map((row) => ({ ...row, units: Number(row.units), committed: Number(row.committed) }));
}

const dueText = `
  select id from tenantry.usage_reservations
  where tenant_id = $1::uuid and ($2::text is null or meter = $2::text) and status = 'held'
    and expires_at <= $3::timestamptz
  order by id limit 1000`;

/** The open reservations of a meter, or of all, whose time is over. */
export async function dueReservations(
  db: AnyDatabase,
  tenantId: string,
  meter: string | null,
  now: Date,
): Promise<readonly string[]> {
  return (await run<{ id: string }>(db, dueText, [tenantId, meter, now])).map(({ id }) => id);
}

interface FullRow extends SettledRow {
  readonly status: ReservationRow['status'];
  readonly created_at: Date;
  readonly expires_at: Date;
}

/** Reads a reservation. */
export async function readReservation(
  db: AnyDatabase,
  tenantId: string,
  id: string,
): Promise<ReservationRow | undefined> {
  const [row] = await run<FullRow>(
    db,
    `select id, meter, units, status, committed, created_at, expires_at from tenantry.usage_reservations
      where tenant_id = $1::uuid and id = $2::uuid`,
    [tenantId, id],
  );
  if (row === undefined) return undefined;
  const { meter, status } = row;
  const committed = row.committed === null ? null : Number(row.committed);
  return {
    id,
    meter,
    units: Number(row.units),
    status,
    committed,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
