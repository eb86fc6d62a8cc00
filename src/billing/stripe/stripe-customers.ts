import type Stripe from 'stripe';
import type { ProviderCustomer, ProviderCustomers } from '../provider/customer.ts';
import type { StripeCalls } from './call-stripe.ts';
import type { StripeClient } from './stripe-client.ts';
import { metadataNames } from './stripe-ids.ts';

/** The customers of Stripe. */
export function createStripeCustomers(stripe: StripeClient, calls: StripeCalls): ProviderCustomers {
  return {
    async create({ tenantId, name, email }, { idempotencyKey }) {
      const params = {
        name,
        ...(email !== undefined && { email }),
        metadata: { [metadataNames.tenant]: tenantId },
      };
      return customerOf(
        await calls.one('customers.create', 'customer', () => stripe.customers.create(params, { idempotencyKey })),
      );
    },

    async read(id) {
      const found = await calls.maybe('customers.retrieve', 'customer', () => stripe.customers.retrieve(id));
      return found === null ? null : customerOf(found);
    },
  };
}

function customerOf(customer: Stripe.Customer | Stripe.DeletedCustomer): ProviderCustomer {
  if (customer.deleted) return { id: customer.id, deleted: true, tenantId: null, email: null, balance: {} };
  const { currency, balance } = customer;
  return {
    id: customer.id,
    deleted: false,
    tenantId: customer.metadata?.[metadataNames.tenant] ?? null,
    email: customer.email ?? null,
    balance: currency && balance ? { [currency]: balance } : {},
  };
}
