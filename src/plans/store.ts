import { CompiledQuery } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import type { TenantClosed } from './meter-state.ts';
import type { PlanTerms } from './plan-terms.ts';

/** What a tenant's entitlements are computed from, as the database had it at one moment. */
export interface EntitlementFacts {
  readonly plan: string;
  /** Where periods are counted from. */
  readonly anchorAt: Date;
  /** `tenants.entitlement_revision`: a change of any of these facts counts it up. */
  readonly revision: number;
  /** How many seats the tenant bought; `null` where it bought no number of seats. */
  readonly seatsBought: number | null;
  /** When the tenant signed for its plan. */
  readonly since: Date;
  /** What holds for this tenant beyond its plan. */
  readonly terms: PlanTerms | null;
}

/** Names one counter. */
export interface CounterKey {
  readonly tenantId: string;
  readonly meter: string;
  /** The kind of the period: `month`, `3 month`, `once`, or `none` for limits. */
  readonly per: string;
  readonly start: Date;
}

/** A counter and its tenant, as one statement found them. */
export interface Sight {
  /** The tenant's revision; facts of another revision are out of date. */
  readonly revision: number;
  readonly closed: TenantClosed | null;
  /** What the counter held when the statement began; `null` when there was none. */
  readonly used: number | null;
  /** The revision under which the counter was last raised; 0 when there was none. */
  readonly fence: number;
  readonly alerted: number;
  /** Whether reservations are over whose units did not come back yet. */
  readonly due: boolean;
}

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
  /** The hour that the units are counted in, on the counter itself; null: they are not. */
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
 * 3. What is refused did not fit. Units that were not added are refused only after a look (sightText) whose one
 *    snapshot, taken after the call, has the revision that the limit was computed from and leaves no room for them, or
 *    beside a grant that told the newest value and leaves none. When they would fit, the row changed in between, and
 *    they are tried again.
 * 4. A refusal writes nothing: an UPDATE whose WHERE fails locks no row. (INSERT … ON CONFLICT DO UPDATE locks the row
 *    before it looks at its WHERE; hence the insert is a statement of its own, for the first units of a period.)
 * 5. A tenant that moved to another keeps nothing. Its counters were deleted, so an UPDATE that waited finds none; the
 *    INSERT locks the tenant before it looks at it, since the lock of its foreign key alone would come after the look.
 *
 * 6. The history loses nothing. The running hour stands on the counter, so that a statement that adds units writes one row;
 *    it adds them to this hour or not at all. When another hour began, the first to notice (sightInHourText) brings
 *    the old one to `usage_hours` and begins the new one at nothing, under the lock of the counter.
 *
 * To tell in the same statement why nothing was added would make every granted call half as slow again.
 */
const takeText = `
  update tenantry.usage_counters
  set used = used + $5::bigint, entitlement_revision = $7::bigint, updated_at = $9::timestamptz,
    hour_units = case when $10::timestamptz is null then hour_units else hour_units + $5::bigint end
  where tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
    and used <= $6::bigint - $5::bigint and entitlement_revision <= $8::bigint
    and ($10::timestamptz is null or hour between $10::timestamptz and $11::timestamptz)
    and exists (select from tenantry.tenants
      where tenant_id = $1::uuid and entitlement_revision = $7::bigint and status = 'active')
  returning used, alerted, held_until is not null as held`;

const insertText = `
  insert into tenantry.usage_counters
    (tenant_id, meter, per, period_start, used, entitlement_revision, updated_at, hour, hour_units)
  select t.tenant_id, $2::text, $3::text, $4::timestamptz, $5::bigint, t.entitlement_revision, $7::timestamptz,
    $8::timestamptz, case when $8::timestamptz is null then 0 else $5::bigint end
  from tenantry.tenants t
  where t.tenant_id = $1::uuid and t.entitlement_revision = $6::bigint and t.status = 'active'
  for key share of t
  on conflict (tenant_id, meter, per, period_start) do nothing
  returning used, alerted, held_until is not null as held`;

/**
 * The same, and with it what each member used, and what was used in the hour by whom: in one statement, so that the sums
 * never differ. Members who are not there are left out.
 */
const recording = (text: string, first: number, now: number): string => `
  with counted as (${text}), units as materialized (
    select u.member_id, sum(u.units)::bigint as units from unnest($${first}::uuid[], $${first + 1}::bigint[]) as u (member_id, units)
    where exists (select from tenantry.members m where m.tenant_id = $1::uuid and m.id = u.member_id)
    group by u.member_id order by u.member_id
  ), kept as (
    insert into tenantry.member_usage as k (tenant_id, member_id, meter, per, period_start, used, updated_at)
    select $1::uuid, u.member_id, $2::text, $3::text, $4::timestamptz, u.units, $${now}::timestamptz
    from counted cross join units u
    on conflict (tenant_id, member_id, meter, per, period_start)
      do update set used = k.used + excluded.used, updated_at = excluded.updated_at
  ), hours as (
    insert into tenantry.usage_hours as k (tenant_id, meter, subject, hour, units)
    select $1::uuid, $2::text, h.subject, date_trunc('hour', $${now}::timestamptz, 'UTC'), h.units
    from counted cross join unnest($${first + 2}::text[], $${first + 3}::bigint[]) as h (subject, units) order by h.subject
    on conflict (tenant_id, meter, subject, hour) do update set units = k.units + excluded.units
  )
  select used, alerted, held from counted`;

