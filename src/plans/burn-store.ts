import type { AnyDatabase } from '../database/index.ts';
import { run } from '../database/run.ts';
import type { TenantClosed } from './meter-state.ts';
import { closedBy, type Int8 } from './store.ts';
import type { MemberUnits } from './take-units.ts';

/** A counter that units are added to, and how high it may come. */
export interface BurnCounter {
  readonly per: string;
  readonly start: Date;
  readonly ceiling: number;
}

/** Units that are asked for under an idempotency key. */
export interface KeyedUnits {
  readonly key: string;
  readonly units: number;
}

/** Units that are written down by the hour, for the tenant or for one of its members or keys. */
export interface HourUnits {
  /** Empty, or `m:` or `k:` before an id. */
  readonly subject: string;
  readonly units: number;
  /** Only if these units are used for the first time; empty: always. */
  readonly key: string;
}

/** Units to take from a plan's amount, its grants, and what may be used beyond, all or none. */
export interface Burn {
  readonly tenantId: string;
  readonly meter: string;
  /** The counter of the quota's period, then those of shorter times within. */
  readonly counters: readonly [BurnCounter, ...BurnCounter[]];
  /** What the plan gives; grants are burnt after it, and what is beyond the plan after them. */
  readonly amount: number;
  readonly revision: number;
  readonly fence: number;
  readonly now: Date;
  /** Only the grants of this pack are burnt, and nothing of the plan; null: all that there is. */
  readonly pack: string | null;
  /** Units without a key. */
  readonly units: number;
  readonly keyed: readonly KeyedUnits[];
  /** Makes a reservation of the units. */
  readonly hold?:
    | {
        readonly id: string;
        readonly expiresAt: Date;
        readonly onExpiry: 'release' | 'commit';
        readonly memberId: string | null;
        readonly keyId: string | null;
      }
    | undefined;
  readonly hour: Date;
  readonly hours: readonly HourUnits[];
  readonly members: readonly (MemberUnits & { readonly key: string })[];
}

/** What a statement found, and did. */
export interface BurnSight {
  readonly revision: number;
  readonly closed: TenantClosed | null;
  /** Whether all counters are there. */
  readonly ready: boolean;
  readonly fence: number;
  /** Whether the units were taken. */
  readonly taken: boolean;
  /** Of the period, after the statement. */
  readonly used: number;
  /** Left in grants, after the statement. */
  readonly granted: number;
  /** How many units more can be taken, after the statement. */
  readonly room: number;
  /** How many of the units were taken from grants. */
  readonly fromGrants: number;
  /** How much room the windows had before the statement, in their order. */
  readonly windows: readonly number[];
  /** The keys that were used for the first time. */
  readonly fresh: readonly string[];
  /** Whether reservations are over whose units did not come back yet. */
  readonly due: boolean;
}

/*
 * Why this is exact (READ COMMITTED, any number of processes)
 *
 * The tenant is locked first, as foreign keys would lock it later: who moves or deletes a tenant locks it before its
 * counters, and would otherwise wait for this statement while this one waits for them. Then the counters are locked, in one
 * order, before anything is looked at; then the grants, in one order. A locked row is the newest version of it, and nobody
 * changes it until the commit. Every statement that takes or gives back units of a meter locks its counter before its
 * grants, so two of them never see the same grant with the same balance. As in `take-units.ts`, an outdated limit is
 * stopped by the revision on the counter itself, and nothing is refused by what a locking statement saw: a refusal is
 * decided by a look, in one snapshot.
 *
 * A grant that a snapshot does not show is no danger: it was made by a change that counted up the tenant's revision. One
 * that is closed never opens again: only what has nothing left and nothing held is closed.
 *
 * Units of reservations whose time is over come back before others are taken, so that a grant is not burnt for what the
 * plan has free again.
 *
 * The period to which a grant was rolled over never goes back: late units count in a period that is over, and would fill
 * the grant up once more.
 *
 * Idempotency keys are inserted under the lock and after the room is known. Who comes second with a key adds nothing for
 * it, whatever the snapshot showed: the unique key decides.
 *
 * $1 tenant, $2 meter, $3 … $5 the counters, $6 the plan's amount, $7 revision, $8 fence, $9 now, $10 the only pack to burn,
 * $11 units, $12, $13 keys, $14 … $16 the reservation, $17 … $20 hours, $21 … $23 members, $24, $25 whose reservation it is.
 */
