import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from './handle.ts';

/** A tenant to be, with what names it among all tenants. */
export interface NewTenant {
  readonly tenantId: string;
  readonly kind: 'program' | 'user' | 'organization';
  readonly name: string;
  readonly plan: string;
  /** The name that must be free: a slug, a user's id. */
  readonly lookup: { readonly kind: string; readonly value: string };
  readonly now: Date;
}

/**
 * Makes a tenant and its lookup in one statement, or makes nothing when the lookup is taken. Gives the id of the tenant
 * that the lookup names now, and whether this call made it.
 */
export async function insertTenant(
  db: AnyDatabase,
  tenant: NewTenant,
): Promise<{ tenantId: string; created: boolean }> {
  const result = await sql<{ tenant_id: string }>`
    with looked_up as (
      insert into tenantry.tenant_lookups (kind, value, tenant_id)
      values (${tenant.lookup.kind}, ${tenant.lookup.value}, ${tenant.tenantId}::uuid)
      on conflict (kind, value) do nothing
      returning tenant_id
    )
    insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
    select tenant_id, ${tenant.kind}, ${tenant.name}, ${tenant.plan}, ${tenant.now}::timestamptz,
      ${tenant.now}::timestamptz, ${tenant.now}::timestamptz
    from looked_up
    returning tenant_id`.execute(libraryOf(db));
  if (result.rows.length > 0) return { tenantId: tenant.tenantId, created: true };
  const existing = await libraryOf(db)
    .selectFrom('tenantry.tenant_lookups')
    .select('tenant_id')
    .where('kind', '=', tenant.lookup.kind)
    .where('value', '=', tenant.lookup.value)
    .executeTakeFirstOrThrow();
  return { tenantId: existing.tenant_id, created: false };
}
