import { type RawBuilder, sql } from 'kysely';

/**
 * A query of `tenant_id`: a tenant itself and, where it moved, the tenants where it went, one after another; of a tenant
 * that was split the part of the user who is given, or what is the default for all others.
 */
export function wayOfTenant(tenantId: string, userId = ''): RawBuilder<unknown> {
  return sql`with recursive way (tenant_id) as (
    select ${tenantId}::uuid
    union
    select n.tenant_id from way w cross join lateral (
      select v.tenant_id from tenantry.tenant_moves v
      where v.old_tenant_id = w.tenant_id and v.user_id in ('', ${userId}) order by v.user_id desc limit 1
    ) n
  ) select tenant_id from way`;
}
