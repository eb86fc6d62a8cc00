import { atPath } from '../look-up.ts';
import { pageOf, pageParams } from '../paginate.ts';
import { present } from '../present.ts';
import { declined, invalid, missing } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { CardBehaviour, PaymentMethodRow } from '../rows.ts';
import type { World } from '../world.ts';

/** Stripe's cards for tests, by the payment methods that stand for them. */
const testCards: Readonly<Record<string, { behaviour: CardBehaviour; decline: string; brand: string; last4: string }>> =
  {
    pm_card_visa: { behaviour: 'ok', decline: '', brand: 'visa', last4: '4242' },
    pm_card_mastercard: { behaviour: 'ok', decline: '', brand: 'mastercard', last4: '4444' },
    pm_card_amex: { behaviour: 'ok', decline: '', brand: 'amex', last4: '8431' },
    pm_card_chargeCustomerFail: { behaviour: 'declines', decline: 'generic_decline', brand: 'visa', last4: '0341' },
    pm_card_visa_chargeCustomerFailInsufficientFunds: {
      behaviour: 'declines',
      decline: 'insufficient_funds',
      brand: 'visa',
      last4: '9995',
    },
    pm_card_authenticationRequired: {
      behaviour: 'requires-action',
      decline: 'authentication_required',
      brand: 'visa',
      last4: '3184',
    },
  };

export const paymentMethodRoutes: Routes = {
  PaymentMethods_create: {
    takes: 'type card billing_details metadata',
    run({ world, params }) {
      if ((params.text('type') ?? 'card') !== 'card') throw invalid('The fake knows cards only.', { param: 'type' });
      const number = params.hash('card')?.text('number');
      const token = params.hash('card')?.text('token');
      const declines = number?.endsWith('0341') === true || token === 'tok_chargeCustomerFail';
      const row = newCard(world, declines ? 'pm_card_chargeCustomerFail' : 'pm_card_visa');
      row.metadata = params.metadata();
      world.paymentMethods.set(row.id, row);
      return present(world, row);
    },
  },
  PaymentMethods_retrieve: {
    takes: '',
    run: ({ world, id }) => present(world, atPath(world.paymentMethods, id(), 'PaymentMethod')),
  },
  PaymentMethods_update: {
    takes: 'billing_details metadata',
    run({ world, params, id }) {
      const row = atPath(world.paymentMethods, id(), 'PaymentMethod');
      world.change('payment_method.updated', row, (kept) => {
        kept.metadata = params.metadata(kept.metadata);
        const billing = params.hash('billing_details');
        if (billing === undefined) return;
        const { address, email, name, phone } = kept.billing_details;
        kept.billing_details = {
          address: billing.raw('address') ?? address,
          email: billing.text('email') ?? email,
          name: billing.text('name') ?? name,
          phone: billing.text('phone') ?? phone,
        };
      });
      return present(world, row);
    },
  },
  PaymentMethods_list: {
    takes: `${pageParams} customer type`,
    run({ world, params }) {
      const customer = params.text('customer') ?? null;
      const rows = [...world.paymentMethods.values()].filter((row) => row.customer === customer);
      return pageOf(world, params, '/v1/payment_methods', rows);
    },
  },
  PaymentMethods_attach: {
    takes: 'customer',
    run({ world, params, id }) {
      const customer = atPath(world.customers, params.need('customer'), 'customer', 'customer');
      return present(world, attachMethod(world, id(), customer.id));
    },
  },
  PaymentMethods_detach: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.paymentMethods, id(), 'PaymentMethod');
      const customer = row.customer === null ? undefined : world.customers.get(row.customer);
      if (customer?.invoice_settings.default_payment_method === row.id) {
        customer.invoice_settings.default_payment_method = null;
      }
      for (const subscription of world.subscriptions.values()) {
        if (subscription.default_payment_method === row.id) subscription.default_payment_method = null;
      }
      world.change('payment_method.detached', row, (kept) => {
        kept.customer = null;
      });
      return present(world, row);
    },
  },
};

/** Attaches a payment method to a customer; one of Stripe's names for test cards gives a new one. */
export function attachMethod(world: World, id: string, customer: string): PaymentMethodRow {
  if (id === 'pm_card_chargeDeclined') throw declined('generic_decline');
  const row = id in testCards ? newCard(world, id) : world.paymentMethods.get(id);
  if (row === undefined) throw missing('PaymentMethod', id, 'payment_method');
  if (row.customer !== null && row.customer !== customer) {
    throw invalid('The payment method you provided has already been attached to a customer.');
  }
  row.customer = customer;
  world.paymentMethods.set(row.id, row);
  world.tell('payment_method.attached', row);
  return row;
}

/** A new card that behaves as one of Stripe's test cards. */
export function newCard(world: World, name: string): PaymentMethodRow {
  const { behaviour, decline, brand, last4 } = testCards[name] ?? {
    behaviour: 'ok',
    decline: '',
    brand: 'visa',
    last4: '4242',
  };
  return {
    id: world.id('pm'),
    object: 'payment_method',
    created: world.now,
    metadata: {},
    customer: null,
    type: 'card',
    billing_details: { address: null, email: null, name: null, phone: null },
    card: { brand, exp_month: 12, exp_year: 2040, fingerprint: `fingerprint${last4}`, last4 },
    own: { behaviour, decline },
  };
}
