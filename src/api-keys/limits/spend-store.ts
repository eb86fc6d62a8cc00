import { CompiledQuery } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import type { CellRate } from './rate-limit.ts';

/** How often one key was called, of the calls that a statement answers. */
export interface KeyCalls {
  readonly keyId: string;
  readonly calls: number;
  readonly rate: CellRate | null;
  /** How many uses it has in the period that began at `period`. */
  readonly uses: { readonly amount: number; readonly period: Date } | null;
}

/** What a statement found of one key. */
export interface SpentRow {
  readonly keyId: string;
  /** How many of the calls were granted. */
  readonly granted: number;
  /** How many the rate of the key, its uses, and the rate of the tenant would have allowed. */
  readonly byRate: number;
  readonly byUses: number;
  readonly byTenant: number;
  /** The theoretical arrival times after the statement, in microseconds, and how many uses are counted. */
  readonly tat: number;
  readonly tenantTat: number;
  readonly count: number;
}

/** The calls of one tenant's keys that share a statement. */
export interface Spending {
  readonly tenantId: string;
  readonly keys: readonly KeyCalls[];
  /** The rate limit of all keys of the tenant together. */
  readonly tenantRate: CellRate | null;
  /** Microseconds since 1970. */
  readonly now: number;
}

/*
 * Why no call is granted beyond a limit, and a refused one spends nothing (READ COMMITTED, any number of processes)
 *
 * The rows are locked, in one order, before they are looked at: SELECT … FOR NO KEY UPDATE waits for whoever holds a row
 * and then gives its newest version. Everything after it in the statement computes from those versions, and nobody can
 * change them until the statement's commit. So several limits are decided as one: a call counts in all of them or in
 * none. A row that is not there yet cannot be locked; then nothing is granted, the row is made, and the statement is
 * sent again. A key that is gone has no uses left.
 *
 * A stored time that lies further ahead than a limit can bring it was written by a clock that runs ahead, or under a
 * larger limit. It is taken for the furthest that can be, and written so, or else the key would be shut until that time.
 * The row of a limit that a key once had stays as it is.
 *
 * $1 tenant, $2 … $7 the keys: id, calls, step, room, uses, period; $8 the names of the rates that must be there, $9 the
 * ids of the keys whose uses are counted, $10 and $11 step and room of the tenant, $12 the time.
 */
const spendText = `
  with asked as (
    select * from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::timestamptz[])
      with ordinality as a (key_id, calls, step, room, uses, period, place)
  ), rates as materialized (
    select name, tat as stored from tenantry.rate_limits
    where tenant_id = $1::uuid and name = any($8::text[]) order by name for no key update
  ), counts as materialized (
    select id, uses_count, uses_period from tenantry.api_keys
    where tenant_id = $1::uuid and id = any($9::uuid[]) and (select count(*) from rates) >= 0
    order by id for no key update
  ), ready as materialized (
    select (select count(*) from rates) = cardinality($8::text[]) as yes
  ), tenant as (
    select stored, least(greatest(stored, $12::bigint), $12::bigint + $11::bigint) as tat from rates where name = 'keys'
  ), standing as (
    select a.*, r.stored, least(greatest(r.stored, $12::bigint), $12::bigint + a.room) as tat,
      case when a.uses is not null and c.id is null then a.uses when c.uses_period >= a.period then c.uses_count else 0 end as count
    from asked a left join rates r on r.name = 'key:' || a.key_id left join counts c on c.id = a.key_id
  ), fitting as (
    select s.*, least(s.calls, coalesce(($12::bigint + s.room - s.tat) / s.step, s.calls)) as by_rate,
      least(s.calls, greatest(0, coalesce(s.uses - s.count, s.calls))) as by_uses
    from standing s
  ), granted as materialized (
    select f.*, b.by_tenant, greatest(0, least(f.by_rate, f.by_uses, b.by_tenant)) as granted
    from (
      select f.*, sum(least(f.by_rate, f.by_uses)) over (order by f.place) - least(f.by_rate, f.by_uses) as before from fitting f
    ) f left join tenant t on true cross join lateral (
      select least(f.calls, greatest(0, coalesce(($12::bigint + $11::bigint - t.tat) / $10::bigint - f.before, f.calls)))::bigint as by_tenant
    ) b
    where (select yes from ready)
  ), key_rates as (
    update tenantry.rate_limits r set tat = g.tat + g.granted * g.step from granted g
    where r.tenant_id = $1::uuid and r.name = 'key:' || g.key_id and g.step is not null
      and (g.granted > 0 or g.stored > $12::bigint + g.room)
  ), tenant_rate as (
    update tenantry.rate_limits r set tat = t.tat + s.granted * $10::bigint
    from tenant t, (select sum(granted)::bigint as granted from granted) s
    where r.tenant_id = $1::uuid and r.name = 'keys' and (s.granted > 0 or t.stored > $12::bigint + $11::bigint)
  ), key_counts as (
    update tenantry.api_keys k set uses_count = g.count + g.granted, uses_period = greatest(k.uses_period, g.period)
    from granted g where k.tenant_id = $1::uuid and k.id = g.key_id and g.uses is not null and g.granted > 0
  )
  select g.key_id, g.granted, g.by_rate, g.by_uses, g.by_tenant, coalesce(g.tat + g.granted * g.step, 0) as tat,
    coalesce(t.tat + (sum(g.granted) over (order by g.place))::bigint * $10::bigint, 0) as tenant_tat, g.count + g.granted as count
  from granted g left join tenant t on true order by g.place`;

