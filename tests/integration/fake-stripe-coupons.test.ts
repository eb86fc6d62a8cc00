import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { openShop, refusalOf } from '../support/stripe-shop.ts';

describe('coupons', () => {
  it('come off once, for some months, or forever, and end', async () => {
    const totals = async (params: Stripe.CouponCreateParams): Promise<unknown[]> => {
      const shop = await openShop();
      const { stripe, prices, fake } = shop;
      await stripe.coupons.create({ id: 'C', ...params });
      await stripe.subscriptions.create({
        customer: await shop.customer(),
        items: [{ price: prices.base }, { price: prices.seat, quantity: 1 }],
        discounts: [{ coupon: 'C' }],
      });
      await fake.advanceTo('2026-03-02T00:00:00Z');
      return fake.list('invoice').map(({ total }) => total);
    };
    expect(await totals({ percent_off: 25, duration: 'once' })).toEqual([3000, 4000, 4000]);
    expect(await totals({ percent_off: 25, duration: 'repeating', duration_in_months: 2 })).toEqual([3000, 3000, 4000]);
    expect(await totals({ amount_off: 500, currency: 'usd', duration: 'forever' })).toEqual([3500, 3500, 3500]);
    expect(await totals({ amount_off: 9000, currency: 'usd', duration: 'once' })).toEqual([0, 4000, 4000]);
  });

  it('of an amount come off in their currencies alone, and are refused in others', async () => {
    const shop = await openShop();
    const { stripe, prices } = shop;
    const price = await stripe.prices.create({
      product: shop.product,
      currency: 'eur',
      unit_amount: 3_000,
      recurring: { interval: 'month' },
    });
    const off = await stripe.coupons.create({ amount_off: 500, currency: 'usd', duration: 'forever' });
    const both = await stripe.coupons.create({
      amount_off: 500,
      currency: 'usd',
      currency_options: { eur: { amount_off: 400 } },
      duration: 'forever',
    });
    const code = await stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: off.id }, code: 'DOLLARS' });
    const customer = await shop.customer();
    const items = [{ price: price.id }];
    const refusal = { type: 'StripeInvalidRequestError', statusCode: 400 };
    const [coupon, promotion] = [{ coupon: off.id }, { promotion_code: code.id }];
    for (const discounts of [[coupon], [promotion]]) {
      const session = { customer, mode: 'subscription' as const, success_url: 'https://app.test', discounts };
      const lines = items.map((item) => ({ ...item, quantity: 1 }));
      for (const asked of [
        () => stripe.subscriptions.create({ customer, items, discounts }),
        () => stripe.invoices.createPreview({ customer, subscription_details: { items }, discounts }),
        () => stripe.checkout.sessions.create({ ...session, line_items: lines }),
      ]) {
        await expect(asked()).rejects.toMatchObject(refusal);
      }
    }
    const { id } = await stripe.subscriptions.create({ customer, items, discounts: [{ coupon: both.id }] });
    await expect(stripe.subscriptions.update(id, { discounts: [coupon] })).rejects.toMatchObject(refusal);
    expect((await stripe.invoices.list({ customer })).data.map(({ total }) => total)).toEqual([2_600]);
    const dollars = { customer: await shop.customer(), items: [{ price: prices.base }] };
    const { id: usd } = await stripe.subscriptions.create(dollars);
    expect((await stripe.subscriptions.update(usd, { discounts: [coupon] })).discounts).toHaveLength(1);
  });

  it('are redeemed by codes, and only while they may be', async () => {
    const shop = await openShop();
    const { stripe, prices } = shop;
    const customer = await shop.customer();
    const coupon = await stripe.coupons.create({
      percent_off: 10,
      duration: 'forever',
      max_redemptions: 1,
      name: 'Ten',
    });
    const code = await stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: coupon.id }, code: 'TEN' });
    expect((await stripe.promotionCodes.list({ code: 'ten', active: true })).data[0]?.id).toBe(code.id);
    const subscription = await stripe.subscriptions.create({
      customer,
      items: [{ price: prices.base }],
      discounts: [{ promotion_code: code.id }],
      expand: ['discounts.source.coupon', 'latest_invoice'],
    });
    expect(subscription.discounts).toMatchObject([{ promotion_code: code.id, source: { coupon: { name: 'Ten' } } }]);
    expect(subscription.latest_invoice).toMatchObject({ total: 2700, total_discount_amounts: [{ amount: 300 }] });
    expect(await stripe.promotionCodes.retrieve(code.id)).toMatchObject({ active: false, times_redeemed: 1 });
    const again = stripe.subscriptions.update(subscription.id, { discounts: [{ promotion_code: code.id }] });
    expect(await refusalOf(again)).toMatchObject({ code: 'promotion_code_expired' });
    const spent = stripe.subscriptions.update(subscription.id, { discounts: [{ coupon: coupon.id }] });
    expect(await refusalOf(spent)).toMatchObject({ code: 'coupon_expired' });
    await stripe.coupons.update(coupon.id, { name: 'Was ten' });
    await stripe.coupons.del(coupon.id);
    expect(await refusalOf(stripe.coupons.retrieve(coupon.id))).toMatchObject({ status: 404 });
    expect((await stripe.coupons.list()).data).toEqual([]);
    expect((await stripe.subscriptions.update(subscription.id, { discounts: '' })).discounts).toEqual([]);
  });
});
