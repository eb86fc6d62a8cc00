import { moveBalance } from '../billing/balance.ts';
import { cancelSubscription } from '../billing/cancel.ts';
import { ended } from '../billing/settle.ts';
import { atPath, named } from '../look-up.ts';
import { pageOf, pageParams } from '../paginate.ts';
import type { Params } from '../params.ts';
import { presentDeletedDiscount } from '../present/catalogue.ts';
import { present } from '../present.ts';
import { invalid, missing } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { CustomerRow } from '../rows.ts';
import type { World } from '../world.ts';
import { attachMethod } from './payment-methods.ts';

const fields =
  'address balance description email invoice_prefix invoice_settings metadata name next_invoice_sequence phone preferred_locales shipping tax_exempt';

export const customerRoutes: Routes = {
  Customers_create: {
    takes: `${fields} payment_method`,
    run({ world, params }) {
      const row = blankCustomer(world);
      fill(world, row, params);
      const method = params.text('payment_method');
      if (method !== undefined) attachMethod(world, method, row.id);
      const settings = params.hash('invoice_settings')?.text('default_payment_method');
      if (settings !== undefined) row.invoice_settings.default_payment_method = methodOf(world, row, settings);
      world.customers.set(row.id, row);
      world.tell('customer.created', row);
      return present(world, row);
    },
  },
  Customers_retrieve: {
    takes: '',
    run({ world, id }) {
      if (world.deletedCustomers.has(id())) return { id: id(), object: 'customer', deleted: true };
      return present(world, atPath(world.customers, id(), 'customer'));
    },
  },
  Customers_update: {
    takes: fields,
    run({ world, params, id }) {
      const row = atPath(world.customers, id(), 'customer');
      const method = params.hash('invoice_settings')?.textOrNull('default_payment_method');
      const checked = method == null ? method : methodOf(world, row, method);
      world.change('customer.updated', row, (kept) => {
        fill(world, kept, params);
        if (checked !== undefined) kept.invoice_settings.default_payment_method = checked;
      });
      return present(world, row);
    },
  },
  Customers_del: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.customers, id(), 'customer');
      removeCustomer(world, row);
      return { id: row.id, object: 'customer', deleted: true };
    },
  },
  Customers_list: {
    takes: `${pageParams} created email`,
    run({ world, params }) {
      const email = params.text('email');
      const rows = [...world.customers.values()].filter((row) => email === undefined || row.email === email);
      return pageOf(world, params, '/v1/customers', rows);
    },
  },
  Customers_deleteDiscount: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.customers, id(), 'customer');
      const discount = row.discount === null ? undefined : world.discounts.get(row.discount);
      if (discount === undefined) throw missing('discount', id());
      row.discount = null;
      world.tell('customer.discount.deleted', discount);
      return presentDeletedDiscount(world, discount);
    },
  },
  Customers_createBalanceTransaction: {
    takes: 'amount currency description metadata',
    run({ world, params, id }) {
      const row = atPath(world.customers, id(), 'customer');
      const currency = params.need('currency');
      if (row.currency !== null && row.currency !== currency) {
        throw invalid(`The customer's currency is ${row.currency}, not ${currency}.`, { param: 'currency' });
      }
      const description = params.text('description') ?? null;
      const metadata = params.metadata();
      const amount = params.number('amount') ?? 0;
      return present(world, moveBalance(world, row, { amount, currency, type: 'adjustment', description, metadata }));
    },
  },
  Customers_updateBalanceTransaction: {
    takes: 'description metadata',
    run({ world, params, id }) {
      const row = atPath(world.balanceTransactions, id(), 'customer balance transaction');
      if (row.customer !== id('customerId')) throw missing('customer balance transaction', id());
      row.description = params.text('description') ?? row.description;
      row.metadata = params.metadata(row.metadata);
      return present(world, row);
    },
  },
  Customers_retrieveBalanceTransaction: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.balanceTransactions, id(), 'customer balance transaction');
      if (row.customer !== id('customerId')) throw missing('customer balance transaction', id());
      return present(world, row);
    },
  },
  Customers_listBalanceTransactions: {
    takes: `${pageParams} invoice`,
    run({ world, params, id }) {
      atPath(world.customers, id(), 'customer');
      const invoice = params.text('invoice');
      const rows = [...world.balanceTransactions.values()].filter(
        (row) => row.customer === id() && (invoice === undefined || row.invoice === invoice),
      );
      return pageOf(world, params, `/v1/customers/${id()}/balance_transactions`, rows);
    },
  },
  Customers_listPaymentMethods: {
    takes: `${pageParams} type`,
    run({ world, params, id }) {
      atPath(world.customers, id(), 'customer');
      const type = params.text('type') ?? 'card';
      const rows = [...world.paymentMethods.values()].filter((row) => row.customer === id() && row.type === type);
      return pageOf(world, params, `/v1/customers/${id()}/payment_methods`, rows);
    },
  },
  Customers_retrievePaymentMethod: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.paymentMethods, id(), 'payment_method');
      if (row.customer !== id('customerId')) throw missing('payment_method', id());
      return present(world, row);
    },
  },
};

