import { day } from './billing/periods.ts';
import { redeem } from './billing/redeem.ts';
import { ended } from './billing/settle.ts';
import { startSubscription } from './billing/start-subscription.ts';
import { declined, invalid, missing } from './refusal.ts';
import { blankCustomer } from './resources/customers.ts';
import { newCard } from './resources/payment-methods.ts';
import type { CheckoutSessionRow, CustomerRow, PaymentMethodRow } from './rows.ts';
import type { World } from './world.ts';

/** What the buyer does at Stripe's checkout page. */
export interface Purchase {
  /**
   * The card; `ok` when absent. `declines` and `requires-action` leave the session open and throw. `declines-later` pays
   * now and fails at the first renewal. `none` enters no card, where the session allows that.
   */
  readonly card?: 'ok' | 'declines' | 'declines-later' | 'requires-action' | 'none';
  /** The mail address, where the session has neither customer nor address. */
  readonly email?: string;
  readonly name?: string;
}

/** Completes an open session as its buyer would. */
export function completeCheckout(world: World, id: string, purchase: Purchase = {}): CheckoutSessionRow {
  const session = world.sessions.get(id);
  if (session === undefined) throw missing('checkout.session', id, 'session');
  if (session.status !== 'open') throw invalid(`This Checkout Session has a status of ${session.status}.`);
  const { card = 'ok' } = purchase;
  if (card === 'declines') throw declined('generic_decline');
  if (card === 'requires-action') throw declined('authentication_required');
  const customer = buyer(world, session, purchase);
  if (session.currency !== null) refuseOtherCurrency(world, customer, session.currency);
  const method = card === 'none' ? undefined : giveCard(world, customer);
  if (method === undefined && session.payment_method_collection === 'always') {
    throw invalid('The session asks for a payment method.');
  }
  if (session.mode === 'subscription') subscribe(world, session, customer, method);
  if (method !== undefined && card === 'declines-later') {
    method.own.behaviour = 'declines';
    method.own.decline = 'generic_decline';
  }
  session.customer = customer.id;
  session.status = 'complete';
  world.tell('checkout.session.completed', session);
  return session;
}

function buyer(world: World, session: CheckoutSessionRow, { email, name }: Purchase): CustomerRow {
  if (session.customer !== null) {
    const known = world.customers.get(session.customer);
    if (known === undefined) throw missing('customer', session.customer, 'customer');
    return known;
  }
  const row = blankCustomer(world);
  row.email = session.customer_email ?? email ?? 'buyer@example.com';
  row.name = name ?? null;
  world.customers.set(row.id, row);
  world.tell('customer.created', row);
  return row;
}

function giveCard(world: World, customer: CustomerRow): PaymentMethodRow {
  const method = newCard(world, 'pm_card_visa');
  method.customer = customer.id;
  world.paymentMethods.set(method.id, method);
  world.tell('payment_method.attached', method);
  return method;
}

function subscribe(
  world: World,
  session: CheckoutSessionRow,
  customer: CustomerRow,
  method: PaymentMethodRow | undefined,
): void {
  const { own } = session;
  const trialEnd = own.trialEnd ?? (own.trialDays === null ? null : world.now + own.trialDays * day);
  const items = session.items.filter(({ price }) => world.prices.get(price)?.recurring != null);
  addOneTime(world, session, customer);
  const row = startSubscription(world, {
    customer: customer.id,
    currency: session.currency ?? 'usd',
    items: items.map(({ price, quantity }) => ({ price, quantity, metadata: {} })),
    metadata: { ...own.subscriptionMetadata },
    description: own.description,
    trialEnd,
    trialEndBehavior: own.trialEndBehavior,
    anchor: own.anchor,
    proration: own.proration,
    defaultPaymentMethod: method?.id ?? null,
    automaticTax: session.automatic_tax,
    early: true,
    discounts: (subscription) =>
      redeem(
        world,
        session.discounts.flatMap(({ coupon, promotion_code: promotion }) => {
          const id = coupon ?? (promotion === null ? undefined : world.promotionCodes.get(promotion)?.coupon);
          return id === undefined ? [] : [{ coupon: id, promotion }];
        }),
        { customer: customer.id, subscription, session: session.id },
      ),
  });
  session.subscription = row.id;
  session.invoice = row.latest_invoice;
  const invoice = row.latest_invoice === null ? undefined : world.invoices.get(row.latest_invoice);
  session.payment_status = invoice === undefined || invoice.total === 0 ? 'no_payment_required' : 'paid';
}

function addOneTime(world: World, session: CheckoutSessionRow, customer: CustomerRow): void {
  for (const { price: id, quantity } of session.items) {
    const price = world.prices.get(id);
    if (price === undefined || price.recurring !== null) continue;
    const currency = session.currency ?? price.currency;
    const item = world.id('ii');
    world.invoiceItems.set(item, {
      id: item,
      object: 'invoiceitem',
      created: world.now,
      metadata: {},
      amount: (price.currency_options[currency]?.unit_amount ?? 0) * (quantity ?? 1),
      currency,
      customer: customer.id,
      description: world.products.get(price.product)?.name ?? null,
      discountable: true,
      invoice: null,
      period: { start: world.now, end: world.now },
      price: id,
      proration: false,
      quantity: quantity ?? 1,
      subscription: null,
      subscription_item: null,
    });
  }
}

function refuseOtherCurrency(world: World, customer: CustomerRow, currency: string): void {
  for (const row of world.subscriptions.values()) {
    if (row.customer === customer.id && !ended(row) && row.currency !== currency) {
      throw invalid(`You cannot combine currencies on a single customer. This customer has one in ${row.currency}.`);
    }
  }
}
