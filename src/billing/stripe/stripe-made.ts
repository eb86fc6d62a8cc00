import type Stripe from 'stripe';
import type { ProviderMade } from '../provider/made.ts';
import type { StripeCalls } from './call-stripe.ts';
import { lookupKeyOf } from './read-subscription.ts';
import type { StripeClient } from './stripe-client.ts';
import { idOf, metadataNames } from './stripe-ids.ts';

/**
 * Lists what the library made at Stripe, of all tenants or of one. Of all it looks through whole lists; of one it
 * searches, which does not find what was made within the last minute.
 */
export async function* listStripeMade(
  stripe: StripeClient,
  calls: StripeCalls,
  tenantId?: string,
): AsyncGenerator<ProviderMade> {
  if (tenantId === undefined) {
    const page = (after: string | undefined) => ({ limit: 100, ...(after !== undefined && { starting_after: after }) });
    const customers = calls.pages('customers.list', 'customer', (after) => stripe.customers.list(page(after)));
    for await (const customer of customers) yield* customerOf(customer);
    const subscriptions = calls.pages('subscriptions.list', 'subscription', (after) =>
      stripe.subscriptions.list({ ...page(after), status: 'all' }),
    );
    for await (const subscription of subscriptions) yield* subscriptionOf(subscription);
    return;
  }
  const query = `metadata['${metadataNames.tenant}']:'${tenantId}'`;
  const found = await calls.search('customers.search', 'customer', (page) =>
    stripe.customers.search({ query, limit: 100, ...(page !== undefined && { page }) }),
  );
  for (const customer of found) yield* customerOf(customer);
  const subscriptions = await calls.search('subscriptions.search', 'subscription', (page) =>
    stripe.subscriptions.search({ query, limit: 100, ...(page !== undefined && { page }) }),
  );
  for (const subscription of subscriptions) yield* subscriptionOf(subscription);
}

function customerOf({ id, metadata }: Stripe.Customer): ProviderMade[] {
  const tenantId = metadata?.[metadataNames.tenant];
  if (tenantId === undefined) return [];
  return [{ what: 'customer', id, customerId: id, tenantId, status: null, lookupKeys: [] }];
}

function subscriptionOf({ id, customer, metadata, status, items }: Stripe.Subscription): ProviderMade[] {
  const tenantId = metadata[metadataNames.tenant];
  if (tenantId === undefined) return [];
  const lookupKeys = items.data.flatMap(({ price }) => lookupKeyOf(price) ?? []);
  return [{ what: 'subscription', id, customerId: idOf(customer) ?? '', tenantId, status, lookupKeys }];
}
