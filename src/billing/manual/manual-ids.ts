/*
 * The provider "manual" is asked by the ids of its objects alone, and its objects are a tenant's own: so each id tells
 * its customer, and the customer's tells the tenant for which it was made.
 */

const prefixes = {
  customer: 'man_cus',
  subscription: 'man_sub',
  item: 'man_item',
  invoice: 'man_inv',
  payment: 'man_pay',
  refund: 'man_ref',
  'credit-note': 'man_note',
} as const;

/** What the provider "manual" keeps. */
export type ManualKind = keyof typeof prefixes;

/** The id of the customer of a tenant. */
export function manualCustomerId(tenantId: string): string {
  return `${prefixes.customer}_${tenantId.replaceAll('-', '')}`;
}

/** The id of an object of a customer. */
export function manualId(kind: ManualKind, customerId: string, unique: string): string {
  return `${prefixes[kind]}_${tokenOf(customerId)}_${unique.replaceAll('-', '')}`;
}

/** The customer that an id tells; null for ids of others. */
export function customerOfId(id: string): string | null {
  const found = /^man_(?:cus|sub|item|inv|pay|ref|note)_([0-9a-f]{32})(?:_|$)/.exec(id);
  return found === null ? null : `${prefixes.customer}_${found[1]}`;
}

/** The tenant for which a customer was made. */
export function tenantOfCustomer(customerId: string): string | null {
  const found = /^man_cus_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})/.exec(customerId);
  return found === null ? null : found.slice(1).join('-');
}

function tokenOf(customerId: string): string {
  return customerId.slice(prefixes.customer.length + 1);
}
