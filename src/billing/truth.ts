import { type CheckoutRow, openCheckout } from './checkout-store.ts';
import { type CustomerRow, readCustomer, readCustomerIds } from './customer-store.ts';
import type { Ground } from './ground.ts';
import type { ProviderCheckout } from './provider/checkout.ts';
import type { ProviderCustomer } from './provider/customer.ts';
import type { ProviderDocuments } from './provider/document.ts';
import { recordOfSubscription, type SubscriptionRecord } from './subscription-record.ts';
import { readSubscriptions } from './subscription-store.ts';

/** What the provider has of a tenant. */
export interface Truth {
  readonly row: CustomerRow;
  /** All customers under which the tenant is known there and that are not gone. */
  readonly customers: readonly ProviderCustomer[];
  /** The ids of those that are gone. */
  readonly gone: readonly string[];
  readonly subscriptions: readonly SubscriptionRecord[];
  readonly documents: ProviderDocuments;
  /** The checkout that we take for open, as it is there. */
  readonly checkout: { readonly row: CheckoutRow; readonly found: ProviderCheckout | null } | null;
}

/** Which documents are asked for: those of some invoices, or all. */
export type DocumentsWanted = readonly string[] | 'all';

const noDocuments: ProviderDocuments = { invoices: [], payments: [], refunds: [], creditNotes: [] };

/** Asks the provider for everything that it has of a tenant. It is called by whoever is alone with the tenant. */
export async function askForTruth(
  { db, provider, prices, priceIndex }: Pick<Ground, 'db' | 'provider' | 'prices' | 'priceIndex'>,
  tenantId: string,
  wanted: DocumentsWanted,
): Promise<Truth> {
  const row = await readCustomer(db, tenantId);
  if (row === undefined) throw new TypeError('whoever asks for the truth holds the lease, and with it the row');
  const known = new Set(await readCustomerIds(db, tenantId));
  if (row.provider_id !== null) known.add(row.provider_id);
  const customers: ProviderCustomer[] = [];
  const gone: string[] = [];
  const subscriptions: SubscriptionRecord[] = [];
  for (const id of known) {
    const customer = await provider.customers.read(id);
    if (customer === null || customer.deleted) gone.push(id);
    else customers.push(customer);
    if (customer === null) continue;
    for (const found of await provider.subscriptions.list(id)) {
      const keys = new Map<string, string | null>();
      for (const { priceId } of found.scheduled?.items ?? []) keys.set(priceId, await priceIndex.keyOf(priceId));
      subscriptions.push(recordOfSubscription(found, prices, (priceId) => keys.get(priceId) ?? null));
    }
  }
  const open = await openCheckout(db, tenantId);
  const checkout =
    open === undefined || open.session_id === null
      ? null
      : { row: open, found: await provider.checkouts.read(open.session_id) };
  return { row, customers, gone, subscriptions, documents: await documentsOf(), checkout };

  /** What was written since belongs to what changed: also where no event told of it yet. */
  async function newInvoices(): Promise<readonly string[]> {
    const before = new Map((await readSubscriptions(db, tenantId)).map((record) => [record.id, record]));
    return subscriptions.flatMap(({ id, latestInvoiceId }) =>
      latestInvoiceId === null || before.get(id)?.latestInvoiceId === latestInvoiceId ? [] : [latestInvoiceId],
    );
  }

  async function documentsOf(): Promise<ProviderDocuments> {
    const invoiceIds = wanted === 'all' ? undefined : [...new Set([...wanted, ...(await newInvoices())])];
    if (invoiceIds?.length === 0) return noDocuments;
    const all = await Promise.all(
      [...known].map((customerId) => provider.money.documents({ customerId, ...(invoiceIds && { invoiceIds }) })),
    );
    return {
      invoices: all.flatMap((one) => one.invoices),
      payments: all.flatMap((one) => one.payments),
      refunds: all.flatMap((one) => one.refunds),
      creditNotes: all.flatMap((one) => one.creditNotes),
    };
  }
}
