import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { checkedTenant } from './checked-tenant.ts';
import { openCheckout } from './checkout-store.ts';
import { lockCustomer } from './customer-store.ts';
import { isOver } from './standing.ts';
import { readSubscriptions } from './subscription-store.ts';

/**
 * Refuses to let go of a tenant that pays or could: with a subscription that is not over, which nobody could end any more,
 * or with an open checkout, which somebody could still pay. The row of the customer stays locked until the transaction
 * ends, so that nobody asks the provider for anything meanwhile.
 */
export async function guardPurge(db: AnyDatabase, given: string, now: Date): Promise<void> {
  const tenantId = checkedTenant(given);
  const leaseUntil = await lockCustomer(db, tenantId);
  if (leaseUntil === 'locked') throw new TenantryError('billing_busy', { tenantId, retryAfter: 1 });
  if (leaseUntil !== null && leaseUntil > now) {
    const retryAfter = Math.ceil((leaseUntil.getTime() - now.getTime()) / 1000);
    throw new TenantryError('billing_busy', { tenantId, retryAfter });
  }
  const live = (await readSubscriptions(db, tenantId)).find((record) => !isOver(record));
  if (live !== undefined) throw new TenantryError('tenant_still_pays', { tenantId, status: live.status });
  const open = await openCheckout(db, tenantId);
  if (open !== undefined && (open.expires_at === null || open.expires_at > now)) {
    throw new TenantryError('tenant_still_pays', { tenantId, status: 'checkout' });
  }
}