const wanted = (lock: boolean): string => `wanted as (
    select * from unnest($3::text[], $4::timestamptz[], $5::bigint[]) with ordinality as w (per, period_start, ceiling, place)
  ), tenant as materialized (
    select entitlement_revision as revision, status from tenantry.tenants where tenant_id = $1::uuid and status <> 'moved'
    ${lock ? 'for key share' : ''}
  )`;

const standing = (lock: boolean): string => `
  with ${wanted(lock)}, locked as materialized (
    select c.per, c.period_start, c.used, c.entitlement_revision as fence, w.ceiling, w.place
    from tenantry.usage_counters c join wanted w on w.per = c.per and w.period_start = c.period_start
    where c.tenant_id = $1::uuid and c.meter = $2::text ${lock ? 'and exists (select from tenant)' : ''}
    order by c.per, c.period_start ${lock ? 'for no key update of c' : ''}
  ), ready as materialized (
    select (select count(*) from locked) = cardinality($3::text[]) as yes
  ), live as materialized (
    select g.id, g.priority, g.expires_at, g.created_at, g.held, g.rollover_max,
      case when g.rollover_max is not null and g.period_start < ($4::timestamptz[])[1]
        then least(g.rollover_max, greatest(g.balance, g.rollover_min)) else g.balance end as balance
    from tenantry.usage_grants g
    where g.tenant_id = $1::uuid and g.meter = $2::text and g.closed_at is null and g.starts_at <= $9::timestamptz
      and ($10::uuid is null or g.pack = $10::uuid)
      and (g.expires_at is null or g.expires_at > $9::timestamptz) and ${lock ? '(select yes from ready)' : 'true'}
    order by g.id ${lock ? 'for no key update of g' : ''}
  ), main as (
    select coalesce(l.used, 0) as used, coalesce(l.fence, 0) as fence, w.ceiling,
      array(select x.ceiling - coalesce(y.used, 0) from wanted x
        left join locked y on y.place = x.place where x.place > 1 order by x.place) as windows,
      coalesce((select sum(balance) from live), 0) as grant_room
    from wanted w left join locked l on l.place = 1 where w.place = 1
  ), room as materialized (
    select m.*, t.revision, t.status, r.yes as ready,
      greatest(0, least(m.plan_room + m.grant_room + m.beyond,
        coalesce((select min(u) from unnest(m.windows) as u), ${Number.MAX_SAFE_INTEGER}))) as room
    from (
      select n.*, case when $10::uuid is null then greatest(0, $6::bigint - n.used) else 0 end as plan_room,
        case when $10::uuid is null then greatest(0, n.ceiling - greatest(n.used, $6::bigint)) else 0 end as beyond
      from main n
    ) m cross join tenant t cross join ready r
  )`;

const dueText = `exists (select from tenantry.usage_reservations v
      where v.tenant_id = $1::uuid and v.meter = $2::text and v.status = 'held' and v.expires_at <= $9::timestamptz)`;

