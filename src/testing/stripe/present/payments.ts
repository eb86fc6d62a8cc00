import type { ChargeRow, CreditNoteRow, InvoicePaymentRow, PaymentIntentRow, RefundRow } from '../rows.ts';
import type { Wire } from '../wire.ts';
import type { World } from '../world.ts';
import { listOf } from './list.ts';

export function presentInvoicePayment(world: World, row: InvoicePaymentRow): Wire {
  const { payment_intent, paid_at, canceled_at, metadata: _, ...fields } = row;
  return {
    ...fields,
    is_default: true,
    livemode: world.livemode,
    payment: { payment_intent, type: 'payment_intent' },
    status_transitions: { canceled_at, paid_at },
  };
}

export function presentPaymentIntent(world: World, row: PaymentIntentRow): Wire {
  const { invoice: _, last_payment_error: error, ...fields } = row;
  return {
    ...fields,
    allowed_payment_method_types: null,
    amount_capturable: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    cancellation_reason: null,
    capture_method: 'automatic',
    confirmation_method: 'automatic',
    customer_account: null,
    description: null,
    excluded_payment_method_types: null,
    last_payment_error: error === null ? null : { ...error, type: 'card_error' },
    livemode: world.livemode,
    managed_payments: null,
    next_action:
      row.status === 'requires_action' ? { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure' } } : null,
    on_behalf_of: null,
    payment_method_configuration_details: null,
    payment_method_options: null,
    payment_method_types: ['card'],
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: 'off_session',
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    transfer_data: null,
    transfer_group: null,
  };
}

export function presentCharge(world: World, row: ChargeRow): Wire {
  const method = row.payment_method === null ? undefined : world.paymentMethods.get(row.payment_method);
  const noAddress = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };
  return {
    ...row,
    amount_captured: row.paid ? row.amount : 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: row.paid ? row.id.replace('ch_', 'txn_') : null,
    billing_details: { address: noAddress, email: null, name: null, phone: null, tax_id: null },
    calculated_statement_descriptor: 'FAKE STRIPE',
    captured: row.paid,
    description: null,
    disputed: false,
    failure_balance_transaction: null,
    fraud_details: {},
    livemode: world.livemode,
    on_behalf_of: null,
    outcome: {
      advice_code: null,
      network_advice_code: null,
      network_decline_code: null,
      network_status: row.paid ? 'approved_by_network' : 'declined_by_network',
      reason: row.failure_code,
      risk_level: 'normal',
      seller_message: row.paid ? 'Payment complete.' : 'The bank did not return any further details.',
      type: row.paid ? 'authorized' : 'issuer_declined',
    },
    payment_method_details:
      method === undefined ? null : { card: { brand: method.card.brand, last4: method.card.last4 }, type: 'card' },
    receipt_email: null,
    receipt_number: null,
    receipt_url: row.paid ? `https://pay.stripe.com/receipts/${row.id}` : null,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    transfer_data: null,
    transfer_group: null,
  };
}

export function presentRefund(_world: World, row: RefundRow): Wire {
  return {
    ...row,
    balance_transaction: row.id.replace('re_', 'txn_'),
    customer_account: null,
    destination_details: {
      card: { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' },
      type: 'card',
    },
    receipt_number: null,
    source_transfer_reversal: null,
    transfer_reversal: null,
  };
}

export function presentCreditNote(world: World, row: CreditNoteRow): Wire {
  const type = row.pre_payment_amount === 0 ? 'post_payment' : row.post_payment_amount === 0 ? 'pre_payment' : 'mixed';
  return {
    ...row,
    amount_shipping: 0,
    customer_account: null,
    discount_amount: 0,
    discount_amounts: [],
    effective_at: row.created,
    lines: listOf(
      row.lines.map(({ invoice_line_item: line, ...fields }) => ({
        ...fields,
        object: 'credit_note_line_item',
        discount_amount: 0,
        discount_amounts: [],
        ...(line === null ? {} : { invoice_line_item: line }),
        livemode: world.livemode,
        metadata: {},
        pretax_credit_amounts: [],
        tax_rates: [],
        taxes: [],
        type: line === null ? 'custom_line_item' : 'invoice_line_item',
        unit_amount_decimal: fields.unit_amount === null ? null : String(fields.unit_amount),
      })),
      `/v1/credit_notes/${row.id}/lines`,
    ),
    livemode: world.livemode,
    pdf: `https://pay.stripe.com/credit_notes/${row.id}/pdf`,
    pretax_credit_amounts: [],
    refunds: row.refunds.map((refund) => ({ ...refund, payment_record_refund: null, type: 'refund' })),
    shipping_cost: null,
    subtotal: row.amount,
    subtotal_excluding_tax: row.amount,
    total: row.amount,
    total_excluding_tax: row.amount,
    total_taxes: [],
    type,
  };
}
