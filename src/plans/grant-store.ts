import type { AnyDatabase } from '../database/index.ts';
import { run } from '../database/run.ts';
import type { Int8 } from './store.ts';

/** A grant to be stored. */
export interface NewGrant {
  readonly id: string;
  readonly spareId: string;
  readonly tenantId: string;
  readonly meter: string;
  readonly amount: number;
  readonly spare: number;
  readonly priority: number;
  readonly startsAt: Date;
  readonly expiresAt: Date | null;
  readonly rollover: { readonly min: number; readonly max: number } | null;
  readonly idempotencyKey: string | null;
  readonly metadata: string;
  readonly now: Date;
}

/** A row of `tenantry.usage_grants`. */
export interface GrantRow {
  readonly id: string;
  readonly meter: string;
  readonly amount: Int8;
  readonly balance: Int8;
  readonly held: Int8;
  readonly priority: number;
  readonly starts_at: Date;
  readonly expires_at: Date | null;
  readonly pack: string;
  readonly metadata: Record<string, unknown>;
  readonly created_at: Date;
}

const columns = 'id, meter, amount, balance, held, priority, starts_at, expires_at, pack, metadata, created_at';

/**
 * The tenant is locked first and its revision counted up, so that every process notices that there are grants. Spare units
 * are burnt last within the priority, since they were made later.
 */
const insertText = `
  with tenant as materialized (
    select tenant_id, plan_terms from tenantry.tenants where tenant_id = $1::uuid and status <> 'moved' for no key update
  ), made as (
    insert into tenantry.usage_grants (tenant_id, id, meter, amount, balance, priority, starts_at, expires_at, rollover_min,
      rollover_max, period_start, pack, idempotency_key, metadata, created_at)
    select t.tenant_id, $2::uuid, $3::text, $4::bigint, $4::bigint, $5::integer, $6::timestamptz, $7::timestamptz, $8::bigint,
      $9::bigint, $6::timestamptz, $2::uuid, $10::text, $11::jsonb, $12::timestamptz
    from tenant t
    on conflict (tenant_id, idempotency_key) where idempotency_key is not null do nothing
    returning ${columns}
  ), spare as (
    insert into tenantry.usage_grants (tenant_id, id, meter, amount, balance, priority, starts_at, expires_at, pack, metadata, created_at)
    select t.tenant_id, $13::uuid, $3::text, $14::bigint, $14::bigint, $5::integer, $6::timestamptz, $7::timestamptz, $2::uuid,
      $11::jsonb, $12::timestamptz + interval '1 millisecond'
    from tenant t cross join made where $14::bigint > 0
  ), noticed as (
    update tenantry.tenants u set entitlement_revision = u.entitlement_revision + 1, updated_at = $12::timestamptz,
      plan_terms = coalesce(t.plan_terms, '{}') || jsonb_build_object('granted', coalesce(t.plan_terms -> 'granted', '{}')
        || jsonb_build_object($3::text, case
          when $7::timestamptz is null or t.plan_terms -> 'granted' -> $3::text = 'null'::jsonb then null
          else greatest((t.plan_terms -> 'granted' ->> $3::text)::bigint, ceil(extract(epoch from $7::timestamptz) * 1000)::bigint) end))
    from tenant t cross join made where u.tenant_id = t.tenant_id
  )
  select ${columns}, true as fresh from made
  union all
  select ${columns}, false from tenantry.usage_grants g
  where g.tenant_id = $1::uuid and g.idempotency_key = $10::text and not exists (select from made)`;

/**
 * Stores a grant; one that was stored before under the same idempotency key is given as it is. `undefined` without a
 * tenant; `null` where somebody else stores it at the same moment, and it can be read in a moment.
 */
export async function insertGrant(
  db: AnyDatabase,
  grant: NewGrant,
): Promise<{ readonly row: GrantRow; readonly fresh: boolean } | undefined> {
  // By itself first: a statement that began before its tenant was changed locks the new row, but updates by way of the old
  // one, where another may stand and wait for the new.
  await run(db, 'select from tenantry.tenants where tenant_id = $1::uuid for no key update', [grant.tenantId]);
  const [row] = await run<GrantRow & { readonly fresh: boolean }>(db, insertText, [
    grant.tenantId,
    grant.id,
    grant.meter,
    grant.amount,
    grant.priority,
    grant.startsAt,
    grant.expiresAt,
    grant.rollover?.min ?? null,
    grant.rollover?.max ?? null,
    grant.idempotencyKey,
    grant.metadata,
    grant.now,
    grant.spareId,
    grant.spare,
  ]);
  return row && { row, fresh: row.fresh };
}

/** Reads the grants of a quota in the order in which they are burnt. */
export async function listGrants(
  db: AnyDatabase,
  tenantId: string,
  meter: string,
  { now, all }: { readonly now: Date; readonly all: boolean },
): Promise<readonly GrantRow[]> {
  const text = `
    select ${columns} from tenantry.usage_grants
    where tenant_id = $1::uuid and meter = $2::text
      and ($4::boolean or (closed_at is null and starts_at <= $3::timestamptz and (expires_at is null or expires_at > $3::timestamptz)))
    order by priority, expires_at nulls last, created_at, id`;
  return run<GrantRow>(db, text, [tenantId, meter, now, all]);
}

/** Takes away what is left of a grant, and gives what it was. The tenant is locked first: see `burn-store.ts`. */
export async function closeGrant(
  db: AnyDatabase,
  tenantId: string,
  id: string,
  now: Date,
): Promise<{ readonly meter: string; readonly left: number; readonly open: boolean } | undefined> {
  const text = `
    with tenant as materialized (
      select tenant_id from tenantry.tenants where tenant_id = $1::uuid for key share
    ), g as materialized (
      select id, meter, balance, closed_at is null as open from tenantry.usage_grants
      where exists (select from tenant) and tenant_id = $1::uuid and id = $2::uuid for no key update
    ), closed as (
      update tenantry.usage_grants u set balance = 0, closed_at = coalesce(u.closed_at, $3::timestamptz)
      from g where u.tenant_id = $1::uuid and u.id = g.id
    )
    select meter, balance, open from g`;
  const [row] = await run<{ meter: string; balance: Int8; open: boolean }>(db, text, [tenantId, id, now]);
  return row && { meter: row.meter, left: Number(row.balance), open: row.open };
}
