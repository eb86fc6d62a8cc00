import { describe, expect, it } from 'vitest';
import { at, invoices, openShop, refusalOf } from '../support/stripe-shop.ts';

describe('an end', () => {
  it('comes now, at the end of the period, or at a date, and can be taken back', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const create = async (): Promise<string> =>
      (await stripe.subscriptions.create({ customer: await shop.customer(), items: [{ price: prices.base }] })).id;
    const [now, period, date, kept] = [await create(), await create(), await create(), await create()];
    expect(await stripe.subscriptions.cancel(now)).toMatchObject({
      status: 'canceled',
      ended_at: at('2026-01-01'),
      cancellation_details: { reason: 'cancellation_requested' },
    });
    expect(await refusalOf(stripe.subscriptions.cancel(now))).toMatchObject({ status: 404 });
    expect(await refusalOf(stripe.subscriptions.update(now, { description: 'x' }))).toMatchObject({ status: 400 });
    const atEnd = await stripe.subscriptions.update(period, { cancel_at_period_end: true });
    expect(atEnd).toMatchObject({ status: 'active', cancel_at_period_end: true, cancel_at: at('2026-02-01') });
    const both = { cancel_at_period_end: true, cancel_at: at('2026-03-01') };
    expect(await refusalOf(stripe.subscriptions.update(date, both))).toMatchObject({ status: 400 });
    await stripe.subscriptions.update(date, { cancel_at: at('2026-01-20') });
    await stripe.subscriptions.update(kept, { cancel_at_period_end: true });
    const again = await stripe.subscriptions.update(kept, { cancel_at_period_end: false });
    expect(again).toMatchObject({ cancel_at: null, canceled_at: null, cancel_at_period_end: false });
    await fake.advanceTo('2026-02-02T00:00:00Z');
    expect([period, date, kept].map((id) => [fake.get(id)?.status, fake.get(id)?.ended_at])).toEqual([
      ['canceled', at('2026-02-01')],
      ['canceled', at('2026-01-20')],
      ['active', null],
    ]);
    expect((await stripe.subscriptions.list()).data.map(({ id }) => id)).toEqual([kept]);
    expect((await stripe.subscriptions.list({ status: 'ended' })).data).toHaveLength(3);
    expect((await stripe.subscriptions.list({ status: 'all' })).data).toHaveLength(4);
  });

  it('bills the use of the last period, once', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const customer = await shop.customer();
    const { id } = await stripe.subscriptions.create({ customer, items: [{ price: prices.calls }] });
    await stripe.billing.meterEvents.create({
      event_name: 'calls',
      payload: { stripe_customer_id: customer, value: '400' },
    });
    await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    await fake.advanceTo('2026-02-03T00:00:00Z');
    expect(invoices(shop).at(-1)).toEqual(['subscription_cycle', 200, 'paid']);
    expect(fake.get(id)).toMatchObject({ status: 'canceled' });
  });
});

describe('pauses', () => {
  it('of collection leave the status and void invoices until they end', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const { id } = await stripe.subscriptions.create({
      customer: await shop.customer(),
      items: [{ price: prices.base }],
    });
    await stripe.subscriptions.update(id, { pause_collection: { behavior: 'void', resumes_at: at('2026-02-15') } });
    await fake.advanceTo('2026-03-02T00:00:00Z');
    expect(fake.get(id)).toMatchObject({ status: 'active', pause_collection: null });
    expect(invoices(shop).map((row) => JSON.stringify(row))).toEqual([
      '["subscription_create",3000,"paid"]',
      '["subscription_cycle",3000,"void"]',
      '["subscription_cycle",3000,"paid"]',
    ]);
  });

  it('of the subscription stop its time, and resuming begins it anew', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const { id } = await stripe.subscriptions.create({
      customer: await shop.customer(),
      items: [{ price: prices.base }],
    });
    expect(await refusalOf(stripe.subscriptions.resume(id))).toMatchObject({ status: 400 });
    const paused = await stripe.subscriptions.pause(id, { type: 'subscription' });
    expect(paused.status).toBe('paused');
    await fake.advanceTo('2026-05-10T00:00:00Z');
    expect(fake.list('invoice')).toHaveLength(1);
    const resumed = await stripe.subscriptions.resume(id, { billing_cycle_anchor: { type: 'now' } });
    expect(resumed).toMatchObject({ status: 'active', billing_cycle_anchor: at('2026-05-10') });
    expect(invoices(shop).at(-1)).toEqual(['subscription_update', 3000, 'paid']);
  });
});

describe('a card that declines', () => {
  it('makes it past due, is tried again, and then ends it as the account says', async () => {
    for (const [afterRetries, status] of [
      ['cancel', 'canceled'],
      ['unpaid', 'unpaid'],
      ['past_due', 'past_due'],
    ] as const) {
      const shop = await openShop({ afterRetries, retryDays: [3, 5] });
      const { stripe, prices, fake } = shop;
      const customer = await shop.customer();
      const { id } = await stripe.subscriptions.create({ customer, items: [{ price: prices.base }] });
      fake.setCard(customer, 'declines');
      await fake.advanceTo('2026-02-01T02:00:00Z');
      expect(fake.get(id)).toMatchObject({ status: 'past_due' });
      expect(await stripe.customers.retrieve(customer)).toMatchObject({ delinquent: true });
      const invoice = fake.list('invoice').at(-1);
      expect(invoice).toMatchObject({ attempt_count: 1, next_payment_attempt: at('2026-02-04T01:00:00Z') });
      await fake.advance({ days: 10 });
      expect(fake.get(id), afterRetries).toMatchObject({ status });
      expect(fake.get(String(invoice?.id))).toMatchObject({ attempt_count: 3, status: 'open' });
      expect(fake.events.filter(({ type }) => type === 'invoice.payment_failed')).toHaveLength(3);
    }
  });

  it('and is mended, makes it active again', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const customer = await shop.customer();
    const { id } = await stripe.subscriptions.create({ customer, items: [{ price: prices.base }] });
    fake.setCard(customer, 'declines');
    await fake.advanceTo('2026-02-01T02:00:00Z');
    fake.setCard(customer, 'ok');
    await fake.advance({ days: 3 });
    expect(fake.get(id)).toMatchObject({ status: 'active' });
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ delinquent: false });
  });

  it('an invoice that is sent and not paid in time makes it past due', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const { id } = await stripe.subscriptions.create({
      customer: await shop.customer({ card: 'none' }),
      items: [{ price: prices.base }],
      collection_method: 'send_invoice',
      days_until_due: 10,
    });
    await fake.advance({ days: 11 });
    expect(fake.get(id)).toMatchObject({ status: 'past_due' });
    const [invoice] = fake.list('invoice');
    await stripe.invoices.pay(String(invoice?.id), { paid_out_of_band: true });
    expect(fake.get(id)).toMatchObject({ status: 'active' });
  });
});
