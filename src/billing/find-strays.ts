import { isUuid } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { tenantsOfCustomers, tenantsThatAre } from './customer-store.ts';
import type { Ground } from './ground.ts';
import type { ProviderMade } from './provider/made.ts';
import { isOver } from './standing.ts';

/** Something at the provider that says it is of a tenant, and of which nothing here knows. */
export interface Stray {
  readonly what: 'customer' | 'subscription';
  readonly id: string;
  readonly customerId: string;
  /** The tenant for which it says it was made. */
  readonly tenantId: string;
  /** False where there is no such tenant: it was purged, or its program has another database. */
  readonly tenantKnown: boolean;
  /** The state of a subscription, in the provider's word. */
  readonly status: string | null;
}

const pageSize = 500;

/**
 * Finds what somebody may pay for without anybody here knowing: customers that were made for tenants of this database,
 * and subscriptions to what is sold here that are not over, whose customers are known of no tenant. Of others that share
 * the account nothing is told.
 */
export async function* findStrays(
  { db, provider, prices }: Pick<Ground, 'db' | 'provider' | 'prices'>,
  tenantId?: string,
): AsyncGenerator<Stray> {
  const sold = new Set(prices.prices.map(({ lookupKey }) => lookupKey));
  let page: ProviderMade[] = [];
  for await (const made of provider.made(tenantId)) {
    if (made.what === 'subscription' && !paysHere(made)) continue;
    page.push(made);
    if (page.length < pageSize) continue;
    yield* await straysOf(db, page);
    page = [];
  }
  yield* await straysOf(db, page);

  function paysHere({ status, lookupKeys }: ProviderMade): boolean {
    // A price that was agreed with one customer is noted under the key of the list.
    return !isOver({ status: status ?? '', goneAt: null }) && lookupKeys.some((key) => sold.has(key));
  }
}

async function straysOf(db: AnyDatabase, page: readonly ProviderMade[]): Promise<readonly Stray[]> {
  const known = await tenantsOfCustomers(
    db,
    page.map(({ customerId }) => customerId),
  );
  const lost = page.filter(({ customerId }) => !known.has(customerId));
  const named = lost.flatMap(({ tenantId }) => (isUuid(tenantId) ? [tenantId.toLowerCase()] : []));
  const there = await tenantsThatAre(db, named);
  return lost.flatMap(({ what, id, customerId, tenantId, status }) => {
    const tenantKnown = there.has(tenantId.toLowerCase());
    return what === 'customer' && !tenantKnown ? [] : [{ what, id, customerId, tenantId, tenantKnown, status }];
  });
}