const burnText = `${standing(true)}, fits as materialized (
    select r.*, r.ready and r.revision = $7::bigint and r.status = 'active' and r.fence <= $8::bigint
      and $11::bigint + coalesce((select sum(u) from unnest($13::bigint[]) as u), 0) <= r.room and not ${dueText} as yes
    from room r
  ), fresh as (
    insert into tenantry.usage_keys (tenant_id, meter, key, units, used_at)
    select $1::uuid, $2::text, k.key, k.units, $9::timestamptz
    from unnest($12::text[], $13::bigint[]) as k (key, units) where (select yes from fits) order by k.key
    on conflict (tenant_id, meter, key) do nothing
    returning key, units
  ), taken as materialized (
    select f.*, case when f.yes then $11::bigint + coalesce((select sum(units) from fresh), 0) else 0 end as units from fits f
  ), split as materialized (
    select t.*, least(t.units, t.plan_room) as from_plan,
      least(t.units - least(t.units, t.plan_room), t.grant_room) as from_grants from taken t
  ), burnt as materialized (
    select l.id, l.balance, l.held, l.rollover_max, b.place, greatest(0, least(l.balance, s.from_grants - b.before)) as units
    from live l cross join split s join (
      select id, row_number() over w as place, sum(balance) over w - balance as before from live
      window w as (order by priority, expires_at nulls last, created_at, id)
    ) b on b.id = l.id
  ), grants as (
    update tenantry.usage_grants g set balance = b.balance - b.units,
      held = g.held + case when $14::uuid is null then 0 else b.units end, period_start = greatest(g.period_start, ($4::timestamptz[])[1]),
      closed_at = case when b.units = b.balance and $14::uuid is null and b.held = 0 and b.rollover_max is null
        then $9::timestamptz end
    from burnt b where g.tenant_id = $1::uuid and g.id = b.id and b.units > 0
  ), counters as (
    update tenantry.usage_counters c set
      used = c.used + case when w.place = 1 then s.units - s.from_grants else s.units end,
      entitlement_revision = $7::bigint, updated_at = $9::timestamptz,
      held_until = case when $14::uuid is null then c.held_until else greatest(c.held_until, $15::timestamptz) end
    from wanted w cross join split s
    where c.tenant_id = $1::uuid and c.meter = $2::text and c.per = w.per and c.period_start = w.period_start and s.units > 0
  ), reserved as (
    insert into tenantry.usage_reservations
      (tenant_id, id, meter, units, status, on_expiry, counters, parts, created_at, expires_at, member_id,
        key_id)
    select $1::uuid, $14::uuid, $2::text, s.units, 'held', $16::text,
      (select jsonb_agg(jsonb_build_object('per', w.per, 'start', w.period_start) order by w.place) from wanted w),
      jsonb_build_array(jsonb_build_object('units', s.from_plan))
        || coalesce((select jsonb_agg(jsonb_build_object('grant', b.id, 'units', b.units) order by b.place)
          from burnt b where b.units > 0), '[]')
        || jsonb_build_array(jsonb_build_object('units', s.units - s.from_plan - s.from_grants)),
      $9::timestamptz, $15::timestamptz, $24::uuid, $25::uuid
    from split s where $14::uuid is not null and s.units > 0
  ), hours as (
    insert into tenantry.usage_hours as k (tenant_id, meter, subject, hour, units)
    select $1::uuid, $2::text, h.subject, $17::timestamptz, sum(h.units)
    from unnest($18::text[], $19::bigint[], $20::text[]) as h (subject, units, key)
    where (select yes from fits) and (h.key = '' or h.key in (select key from fresh))
    group by h.subject order by h.subject
    on conflict (tenant_id, meter, subject, hour) do update set units = k.units + excluded.units
  ), members as (
    insert into tenantry.member_usage as k (tenant_id, member_id, meter, per, period_start, used, updated_at)
    select $1::uuid, u.member_id, $2::text, ($3::text[])[1], ($4::timestamptz[])[1], sum(u.units), $9::timestamptz
    from unnest($21::uuid[], $22::bigint[], $23::text[]) as u (member_id, units, key)
    where (select yes from fits) and (u.key = '' or u.key in (select key from fresh))
      and exists (select from tenantry.members m where m.tenant_id = $1::uuid and m.id = u.member_id)
    group by u.member_id order by u.member_id
    on conflict (tenant_id, member_id, meter, per, period_start)
      do update set used = k.used + excluded.used, updated_at = excluded.updated_at
  )
  select s.revision, s.status, s.ready, s.fence, s.yes as taken, s.used + s.units - s.from_grants as used,
    s.grant_room - s.from_grants as granted, s.room - s.units as room,
    s.from_grants, s.windows, array(select key from fresh) as fresh, false as due
  from split s`;

const lookText = `${standing(false)}
  select r.revision, r.status, r.ready, r.fence, false as taken, r.used, r.grant_room as granted, r.room,
    0 as from_grants, r.windows, '{}'::text[] as fresh, ${dueText} as due
  from room r where $7::bigint is not null and $8::bigint is not null`;

