import { isUuid, TenantryError } from '../core/index.ts';

/**
 * The id of a tenant in lower case, as PostgreSQL writes it.
 *
 * @throws TenantryError `tenant_not_found` for what is no id.
 */
export function checkedTenant(tenantId: string): string {
  if (!isUuid(tenantId)) throw new TenantryError('tenant_not_found', { tenant: String(tenantId).slice(0, 80) });
  return tenantId.toLowerCase();
}