const takeRecordingText = recording(takeText, 12, 9);
const insertRecordingText = recording(insertText, 9, 7);

const giveText = `
  with given as (
    update tenantry.usage_counters set used = greatest(used - $5::bigint, 0), updated_at = $6::timestamptz
    where tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
    returning used
  )
  select t.entitlement_revision as revision, t.status, coalesce((select used from given), c.used) as used,
    c.entitlement_revision as fence, c.alerted, false as due
  from tenantry.tenants t
  left join tenantry.usage_counters c on c.tenant_id = $1::uuid and c.meter = $2::text and c.per = $3::text
    and c.period_start = $4::timestamptz
  where t.tenant_id = $1::uuid and t.status <> 'moved'`;

const sightText = `
  select t.entitlement_revision as revision, t.status, c.used, c.entitlement_revision as fence, c.alerted,
    c.held_until is not null and exists (select from tenantry.usage_reservations v
      where v.tenant_id = $1::uuid and v.meter = $2::text and v.status = 'held' and v.expires_at <= $5::timestamptz) as due
  from tenantry.tenants t
  left join tenantry.usage_counters c on c.tenant_id = $1::uuid and c.meter = $2::text and c.per = $3::text
    and c.period_start = $4::timestamptz
  where t.tenant_id = $1::uuid and t.status <> 'moved'`;

/**
 * A look that begins another hour where one began. The conditions are looked at again when the row was locked, so that of
 * several statements one brings the old hour away.
 */
const sightInHourText = `
  with old as materialized (
    select hour, hour_units from tenantry.usage_counters
    where tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
      and (hour is null or hour not between $6::timestamptz and $7::timestamptz)
      and exists (select from tenantry.tenants where tenant_id = $1::uuid and status = 'active')
    for no key update
  ), kept as (
    insert into tenantry.usage_hours as k (tenant_id, meter, subject, hour, units)
    select $1::uuid, $2::text, '', hour, hour_units from old where hour_units > 0
    on conflict (tenant_id, meter, subject, hour) do update set units = k.units + excluded.units
  ), begun as (
    update tenantry.usage_counters c set hour = $6::timestamptz, hour_units = 0 from old
    where c.tenant_id = $1::uuid and c.meter = $2::text and c.per = $3::text and c.period_start = $4::timestamptz
  )
  ${sightText}`;

const factsText = `
  select t.tenant_id, t.plan, t.anchor_at, t.entitlement_revision as revision, o.seats_bought,
    coalesce(t.plan_since, t.created_at) as since, t.plan_terms as terms
  from tenantry.tenants t
  left join tenantry.organizations o on o.tenant_id = t.tenant_id
  where t.tenant_id = any($1::uuid[]) and t.status <> 'moved'`;

/** int8: a string from pg, a number or a bigint from PGlite. */
export type Int8 = string | number | bigint;

interface FactsRow {
  readonly tenant_id: string;
  readonly plan: string;
  readonly anchor_at: Date;
  readonly revision: Int8;
  readonly seats_bought: number | null;
  readonly since: Date;
  readonly terms: PlanTerms | null;
}

interface SightRow {
  readonly revision: Int8;
  readonly status: string;
  readonly used: Int8 | null;
  readonly fence: Int8 | null;
  readonly alerted: number | null;
  readonly due: boolean;
}

interface TakenRow {
  readonly used: Int8;
  readonly alerted: number | null;
  readonly held: boolean;
}

/** Adds units to a counter if that keeps the conditions, and gives what it holds then; `null` when it was not done. */
export async function takeUnits(db: AnyDatabase, key: CounterKey, conditions: TakeConditions): Promise<Taken | null> {
  const { units, ceiling, revision, fence, now, hour } = conditions;
  const parameters = [...counterKeyParameters(key), units, ceiling, revision, fence, now];
  parameters.push(hour?.start ?? null, hour?.latest ?? null);
  const plain = isPlain(conditions);
  if (!plain) parameters.push(...recordsOf(conditions));
  const [row] = await run<TakenRow>(db, plain ? takeText : takeRecordingText, parameters);
  return row === undefined ? null : takenOf(row);
}

