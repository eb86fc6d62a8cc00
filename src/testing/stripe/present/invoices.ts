import type { InvoiceItemRow, InvoiceRow, LineRow } from '../rows.ts';
import type { Wire } from '../wire.ts';
import type { World } from '../world.ts';
import { presentCustomer } from './customers.ts';
import { listOf } from './list.ts';

export function presentInvoice(world: World, row: InvoiceRow): Wire {
  const { own: _, subscription, subscription_metadata, lines, automatic_tax: taxed, tax, ...fields } = row;
  const customer = world.customers.get(row.customer);
  const open = row.status !== 'draft';
  const page = `https://invoice.stripe.com/i/${row.id}`;
  return {
    ...fields,
    account_country: 'US',
    account_name: 'Fake Stripe',
    account_tax_ids: null,
    amount_shipping: 0,
    application: null,
    automatic_tax: {
      disabled_reason: null,
      enabled: taxed,
      liability: taxed ? { type: 'self' } : null,
      provider: taxed ? 'stripe' : null,
      status: taxed ? 'complete' : null,
    },
    custom_fields: null,
    customer_account: null,
    customer_address: customer === undefined ? null : (presentCustomer(world, customer).address ?? null),
    customer_email: customer?.email ?? null,
    customer_name: customer?.name ?? null,
    customer_phone: customer?.phone ?? null,
    customer_shipping: null,
    customer_tax_exempt: customer?.tax_exempt ?? 'none',
    customer_tax_ids: [...world.taxIds.values()]
      .filter((taxId) => taxId.customer === row.customer)
      .map(({ type, value }) => ({ type, value })),
    default_source: null,
    default_tax_rates: [],
    effective_at: row.status_transitions.finalized_at,
    from_invoice: null,
    hosted_invoice_url: open ? page : null,
    invoice_pdf: open ? `${page}/pdf` : null,
    issuer: { type: 'self' },
    last_finalization_error: null,
    latest_revision: null,
    lines: listOf(
      lines.map((line) => presentLine(world, line, row)),
      `/v1/invoices/${row.id}/lines`,
      10,
    ),
    livemode: world.livemode,
    on_behalf_of: null,
    parent:
      subscription === null
        ? null
        : {
            quote_details: null,
            subscription_details: { metadata: subscription_metadata ?? {}, subscription },
            type: 'subscription_details',
          },
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    statement_descriptor: null,
    subtotal_excluding_tax: row.subtotal,
    test_clock: null,
    total_excluding_tax: row.total - tax,
    total_pretax_credit_amounts: [],
    total_taxes: taxesOf(tax, row.total - tax),
    webhooks_delivered_at: row.created,
  };
}

/** A line of an invoice. */
export function presentLine(world: World, line: LineRow, invoice: InvoiceRow): Wire {
  const { invoice_item: item, price, proration, subscription_item, tax, ...fields } = line;
  const details = { invoice_item: item, proration, proration_details: null, subscription: line.subscription };
  return {
    ...fields,
    discounts: [],
    invoice: invoice.id,
    livemode: world.livemode,
    parent:
      subscription_item === null
        ? { invoice_item_details: details, subscription_item_details: null, type: 'invoice_item_details' }
        : {
            invoice_item_details: null,
            subscription_item_details: { ...details, subscription_item },
            type: 'subscription_item_details',
          },
    pretax_credit_amounts: [],
    pricing: pricingOf(world, price, line),
    quantity_decimal: line.quantity === null ? null : String(line.quantity),
    subtotal: line.amount,
    taxes: taxesOf(tax, line.amount),
  };
}

export function presentInvoiceItem(world: World, row: InvoiceItemRow): Wire {
  const { subscription, subscription_item: item, created, price, ...fields } = row;
  return {
    ...fields,
    customer_account: null,
    date: created,
    discounts: [],
    livemode: world.livemode,
    net_amount: row.amount,
    parent:
      subscription === null
        ? null
        : {
            subscription_details: { subscription, ...(item === null ? {} : { subscription_item: item }) },
            type: 'subscription_details',
          },
    pricing: pricingOf(world, price, row),
    quantity_decimal: String(row.quantity),
    tax_rates: [],
    test_clock: null,
  };
}

function taxesOf(amount: number, taxable: number): readonly Wire[] {
  if (amount === 0) return [];
  return [
    {
      amount,
      tax_behavior: 'exclusive',
      tax_rate_details: { tax_rate: 'txr_automatic' },
      taxability_reason: 'standard_rated',
      taxable_amount: taxable,
      type: 'tax_rate_details',
    },
  ];
}

function pricingOf(
  world: World,
  id: string | null,
  line: { readonly amount: number; readonly quantity: number | null; readonly currency: string },
): Wire {
  const price = id === null ? undefined : world.prices.get(id);
  if (price === undefined) {
    return { type: 'price_details', unit_amount_decimal: String(line.amount / Math.max(1, line.quantity ?? 1)) };
  }
  return {
    price_details: { price: price.id, product: price.product },
    type: 'price_details',
    unit_amount_decimal: price.currency_options[line.currency]?.unit_amount_decimal ?? null,
  };
}
