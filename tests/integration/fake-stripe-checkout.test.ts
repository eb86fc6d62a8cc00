import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { openShop, refusalOf } from '../support/stripe-shop.ts';

describe('checkout', () => {
  it('is open, then complete with a subscription, or expired', async () => {
    const { stripe, fake, prices, customer } = await openShop();
    const id = await customer({ card: 'none' });
    const params: Stripe.Checkout.SessionCreateParams = {
      mode: 'subscription',
      customer: id,
      line_items: [{ price: prices.base, quantity: 1 }, { price: prices.seat, quantity: 4 }, { price: prices.calls }],
      success_url: 'https://app.example.com/done',
      cancel_url: 'https://app.example.com/',
      client_reference_id: 'tenant-1',
      metadata: { tenant: '1' },
      subscription_data: { metadata: { tenant: '1' } },
      expand: ['line_items'],
    };
    const session = await stripe.checkout.sessions.create(params);
    expect(session).toMatchObject({ status: 'open', payment_status: 'unpaid', amount_total: 7000 });
    expect(session.line_items?.data).toHaveLength(3);
    expect(() => fake.completeCheckout(session.id, { card: 'declines' })).toThrow('declined');
    expect((await stripe.checkout.sessions.retrieve(session.id)).status).toBe('open');
    fake.completeCheckout(session.id);
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ['subscription'] });
    expect(done).toMatchObject({ status: 'complete', payment_status: 'paid', url: null });
    expect(done.subscription).toMatchObject({ status: 'active', customer: id, metadata: { tenant: '1' } });
    expect(await refusalOf(stripe.checkout.sessions.expire(session.id))).toMatchObject({ status: 400 });

    const second = await stripe.checkout.sessions.create(params);
    await stripe.checkout.sessions.expire(second.id);
    const third = await stripe.checkout.sessions.create(params);
    await fake.advance({ hours: 25 });
    const expired = await stripe.checkout.sessions.list({ customer: id, status: 'expired' });
    expect(expired.data.map(({ id: each }) => each)).toEqual([third.id, second.id]);
    const types = fake.events.map(({ type }) => type);
    expect(types.filter((type) => type === 'checkout.session.expired')).toHaveLength(2);
    expect(types.indexOf('customer.subscription.created')).toBeLessThan(types.indexOf('checkout.session.completed'));
  });

  it('makes the customer where there is none, and refuses what Stripe refuses', async () => {
    const { stripe, fake, prices } = await openShop();
    const good: Stripe.Checkout.SessionCreateParams = {
      mode: 'subscription',
      line_items: [{ price: prices.base, quantity: 1 }],
      success_url: 'https://app.example.com/done',
      customer_email: 'new@example.com',
    };
    const session = await stripe.checkout.sessions.create(good);
    const completed = fake.completeCheckout(session.id);
    expect(await stripe.customers.retrieve(String(completed.customer))).toMatchObject({ email: 'new@example.com' });
    const refused = async (change: Stripe.Checkout.SessionCreateParams): Promise<unknown> =>
      refusalOf(stripe.checkout.sessions.create({ ...good, ...change }));
    expect(await refused({ customer: String(completed.customer) })).toMatchObject({ param: 'customer' });
    expect(await refused({ line_items: [{ price: prices.calls, quantity: 1 }] })).toMatchObject({ status: 400 });
    expect(await refused({ line_items: [{ price: 'price_none', quantity: 1 }] })).toMatchObject({
      code: 'resource_missing',
    });
    const removed = JSON.parse('{"payment_method_types":["card"]}');
    expect(await refused(removed)).toMatchObject({ code: 'parameter_unknown', param: 'payment_method_types' });
    expect(
      await refusalOf(stripe.checkout.sessions.create({ mode: 'subscription', line_items: good.line_items ?? [] })),
    ).toMatchObject({ param: 'success_url' });
  });
});

describe('the portal', () => {
  it('opens for a customer, with deep links and configurations', async () => {
    const { stripe, prices, customer } = await openShop();
    const id = await customer();
    const subscription = await stripe.subscriptions.create({ customer: id, items: [{ price: prices.base }] });
    const configuration = await stripe.billingPortal.configurations.create({
      features: { subscription_cancel: { enabled: true, mode: 'immediately' }, invoice_history: { enabled: true } },
      name: 'ours',
    });
    const session = await stripe.billingPortal.sessions.create({
      customer: id,
      configuration: configuration.id,
      return_url: 'https://app.example.com',
      flow_data: { type: 'subscription_cancel', subscription_cancel: { subscription: subscription.id } },
    });
    expect(session).toMatchObject({ customer: id, configuration: configuration.id });
    expect(session.flow?.subscription_cancel?.subscription).toBe(subscription.id);
    expect((await stripe.billingPortal.sessions.create({ customer: id })).url).toMatch(/^https:/);
    await stripe.billingPortal.configurations.update(configuration.id, { active: false });
    expect((await stripe.billingPortal.configurations.list({ is_default: true })).data).toHaveLength(1);
    expect(await refusalOf(stripe.billingPortal.sessions.create({ customer: 'cus_none' }))).toMatchObject({
      status: 400,
    });
  });
});
