import type { AnyDatabase } from '../database/index.ts';
import { run } from '../database/run.ts';
import { type CounterKey, counterKeyParameters, type Int8 } from './store.ts';

/** Sums of usage by the hour, as they are asked for. */
export interface SumsQuery {
  readonly meter: string | null;
  readonly from: Date;
  readonly to: Date;
  readonly by: 'hour' | 'day' | 'total';
  /** The beginning of the subjects: empty, `m:` or `k:`. */
  readonly prefix: '' | 'm:' | 'k:';
  readonly zone: string;
}

/** Of the whole tenant, the hours that were counted last stand with the counters. */
const sumsText = `
  select h.meter, substr(h.subject, 3) as subject, sum(h.units) as units,
    case when $5::text = 'total' then $3::timestamptz else date_trunc($5::text, h.hour, $7::text) end as at
  from (
    select meter, subject, hour, units from tenantry.usage_hours
    where tenant_id = $1::uuid and ($2::text is null or meter = $2::text) and hour >= $3::timestamptz
      and hour < $4::timestamptz and case when $6::text = '' then subject = '' else starts_with(subject, $6::text) end
    union all
    select meter, '', hour, hour_units from tenantry.usage_counters
    where tenant_id = $1::uuid and ($2::text is null or meter = $2::text) and hour >= $3::timestamptz
      and hour < $4::timestamptz and hour_units > 0 and $6::text = ''
  ) h
  group by 1, 2, 4 order by 4, 1, 2`;

/** Reads sums of usage in the order of time. */
export async function readSums(db: AnyDatabase, tenantId: string, query: SumsQuery) {
  const { meter, from, to, by, prefix, zone } = query;
  const parameters = [tenantId, meter, from, to, by, prefix, zone];
  return run<{ meter: string; subject: string; units: Int8; at: Date }>(db, sumsText, parameters);
}

/** Reads counters, the newest first. */
export async function readCounters(
  db: AnyDatabase,
  tenantId: string,
  { meter, limit, before }: { readonly meter: string | null; readonly limit: number; readonly before: Date | null },
) {
  const text = `
    select meter, per, period_start, used, updated_at from tenantry.usage_counters
    where tenant_id = $1::uuid and ($2::text is null or meter = $2::text) and not starts_with(per, 'within ')
      and ($4::timestamptz is null or period_start < $4::timestamptz)
    order by period_start desc, meter, per limit $3`;
  return run<{ meter: string; per: string; period_start: Date; used: Int8; updated_at: Date }>(db, text, [
    tenantId,
    meter,
    limit,
    before,
  ]);
}

/**
 * How many units beyond an amount are used for good: those of open reservations may still be given back, and nobody is told
 * of less afterwards.
 */
export async function readBeyond(db: AnyDatabase, key: CounterKey, amount: number): Promise<number> {
  const text = `
    select greatest(0, c.used - $5::bigint - coalesce((
      select sum((p.value ->> 'units')::bigint)
      from tenantry.usage_reservations r cross join lateral jsonb_array_elements(r.parts) as p (value)
      where r.tenant_id = $1::uuid and r.meter = $2::text and r.status = 'held' and (p.value ->> 'grant') is null
        and r.counters -> 0 ->> 'per' = $3::text and (r.counters -> 0 ->> 'start')::timestamptz = $4::timestamptz), 0)) as beyond
    from tenantry.usage_counters c
    where c.tenant_id = $1::uuid and c.meter = $2::text and c.per = $3::text and c.period_start = $4::timestamptz`;
  const [row] = await run<{ beyond: Int8 }>(db, text, [...counterKeyParameters(key), amount]);
  return Number(row?.beyond ?? 0);
}

/** What the provider was told of a counter. */
export interface Exported {
  readonly exported: number;
  /** Up to which it is being told; null when it is not. */
  readonly exporting: number | null;
}

/** Notes up to how many units beyond the amount the provider is told, unless that is noted already. */
export async function beginExport(db: AnyDatabase, key: CounterKey, beyond: number): Promise<Exported | undefined> {
  const text = `
    with begun as (
      update tenantry.usage_counters set exporting = $5::bigint
      where tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
        and exporting is null and coalesce(exported, 0) < $5::bigint
      returning exported, exporting
    )
    select coalesce(exported, 0) as exported, exporting from begun
    union all
    select coalesce(c.exported, 0), c.exporting from tenantry.usage_counters c
    where c.tenant_id = $1::uuid and c.meter = $2::text and c.per = $3::text and c.period_start = $4::timestamptz
      and not exists (select from begun)`;
  const parameters = [...counterKeyParameters(key), beyond];
  const [row] = await run<{ exported: Int8; exporting: Int8 | null }>(db, text, parameters);
  return row && { exported: Number(row.exported), exporting: row.exporting === null ? null : Number(row.exporting) };
}

/** Notes that the provider was told. */
export async function endExport(db: AnyDatabase, key: CounterKey, upTo: number): Promise<void> {
  const text = `
    update tenantry.usage_counters set exported = exporting, exporting = null
    where tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
      and exporting = $5::bigint`;
  await run(db, text, [...counterKeyParameters(key), upTo]);
}