/** Makes a counter with its first units; `null` when it is there already, or the tenant is not as the facts say. */
export async function insertUnits(
  db: AnyDatabase,
  key: CounterKey,
  conditions: Omit<TakeConditions, 'ceiling' | 'fence'>,
): Promise<Taken | null> {
  const { units, revision, now, hour } = conditions;
  const parameters = [...counterKeyParameters(key), units, revision, now, hour?.start ?? null];
  const plain = isPlain(conditions);
  if (!plain) parameters.push(...recordsOf(conditions));
  const [row] = await run<TakenRow>(db, plain ? insertText : insertRecordingText, parameters);
  return row === undefined ? null : takenOf(row);
}

function isPlain({ members, hours }: Pick<TakeConditions, 'members' | 'hours'>): boolean {
  return members.length === 0 && hours.length === 0;
}

function recordsOf({ members, hours }: Pick<TakeConditions, 'members' | 'hours'>): unknown[] {
  return [
    members.map(({ memberId }) => memberId),
    members.map(({ units }) => units),
    hours.map(({ subject }) => subject),
    hours.map(({ units }) => units),
  ];
}

/** What a row says that units were added to. */
export function takenOf({ used, alerted, held }: TakenRow): Taken {
  return { used: Number(used), alerted: alerted ?? 0, held };
}

/** Takes units off a counter, down to 0 at most. */
export async function giveUnits(
  db: AnyDatabase,
  key: CounterKey,
  { units, now }: Pick<TakeConditions, 'units' | 'now'>,
): Promise<Sight | undefined> {
  const [row] = await run<SightRow>(db, giveText, [...counterKeyParameters(key), units, now]);
  return row === undefined ? undefined : sightOf(row);
}

/** Reads a counter and its tenant. With an hour, the counter counts it from now on, and what it counted is written down. */
export async function seeCounter(
  db: AnyDatabase,
  key: CounterKey,
  now: Date,
  hour: Hour | null = null,
): Promise<Sight | undefined> {
  const parameters = [...counterKeyParameters(key), now];
  const [row] =
    hour === null
      ? await run<SightRow>(db, sightText, parameters)
      : await run<SightRow>(db, sightInHourText, [...parameters, hour.start, hour.latest]);
  return row === undefined ? undefined : sightOf(row);
}

/** Reads what a tenant's entitlements are computed from. */
export async function readFacts(db: AnyDatabase, tenantId: string): Promise<EntitlementFacts | undefined> {
  const [facts] = await readManyFacts(db, [tenantId]);
  return facts;
}

/** Reads the same of many tenants, in one statement; `undefined` in the place of one who is not there. */
export async function readManyFacts(
  db: AnyDatabase,
  tenantIds: readonly string[],
): Promise<readonly (EntitlementFacts | undefined)[]> {
  const rows = await run<FactsRow>(db, factsText, [tenantIds]);
  const found = new Map(rows.map((row) => [row.tenant_id, factsOf(row)]));
  return tenantIds.map((tenantId) => found.get(tenantId.toLowerCase()));
}

function factsOf(row: FactsRow): EntitlementFacts {
  return {
    plan: row.plan,
    anchorAt: row.anchor_at,
    revision: Number(row.revision),
    seatsBought: row.seats_bought,
    since: row.since,
    terms: row.terms,
  };
}

/** What a member used in one period. */
export interface MemberUsage {
  readonly memberId: string;
  readonly used: number;
}

/** Reads what members used of a quota in one period, in the order of the members' ids. */
export async function listMemberUsage(
  db: AnyDatabase,
  key: CounterKey,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly MemberUsage[]> {
  const text = `
    select member_id, used from tenantry.member_usage
    where tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
      and ($5::uuid is null or member_id > $5::uuid)
    order by member_id limit $6`;
  const rows = await run<{ member_id: string; used: Int8 }>(db, text, [...counterKeyParameters(key), after, limit]);
  return rows.map((row) => ({ memberId: row.member_id, used: Number(row.used) }));
}

/** Why a tenant of a status uses nothing; `null` for an active one. */
export function closedBy(status: string): TenantClosed | null {
  if (status === 'active') return null;
  return status === 'maintenance' ? 'tenant_in_maintenance' : 'tenant_suspended';
}

/** The parameters that name a counter. */
export function counterKeyParameters({ tenantId, meter, per, start }: CounterKey): unknown[] {
  return [tenantId, meter, per, start];
}

function sightOf(row: SightRow): Sight {
  return {
    revision: Number(row.revision),
    closed: closedBy(row.status),
    used: row.used === null ? null : Number(row.used),
    fence: row.fence === null ? 0 : Number(row.fence),
    alerted: row.alerted ?? 0,
    due: row.due,
  };
}

/** Statements are texts, so that a hot one is neither built nor compiled anew for each call. */
export async function run<Row>(db: AnyDatabase, text: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
  const { rows } = await libraryOf(db).executeQuery<Row>(CompiledQuery.raw(text, [...parameters]));
  return rows;
}
