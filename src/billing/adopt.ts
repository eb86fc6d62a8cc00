import { isTenantryError } from '../core/index.ts';
import { addCustomerId } from './customer-store.ts';
import type { Ground } from './ground.ts';

/**
 * Takes in a customer that nobody here knows, though it was made for one of our tenants: the process that made it ended
 * before it was written down. The customer itself must say so, not the event alone.
 */
export async function adopt(ground: Ground, tenantId: string, customerId: string): Promise<string | undefined> {
  const { provider, db } = ground;
  const customer = await provider.customers.read(customerId);
  if (customer === null || customer.deleted || customer.tenantId !== tenantId) return undefined;
  try {
    return await ground.alone(tenantId, async (held) => {
      return (await addCustomerId(db, held.tenantId, customerId)) ? held.tenantId : undefined;
    });
  } catch (error) {
    if (isTenantryError(error, 'tenant_not_found')) return undefined;
    throw error;
  }
}
