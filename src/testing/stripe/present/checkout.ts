import { lineAmount } from '../amounts.ts';
import type { CheckoutSessionRow, PortalConfigurationRow, PortalSessionRow } from '../rows.ts';
import type { Wire } from '../wire.ts';
import type { World } from '../world.ts';
import { presentPrice } from './catalogue.ts';
import { listOf } from './list.ts';

export function presentCheckoutSession(world: World, row: CheckoutSessionRow): Wire {
  const { own: _, items, automatic_tax: tax, discounts, ...fields } = row;
  const lines = items.map((item) => sessionLine(world, item, row.currency));
  const total = lines.reduce((sum, line) => sum + line.amount_total, 0);
  const customer = row.customer === null ? undefined : world.customers.get(row.customer);
  const email = customer?.email ?? row.customer_email;
  return {
    ...fields,
    adaptive_pricing: null,
    after_expiration: null,
    allowed_payment_method_types: null,
    amount_subtotal: row.mode === 'setup' ? null : total,
    amount_total: row.mode === 'setup' ? null : total,
    automatic_tax: { enabled: tax, liability: tax ? { type: 'self' } : null, provider: null, status: null },
    billing_address_collection: null,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    currency_conversion: null,
    custom_fields: [],
    custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
    customer_account: null,
    customer_details:
      email === null
        ? null
        : {
            address: null,
            business_name: null,
            email,
            individual_name: null,
            name: customer?.name ?? null,
            phone: null,
            tax_exempt: customer?.tax_exempt ?? 'none',
            tax_ids: null,
          },
    discounts,
    integration_identifier: null,
    invoice_creation: null,
    livemode: world.livemode,
    managed_payments: null,
    origin_context: null,
    payment_link: null,
    payment_method_configuration_details: null,
    payment_method_options: { card: { request_three_d_secure: 'automatic' } },
    payment_method_types: ['card'],
    permissions: null,
    recovered_from: null,
    saved_payment_method_options: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    submit_type: null,
    total_details: row.mode === 'setup' ? null : { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    url: row.status === 'open' && row.ui_mode === 'hosted_page' ? `https://checkout.stripe.com/c/pay/${row.id}` : null,
    wallet_options: null,
  };
}

/** What is bought in a session, for who asks to expand it. */
export function presentSessionItems(world: World, row: CheckoutSessionRow): Wire {
  return listOf(
    row.items.map((item) => sessionLine(world, item, row.currency)),
    `/v1/checkout/sessions/${row.id}/line_items`,
  );
}

function sessionLine(world: World, item: CheckoutSessionRow['items'][number], currency: string | null) {
  const price = world.prices.get(item.price);
  const metered = price?.recurring?.usage_type === 'metered';
  const amount = price === undefined || metered ? 0 : lineAmount(price, currency ?? price.currency, item.quantity ?? 1);
  return {
    id: item.id,
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: currency ?? price?.currency ?? 'usd',
    description: price === undefined ? null : (world.products.get(price.product)?.name ?? null),
    metadata: {},
    price: price === undefined ? null : presentPrice(world, price),
    quantity: metered ? null : item.quantity,
  };
}

export function presentPortalSession(world: World, row: PortalSessionRow): Wire {
  return {
    ...row,
    customer_account: null,
    livemode: world.livemode,
    on_behalf_of: null,
    url: `https://billing.stripe.com/p/session/${row.id}`,
  };
}

export function presentPortalConfiguration(world: World, row: PortalConfigurationRow): Wire {
  const { login_page: login, ...fields } = row;
  return {
    ...fields,
    application: null,
    livemode: world.livemode,
    login_page: { enabled: login, url: login ? `https://billing.stripe.com/p/login/${row.id}` : null },
  };
}