const prepareText = `
  insert into tenantry.usage_counters (tenant_id, meter, per, period_start, used, entitlement_revision, updated_at)
  select t.tenant_id, $2::text, w.per, w.period_start, 0, t.entitlement_revision, $6::timestamptz
  from tenantry.tenants t cross join unnest($3::text[], $4::timestamptz[]) as w (per, period_start)
  where t.tenant_id = $1::uuid and t.entitlement_revision = $5::bigint and t.status = 'active'
  order by w.per, w.period_start
  for key share of t
  on conflict (tenant_id, meter, per, period_start) do nothing`;

interface Row {
  readonly revision: Int8;
  readonly status: string;
  readonly ready: boolean;
  readonly fence: Int8;
  readonly taken: boolean;
  readonly used: Int8;
  readonly granted: Int8;
  readonly room: Int8;
  readonly from_grants: Int8;
  readonly windows: readonly Int8[];
  readonly fresh: readonly string[];
  readonly due: boolean;
}

/** Takes units if they all fit; `undefined` when there is no such tenant. */
export async function burnUnits(db: AnyDatabase, burn: Burn): Promise<BurnSight | undefined> {
  const { keyed, hold, hours, members } = burn;
  const [row] = await run<Row>(db, burnText, [
    ...placeOf(burn),
    burn.units,
    keyed.map(({ key }) => key),
    keyed.map(({ units }) => units),
    hold?.id ?? null,
    hold?.expiresAt ?? null,
    hold?.onExpiry ?? null,
    burn.hour,
    hours.map(({ subject }) => subject),
    hours.map(({ units }) => units),
    hours.map(({ key }) => key),
    members.map(({ memberId }) => memberId),
    members.map(({ units }) => units),
    members.map(({ key }) => key),
    hold?.memberId ?? null,
    hold?.keyId ?? null,
  ]);
  return row && sightOf(row);
}

/** What {@link burnUnits} would find, in one snapshot. Nothing is locked or written. */
export async function lookAtRoom(
  db: AnyDatabase,
  burn: Omit<Burn, 'units' | 'keyed' | 'hold' | 'hour' | 'hours' | 'members' | 'fence'>,
): Promise<BurnSight | undefined> {
  const [row] = await run<Row>(db, lookText, placeOf({ ...burn, fence: 0 }));
  return row && sightOf(row);
}

/** Makes the counters that are not there, if the tenant is as the revision says. */
export async function prepareCounters(db: AnyDatabase, burn: Burn): Promise<void> {
  const { tenantId, meter, counters, revision, now } = burn;
  const parameters = [counters.map(({ per }) => per), counters.map(({ start }) => start), revision, now];
  await run(db, prepareText, [tenantId, meter, ...parameters]);
}

/** How many units were used under each of some keys, as far as they were used. */
export async function readKeys(
  db: AnyDatabase,
  tenantId: string,
  meter: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await run<{ key: string; units: Int8 }>(
    db,
    'select key, units from tenantry.usage_keys where tenant_id = $1::uuid and meter = $2::text and key = any($3::text[])',
    [tenantId, meter, keys],
  );
  return new Map(rows.map(({ key, units }) => [key, Number(units)]));
}

function placeOf(
  burn: Pick<Burn, 'tenantId' | 'meter' | 'counters' | 'amount' | 'revision' | 'fence' | 'now' | 'pack'>,
) {
  const { tenantId, meter, counters, amount, revision, fence, now, pack } = burn;
  return [
    tenantId,
    meter,
    counters.map(({ per }) => per),
    counters.map(({ start }) => start),
    counters.map(({ ceiling }) => ceiling),
    amount,
    revision,
    fence,
    now,
    pack,
  ];
}

function sightOf(row: Row): BurnSight {
  return {
    revision: Number(row.revision),
    closed: closedBy(row.status),
    ready: row.ready,
    fence: Number(row.fence),
    taken: row.taken,
    used: Number(row.used),
    granted: Number(row.granted),
    room: Number(row.room),
    fromGrants: Number(row.from_grants),
    windows: row.windows.map(Number),
    fresh: row.fresh,
    due: row.due,
  };
}
