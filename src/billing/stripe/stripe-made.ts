import type Stripe from 'stripe';
import type { Clock } from '../../core/index.ts';
import type { ProviderMade } from '../provider/made.ts';
import type { StripeCalls } from './call-stripe.ts';
import { lookupKeyOf } from './read-subscription.ts';
import type { StripeClient } from './stripe-client.ts';
import { idOf, metadataNames, secondsOf } from './stripe-ids.ts';

/** A search finds what was made a minute ago; when Stripe is busy, an hour. */
const searchSeconds = 3_600;

/** Where {@link listStripeMade} looks. */
interface Place {
  readonly stripe: StripeClient;
  readonly calls: StripeCalls;
  readonly clock: Clock;
}

/**
 * Lists what the library made at Stripe, of all tenants or of one. Of all it looks through whole lists; of one through the
 * lists of what was made so lately that no search finds it yet, and then it searches.
 */
export async function* listStripeMade(place: Place, tenantId?: string): AsyncGenerator<ProviderMade> {
  if (tenantId === undefined) {
    yield* listed(place, {});
    return;
  }
  const told = new Set<string>();
  const since = { created: { gte: secondsOf(place.clock()) - searchSeconds } };
  for (const list of [listed(place, since), searched(place, tenantId)]) {
    for await (const made of list) {
      if (made.tenantId !== tenantId || told.has(made.id)) continue;
      told.add(made.id);
      yield made;
    }
  }
}

async function* listed(
  { stripe, calls }: Place,
  since: { readonly created?: { gte: number } },
): AsyncGenerator<ProviderMade> {
  const page = (after: string | undefined) => ({
    limit: 100,
    ...since,
    ...(after !== undefined && { starting_after: after }),
  });
  const customers = calls.pages('customers.list', 'customer', (after) => stripe.customers.list(page(after)));
  for await (const customer of customers) yield* customerOf(customer);
  const subscriptions = calls.pages('subscriptions.list', 'subscription', (after) =>
    stripe.subscriptions.list({ ...page(after), status: 'all' }),
  );
  for await (const subscription of subscriptions) yield* subscriptionOf(subscription);
}

async function* searched({ stripe, calls }: Place, tenantId: string): AsyncGenerator<ProviderMade> {
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
