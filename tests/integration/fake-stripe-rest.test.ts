import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { at, openShop, refusalOf } from '../support/stripe-shop.ts';

describe('the smaller operations', () => {
  it('of customers, cards and tax ids', async () => {
    const { stripe, customer } = await openShop();
    const id = await customer({ card: 'none' });
    const transaction = await stripe.customers.createBalanceTransaction(id, { amount: 100, currency: 'usd' });
    await stripe.customers.updateBalanceTransaction(id, transaction.id, { description: 'why' });
    expect((await stripe.customers.retrieveBalanceTransaction(id, transaction.id)).description).toBe('why');
    expect(await refusalOf(stripe.customers.deleteDiscount(id))).toMatchObject({ status: 404 });
    const made = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
    await stripe.paymentMethods.attach(made.id, { customer: id });
    await stripe.paymentMethods.update(made.id, { billing_details: { name: 'Ada', address: { country: 'HU' } } });
    expect((await stripe.paymentMethods.retrieve(made.id)).billing_details.name).toBe('Ada');
    expect((await stripe.customers.retrievePaymentMethod(id, made.id)).id).toBe(made.id);
    expect((await stripe.paymentMethods.list({ customer: id })).data).toHaveLength(1);
    const other = await customer({ card: 'none' });
    expect(await refusalOf(stripe.paymentMethods.attach(made.id, { customer: other }))).toMatchObject({ status: 400 });
    expect(await refusalOf(stripe.customers.retrievePaymentMethod(other, made.id))).toMatchObject({ status: 404 });
    const tax = await stripe.taxIds.create({ type: 'eu_vat', value: 'DE1', owner: { type: 'customer', customer: id } });
    expect((await stripe.customers.retrieveTaxId(id, tax.id)).value).toBe('DE1');
    expect((await stripe.taxIds.retrieve(tax.id)).value).toBe('DE1');
    expect((await stripe.taxIds.list({ owner: { type: 'customer', customer: id } })).data).toHaveLength(1);
    const second = await stripe.customers.createTaxId(id, { type: 'us_ein', value: '1' });
    await stripe.taxIds.del(tax.id);
    expect(await stripe.customers.deleteTaxId(id, second.id)).toMatchObject({ deleted: true });
  });

  it('of the catalogue', async () => {
    const { stripe, product, fake } = await openShop();
    await stripe.products.update(product, { description: 'for teams', marketing_features: [{ name: 'API' }] });
    expect(await stripe.products.retrieve(product)).toMatchObject({ description: 'for teams' });
    const bare = await stripe.products.create({
      id: 'free',
      name: 'Free',
      default_price_data: { currency: 'usd', unit_amount: 0 },
    });
    expect(await refusalOf(stripe.products.create({ id: 'free', name: 'Again' }))).toMatchObject({
      code: 'resource_already_exists',
    });
    expect((await stripe.products.list({ ids: ['free'], active: true })).data).toHaveLength(1);
    expect(await refusalOf(stripe.products.del(bare.id))).toMatchObject({ status: 400 });
    const empty = await stripe.products.create({ name: 'Empty' });
    expect(await stripe.products.del(empty.id)).toMatchObject({ deleted: true });
    const coupon = await stripe.coupons.create({ percent_off: 10 });
    const code = await stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: coupon.id } });
    expect(await stripe.promotionCodes.update(code.id, { active: false })).toMatchObject({ active: false });
    const feature = await stripe.entitlements.features.create({ name: 'API', lookup_key: 'api' });
    expect((await stripe.entitlements.features.retrieve(feature.id)).lookup_key).toBe('api');
    const [meter] = fake.list('billing.meter');
    expect((await stripe.billing.meters.retrieve(String(meter?.id))).event_name).toBe('calls');
  });

  it('of subscriptions, schedules and checkout', async () => {
    const { stripe, prices, customer, fake } = await openShop();
    const id = await customer();
    await stripe.coupons.create({ id: 'TEN', percent_off: 10, duration: 'forever' });
    const subscription = await stripe.subscriptions.create({
      customer: id,
      items: [{ price: prices.base }],
      discounts: [{ coupon: 'TEN' }],
    });
    expect(await stripe.subscriptions.deleteDiscount(subscription.id)).toMatchObject({ deleted: true });
    expect(await refusalOf(stripe.subscriptions.deleteDiscount(subscription.id))).toMatchObject({ status: 404 });
    const schedule = await stripe.subscriptionSchedules.create({ from_subscription: subscription.id });
    expect(await stripe.subscriptionSchedules.cancel(schedule.id)).toMatchObject({ status: 'canceled' });
    expect(fake.get(subscription.id)).toMatchObject({ status: 'canceled' });
    const session = await stripe.checkout.sessions.create({
      mode: 'setup',
      customer: id,
      currency: 'usd',
      success_url: 'https://app.example.com',
    });
    await stripe.checkout.sessions.update(session.id, { metadata: { a: 'b' } });
    expect((await stripe.checkout.sessions.listLineItems(session.id)).data).toEqual([]);
    fake.completeCheckout(session.id);
    expect(fake.get(session.id)).toMatchObject({ status: 'complete', subscription: null });
    const configuration = (await stripe.billingPortal.sessions.create({ customer: id })).configuration;
    expect(await stripe.billingPortal.configurations.retrieve(String(configuration))).toMatchObject({
      is_default: true,
    });
  });

  it('of invoices, credit notes and webhook endpoints', async () => {
    const { stripe, customer } = await openShop();
    const id = await customer();
    const item = await stripe.invoiceItems.create({ customer: id, amount: 900, currency: 'usd' });
    expect((await stripe.invoiceItems.retrieve(item.id)).amount).toBe(900);
    const gone = await stripe.invoiceItems.create({ customer: id, amount: 1, currency: 'usd' });
    expect(await stripe.invoiceItems.del(gone.id)).toMatchObject({ deleted: true });
    const draft = await stripe.invoices.create({
      customer: id,
      collection_method: 'send_invoice',
      days_until_due: 7,
      pending_invoice_items_behavior: 'include',
    });
    const sent = await stripe.invoices.sendInvoice(String(draft.id));
    expect(sent).toMatchObject({ status: 'open', due_date: at('2026-01-08') });
    expect((await stripe.paymentIntents.list({ customer: id })).data).toMatchObject([
      { status: 'requires_payment_method' },
    ]);
    const note: Stripe.CreditNoteCreateParams = { invoice: String(draft.id), amount: 100 };
    expect((await stripe.creditNotes.listPreviewLineItems(note)).data).toMatchObject([{ amount: 100 }]);
    const made = await stripe.creditNotes.create(note);
    await stripe.creditNotes.update(made.id, { memo: 'sorry' });
    expect((await stripe.creditNotes.retrieve(made.id)).memo).toBe('sorry');
    const payment = (await stripe.invoicePayments.list({ invoice: String(draft.id) })).data[0]?.id ?? '';
    expect((await stripe.invoicePayments.retrieve(payment)).status).toBe('open');
    const endpoint = await stripe.webhookEndpoints.create({
      url: 'https://a.example',
      enabled_events: ['invoice.paid'],
    });
    expect((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret).toBeUndefined();
  });

  it('of search', async () => {
    const { stripe, fake, prices, customer } = await openShop();
    const id = await customer();
    await stripe.subscriptions.create({ customer: id, items: [{ price: prices.base }] });
    await fake.advance({ hours: 1 });
    expect((await stripe.subscriptions.search({ query: 'status:"active"' })).data).toHaveLength(1);
    expect((await stripe.invoices.search({ query: `customer:"${id}" AND total>100` })).data).toHaveLength(1);
    expect((await stripe.prices.search({ query: 'lookup_key:"seat"' })).data).toHaveLength(1);
    const pages = await stripe.prices.search({ query: 'active:"true"', limit: 2 });
    expect(pages).toMatchObject({ has_more: true, next_page: '2' });
    expect((await stripe.products.search({ query: 'name~"pr"' })).data).toHaveLength(1);
  });
});
