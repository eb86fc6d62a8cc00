import type { BalanceTransactionRow, CustomerRow, PaymentMethodRow, TaxIdRow } from '../rows.ts';
import { isHash, type Wire } from '../wire.ts';
import type { World } from '../world.ts';
import { presentDiscount } from './catalogue.ts';

export function presentCustomer(world: World, row: CustomerRow): Wire {
  const { invoice_settings: settings, discount, ...fields } = row;
  const kept = discount === null ? undefined : world.discounts.get(discount);
  return {
    ...fields,
    address: isHash(row.address) ? { ...noAddress, ...row.address } : null,
    customer_account: null,
    default_source: null,
    discount: kept === undefined ? null : presentDiscount(world, kept),
    invoice_settings: { custom_fields: null, rendering_options: null, ...settings },
    livemode: world.livemode,
    test_clock: null,
  };
}

export function presentPaymentMethod(world: World, { own: _, card, ...row }: PaymentMethodRow): Wire {
  return {
    ...row,
    allow_redisplay: 'unspecified',
    billing_details: {
      ...row.billing_details,
      address: { ...noAddress, ...(isHash(row.billing_details.address) ? row.billing_details.address : {}) },
      tax_id: null,
    },
    card: {
      ...card,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
      country: 'US',
      display_brand: card.brand,
      funding: 'credit',
      generated_from: null,
      networks: { available: [card.brand], preferred: null },
      regulated_status: 'unregulated',
      three_d_secure_usage: { supported: true },
      wallet: null,
    },
    customer_account: null,
    livemode: world.livemode,
  };
}

/** An address of which nothing is known. */
const noAddress = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };

export function presentBalanceTransaction(world: World, row: BalanceTransactionRow): Wire {
  return { ...row, customer_account: null, livemode: world.livemode };
}

export function presentTaxId(world: World, row: TaxIdRow): Wire {
  return {
    ...row,
    country: row.type.slice(0, 2).toUpperCase(),
    customer_account: null,
    livemode: world.livemode,
    owner: { customer: row.customer, customer_account: null, type: 'customer' },
    verification: { status: 'pending', verified_address: null, verified_name: null },
  };
}
