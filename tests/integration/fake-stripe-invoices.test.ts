import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { at, openShop, refusalOf, type StripeShop } from '../support/stripe-shop.ts';

async function paidInvoice(shop: StripeShop): Promise<{ customer: string; invoice: string; subscription: string }> {
  const customer = await shop.customer();
  const { stripe, prices } = shop;
  const subscription = await stripe.subscriptions.create({ customer, items: [{ price: prices.seat, quantity: 10 }] });
  return { customer, subscription: subscription.id, invoice: String(subscription.latest_invoice) };
}

describe('invoices', () => {
  it('are drafted with what is pending, finalized with a number, and paid', async () => {
    const shop = await openShop();
    const { stripe } = shop;
    const customer = await shop.customer();
    await stripe.invoiceItems.create({ customer, amount: 700, currency: 'usd', description: 'set-up' });
    const draft = await stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' });
    expect(draft).toMatchObject({ status: 'draft', total: 700, number: null, billing_reason: 'manual' });
    await stripe.invoiceItems.create({ customer, amount: 300, currency: 'usd', invoice: String(draft.id) });
    const final = await stripe.invoices.finalizeInvoice(String(draft.id));
    expect(final).toMatchObject({ status: 'open', amount_due: 1000 });
    expect(final.number).toMatch(/-0001$/);
    expect(await refusalOf(stripe.invoices.finalizeInvoice(String(draft.id)))).toMatchObject({ status: 400 });
    const paid = await stripe.invoices.pay(String(draft.id));
    expect(paid).toMatchObject({ status: 'paid', amount_paid: 1000, amount_remaining: 0 });
    expect(await refusalOf(stripe.invoices.pay(String(draft.id)))).toMatchObject({ code: 'invoice_already_paid' });
    const [payment] = (await stripe.invoicePayments.list({ invoice: String(draft.id) })).data;
    expect(payment).toMatchObject({ status: 'paid', amount_paid: 1000, payment: { type: 'payment_intent' } });
    const intent = await stripe.paymentIntents.retrieve(String(payment?.payment.payment_intent), {
      expand: ['latest_charge'],
    });
    expect(intent).toMatchObject({ status: 'succeeded', latest_charge: { status: 'succeeded', paid: true } });
    expect((await stripe.charges.list({ payment_intent: intent.id })).data).toHaveLength(1);
    expect((await stripe.invoices.listLineItems(String(draft.id))).data).toHaveLength(2);
  });

  it('can be deleted as drafts, voided, given up, and paid elsewhere', async () => {
    const shop = await openShop();
    const { stripe } = shop;
    const customer = await shop.customer();
    const open = async (): Promise<string> => {
      await stripe.invoiceItems.create({ customer, amount: 700, currency: 'usd' });
      const { id } = await stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' });
      return String((await stripe.invoices.finalizeInvoice(String(id))).id);
    };
    const draft = await stripe.invoices.create({ customer });
    expect(await stripe.invoices.del(String(draft.id))).toMatchObject({ deleted: true });
    const [voided, lost, elsewhere] = [await open(), await open(), await open()];
    expect(await stripe.invoices.voidInvoice(voided)).toMatchObject({ status: 'void' });
    expect(await refusalOf(stripe.invoices.pay(voided))).toMatchObject({ status: 400 });
    expect(await stripe.invoices.markUncollectible(lost)).toMatchObject({ status: 'uncollectible' });
    const paid = await stripe.invoices.pay(elsewhere, { paid_out_of_band: true });
    expect(paid).toMatchObject({ status: 'paid', amount_paid: 0, amount_remaining: 0 });
    expect((await stripe.invoices.list({ customer, status: 'void' })).data).toHaveLength(1);
    await stripe.invoices.update(lost, { metadata: { note: 'x' }, description: 'gone' });
  });

  it('use the balance of the customer first', async () => {
    const shop = await openShop();
    const { stripe, prices } = shop;
    const customer = await shop.customer();
    await stripe.customers.createBalanceTransaction(customer, { amount: -500, currency: 'usd' });
    const { latest_invoice: id } = await stripe.subscriptions.create({ customer, items: [{ price: prices.base }] });
    expect(await stripe.invoices.retrieve(String(id))).toMatchObject({
      total: 3000,
      amount_due: 2500,
      amount_paid: 2500,
      starting_balance: -500,
      ending_balance: 0,
    });
    const { data } = await stripe.customers.listBalanceTransactions(customer);
    expect(data.map(({ amount, type }) => [amount, type])).toEqual([
      [500, 'applied_to_invoice'],
      [-500, 'adjustment'],
    ]);
  });

  it('carry the tax of the account on top, where it is to be computed', async () => {
    const shop = await openShop({ taxPercent: 20 });
    const { stripe, prices } = shop;
    const subscription = await stripe.subscriptions.create({
      customer: await shop.customer(),
      items: [{ price: prices.base }],
      automatic_tax: { enabled: true },
      expand: ['latest_invoice'],
    });
    expect(subscription.latest_invoice).toMatchObject({
      subtotal: 3000,
      total: 3600,
      total_excluding_tax: 3000,
      total_taxes: [{ amount: 600, taxable_amount: 3000, tax_behavior: 'exclusive' }],
      amount_paid: 3600,
    });
  });
});

