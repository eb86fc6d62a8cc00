import { TenantryError } from '../core/index.ts';
import { libraryOf } from '../database/handle.ts';
import type { AnyDatabase } from '../database/index.ts';
import type { BillingState } from './billing-interface.ts';
import { checkedTenant } from './checked-tenant.ts';
import { readCustomer } from './customer-store.ts';
import { readSubscriptions } from './subscription-store.ts';

/** Reads how a tenant stands. */
export async function readState(db: AnyDatabase, given: string): Promise<BillingState> {
  const tenantId = checkedTenant(given);
  const row = await readCustomer(db, tenantId);
  if (row === undefined && !(await exists(db, tenantId))) {
    throw new TenantryError('tenant_not_found', { tenant: tenantId });
  }
  const subscriptions = row === undefined ? [] : await readSubscriptions(db, tenantId);
  return {
    tenantId,
    customerId: row?.provider_id ?? null,
    plan: row?.plan ?? null,
    status: row?.status ?? null,
    subscription: subscriptions.find(({ id }) => id === row?.subscription_id) ?? null,
    subscriptions,
    endsAt: row?.ends_at ?? null,
    pastDueSince: row?.past_due_since ?? null,
    graceUntil: row?.grace_until ?? null,
    duplicates: row?.duplicates ?? 0,
    balance: balanceOf(row?.balance ?? {}),
    syncedAt: row?.synced_at ?? null,
  };
}

async function exists(db: AnyDatabase, tenantId: string): Promise<boolean> {
  const found = await libraryOf(db)
    .selectFrom('tenantry.tenants')
    .select('tenant_id')
    .where('tenant_id', '=', tenantId)
    .where('status', '<>', 'moved')
    .executeTakeFirst();
  return found !== undefined;
}

function balanceOf(value: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(Object.entries(value).map(([currency, amount]) => [currency, Number(amount)]));
}
