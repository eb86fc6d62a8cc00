import { CompiledQuery } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import type { Per } from './plan-definitions.ts';

/** What a tenant's entitlements are computed from, as the database had it at one moment. */
export interface EntitlementFacts {
  readonly plan: string;
  /** Where periods are counted from. */
  readonly anchorAt: Date;
  /** `tenants.entitlement_revision`: a change of any of these facts counts it up. */
  readonly revision: number;
  /** How many seats the tenant bought; `null` where it bought no number of seats. */
  readonly seatsBought: number | null;
}

/** Names one counter. */
export interface CounterKey {
  readonly tenantId: string;
  readonly meter: string;
  readonly per: Per | 'none';
  readonly start: Date;
}

/** A counter and its tenant, as one statement found them. */
export interface Sight {
  /** The tenant's revision; facts of another revision are out of date. */
  readonly revision: number;
  readonly suspended: boolean;
  /** What the counter held when the statement began; `null` when there was none. */
  readonly used: number | null;
  /** The revision under which the counter was last raised; 0 when there was none. */
  readonly fence: number;
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
  readonly now: Date;
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
 *
 * To tell in the same statement why nothing was added would make every granted call half as slow again.
 */
const takeText = `
  update tenantry.usage_counters
  set used = used + $5::bigint, entitlement_revision = $7::bigint, updated_at = $9::timestamptz
  where tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
    and used <= $6::bigint - $5::bigint and entitlement_revision <= $8::bigint
    and exists (select from tenantry.tenants
      where tenant_id = $1::uuid and entitlement_revision = $7::bigint and status = 'active')
  returning used`;

const insertText = `
  insert into tenantry.usage_counters (tenant_id, meter, per, period_start, used, entitlement_revision, updated_at)
  select t.tenant_id, $2::text, $3::text, $4::timestamptz, $5::bigint, t.entitlement_revision, $7::timestamptz
  from tenantry.tenants t
  where t.tenant_id = $1::uuid and t.entitlement_revision = $6::bigint and t.status = 'active'
  on conflict (tenant_id, meter, per, period_start) do nothing
  returning used`;

const giveText = `
  with given as (
    update tenantry.usage_counters set used = greatest(used - $5::bigint, 0), updated_at = $6::timestamptz
    where tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
    returning used
  )
  select t.entitlement_revision as revision, t.status, coalesce((select used from given), c.used) as used,
    c.entitlement_revision as fence
  from tenantry.tenants t
  left join tenantry.usage_counters c on c.tenant_id = $1::uuid and c.meter = $2::text and c.per = $3::text
    and c.period_start = $4::timestamptz
  where t.tenant_id = $1::uuid`;

const sightText = `
  select t.entitlement_revision as revision, t.status, c.used, c.entitlement_revision as fence
  from tenantry.tenants t
  left join tenantry.usage_counters c on c.tenant_id = $1::uuid and c.meter = $2::text and c.per = $3::text
    and c.period_start = $4::timestamptz
  where t.tenant_id = $1::uuid`;

const factsText = `
  select t.plan, t.anchor_at, t.entitlement_revision as revision, o.seats_bought
  from tenantry.tenants t
  left join tenantry.organizations o on o.tenant_id = t.tenant_id
  where t.tenant_id = $1::uuid`;

/** int8: a string from pg, a number or a bigint from PGlite. */
type Int8 = string | number | bigint;

interface SightRow {
  readonly revision: Int8;
  readonly status: string;
  readonly used: Int8 | null;
  readonly fence: Int8 | null;
}

/** Adds units to a counter if that keeps the conditions, and gives what it holds then; `null` when it was not done. */
export async function takeUnits(
  db: AnyDatabase,
  key: CounterKey,
  { units, ceiling, revision, fence, now }: TakeConditions,
): Promise<number | null> {
  const parameters = [...parametersOf(key), units, ceiling, revision, fence, now];
  const [row] = await run<{ used: Int8 }>(db, takeText, parameters);
  return row === undefined ? null : Number(row.used);
}

/** Makes a counter with its first units; `null` when it is there already, or the tenant is not as the facts say. */
export async function insertUnits(
  db: AnyDatabase,
  key: CounterKey,
  { units, revision, now }: Pick<TakeConditions, 'units' | 'revision' | 'now'>,
): Promise<number | null> {
  const rows = await run<{ used: Int8 }>(db, insertText, [...parametersOf(key), units, revision, now]);
  return rows.length === 0 ? null : units;
}

/** Takes units off a counter, down to 0 at most. */
export async function giveUnits(
  db: AnyDatabase,
  key: CounterKey,
  { units, now }: Pick<TakeConditions, 'units' | 'now'>,
): Promise<Sight | undefined> {
  const [row] = await run<SightRow>(db, giveText, [...parametersOf(key), units, now]);
  return row === undefined ? undefined : sightOf(row);
}

/** Reads a counter and its tenant. */
export async function seeCounter(db: AnyDatabase, key: CounterKey): Promise<Sight | undefined> {
  const [row] = await run<SightRow>(db, sightText, parametersOf(key));
  return row === undefined ? undefined : sightOf(row);
}

/** Reads what a tenant's entitlements are computed from. */
export async function readFacts(db: AnyDatabase, tenantId: string): Promise<EntitlementFacts | undefined> {
  const [row] = await run<{ plan: string; anchor_at: Date; revision: Int8; seats_bought: number | null }>(
    db,
    factsText,
    [tenantId],
  );
  if (row === undefined) return undefined;
  return {
    plan: row.plan,
    anchorAt: row.anchor_at,
    revision: Number(row.revision),
    seatsBought: row.seats_bought,
  };
}

function parametersOf({ tenantId, meter, per, start }: CounterKey): unknown[] {
  return [tenantId, meter, per, start];
}

function sightOf(row: SightRow): Sight {
  return {
    revision: Number(row.revision),
    suspended: row.status !== 'active',
    used: row.used === null ? null : Number(row.used),
    fence: row.fence === null ? 0 : Number(row.fence),
  };
}

/** Statements are texts, so that a hot one is neither built nor compiled anew for each call. */
async function run<Row>(db: AnyDatabase, text: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
  const { rows } = await libraryOf(db).executeQuery<Row>(CompiledQuery.raw(text, [...parameters]));
  return rows;
}
