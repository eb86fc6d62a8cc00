import type { ProviderCall } from './call.ts';

/** A customer as the provider has it. */
export interface ProviderCustomer {
  readonly id: string;
  /** True for one that was deleted there: its id stays taken and nothing can be bought under it. */
  readonly deleted: boolean;
  /** The tenant for which the library made it; null for customers of others. */
  readonly tenantId: string | null;
  readonly email: string | null;
  /** What the provider owes the customer (negative) or is owed (positive), by currency, in minor units. */
  readonly balance: { readonly [currency: string]: number };
}

/** A customer to be made. */
export interface NewCustomer {
  readonly tenantId: string;
  readonly name: string;
  readonly email?: string | undefined;
}

/** The customers of a provider. */
export interface ProviderCustomers {
  /** Makes a customer. */
  create(input: NewCustomer, call: ProviderCall): Promise<ProviderCustomer>;
  /** Null for an id that the provider never gave. */
  read(id: string): Promise<ProviderCustomer | null>;
}
