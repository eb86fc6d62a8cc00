import { isTenantryError, TenantryError } from '../core/index.ts';
import { libraryOf } from '../database/handle.ts';
import { addCustomerId, type CustomerRow, readCustomer, writeCustomerId } from './customer-store.ts';
import type { Ground, Held } from './ground.ts';
import type { ProviderCustomer } from './provider/customer.ts';

/** Who is to be billed. */
export interface Payer {
  readonly email?: string | undefined;
  /** The tenant's name when absent. */
  readonly name?: string | undefined;
}

/**
 * Gives the customer of a tenant at the provider, made if there is none. It is called after a look at the provider, so an
 * id that is stored is one that is alive. The key counts the customers of the tenant: whoever asks again, after whatever
 * happened, gets the same one, until the provider deletes it.
 */
export async function ensureCustomer(ground: Ground, held: Held, payer: Payer): Promise<string> {
  const { db, clock, publish, provider } = ground;
  const { tenantId, lease } = held;
  const row = await readCustomer(db, tenantId);
  if (row === undefined) throw new TenantryError('tenant_not_found', { tenant: tenantId });
  if (row.provider_id !== null) return row.provider_id;
  const { id } = await made(ground, held, row, payer);
  await ground.inTransaction(undefined, async (tx) => {
    const mine = await writeCustomerId(tx, tenantId, lease, id, clock());
    if (!mine || !(await addCustomerId(tx, tenantId, id))) {
      throw new TenantryError('billing_busy', { tenantId, retryAfter: 1 });
    }
    await publish(tx, { name: 'customer.created', tenantId, data: { customerId: id, provider: provider.name } });
  });
  return id;
}

async function made(
  { db, provider }: Ground,
  { tenantId, keyOf, ask }: Held,
  { generation }: CustomerRow,
  payer: Payer,
): Promise<ProviderCustomer> {
  const tenant = await libraryOf(db)
    .selectFrom('tenantry.tenants')
    .select('name')
    .where('tenant_id', '=', tenantId)
    .executeTakeFirst();
  const input = { tenantId, name: payer.name ?? tenant?.name ?? tenantId, email: payer.email };
  const create = async (idempotencyKey: string): Promise<ProviderCustomer> => {
    // Also prolongs the lease, and ends here when it was lost.
    await keyOf('customer', null);
    return provider.customers.create(input, { idempotencyKey });
  };
  const key = `tenantry:customer:${tenantId}:${generation}`;
  try {
    return await create(key);
  } catch (error) {
    if (isTenantryError(error, 'provider_unavailable') && error.details.reason === 'failed') {
      // The provider may have made it, and says that it failed ever after under this key.
      return (
        (await found(provider, tenantId)) ?? ask('customer', input, (call) => provider.customers.create(input, call))
      );
    }
    // The name changed since somebody asked and got no answer: what was made then has nothing, and is left.
    if (!isTenantryError(error, 'provider_refused') || !/idempotency/i.test(error.details.reason)) throw error;
    return create(await keyOf('customer', input));
  }
}

async function found(provider: Ground['provider'], tenantId: string): Promise<ProviderCustomer | undefined> {
  for await (const { what, id } of provider.made(tenantId)) {
    if (what !== 'customer') continue;
    const customer = await provider.customers.read(id);
    if (customer !== null && !customer.deleted && customer.tenantId === tenantId) return customer;
  }
  return undefined;
}
