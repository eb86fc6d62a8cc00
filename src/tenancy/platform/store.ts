import { type RawBuilder, sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import type { TenantKind, TenantStatus } from '../../database/tenant-row.ts';
import type { AfterKey } from './read-after.ts';

/** A tenant as the platform sees it. */
export interface PlatformTenant {
  readonly tenantId: string;
  readonly kind: TenantKind;
  readonly name: string;
  readonly status: TenantStatus;
  readonly plan: string;
  readonly subscriptionStatus: string | null;
  readonly createdAt: Date;
  /** Of organizations only. */
  readonly slug: string | null;
  /** Of organizations only; null: no cap. */
  readonly seatsBought: number | null;
  /** Of organizations only. */
  readonly seatsTaken: number | null;
}

/** A member as the platform sees it. */
export interface PlatformMember {
  readonly tenantId: string;
  readonly tenantName: string;
  readonly id: string;
  readonly userId: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly role: string;
  readonly status: string;
  readonly createdAt: Date;
}

/** What a tenant used of a meter in one period. */
export interface PlatformUsage {
  readonly tenantId: string;
  readonly tenantName: string;
  readonly meter: string;
  readonly per: string;
  readonly periodStart: Date;
  readonly used: number;
}

/** How many tenants are on a plan. */
export interface PlatformPlan {
  readonly plan: string;
  readonly status: TenantStatus;
  readonly subscriptionStatus: string | null;
  readonly tenants: number;
  readonly seatsBought: number;
  readonly seatsTaken: number;
}

/** Reads tenants; one more than the limit tells that there are more. */
export async function selectTenants(
  tx: AnyDatabase,
  {
    status,
    kind,
    plan,
    search,
  }: {
    readonly status: string | undefined;
    readonly kind: string | undefined;
    readonly plan: string | undefined;
    readonly search: string | undefined;
  },
  { after, limit }: AfterKey,
): Promise<readonly PlatformTenant[]> {
  const { rows } = await sql<PlatformTenant>`
    select t.tenant_id as "tenantId", t.kind, t.name, t.status, t.plan, t.subscription_status as "subscriptionStatus",
      t.created_at as "createdAt", o.slug, o.seats_bought as "seatsBought", o.seats_taken as "seatsTaken"
    from tenantry.tenants t left join tenantry.organizations o on o.tenant_id = t.tenant_id
    where true ${when(after, ([id]) => sql`t.tenant_id > ${id}::uuid`)}
      ${when(status, (value) => sql`t.status = ${value}`)} ${when(kind, (value) => sql`t.kind = ${value}`)}
      ${when(plan, (value) => sql`t.plan = ${value}`)}
      ${when(search, (value) => sql`(starts_with(lower(t.name), lower(${value})) or o.slug = lower(${value}))`)}
    order by t.tenant_id limit ${limit + 1}`.execute(libraryOf(tx));
  return rows;
}

/** Reads members; one more than the limit tells that there are more. */
export async function selectMembers(
  tx: AnyDatabase,
  { tenantId, userId }: { readonly tenantId: string | undefined; readonly userId: string | undefined },
  { after, limit }: AfterKey,
): Promise<readonly PlatformMember[]> {
  const { rows } = await sql<PlatformMember>`
    select m.tenant_id as "tenantId", t.name as "tenantName", m.id, m.user_id as "userId", m.email, m.name, m.role, m.status,
      m.created_at as "createdAt"
    from tenantry.members m join tenantry.tenants t on t.tenant_id = m.tenant_id
    where true ${when(after, ([tenant, id]) => sql`(m.tenant_id, m.id) > (${tenant}::uuid, ${id}::uuid)`)}
      ${when(tenantId, (value) => sql`m.tenant_id = ${value}::uuid`)}
      ${when(userId, (value) => sql`m.user_id = ${value}`)}
    order by m.tenant_id, m.id limit ${limit + 1}`.execute(libraryOf(tx));
  return rows;
}

/** Reads what was used; one more than the limit tells that there is more. */
export async function selectUsage(
  tx: AnyDatabase,
  {
    tenantId,
    meter,
    since,
  }: {
    readonly tenantId: string | undefined;
    readonly meter: string | undefined;
    readonly since: Date | undefined;
  },
  { after, limit }: AfterKey,
): Promise<readonly PlatformUsage[]> {
  const { rows } = await sql<Omit<PlatformUsage, 'used'> & { readonly used: string | number }>`
    select u.tenant_id as "tenantId", t.name as "tenantName", u.meter, u.per, u.period_start as "periodStart", u.used
    from tenantry.usage_counters u join tenantry.tenants t on t.tenant_id = u.tenant_id
    where true ${when(
      after,
      ([tenant, name, per, start]) => sql`(u.tenant_id, u.meter, u.per) >= (${tenant}::uuid, ${name}, ${per})
        and ((u.tenant_id, u.meter, u.per) > (${tenant}::uuid, ${name}, ${per}) or u.period_start < ${start}::timestamptz)`,
    )}
      ${when(tenantId, (value) => sql`u.tenant_id = ${value}::uuid`)} ${when(meter, (value) => sql`u.meter = ${value}`)}
      ${when(since, (value) => sql`u.period_start >= ${value}::timestamptz`)}
    order by u.tenant_id, u.meter, u.per, u.period_start desc limit ${limit + 1}`.execute(libraryOf(tx));
  return rows.map((row) => ({ ...row, used: Number(row.used) }));
}

/** Counts tenants and seats by plan and status. */
export async function selectPlans(tx: AnyDatabase): Promise<readonly PlatformPlan[]> {
  const { rows } = await sql<PlatformPlan>`
    select t.plan, t.status, t.subscription_status as "subscriptionStatus", count(*)::integer as tenants,
      coalesce(sum(o.seats_bought), 0)::integer as "seatsBought", coalesce(sum(o.seats_taken), 0)::integer as "seatsTaken"
    from tenantry.tenants t left join tenantry.organizations o on o.tenant_id = t.tenant_id
    where t.status <> 'moved' group by t.plan, t.status, t.subscription_status order by t.plan, t.status, 3`.execute(
    libraryOf(tx),
  );
  return rows;
}

/** A further condition, where its value was given. */
function when<Value>(
  value: Value | undefined | null,
  condition: (value: Value) => RawBuilder<unknown>,
): RawBuilder<unknown> {
  return value === undefined || value === null ? sql`` : sql`and ${condition(value)}`;
}