describe('previews', () => {
  it('of a change say what it costs and change nothing', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const { subscription } = await paidInvoice(shop);
    await fake.advanceTo('2026-01-16T12:00:00Z');
    const events = fake.events.length;
    const item = (await stripe.subscriptionItems.list({ subscription })).data[0]?.id ?? '';
    const preview = async (details: Stripe.InvoiceCreatePreviewParams.SubscriptionDetails): Promise<unknown[]> => {
      const invoice = await stripe.invoices.createPreview({ subscription, subscription_details: details });
      return [invoice.total, invoice.lines.data.map(({ amount }) => amount)];
    };
    const items = [{ id: item, quantity: 12 }];
    expect(await preview({ items, proration_behavior: 'always_invoice' })).toEqual([1000, [-5000, 6000]]);
    expect(await preview({ items })).toEqual([13_000, [-5000, 6000, 12_000]]);
    expect(await preview({ items, proration_behavior: 'none' })).toEqual([12_000, [12_000]]);
    expect(await preview({ cancel_now: true })).toEqual([-5000, [-5000]]);
    expect(await preview({ items: [{ id: item, price: prices.yearly }] })).toEqual([295_000, [-5000, 300_000]]);
    const start = await stripe.invoices.createPreview({
      customer: await shop.customer({ card: 'none' }),
      subscription_details: { items: [{ price: prices.base }] },
    });
    expect(start.total).toBe(3000);
    await stripe.coupons.create({ id: 'HALF', percent_off: 50, duration: 'forever' });
    const cheaper = await stripe.invoices.createPreview({ subscription, discounts: [{ coupon: 'HALF' }] });
    expect(cheaper.total).toBe(5000);
    expect((await stripe.coupons.retrieve('HALF')).times_redeemed).toBe(0);
    const upcoming = await stripe.invoices.createPreview({ subscription });
    expect(upcoming).toMatchObject({ total: 10_000, period_end: at('2026-02-01') });
    expect(fake.list('invoice')).toHaveLength(1);
    expect(fake.list('invoiceitem')).toHaveLength(0);
    expect(fake.events.slice(events).map(({ type }) => type)).toEqual(['customer.created', 'coupon.created']);
    await stripe.subscriptions.update(subscription, { cancel_at_period_end: true });
    expect(await refusalOf(stripe.invoices.createPreview({ subscription }))).toMatchObject({
      code: 'invoice_upcoming_none',
    });
  });
});

