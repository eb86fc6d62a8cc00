import { type Selectable, sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import {
  type ExceededSeats,
  exceededColumn,
  exceededSeats,
  type GrantsValue,
  grantsColumn,
} from '../database/member-facts.ts';
import { wayOfTenant } from '../database/moved-tenant.ts';
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

/** A tenant that a user may act for. `memberId` is null where it is no membership that allows it. */
export interface ActorRow {
  readonly tenant: Tenant;
  readonly role: string;
  readonly memberId: string | null;
  /** What was granted to the member; absent where memberships are not the library's. */
  readonly grants?: GrantsValue;
  /** What it means that the organization takes more seats than it bought. */
  readonly exceeded?: ExceededSeats | null;
}

/** Reads one tenant; the id of one that moved as a whole gives the tenant where it went. */
export async function findTenant(db: AnyDatabase, tenantId: string): Promise<Tenant | null> {
  const { rows } = await sql<Row>`
    select ${columns} from tenantry.tenants t where t.tenant_id in (${wayOfTenant(tenantId)})
    order by t.status = 'moved' limit 1`.execute(libraryOf(db));
  return rows[0] === undefined ? null : tenantOf(rows[0]);
}

/** Reads the tenant that a lookup names. */
export async function findByLookup(db: AnyDatabase, lookup: TenantLookup): Promise<Tenant | null> {
  const { rows } = await sql<Row>`
    select ${columns} from tenantry.tenant_lookups l join tenantry.tenants t on t.tenant_id = l.tenant_id
    where l.kind = ${lookup.kind} and l.value = ${lookup.value}`.execute(libraryOf(db));
  return rows[0] === undefined ? null : tenantOf(rows[0]);
}

/** Makes a host name lead to a tenant, and gives the tenant to which it leads then; null when there is no such tenant. */
export async function addHostname(db: AnyDatabase, tenantId: string, hostname: string): Promise<string | null> {
  const statement = sql<{ tenant_id: string }>`
    with made as (
      insert into tenantry.tenant_lookups (kind, value, tenant_id)
      select 'hostname', ${hostname}, t.tenant_id from tenantry.tenants t
      where t.tenant_id = ${tenantId}::uuid and t.status <> 'moved'
      on conflict (kind, value) do nothing
      returning tenant_id
    )
    select tenant_id from made
    union all
    select l.tenant_id from tenantry.tenant_lookups l
    where l.kind = 'hostname' and l.value = ${hostname}
      and exists (select from tenantry.tenants t where t.tenant_id = ${tenantId}::uuid and t.status <> 'moved')`;
  // A statement does not see a row that another made since it began, and that it gave way to; the next one does.
  const [row] = (await statement.execute(libraryOf(db))).rows;
  return (row ?? (await statement.execute(libraryOf(db))).rows[0])?.tenant_id ?? null;
}

/** Takes a host name away from a tenant; false when it had none of that name. */
export async function removeHostname(db: AnyDatabase, tenantId: string, hostname: string): Promise<boolean> {
  const { rows } = await sql`
    delete from tenantry.tenant_lookups
    where kind = 'hostname' and value = ${hostname} and tenant_id = ${tenantId}::uuid returning 1`.execute(
    libraryOf(db),
  );
  return rows.length > 0;
}

/** Reads the host names of a tenant. */
export async function listHostnames(db: AnyDatabase, tenantId: string): Promise<readonly string[]> {
  const { rows } = await sql<{ value: string }>`
    select value from tenantry.tenant_lookups where tenant_id = ${tenantId}::uuid and kind = 'hostname'
    order by value`.execute(libraryOf(db));
  return rows.map(({ value }) => value);
}

/** Reads a page of the ids of tenants in their order, after one of them. */
export async function listTenantIds(
  db: AnyDatabase,
  { after, limit, kind }: { readonly after: string | null; readonly limit: number; readonly kind: string | null },
): Promise<readonly string[]> {
  const { rows } = await sql<{ tenant_id: string }>`
    select t.tenant_id from tenantry.tenants t
    where t.status = 'active' and (${after}::uuid is null or t.tenant_id > ${after}::uuid)
      and (${kind}::text is null or t.kind = ${kind}::text)
    order by t.tenant_id limit ${limit}`.execute(libraryOf(db));
  return rows.map(({ tenant_id }) => tenant_id);
}

/**
 * Reads what a user is an active member of: the tenant that is named, or otherwise up to two, active tenants first. A
 * tenant that moved is found where it went: an organization by the membership in it, and what has no members by the move
 * itself, which tells the user's role; of several the one for the tenant that is named, and otherwise the least.
 */
export async function findActors(
  db: AnyDatabase,
  userId: string,
  tenantId: string | undefined,
): Promise<readonly ActorRow[]> {
  const way = tenantId === undefined ? null : wayOfTenant(tenantId, userId);
  const { rows } = await sql<
    Row & { role: string; member_id: string | null; grants: GrantsValue } & Parameters<typeof exceededSeats>[0]
  >`
    select ${columns}, a.role, a.member_id, ${sql.raw(grantsColumn)} as grants, ${sql.raw(exceededColumn)} as exceeded,
      o.seats_bought, o.seats_taken
    from (
      select distinct on (c.tenant_id) c.* from (
        select m.tenant_id, m.role, m.id as member_id, m.tenant_id as named_by from tenantry.members m
        where m.user_id = ${userId} and m.status = 'active'
          ${way === null ? sql`` : sql`and m.tenant_id in (${way})`}
        union all
        select v.tenant_id, v.role, null, v.old_tenant_id from tenantry.tenant_moves v
        where v.user_id = ${userId} and v.role is not null
          ${way === null ? sql`` : sql`and v.tenant_id in (${way})`}
      ) c
      order by c.tenant_id, c.member_id is null, ${tenantId === undefined ? sql`` : sql`c.named_by <> ${tenantId}::uuid,`}
        c.role = 'owner', c.role = 'admin', c.role
    ) a join tenantry.tenants t on t.tenant_id = a.tenant_id
      left join tenantry.organizations o on o.tenant_id = a.tenant_id
      left join tenantry.members m on m.tenant_id = a.tenant_id and m.id = a.member_id
    where t.status <> 'moved' and (a.member_id is not null or t.kind <> 'organization')
    order by t.status = 'active' desc
    limit 2`.execute(libraryOf(db));
  return rows.map((row) => ({
    tenant: tenantOf(row),
    role: row.role,
    memberId: row.member_id,
    grants: row.grants,
    exceeded: exceededSeats(row),
  }));
}

/** Tells whether a tenant that is no more went to another, wholly or the user's part of it. */
export async function hasMovedTo(
  db: AnyDatabase,
  oldTenantId: string,
  { tenantId, userId }: { readonly tenantId: string; readonly userId: string },
): Promise<boolean> {
  const { rows } = await sql`
    select 1 from (${wayOfTenant(oldTenantId, userId)}) as w where w.tenant_id = ${tenantId}::uuid`.execute(
    libraryOf(db),
  );
  return rows.length > 0;
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
 * that of several callers with the same values exactly one changes it. One that moved is not found, and the status of one
 * in maintenance stays.
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
      select * from tenantry.tenants where tenant_id = ${tenantId}::uuid and status <> 'moved' for no key update
    ), wanted as materialized (
      select t.tenant_id,
        case when t.status = 'maintenance' then t.status else coalesce(${patch.status ?? null}::text, t.status) end as status,
        coalesce(${patch.plan ?? null}::text, t.plan) as plan,
        ${state === undefined ? sql`t.subscription_status` : sql`${state}::text`} as subscription_status,
        coalesce(${patch.anchorAt ?? null}::timestamptz, t.anchor_at) as anchor_at
      from t
    ), changed as (
      update tenantry.tenants u set status = w.status, plan = w.plan, subscription_status = w.subscription_status,
        anchor_at = w.anchor_at, updated_at = ${now}::timestamptz,
        plan_since = case when w.plan = t.plan then u.plan_since else ${now}::timestamptz end,
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
