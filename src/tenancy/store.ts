import { type Selectable, sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import type { TenantTable } from '../database/tables.ts';
import type { TenantLookup } from '../database/tenant-row.ts';
import type { Tenant } from './tenant.ts';

type Row = Pick<
  Selectable<TenantTable>,
  | 'tenant_id'
  | 'kind'
  | 'name'
  | 'status'
  | 'plan'
  | 'subscription_status'
  | 'anchor_at'
  | 'entitlement_revision'
  | 'created_at'
>;

const columns = sql.raw(
  't.tenant_id, t.kind, t.name, t.status, t.plan, t.subscription_status, t.anchor_at, t.entitlement_revision, t.created_at',
);

/** A tenant that a user is an active member of. */
export interface ActorRow {
  readonly tenant: Tenant;
  readonly role: string;
  readonly memberId: string;
}

/** Reads one tenant. */
export async function findTenant(db: AnyDatabase, tenantId: string): Promise<Tenant | null> {
  const { rows } = await sql<Row>`
    select ${columns} from tenantry.tenants t where t.tenant_id = ${tenantId}::uuid`.execute(libraryOf(db));
  return rows[0] === undefined ? null : tenantOf(rows[0]);
}

/** Reads the tenant that a lookup names. */
export async function findByLookup(db: AnyDatabase, lookup: TenantLookup): Promise<Tenant | null> {
  const { rows } = await sql<Row>`
    select ${columns} from tenantry.tenant_lookups l join tenantry.tenants t on t.tenant_id = l.tenant_id
    where l.kind = ${lookup.kind} and l.value = ${lookup.value}`.execute(libraryOf(db));
  return rows[0] === undefined ? null : tenantOf(rows[0]);
}

/** Reads what a user is an active member of: the tenant that is named, or otherwise up to two, active tenants first. */
export async function findActors(
  db: AnyDatabase,
  userId: string,
  tenantId: string | undefined,
): Promise<readonly ActorRow[]> {
  const { rows } = await sql<Row & { role: string; member_id: string }>`
    select ${columns}, m.role, m.id as member_id
    from tenantry.members m join tenantry.tenants t on t.tenant_id = m.tenant_id
    where m.user_id = ${userId} and m.status = 'active'
      ${tenantId === undefined ? sql`` : sql`and m.tenant_id = ${tenantId}::uuid and t.tenant_id = ${tenantId}::uuid`}
    order by t.status = 'active' desc
    limit 2`.execute(libraryOf(db));
  return rows.map((row) => ({ tenant: tenantOf(row), role: row.role, memberId: row.member_id }));
}

/** What of a tenant is to be set; what is left out stays. */
export interface TenantPatch {
  readonly status?: Tenant['status'];
  readonly plan?: string;
  /** Null takes the state of the subscription away. */
  readonly subscriptionStatus?: string | null;
  readonly anchorAt?: Date;
}

/**
 * Sets values of a tenant in one statement and tells what they were before. The row is locked before it is compared, so
 * that of several callers with the same values exactly one changes it.
 */
export async function updateTenant(
  db: AnyDatabase,
  tenantId: string,
  patch: TenantPatch,
  now: Date,
): Promise<{ tenant: Tenant; before: Tenant; changed: boolean } | null> {
  const state = patch.subscriptionStatus;
  const { rows } = await sql<Row & { side: 'before' | 'after' }>`
    with t as materialized (
      select * from tenantry.tenants where tenant_id = ${tenantId}::uuid for no key update
    ), wanted as materialized (
      select t.tenant_id, coalesce(${patch.status ?? null}::text, t.status) as status,
        coalesce(${patch.plan ?? null}::text, t.plan) as plan,
        ${state === undefined ? sql`t.subscription_status` : sql`${state}::text`} as subscription_status,
        coalesce(${patch.anchorAt ?? null}::timestamptz, t.anchor_at) as anchor_at
      from t
    ), changed as (
      update tenantry.tenants u set status = w.status, plan = w.plan, subscription_status = w.subscription_status,
        anchor_at = w.anchor_at, updated_at = ${now}::timestamptz,
        entitlement_revision = u.entitlement_revision
          + case when (t.plan, t.subscription_status, t.anchor_at)
            is distinct from (w.plan, w.subscription_status, w.anchor_at) then 1 else 0 end
      from wanted w join t on t.tenant_id = w.tenant_id
      where u.tenant_id = ${tenantId}::uuid and w.tenant_id = u.tenant_id
        and (t.status, t.plan, t.subscription_status, t.anchor_at)
          is distinct from (w.status, w.plan, w.subscription_status, w.anchor_at)
      returning u.*
    )
    select 'before' as side, ${columns} from t
    union all select 'after' as side, ${columns} from changed t`.execute(libraryOf(db));
  const before = rows.find((row) => row.side === 'before');
  if (before === undefined) return null;
  const after = rows.find((row) => row.side === 'after');
  return { tenant: tenantOf(after ?? before), before: tenantOf(before), changed: after !== undefined };
}

function tenantOf(row: Row): Tenant {
  return {
    tenantId: row.tenant_id,
    kind: row.kind,
    name: row.name,
    status: row.status,
    plan: row.plan,
    subscriptionStatus: row.subscription_status,
    anchorAt: row.anchor_at,
    entitlementRevision: Number(row.entitlement_revision),
    createdAt: row.created_at,
  };
}