describe('refunds and credit notes', () => {
  it('give back what was paid, and no more', async () => {
    const shop = await openShop();
    const { stripe, fake } = shop;
    const { invoice } = await paidInvoice(shop);
    const [payment] = (await stripe.invoicePayments.list({ invoice })).data;
    const intent = String(payment?.payment.payment_intent);
    const refund = await stripe.refunds.create({
      payment_intent: intent,
      amount: 4000,
      reason: 'requested_by_customer',
    });
    expect(refund).toMatchObject({ status: 'succeeded', amount: 4000, payment_intent: intent });
    expect(await refusalOf(stripe.refunds.create({ payment_intent: intent, amount: 7000 }))).toMatchObject({
      param: 'amount',
    });
    await stripe.refunds.create({ charge: String(refund.charge) });
    expect(await refusalOf(stripe.refunds.create({ payment_intent: intent }))).toMatchObject({
      code: 'charge_already_refunded',
    });
    const charge = await stripe.charges.retrieve(String(refund.charge), { expand: ['refunds'] });
    expect(charge).toMatchObject({ refunded: true, amount_refunded: 10_000 });
    expect(charge.refunds?.data).toHaveLength(2);
    expect((await stripe.refunds.list({ payment_intent: intent })).data).toHaveLength(2);
    await stripe.refunds.update(refund.id, { metadata: { why: 'asked' } });
    expect((await stripe.refunds.retrieve(refund.id)).metadata).toEqual({ why: 'asked' });
    expect(fake.events.filter(({ type }) => type === 'charge.refunded')).toHaveLength(2);
  });

  it('of a paid invoice split what is credited; of an open one lower what is due', async () => {
    const shop = await openShop();
    const { stripe, fake } = shop;
    const { invoice, customer, subscription } = await paidInvoice(shop);
    const [line] = (await stripe.invoices.listLineItems(invoice)).data;
    const lines: Stripe.CreditNoteCreateParams.Line[] = [
      { type: 'invoice_line_item', invoice_line_item: String(line?.id), quantity: 3 },
    ];
    const seen = await stripe.creditNotes.preview({ invoice, lines, refund_amount: 1000, credit_amount: 2000 });
    expect(seen).toMatchObject({ amount: 3000, type: 'post_payment' });
    expect(fake.list('credit_note')).toHaveLength(0);
    const wrong = stripe.creditNotes.create({ invoice, lines, refund_amount: 1000 });
    expect(await refusalOf(wrong)).toMatchObject({ status: 400 });
    const note = await stripe.creditNotes.create({ invoice, lines, refund_amount: 1000, credit_amount: 2000 });
    expect(note).toMatchObject({ amount: 3000, status: 'issued', refunds: [{ amount_refunded: 1000 }] });
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: -2000 });
    expect((await stripe.invoices.retrieve(invoice)).post_payment_credit_notes_amount).toBe(3000);
    expect(await refusalOf(stripe.creditNotes.create({ invoice, amount: 8000, refund_amount: 8000 }))).toMatchObject({
      param: 'amount',
    });
    expect((await stripe.creditNotes.listLineItems(note.id)).data).toMatchObject([{ amount: 3000 }]);

    fake.setCard(customer, 'declines');
    await fake.advanceTo('2026-02-01T02:00:00Z');
    const open = String(fake.get(subscription)?.latest_invoice);
    expect(fake.get(open)).toMatchObject({ status: 'open', amount_due: 8000 });
    const lower = await stripe.creditNotes.create({ invoice: open, amount: 5000, reason: 'order_change' });
    expect(lower).toMatchObject({ type: 'pre_payment' });
    expect(fake.get(open)).toMatchObject({ amount_remaining: 3000 });
    await stripe.creditNotes.voidCreditNote(lower.id);
    expect(fake.get(open)).toMatchObject({ amount_remaining: 8000 });
    await stripe.creditNotes.create({ invoice: open, amount: 8000 });
    expect(fake.get(open)).toMatchObject({ status: 'paid', amount_remaining: 0 });
    expect(fake.get(subscription)).toMatchObject({ status: 'active' });
    expect((await stripe.creditNotes.list({ customer })).data).toHaveLength(3);
  });
});

describe('meters', () => {
  it('sum events once each by identifier, and bill them after the period, late ones too', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const customer = await shop.customer();
    await stripe.subscriptions.create({ customer, items: [{ price: prices.base }, { price: prices.calls }] });
    const send = (identifier: string, value: number, timestamp?: number): Promise<Stripe.Billing.MeterEvent> =>
      stripe.billing.meterEvents.create({
        event_name: 'calls',
        identifier,
        payload: { stripe_customer_id: customer, value: String(value) },
        ...(timestamp === undefined ? {} : { timestamp }),
      });
    await send('a', 100);
    const twice = send('a', 100);
    expect(await refusalOf(twice)).toMatchObject({ status: 400, type: 'StripeInvalidRequestError' });
    await fake.advanceTo('2026-01-20T00:00:00Z');
    await send('b', 60);
    await stripe.billing.meterEventAdjustments.create({
      event_name: 'calls',
      type: 'cancel',
      cancel: { identifier: 'b' },
    });
    await fake.advanceTo('2026-02-01T00:30:00Z');
    await send('late', 50, at('2026-01-31T23:00:00Z'));
    await send('next', 1000);
    await fake.advanceTo('2026-02-01T02:00:00Z');
    expect(fake.list('invoice').at(-1)).toMatchObject({ total: 3000 + 75, status: 'paid' });
    await send('too late', 9000, at('2026-01-31T23:00:00Z'));
    await fake.advanceTo('2026-03-01T02:00:00Z');
    expect(fake.list('invoice').at(-1)).toMatchObject({ total: 3000 + 500 });
    const meter = (await stripe.billing.meters.list({ status: 'active' })).data[0]?.id ?? '';
    const sums = await stripe.billing.meters.listEventSummaries(meter, {
      customer,
      start_time: at('2026-02-01'),
      end_time: at('2026-03-01'),
    });
    expect(sums.data).toMatchObject([{ aggregated_value: 1000 }]);
  });

  it('refuse what they cannot count', async () => {
    const shop = await openShop();
    const { stripe, fake } = shop;
    const customer = await shop.customer();
    const send = async (event: Partial<Stripe.Billing.MeterEventCreateParams>): Promise<unknown> =>
      refusalOf(
        stripe.billing.meterEvents.create({
          event_name: 'calls',
          payload: { stripe_customer_id: customer, value: '1' },
          ...event,
        }),
      );
    expect(await send({ event_name: 'none' })).toMatchObject({ param: 'event_name' });
    expect(await send({ payload: { value: '1' } })).toMatchObject({ param: 'payload' });
    expect(await send({ payload: { stripe_customer_id: 'cus_none', value: '1' } })).toMatchObject({ param: 'payload' });
    expect(await send({ payload: { stripe_customer_id: customer, value: 'many' } })).toMatchObject({
      param: 'payload',
    });
    expect(await send({ timestamp: at('2025-11-01') })).toMatchObject({ param: 'timestamp' });
    expect(await send({ timestamp: at('2026-01-02') })).toMatchObject({ param: 'timestamp' });
    const [meter] = fake.list('billing.meter');
    await stripe.billing.meters.deactivate(String(meter?.id));
    expect(await send({})).toMatchObject({ param: 'event_name' });
    await stripe.billing.meters.reactivate(String(meter?.id));
    await stripe.billing.meters.update(String(meter?.id), { display_name: 'Used' });
    const same = stripe.billing.meters.create({
      event_name: 'calls',
      display_name: 'x',
      default_aggregation: { formula: 'count' },
    });
    expect(await refusalOf(same)).toMatchObject({ param: 'event_name' });
  });
});

