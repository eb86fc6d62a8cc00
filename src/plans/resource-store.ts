import type { AnyDatabase } from '../database/index.ts';
import { run } from '../database/run.ts';
import type { FreezeOrder } from './plan-definitions.ts';
import { type CounterKey, counterKeyParameters, type Int8 } from './store.ts';

/** What a statement did with a resource. */
export interface OccupySight {
  readonly added: boolean;
  readonly known: boolean;
  readonly used: number;
  /** Whether the counter is there. */
  readonly ready: boolean;
}

/** First of all, in every statement that locks a counter: see `burn-store.ts`. */
const tenantText = `tenant as materialized (
    select tenant_id from tenantry.tenants where tenant_id = $1::uuid for key share
  )`;

/*
 * The counter is locked before anything is looked at, and what is decided is decided by its newest value. Whether the resource is known is decided
 * by its unique key, whatever the snapshot showed. What is refused is looked at again by the caller.
 */
const occupyText = `
  with ${tenantText}, locked as materialized (
    select used, entitlement_revision from tenantry.usage_counters
    where exists (select from tenant) and tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
    for no key update
  ), added as (
    insert into tenantry.limit_resources (tenant_id, meter, resource_id, occupied_at)
    select $1::uuid, $2::text, $5::text, $9::timestamptz from locked l
    where l.used < $6::bigint and l.entitlement_revision <= $8::bigint and exists (select from tenantry.tenants
      where tenant_id = $1::uuid and entitlement_revision = $7::bigint and status = 'active')
    on conflict (tenant_id, meter, resource_id) do nothing
    returning resource_id
  ), counted as (
    update tenantry.usage_counters c set used = c.used + 1, entitlement_revision = $7::bigint, updated_at = $9::timestamptz
    from added where c.tenant_id = $1::uuid and c.meter = $2::text and c.per = $3::text and c.period_start = $4::timestamptz
  )
  select exists (select from added) as added, exists (select from locked) as ready,
    exists (select from tenantry.limit_resources where tenant_id = $1::uuid and meter = $2::text and resource_id = $5::text) as known,
    coalesce((select used from locked), 0) + (select count(*) from added) as used`;

/** Counts a resource, if there is room for it and it is not counted yet. */
export async function occupyUnit(
  db: AnyDatabase,
  key: CounterKey,
  {
    resourceId,
    ceiling,
    revision,
    fence,
    now,
  }: {
    readonly resourceId: string;
    readonly ceiling: number;
    readonly revision: number;
    readonly fence: number;
    readonly now: Date;
  },
): Promise<OccupySight> {
  const parameters = [...counterKeyParameters(key), resourceId, ceiling, revision, fence, now];
  const [row] = await run<{ added: boolean; known: boolean; ready: boolean; used: Int8 }>(db, occupyText, parameters);
  return {
    added: row?.added ?? false,
    known: row?.known ?? false,
    ready: row?.ready ?? false,
    used: Number(row?.used),
  };
}

const vacateText = `
  with ${tenantText}, locked as materialized (
    select used from tenantry.usage_counters
    where exists (select from tenant) and tenant_id = $1::uuid and meter = $2::text and per = $3::text and period_start = $4::timestamptz
    for no key update
  ), gone as (
    delete from tenantry.limit_resources
    where tenant_id = $1::uuid and meter = $2::text and resource_id = $5::text and (select count(*) from locked) >= 0
    returning resource_id
  )
  update tenantry.usage_counters c set used = greatest(0, c.used - 1), updated_at = $6::timestamptz
  from gone where c.tenant_id = $1::uuid and c.meter = $2::text and c.per = $3::text and c.period_start = $4::timestamptz`;

/** Counts a resource no longer. */
export async function vacateUnit(db: AnyDatabase, key: CounterKey, resourceId: string, now: Date): Promise<void> {
  await run(db, vacateText, [...counterKeyParameters(key), resourceId, now]);
}

/** The counter is locked as by those who add and remove resources, so that nobody waits for another's row in a circle. */
const chooseText = `
  with ${tenantText}, locked as materialized (
    select used from tenantry.usage_counters
    where exists (select from tenant) and tenant_id = $1::uuid and meter = $2::text for no key update
  ), chosen as (
    select * from unnest($3::text[]) with ordinality as c (resource_id, place)
  ), changed as (
    update tenantry.limit_resources r set kept = (select c.place from chosen c where c.resource_id = r.resource_id)
    where r.tenant_id = $1::uuid and r.meter = $2::text and (select count(*) from locked) >= 0
      and (r.kept is not null or r.resource_id = any($3::text[]))
    returning kept
  )
  select count(kept) as count from changed`;

/** Says in which order resources stay. */
export async function chooseResources(
  db: AnyDatabase,
  tenantId: string,
  meter: string,
  resourceIds: readonly string[],
): Promise<number> {
  const [row] = await run<{ count: Int8 }>(db, chooseText, [tenantId, meter, resourceIds]);
  return Number(row?.count ?? 0);
}

/** The first to be frozen has place 1. Those that were chosen come last, the first choice at the very end. */
const frozenText = (order: FreezeOrder): string => `
  with facts as (
    select t.entitlement_revision as revision, coalesce(c.used, 0) as used from tenantry.tenants t
    left join tenantry.usage_counters c on c.tenant_id = t.tenant_id and c.meter = $2::text and c.per = $3::text
      and c.period_start = $4::timestamptz
    where t.tenant_id = $1::uuid and t.status <> 'moved'
  ), frozen as (
    select resource_id, row_number() over (order by kept desc nulls first, ${
      order === 'newest' ? 'occupied_at desc, resource_id desc' : 'occupied_at, resource_id'
    }) as place
    from tenantry.limit_resources where tenant_id = $1::uuid and meter = $2::text
  )
  select f.revision, f.used, array(select resource_id from frozen where place <= f.used - $5::bigint
    and ($6::text is null or resource_id = $6::text) order by place) as ids
  from facts f`;

const frozenTexts: Readonly<Record<FreezeOrder, string>> = {
  newest: frozenText('newest'),
  oldest: frozenText('oldest'),
};

/** Reads which resources lie beyond an amount; only the one that is named, where one is. */
export async function readFrozen(
  db: AnyDatabase,
  key: CounterKey,
  { amount, order, only }: { readonly amount: number; readonly order: FreezeOrder; readonly only: string | null },
): Promise<{ readonly revision: number; readonly used: number; readonly ids: readonly string[] } | undefined> {
  const parameters = [...counterKeyParameters(key), amount, only];
  const [row] = await run<{ revision: Int8; used: Int8; ids: readonly string[] }>(db, frozenTexts[order], parameters);
  return row && { revision: Number(row.revision), used: Number(row.used), ids: row.ids };
}
