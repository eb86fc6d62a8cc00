import { TenantryError } from '../core/errors.ts';
import { sqlstateOf } from './install.ts';

/** SQLSTATE of a write for a tenant whose rows are elsewhere now: find the tenant anew. */
export const movedState = 'TN410';

/** SQLSTATE of a write for a tenant whose rows are being moved: try again in a moment. */
export const maintenanceState = 'TN503';

/**
 * Makes of what the guard of a re-tenanting raises one of the library's errors, and leaves all others as they are. Inside a
 * transaction the guard's error has ended it.
 */
export function asMovedWrite(error: unknown, tenantId: string): unknown {
  const state = sqlstateOf(error);
  if (state === movedState) return new TenantryError('tenant_not_found', { tenant: tenantId }, { cause: error });
  if (state !== maintenanceState) return error;
  return new TenantryError('tenant_in_maintenance', { tenantId, retryAfter: 5 }, { cause: error });
}
