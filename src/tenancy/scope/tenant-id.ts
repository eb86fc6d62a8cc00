import { isUuid, TenantryError } from '../../core/index.ts';

/**
 * Checks a tenant's id and gives it in lower case, as PostgreSQL writes it.
 *
 * @throws TenantryError `tenant_required` when it is missing or empty; `tenant_not_found` when it is no UUID.
 */
export function checkedTenantId(tenantId: string | null | undefined, operation: string): string {
  if (tenantId === undefined || tenantId === null || tenantId === '') {
    throw new TenantryError('tenant_required', { operation });
  }
  if (!isUuid(tenantId)) throw new TenantryError('tenant_not_found', { tenant: String(tenantId) });
  return tenantId.toLowerCase();
}
