import type { AnyDatabase } from '../database/index.ts';
import { run } from '../database/run.ts';
import {
  type CounterKey,
  counterKeyParameters,
  type Int8,
  type Sight,
  type SightRow,
  sightColumns,
  sightFrom,
  sightOf,
} from './store.ts';

/** Under which conditions units are added. */
export interface TakeConditions {
  readonly units: number;
  /** The highest value that the counter may reach. */
  readonly ceiling: number;
  /** The tenant must have this revision, and be active. */
  readonly revision: number;
  /** The counter must not have been raised under a later revision than this. */
  readonly fence: number;
  /** Whose units they are, as far as that is kept. */
  readonly members: readonly MemberUnits[];
  /** The hour that the units are counted in, on the counter itself; null: in none. */
  readonly hour: Hour | null;
  /** What else is written down by the hour. */
  readonly hours: readonly SubjectUnits[];
  readonly now: Date;
}

/** An hour by the clock of one process. */
export interface Hour {
  readonly start: Date;
  /** The hour may have begun for others by now: where theirs is counted already, the units go with it. */
  readonly latest: Date;
}

/** Units that are written down for a tenant (an empty subject), or one of its members or keys (`m:`, `k:` and the id). */
export interface SubjectUnits {
  readonly subject: string;
  readonly units: number;
}

/** What a counter holds after units were added. */
export interface Taken {
  readonly used: number;
  /** The percentage of the alert that was told last; 0: none. */
  readonly alerted: number;
  /** Whether there may be reservations among the units. */
  readonly held: boolean;
}

/** Units that one member used. */
export interface MemberUnits {
  readonly memberId: string;
  readonly units: number;
}

/**
 * Whether no reservation of a counter is over whose units did not come back. While one is, nothing is added: a look finds
 * it, and what is told of the counter afterwards is so. Counters that never had one are not asked, and takeText, which would
 * be slower for the mere question, leaves all others to beginText.
 */
export const nothingDue = (tenant: string, meter: string, held: string, now: string): string =>
  `(${held} is null or not exists (select from tenantry.usage_reservations v where v.tenant_id = ${tenant}
      and v.meter = ${meter} and v.status = 'held' and v.expires_at <= ${now}::timestamptz))`;

/*
 * Why units are neither granted beyond a limit nor refused wrongly (READ COMMITTED, any number of processes)
 *
 * 1. The counter never passes the ceiling. When another transaction holds the row, the UPDATE waits and PostgreSQL
 *    evaluates its WHERE again on the newest version of the row, so `used <= ceiling - units` always speaks of the
 *    value that is then added to. There is no moment between the look and the act.
 * 2. A limit that is out of date is never applied after a newer one. The subquery on `tenants` is not evaluated again
 *    after such a wait: it keeps what the statement's snapshot saw, so a statement that began under revision 1 may
 *    come to its turn after revision 2 was committed. What stops it is the row's own `entitlement_revision`, which is
 *    evaluated again: once a statement under revision 2 has raised the counter, none under revision 1 can. Where none
 *    has, the late statement equals one that ran just before the change, with which it overlapped.
 * 3. What is refused did not fit. Units that were not added are refused only after a look (sightText, or what beginText
 *    tells) whose one snapshot, taken after the call, has the revision that the limit was computed from and leaves no room
 *    for them, or beside a grant that told the newest value and leaves none. When they would fit, the row changed in
 *    between, and they are tried again.
 * 4. A refusal writes nothing: an UPDATE, or a lock, whose WHERE fails locks no row, and recordingText and beginText lock
 *    the tenant only where their snapshot has room. (INSERT … ON CONFLICT DO UPDATE locks the row before it looks at its
 *    WHERE; hence the insert is for a counter that was not there.)
 * 5. A tenant that moved to another keeps nothing. Its counters were deleted, so an UPDATE that waited finds none; beginText
 *    locks the tenant before it adds a row, since the lock of a foreign key alone would come after the look.
 *
 * 6. The history loses nothing. The running hour stands on the counter, so that a statement that adds units writes one row;
 *    it adds them to this hour or not at all. When another hour began, the first statement to notice (beginText) brings
 *    the old one to `usage_hours` and begins the new one at nothing, under the lock of the counter.
 *
 * takeText does not tell why nothing was added: every granted call would be half as slow again.
 */
