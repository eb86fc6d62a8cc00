import type { ChargeRow, InvoiceRow, PaymentIntentRow, PaymentMethodRow } from '../rows.ts';
import type { World } from '../world.ts';

/** How an attempt to pay ended. */
export type Attempt =
  | { readonly ok: true }
  | { readonly ok: false; readonly decline: string; readonly action: boolean };

/** The card that an invoice or subscription would be paid with. */
export function cardOf(
  world: World,
  of: {
    readonly customer: string;
    readonly default_payment_method: string | null;
    readonly subscription?: string | null;
  },
): PaymentMethodRow | undefined {
  const subscription = of.subscription == null ? undefined : world.subscriptions.get(of.subscription);
  const settings = world.customers.get(of.customer)?.invoice_settings;
  const id = of.default_payment_method ?? subscription?.default_payment_method ?? settings?.default_payment_method;
  return id == null ? undefined : world.paymentMethods.get(id);
}

/** Makes the payment intent of a final invoice, and what ties the two together. */
export function openPayment(world: World, invoice: InvoiceRow): PaymentIntentRow {
  const id = world.id('pi');
  const intent: PaymentIntentRow = {
    id,
    object: 'payment_intent',
    created: world.now,
    metadata: {},
    amount: invoice.amount_due,
    amount_received: 0,
    canceled_at: null,
    client_secret: `${id}_secret_${world.id('s').slice(2)}`,
    currency: invoice.currency,
    customer: invoice.customer,
    invoice: invoice.id,
    last_payment_error: null,
    latest_charge: null,
    payment_method: null,
    status: 'requires_payment_method',
  };
  world.paymentIntents.set(id, intent);
  const payment = world.id('inpay');
  world.invoicePayments.set(payment, {
    id: payment,
    object: 'invoice_payment',
    created: world.now,
    metadata: {},
    amount_paid: null,
    amount_requested: invoice.amount_due,
    currency: invoice.currency,
    invoice: invoice.id,
    payment_intent: id,
    status: 'open',
    paid_at: null,
    canceled_at: null,
  });
  world.tell('payment_intent.created', intent);
  return intent;
}

/** The payment of an invoice that is not canceled. */
export function paymentOf(world: World, invoice: InvoiceRow) {
  for (const payment of world.invoicePayments.values()) {
    if (payment.invoice === invoice.id && payment.status !== 'canceled') return payment;
  }
  return undefined;
}

/** Charges a card for a payment intent. */
export function chargeCard(world: World, intent: PaymentIntentRow, card: PaymentMethodRow | undefined): Attempt {
  if (card === undefined) {
    return { ok: false, decline: 'no_payment_method', action: false };
  }
  if (card.own.behaviour === 'requires-action') {
    world.change('payment_intent.requires_action', intent, (kept) => {
      kept.status = 'requires_action';
      kept.payment_method = card.id;
    });
    return { ok: false, decline: 'authentication_required', action: true };
  }
  const ok = card.own.behaviour === 'ok';
  const charge: ChargeRow = {
    id: world.id('ch'),
    object: 'charge',
    created: world.now,
    metadata: {},
    amount: intent.amount,
    amount_refunded: 0,
    currency: intent.currency,
    customer: intent.customer,
    failure_code: ok ? null : 'card_declined',
    failure_message: ok ? null : 'Your card was declined.',
    paid: ok,
    payment_intent: intent.id,
    payment_method: card.id,
    refunded: false,
    status: ok ? 'succeeded' : 'failed',
  };
  world.charges.set(charge.id, charge);
  world.tell(ok ? 'charge.succeeded' : 'charge.failed', charge);
  world.change(ok ? 'payment_intent.succeeded' : 'payment_intent.payment_failed', intent, (kept) => {
    kept.latest_charge = charge.id;
    kept.payment_method = ok ? card.id : null;
    kept.status = ok ? 'succeeded' : 'requires_payment_method';
    kept.amount_received = ok ? intent.amount : 0;
    kept.last_payment_error = ok
      ? null
      : { code: 'card_declined', decline_code: card.own.decline, message: 'Your card was declined.' };
  });
  return ok ? { ok: true } : { ok: false, decline: card.own.decline, action: false };
}