const prepareText = `
  insert into tenantry.rate_limits (tenant_id, name, tat)
  select t.tenant_id, w.name, 0 from tenantry.tenants t, unnest($2::text[]) as w (name)
  where t.tenant_id = $1::uuid order by w.name on conflict (tenant_id, name) do nothing`;

type Counted = string | number | bigint;

interface Row {
  readonly key_id: string;
  readonly granted: Counted;
  readonly by_rate: Counted;
  readonly by_uses: Counted;
  readonly by_tenant: Counted;
  readonly tat: Counted;
  readonly tenant_tat: Counted;
  readonly count: Counted;
}

/** Spends calls of keys, each granted in all of its limits or in none. `undefined` when the tenant is gone. */
export async function spendCalls(db: AnyDatabase, spending: Spending): Promise<readonly SpentRow[] | undefined> {
  const { tenantId, keys, tenantRate, now } = spending;
  const library = libraryOf(db);
  const names = keys.filter(({ rate }) => rate !== null).map(({ keyId }) => `key:${keyId}`);
  if (tenantRate !== null) names.push('keys');
  const values = [
    tenantId,
    keys.map(({ keyId }) => keyId),
    keys.map(({ calls }) => calls),
    keys.map(({ rate }) => rate?.step ?? null),
    keys.map(({ rate }) => rate?.room ?? null),
    keys.map(({ uses }) => uses?.amount ?? null),
    keys.map(({ uses }) => uses?.period ?? null),
    names,
    keys.filter(({ uses }) => uses !== null).map(({ keyId }) => keyId),
    tenantRate?.step ?? null,
    tenantRate?.room ?? null,
    now,
  ];
  for (const last of [false, true]) {
    const { rows } = await library.executeQuery<Row>(CompiledQuery.raw(spendText, values));
    if (rows.length > 0) return rows.map(spentRowOf);
    if (!last && names.length > 0) await library.executeQuery(CompiledQuery.raw(prepareText, [tenantId, names]));
  }
  return undefined;
}

function spentRowOf(row: Row): SpentRow {
  return {
    keyId: row.key_id,
    granted: Number(row.granted),
    byRate: Number(row.by_rate),
    byUses: Number(row.by_uses),
    byTenant: Number(row.by_tenant),
    tat: Number(row.tat),
    tenantTat: Number(row.tenant_tat),
    count: Number(row.count),
  };
}
