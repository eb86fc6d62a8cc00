import type { AnyDatabase } from '../database/handle.ts';
import { run } from '../database/run.ts';
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

/**
 * The tenant is locked before its counter for a caller's transaction only: whoever moves a tenant locks it first, and what
 * the transaction does next may need the tenant.
 */
const giveText = (lock: boolean): string => `
  with tenant as (
    select entitlement_revision, status from tenantry.tenants where tenant_id = $1::uuid and status <> 'moved'
    ${lock ? 'for key share' : ''}
  ), given as (
    update tenantry.usage_counters set used = greatest(used - $5::bigint, 0), updated_at = $6::timestamptz
    where tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
      ${lock ? 'and exists (select from tenant)' : ''}
    returning used
  )
  select t.entitlement_revision as revision, t.status, coalesce((select used from given), c.used) as used,
    c.entitlement_revision as fence, c.alerted, false as due
  from tenant t
  left join tenantry.usage_counters c on c.tenant_id = $1::uuid and c.meter = $2::text and c.per = $3::text
    and c.period_start = $4::timestamptz`;
const [giveAloneText, giveJoinedText] = [giveText(false), giveText(true)];

/** What {@link sightOf} reads; the parameter of a name is the present. */
export const sightColumns = (now: string): string => `
  t.entitlement_revision as revision, t.status, c.used, c.entitlement_revision as fence, c.alerted,
    c.held_until is not null and exists (select from tenantry.usage_reservations v
      where v.tenant_id = $1::uuid and v.meter = $2::text and v.status = 'held' and v.expires_at <= ${now}::timestamptz) as due`;

/** Where {@link sightColumns} are found. */
export const sightFrom = `
  from tenantry.tenants t
  left join tenantry.usage_counters c on c.tenant_id = $1::uuid and c.meter = $2::text and c.per = $3::text
    and c.period_start = $4::timestamptz`;

const sightText = `select ${sightColumns('$5')} ${sightFrom} where t.tenant_id = $1::uuid and t.status <> 'moved'`;

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

/** A row of {@link sightColumns}. */
export interface SightRow {
  readonly revision: Int8;
  readonly status: string;
  readonly used: Int8 | null;
  readonly fence: Int8 | null;
  readonly alerted: number | null;
  readonly due: boolean;
}

/** Takes units off a counter, down to 0 at most. */
export async function giveUnits(
  db: AnyDatabase,
  key: CounterKey,
  { units, now, joined }: { readonly units: number; readonly now: Date; readonly joined: boolean },
): Promise<Sight | undefined> {
  const [row] = await run<SightRow>(db, joined ? giveJoinedText : giveAloneText, [
    ...counterKeyParameters(key),
    units,
    now,
  ]);
  return row === undefined ? undefined : sightOf(row);
}

/** Reads a counter and its tenant. */
export async function seeCounter(db: AnyDatabase, key: CounterKey, now: Date): Promise<Sight | undefined> {
  const [row] = await run<SightRow>(db, sightText, [...counterKeyParameters(key), now]);
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

/** The parameters that name a counter. Times are texts already: drivers take long to write a `Date`. */
export function counterKeyParameters({ tenantId, meter, per, start }: CounterKey): unknown[] {
  return [tenantId, meter, per, start.toISOString()];
}

/** What a row says of a counter and its tenant. */
export function sightOf(row: SightRow): Sight {
  return {
    revision: Number(row.revision),
    closed: closedBy(row.status),
    used: row.used === null ? null : Number(row.used),
    fence: row.fence === null ? 0 : Number(row.fence),
    alerted: row.alerted ?? 0,
    due: row.due,
  };
}