describe('entitlements', () => {
  it('follow the products of what is subscribed to', async () => {
    const shop = await openShop();
    const { stripe, product } = shop;
    const feature = await stripe.entitlements.features.create({ name: 'API', lookup_key: 'api' });
    await stripe.products.createFeature(product, { entitlement_feature: feature.id });
    const { customer, subscription } = await paidInvoice(shop);
    const active = async (): Promise<string[]> =>
      (await stripe.entitlements.activeEntitlements.list({ customer })).data.map(({ lookup_key }) => lookup_key);
    expect(await active()).toEqual(['api']);
    await stripe.subscriptions.cancel(subscription);
    expect(await active()).toEqual([]);
    const [link] = (await stripe.products.listFeatures(product)).data;
    await stripe.products.deleteFeature(product, String(link?.id));
    expect((await stripe.products.listFeatures(product)).data).toEqual([]);
    await stripe.entitlements.features.update(feature.id, { active: false });
    expect((await stripe.entitlements.features.list({ archived: true })).data).toHaveLength(1);
  });
});

describe('search', () => {
  it('does not find what was just made', async () => {
    const { stripe, fake } = await openShop();
    await stripe.customers.create({ name: 'Ada', metadata: { tenant: '1' } });
    const find = async (query: string): Promise<number> => (await stripe.customers.search({ query })).data.length;
    expect(await find('metadata["tenant"]:"1"')).toBe(0);
    await fake.advance({ minutes: 2 });
    expect(await find('metadata["tenant"]:"1"')).toBe(1);
    expect(await find('metadata["tenant"]:"2"')).toBe(0);
    expect(await find('name~"da" AND -metadata["tenant"]:"2"')).toBe(1);
    expect(await refusalOf(stripe.customers.search({ query: 'what?' }))).toMatchObject({ param: 'query' });
  });
});

describe('the portal, used', () => {
  it('cancels as its configuration says, changes the card, and no more than is allowed', async () => {
    const shop = await openShop();
    const { stripe, fake, prices } = shop;
    const { customer, subscription } = await paidInvoice(shop);
    const open = async (params: Partial<Stripe.BillingPortal.SessionCreateParams> = {}): Promise<string> =>
      (await stripe.billingPortal.sessions.create({ customer, ...params })).id;
    fake.usePortal(await open({ flow_data: { type: 'subscription_cancel', subscription_cancel: { subscription } } }));
    // In flexible billing mode the portal sets the date, and not the flag.
    expect(fake.get(subscription)).toMatchObject({ cancel_at: at('2026-02-01'), cancel_at_period_end: false });
    fake.usePortal(await open(), { do: 'keep', subscription });
    expect(fake.get(subscription)).toMatchObject({ cancel_at: null });
    fake.usePortal(await open(), { do: 'card', card: 'declines' });
    const item = (await stripe.subscriptionItems.list({ subscription })).data[0]?.id ?? '';
    const more = { do: 'change', subscription, items: [{ id: item, quantity: 99 }] } as const;
    const plain = await open();
    expect(() => fake.usePortal(plain, more)).toThrow('quantities');
    const { id: configuration } = await stripe.billingPortal.configurations.create({
      features: {
        subscription_update: {
          enabled: true,
          default_allowed_updates: ['quantity', 'price'],
          proration_behavior: 'none',
          products: [{ product: shop.product, prices: [prices.seat] }],
        },
      },
    });
    fake.usePortal(await open({ configuration }), more);
    expect((await stripe.subscriptionItems.retrieve(item)).quantity).toBe(99);
  });
});