/** The customer that a parameter names; one that was deleted is told apart from one that never was. */
export function customerOf(world: World, id: string, param = 'customer'): CustomerRow {
  if (world.deletedCustomers.has(id)) {
    throw invalid(`No such customer: '${id}'; a similar object exists, but it was deleted.`, {
      code: 'resource_missing',
      param,
    });
  }
  return named(world.customers, id, 'customer', param);
}

/** Deletes a customer: subscriptions end at once, without a last invoice. */
function removeCustomer(world: World, row: CustomerRow): void {
  for (const subscription of world.subscriptions.values()) {
    if (subscription.customer === row.id && !ended(subscription)) {
      cancelSubscription(world, subscription, { reason: 'cancellation_requested' });
    }
  }
  world.customers.delete(row.id);
  world.deletedCustomers.add(row.id);
  world.tell('customer.deleted', row);
}

/** A customer of whom nothing is known. */
export function blankCustomer(world: World): CustomerRow {
  const id = world.id('cus');
  return {
    id,
    object: 'customer',
    created: world.now,
    metadata: {},
    address: null,
    balance: 0,
    currency: null,
    delinquent: false,
    description: null,
    discount: null,
    email: null,
    invoice_prefix: id.slice(-8).toUpperCase(),
    invoice_settings: { default_payment_method: null, footer: null },
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
  };
}

function fill(_world: World, row: CustomerRow, params: Params): void {
  const text = (name: 'description' | 'email' | 'name' | 'phone'): void => {
    const value = params.textOrNull(name);
    if (value !== undefined) row[name] = value;
  };
  for (const name of ['description', 'email', 'name', 'phone'] as const) text(name);
  row.metadata = params.metadata(row.metadata);
  row.address = params.raw('address') ?? (params.has('address') ? null : row.address);
  row.shipping = params.raw('shipping') ?? (params.has('shipping') ? null : row.shipping);
  row.balance = params.number('balance') ?? row.balance;
  row.invoice_prefix = params.text('invoice_prefix') ?? row.invoice_prefix;
  row.next_invoice_sequence = params.number('next_invoice_sequence') ?? row.next_invoice_sequence;
  row.preferred_locales = params.texts('preferred_locales') ?? row.preferred_locales;
  row.tax_exempt = params.textOrNull('tax_exempt') ?? (params.has('tax_exempt') ? 'none' : row.tax_exempt);
  const footer = params.hash('invoice_settings')?.textOrNull('footer');
  if (footer !== undefined) row.invoice_settings.footer = footer;
}

function methodOf(world: World, customer: CustomerRow, id: string): string {
  const method = named(world.paymentMethods, id, 'PaymentMethod', 'invoice_settings[default_payment_method]');
  if (method.customer !== customer.id) {
    throw invalid(`The customer does not have a payment method with the ID ${id}.`, {
      code: 'resource_missing',
      param: 'invoice_settings[default_payment_method]',
    });
  }
  return id;
}