const takeWhere = `
    tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
    and used <= $6::bigint - $5::bigint and entitlement_revision <= $8::bigint
    and ($10::timestamptz is null or hour between $10::timestamptz and $11::timestamptz)
    and held_until is null`;
const takeTenant = `select from tenantry.tenants
      where tenant_id = $1::uuid and entitlement_revision = $7::bigint and status = 'active'`;
const takeText = (tenant: string): string => `
  update tenantry.usage_counters
  set used = used + $5::bigint, entitlement_revision = $7::bigint, updated_at = $9::timestamptz,
    hour_units = case when $10::timestamptz is null then hour_units else hour_units + $5::bigint end
  where ${takeWhere} and exists (${tenant})
  returning used, alerted, held_until is not null as held`;

/**
 * The same where rows are added beside the counter. It locks the tenant first, as they would later: who moves a tenant locks
 * it before its counters. The condition is evaluated once, before the counter is looked for.
 */
const recordingText = `
  with tenant as materialized (
    ${takeTenant} and exists (select from tenantry.usage_counters where ${takeWhere})
    for key share
  ), counted as (${takeText('select from tenant')})`;

/**
 * For the first units of a period or of an hour, and where nothing is known of the counter. It locks the tenant first, as
 * the rows that it adds would later: who moves a tenant locks it before its counters. It tells what its snapshot has of
 * both, too, so that a refusal needs no look of its own.
 */
const beginText = `
  tenant as materialized (
    select t.tenant_id, t.entitlement_revision from tenantry.tenants t
    where t.tenant_id = $1::uuid and t.entitlement_revision = $7::bigint and t.status = 'active'
      and coalesce((select used <= $6::bigint - $5::bigint and entitlement_revision <= $8::bigint
          and ${nothingDue('$1::uuid', '$2::text', 'held_until', '$9')}
        from tenantry.usage_counters
        where tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
      ), $5::bigint <= $6::bigint)
    for key share
  ), locked as materialized (
    select hour, hour_units, hour between $10::timestamptz and $11::timestamptz as running from tenantry.usage_counters
    where tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
      and used <= $6::bigint - $5::bigint and entitlement_revision <= $8::bigint and exists (select from tenant)
      and ${nothingDue('$1::uuid', '$2::text', 'held_until', '$9')}
    for no key update
  ), raised as (
    update tenantry.usage_counters c
    set used = c.used + $5::bigint, entitlement_revision = $7::bigint, updated_at = $9::timestamptz,
      hour = case when l.running or $10::timestamptz is null then c.hour else $10::timestamptz end,
      hour_units = case when $10::timestamptz is null then c.hour_units when l.running then c.hour_units + $5::bigint
        else $5::bigint end
    from locked l
    where c.tenant_id = $1::uuid and c.meter = $2::text and c.per = $3::text and c.period_start = $4::timestamptz
    returning c.used, c.alerted, c.held_until is not null as held, l.hour, l.hour_units, l.running
  ), ended as (
    insert into tenantry.usage_hours as k (tenant_id, meter, subject, hour, units)
    select $1::uuid, $2::text, '', hour, hour_units from raised
    where running is not true and hour_units > 0 and $10::timestamptz is not null
    on conflict (tenant_id, meter, subject, hour) do update set units = k.units + excluded.units
  ), made as (
    insert into tenantry.usage_counters
      (tenant_id, meter, per, period_start, used, entitlement_revision, updated_at, hour, hour_units)
    select t.tenant_id, $2::text, $3::text, $4::timestamptz, $5::bigint, t.entitlement_revision, $9::timestamptz,
      $10::timestamptz, case when $10::timestamptz is null then 0 else $5::bigint end
    from tenant t
    where $5::bigint <= $6::bigint and not exists (select from tenantry.usage_counters
      where tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz)
    on conflict (tenant_id, meter, per, period_start) do nothing
    returning used, alerted, held_until is not null as held
  ), counted as (
    select used, alerted, held from raised union all select used, alerted, held from made
  )`;

/**
 * What is recorded along with it, in one statement, so that the sums never differ: what was used in the hour by whom, and
 * what each member used. Members who are not there are left out.
 */
const hoursText = `, hours as (
    insert into tenantry.usage_hours as k (tenant_id, meter, subject, hour, units)
    select $1::uuid, $2::text, h.subject, date_trunc('hour', $9::timestamptz, 'UTC'), h.units
    from counted cross join unnest($12::text[], $13::bigint[]) as h (subject, units) order by h.subject
    on conflict (tenant_id, meter, subject, hour) do update set units = k.units + excluded.units
  )`;

