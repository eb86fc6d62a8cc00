import { describe, expect, it } from 'vitest';
import { openShop, refusalOf } from '../support/stripe-shop.ts';

describe('what Stripe refuses the fake refuses', () => {
  it('metadata that is too long or too much, and coupons that cannot be redeemed in time', async () => {
    const { fake, stripe } = await openShop();
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`key ${n}`, 'x']));
    for (const metadata of [{ ['k'.repeat(41)]: 'x' }, { key: 'x'.repeat(501) }, many]) {
      expect(await refusalOf(stripe.customers.create({ metadata }))).toMatchObject({ status: 400, param: 'metadata' });
    }
    await stripe.customers.create({ metadata: { ['k'.repeat(40)]: 'x'.repeat(500) } });
    const now = Math.floor(fake.clock().getTime() / 1000);
    for (const redeem_by of [now, now + 6 * 366 * 86_400]) {
      const coupon = stripe.coupons.create({ percent_off: 5, duration: 'once', redeem_by });
      expect(await refusalOf(coupon)).toMatchObject({ param: 'redeem_by' });
    }
  });

  it('taxes for a customer without an address, unless the page may ask for it', async () => {
    const { stripe, prices, customer } = await openShop();
    const session = {
      mode: 'subscription' as const,
      customer: await customer(),
      line_items: [{ price: prices.base, quantity: 1 }],
      success_url: 'https://app.test',
      automatic_tax: { enabled: true },
    };
    expect(await refusalOf(stripe.checkout.sessions.create(session))).toMatchObject({
      code: 'customer_tax_location_invalid',
    });
    await stripe.checkout.sessions.create({ ...session, customer_update: { address: 'auto' } });
  });

  it('the page that ends what is to end already', async () => {
    const { stripe, prices, customer } = await openShop();
    const id = await customer();
    const { id: subscription } = await stripe.subscriptions.create({ customer: id, items: [{ price: prices.base }] });
    const flow = { type: 'subscription_cancel' as const, subscription_cancel: { subscription } };
    await stripe.billingPortal.sessions.create({ customer: id, flow_data: flow });
    await stripe.subscriptions.update(subscription, { cancel_at_period_end: true });
    const again = stripe.billingPortal.sessions.create({ customer: id, flow_data: flow });
    expect(await refusalOf(again)).toMatchObject({ status: 400 });
  });
});

describe('what a schedule does not name', () => {
  it('ends: reductions and the trial; what it names goes on as it is', async () => {
    const { fake, stripe, prices, customer } = await openShop();
    await stripe.coupons.create({ id: 'half', percent_off: 50, duration: 'repeating', duration_in_months: 3 });
    for (const named of [true, false]) {
      const { id, discounts, trial_end } = await stripe.subscriptions.create({
        customer: await customer(),
        items: [{ price: prices.base }],
        discounts: [{ coupon: 'half' }],
        trial_period_days: 14,
      });
      const schedule = await stripe.subscriptionSchedules.create({ from_subscription: id });
      const [phase] = schedule.phases;
      const [discount] = discounts;
      expect(phase).toMatchObject({ discounts: [{ discount }], trial_end });
      const kept = { discounts: [{ discount: String(discount) }], trial_end: Number(trial_end) };
      const { start_date = 0, end_date = 0 } = phase ?? {};
      await stripe.subscriptionSchedules.update(schedule.id, {
        phases: [{ items: [{ price: prices.base }], start_date, end_date, ...(named && kept) }],
      });
      expect(fake.get(id)).toMatchObject({ status: named ? 'trialing' : 'active', discounts: named ? discounts : [] });
    }
  });
});

describe('an invoice of more than ten lines', () => {
  it('carries the first ten, and lists the others', async () => {
    const { fake, stripe, prices, customer } = await openShop();
    const id = await customer();
    await stripe.subscriptions.create({ customer: id, items: [{ price: prices.base }] });
    for (let n = 0; n < 12; n += 1) await stripe.invoiceItems.create({ customer: id, amount: 1, currency: 'usd' });
    await fake.advance({ days: 32 });
    const [invoice] = (await stripe.invoices.list({ customer: id })).data;
    expect([invoice?.lines.data.length, invoice?.lines.has_more]).toEqual([10, true]);
    const lines = await stripe.invoices.listLineItems(invoice?.id ?? '', { limit: 100 });
    expect([lines.data.length, lines.has_more]).toEqual([13, false]);
  });
});
