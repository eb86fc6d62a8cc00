import { type RawBuilder, sql } from 'kysely';
import { type AnyDatabase, libraryOf } from './handle.ts';

/** What a tenant stands for. */
export type TenantKind = 'program' | 'user' | 'organization';

/**
 * How a tenant stands. Nobody acts for a `suspended` one; one in `maintenance` is closed for a moment while its rows are
 * moved; one that has `moved` is an empty row that remembers where it went.
 */
export type TenantStatus = 'active' | 'suspended' | 'maintenance' | 'moved';

/** A name that at most one tenant of the whole database has: `{ kind: 'slug', value: 'acme' }`. */
export interface TenantLookup {
  readonly kind: string;
  readonly value: string;
}

/** A tenant to be. */
export interface TenantRow {
  readonly tenantId: string;
  readonly kind: TenantKind;
  readonly name: string;
  readonly plan: string;
  /** The application's own facts, as JSON; none when absent. */
  readonly metadata?: string;
  readonly now: Date;
}

/**
 * Two common table expressions for a statement of one's own that makes a tenant: `looked_up (tenant_id, value)` takes
 * the lookup and is empty when another tenant has it, `made_tenant` makes the tenant when the lookup was free.
 *
 * @param values A query that gives the value of the lookup as its one column, in at most one row.
 */
export function newTenantSql(tenant: TenantRow, lookupKind: string, values: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`looked_up as (
      insert into tenantry.tenant_lookups (kind, value, tenant_id)
      select ${lookupKind}, wanted.value, ${tenant.tenantId}::uuid from (${values}) as wanted (value)
      on conflict (kind, value) do nothing
      returning tenant_id, value
    ),
    made_tenant as (
      insert into tenantry.tenants (tenant_id, kind, name, plan, metadata, anchor_at, created_at, updated_at)
      select tenant_id, ${tenant.kind}, ${tenant.name}, ${tenant.plan}, ${tenant.metadata ?? '{}'}::jsonb, ${tenant.now}::timestamptz,
        ${tenant.now}::timestamptz, ${tenant.now}::timestamptz
      from looked_up
      returning tenant_id
    )`;
}

/**
 * Makes a tenant and its lookup in one statement, or makes nothing when the lookup is taken; callers at the same moment
 * wait for each other, so that one of them makes it. Gives the id of the tenant that the lookup names now, and whether
 * this call made it.
 */
export async function insertTenant(
  db: AnyDatabase,
  tenant: TenantRow & { readonly lookup: TenantLookup },
): Promise<{ tenantId: string; created: boolean }> {
  const { kind, value } = tenant.lookup;
  const made = await sql`
    with ${newTenantSql(tenant, kind, sql`select ${value}::text`)} select tenant_id from made_tenant`.execute(
    libraryOf(db),
  );
  if (made.rows.length > 0) return { tenantId: tenant.tenantId, created: true };
  const existing = await libraryOf(db)
    .selectFrom('tenantry.tenant_lookups')
    .select('tenant_id')
    .where('kind', '=', kind)
    .where('value', '=', value)
    .executeTakeFirstOrThrow();
  return { tenantId: existing.tenant_id, created: false };
}