const membersText = `, units as materialized (
    select u.member_id, sum(u.units)::bigint as units from unnest($14::uuid[], $15::bigint[]) as u (member_id, units)
    where exists (select from tenantry.members m where m.tenant_id = $1::uuid and m.id = u.member_id)
    group by u.member_id order by u.member_id
  ), kept as (
    insert into tenantry.member_usage as k (tenant_id, member_id, meter, per, period_start, used, updated_at)
    select $1::uuid, u.member_id, $2::text, $3::text, $4::timestamptz, u.units, $9::timestamptz
    from counted cross join units u
    on conflict (tenant_id, member_id, meter, per, period_start)
      do update set used = k.used + excluded.used, updated_at = excluded.updated_at
  )`;

const seen = `
  select ${sightColumns('$9')}, n.used as taken_used, n.alerted as taken_alerted, n.held ${sightFrom}
  left join counted n on true where t.tenant_id = $1::uuid and t.status <> 'moved'`;

interface Texts {
  readonly plain: string;
  readonly hours: string;
  readonly members: string;
}

const takeTexts: Texts = {
  plain: takeText(takeTenant),
  hours: `${recordingText}${hoursText} select used, alerted, held from counted`,
  members: `${recordingText}${hoursText}${membersText} select used, alerted, held from counted`,
};
const beginTexts: Texts = {
  plain: `with ${beginText}${seen}`,
  hours: `with ${beginText}${hoursText}${seen}`,
  members: `with ${beginText}${hoursText}${membersText}${seen}`,
};

interface TakenRow {
  readonly used: Int8;
  readonly alerted: number | null;
  readonly held: boolean;
}

/** What became of units that were to be added; nothing where there is no such tenant. */
export type Taking =
  | {
      /** What the counter holds then; `null` when nothing was added. */
      readonly taken: Taken | null;
      /** What there was before, where that was looked at, too. */
      readonly sight?: Sight;
    }
  | undefined;

/** Adds units to a counter if that keeps the conditions. */
export type Take = (key: CounterKey, conditions: TakeConditions) => Promise<Taking>;

/** Adds units to a counter that is there and counts the hour; see {@link Take}. */
export async function takeUnits(db: AnyDatabase, key: CounterKey, conditions: TakeConditions): Promise<Taking> {
  const [row] = await send<TakenRow>(db, takeTexts, key, conditions);
  return { taken: row === undefined ? null : takenOf(row) };
}

interface BegunRow extends SightRow {
  readonly taken_used: Int8 | null;
  readonly taken_alerted: number | null;
  readonly held: boolean | null;
}

/** Adds units to a counter, which is made or begins another hour where that is needed; see {@link Take}. */
export async function beginUnits(db: AnyDatabase, key: CounterKey, conditions: TakeConditions): Promise<Taking> {
  const [row] = await send<BegunRow>(db, beginTexts, key, conditions);
  if (row === undefined) return undefined;
  const { taken_used: used, taken_alerted: alerted, held } = row;
  return { sight: sightOf(row), taken: used === null ? null : takenOf({ used, alerted, held: held ?? false }) };
}

function send<Row>(
  db: AnyDatabase,
  texts: Texts,
  key: CounterKey,
  { units, ceiling, revision, fence, now, hour, members, hours }: TakeConditions,
): Promise<readonly Row[]> {
  const parameters = counterKeyParameters(key);
  parameters.push(units, ceiling, revision, fence, now.toISOString());
  parameters.push(hour?.start.toISOString() ?? null, hour?.latest.toISOString() ?? null);
  if (members.length === 0 && hours.length === 0) return run<Row>(db, texts.plain, parameters);
  parameters.push(
    hours.map(({ subject }) => subject),
    hours.map((one) => one.units),
  );
  if (members.length === 0) return run<Row>(db, texts.hours, parameters);
  parameters.push(
    members.map(({ memberId }) => memberId),
    members.map((one) => one.units),
  );
  return run<Row>(db, texts.members, parameters);
}

/** What a row says that units were added to. */
export function takenOf({ used, alerted, held }: TakenRow): Taken {
  return { used: Number(used), alerted: alerted ?? 0, held };
}
