import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { isOver } from './standing.ts';
import { readSubscriptions } from './subscription-store.ts';

/** Refuses to let go of a tenant with a subscription that is not over: nobody could end it any more. */
export async function guardPurge(db: AnyDatabase, tenantId: string): Promise<void> {
  const live = (await readSubscriptions(db, tenantId)).find((record) => !isOver(record));
  if (live !== undefined) throw new TenantryError('tenant_still_pays', { tenantId, status: live.status });
}
