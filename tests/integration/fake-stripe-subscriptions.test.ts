import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { at, invoices, openShop, refusalOf } from '../support/stripe-shop.ts';

const itemOf = (subscription: Stripe.Subscription, price: string): Stripe.SubscriptionItem => {
  const item = subscription.items.data.find((each) => each.price.id === price);
  if (item === undefined) throw new Error('no such item');
  return item;
};

describe('a new subscription', () => {
  it('bills base, seats and the meter together and is active once paid', async () => {
    const shop = await openShop();
    const { stripe, prices } = shop;
    const subscription = await stripe.subscriptions.create({
      customer: await shop.customer(),
      items: [{ price: prices.base }, { price: prices.seat, quantity: 3 }, { price: prices.calls }],
      metadata: { tenant: '1' },
      expand: ['latest_invoice'],
    });
    expect(subscription).toMatchObject({ status: 'active', currency: 'usd', billing_cycle_anchor: at('2026-01-01') });
    expect(itemOf(subscription, prices.seat)).toMatchObject({ quantity: 3, current_period_end: at('2026-02-01') });
    expect(itemOf(subscription, prices.calls).quantity).toBeUndefined();
    expect(subscription.latest_invoice).toMatchObject({
      total: 6000,
      amount_paid: 6000,
      status: 'paid',
      billing_reason: 'subscription_create',
      parent: { subscription_details: { subscription: subscription.id, metadata: { tenant: '1' } } },
    });
  });

  it('is refused without a card, with a foreign one, with a second currency, with a quantity on a meter', async () => {
    const shop = await openShop();
    const { stripe, prices, product } = shop;
    const poor = await shop.customer({ card: 'none' });
    const rich = await shop.customer();
    const create = async (params: Stripe.SubscriptionCreateParams): Promise<unknown> =>
      refusalOf(stripe.subscriptions.create(params));
    const items = [{ price: prices.base }];
    expect(await create({ customer: poor, items })).toMatchObject({ code: 'resource_missing', status: 400 });
    expect(await create({ customer: 'cus_none', items })).toMatchObject({
      code: 'resource_missing',
      param: 'customer',
    });
    const [card] = (await stripe.customers.listPaymentMethods(rich)).data;
    expect(await create({ customer: poor, items, default_payment_method: String(card?.id) })).toMatchObject({
      param: 'default_payment_method',
    });
    expect(await create({ customer: rich, items: [{ price: prices.calls, quantity: 1 }] })).toMatchObject({
      param: 'items[0][quantity]',
    });
    expect(await create({ customer: rich, items: [...items, ...items] })).toMatchObject({ param: 'items' });
    await stripe.subscriptions.create({ customer: rich, items });
    const euro = await stripe.prices.create({
      product,
      currency: 'eur',
      unit_amount: 1,
      recurring: { interval: 'month' },
    });
    expect(await create({ customer: rich, items: [{ price: euro.id }] })).toMatchObject({ status: 400 });
    await stripe.customers.del(poor);
    expect(await create({ customer: poor, items })).toMatchObject({ code: 'resource_missing', param: 'customer' });
  });

  it('stays incomplete when the card declines, and expires within a day', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const customer = await shop.customer({ card: 'declines' });
    const subscription = await stripe.subscriptions.create({ customer, items: [{ price: prices.base }] });
    expect(subscription.status).toBe('incomplete');
    const atOnce: Stripe.SubscriptionCreateParams = {
      customer,
      items: [{ price: prices.base }],
      payment_behavior: 'error_if_incomplete',
    };
    expect(await refusalOf(stripe.subscriptions.create(atOnce))).toMatchObject({
      type: 'StripeCardError',
      status: 402,
    });
    expect(fake.list('subscription')).toHaveLength(1);
    await fake.advance({ hours: 24 });
    expect(fake.get(subscription.id)).toMatchObject({ status: 'incomplete_expired' });
    expect(invoices(shop)).toEqual([['subscription_create', 3000, 'void']]);
  });

  it('becomes active when an authentication is passed', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const customer = await shop.customer({ card: 'requires-action' });
    const created = await stripe.subscriptions.create({
      customer,
      items: [{ price: prices.base }],
      payment_behavior: 'default_incomplete',
      expand: ['latest_invoice.confirmation_secret', 'latest_invoice.payments'],
    });
    expect(created.status).toBe('incomplete');
    expect(created.latest_invoice).toMatchObject({ status: 'open', confirmation_secret: { type: 'payment_intent' } });
    const invoice = fake.get(created.id)?.latest_invoice;
    expect(await refusalOf(stripe.invoices.pay(String(invoice)))).toMatchObject({ code: 'authentication_required' });
    fake.payInvoice(String(invoice));
    expect((await stripe.subscriptions.retrieve(created.id)).status).toBe('active');
  });

  it('waits for a date to begin its cycle, and bills the days until then', async () => {
    const shop = await openShop({});
    const { stripe, prices, fake } = shop;
    await fake.advanceTo('2026-01-17T00:00:00Z');
    const subscription = await stripe.subscriptions.create({
      customer: await shop.customer(),
      items: [{ price: prices.base }],
      billing_cycle_anchor: at('2026-02-01'),
    });
    expect(itemOf(subscription, prices.base)).toMatchObject({
      current_period_start: at('2026-01-17'),
      current_period_end: at('2026-02-01'),
    });
    await fake.advanceTo('2026-03-02T00:00:00Z');
    expect(invoices(shop)).toEqual([
      ['subscription_create', 1452, 'paid'],
      ['subscription_cycle', 3000, 'paid'],
      ['subscription_cycle', 3000, 'paid'],
    ]);
  });
});

describe('a change of items', () => {
  it('credits unused time and charges the rest, with the next invoice', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const customer = await shop.customer();
    const items = [{ price: prices.base }, { price: prices.seat, quantity: 2 }];
    const subscription = await stripe.subscriptions.create({ customer, items });
    await fake.advanceTo('2026-01-16T12:00:00Z'); // half of January
    const seat = itemOf(subscription, prices.seat).id;
    const changed = await stripe.subscriptionItems.update(seat, { quantity: 5 });
    expect(changed.quantity).toBe(5);
    const pending = await stripe.invoiceItems.list({ customer, pending: true });
    expect(pending.data.map(({ amount, proration }) => [amount, proration])).toEqual([
      [2500, true],
      [-1000, true],
    ]);
    await fake.advanceTo('2026-02-01T02:00:00Z');
    expect(invoices(shop).at(-1)).toEqual(['subscription_cycle', 3000 + 5000 + 1500, 'paid']);
  });

  it('is billed at once, or not at all, as asked', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const subscription = await stripe.subscriptions.create({
      customer: await shop.customer(),
      items: [{ price: prices.seat, quantity: 4 }],
    });
    const { id } = itemOf(subscription, prices.seat);
    await fake.advanceTo('2026-01-16T12:00:00Z');
    await stripe.subscriptions.update(subscription.id, {
      items: [{ id, quantity: 6 }],
      proration_behavior: 'always_invoice',
    });
    expect(invoices(shop).at(-1)).toEqual(['subscription_update', 1000, 'paid']);
    await stripe.subscriptions.update(subscription.id, { items: [{ id, quantity: 9 }], proration_behavior: 'none' });
    expect(fake.list('invoiceitem')).toHaveLength(2);
    await stripe.subscriptions.update(subscription.id, {
      items: [{ id, quantity: 1 }],
      proration_behavior: 'always_invoice',
    });
    // What was paid too much becomes the customer's balance.
    expect(invoices(shop).at(-1)).toEqual(['subscription_update', -4000, 'paid']);
    expect(await stripe.customers.retrieve(String(subscription.customer))).toMatchObject({ balance: -4000 });
    await fake.advanceTo('2026-02-01T02:00:00Z');
    expect(fake.list('invoice').at(-1)).toMatchObject({ total: 1000, amount_due: 0, starting_balance: -4000 });
    expect(await stripe.customers.retrieve(String(subscription.customer))).toMatchObject({ balance: -3000 });
  });

  it('from month to year begins the cycle anew', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const subscription = await stripe.subscriptions.create({
      customer: await shop.customer(),
      items: [{ price: prices.base }],
    });
    await fake.advanceTo('2026-01-16T12:00:00Z');
    const changed = await stripe.subscriptions.update(subscription.id, {
      items: [{ id: itemOf(subscription, prices.base).id, price: prices.yearly }],
    });
    expect(itemOf(changed, prices.yearly)).toMatchObject({
      current_period_start: at('2026-01-16T12:00:00Z'),
      current_period_end: at('2027-01-16T12:00:00Z'),
    });
    expect(invoices(shop).at(-1)).toEqual(['subscription_update', 30_000 - 1500, 'paid']);
  });

  it('adds and removes items, and refuses nonsense', async () => {
    const shop = await openShop();
    const { stripe, prices } = shop;
    const subscription = await stripe.subscriptions.create({
      customer: await shop.customer(),
      items: [{ price: prices.base }],
    });
    const added = await stripe.subscriptionItems.create({
      subscription: subscription.id,
      price: prices.seat,
      quantity: 2,
    });
    expect((await stripe.subscriptionItems.list({ subscription: subscription.id })).data).toHaveLength(2);
    expect(await refusalOf(stripe.subscriptionItems.update(added.id, { quantity: -1 }))).toMatchObject({ status: 400 });
    expect(await refusalOf(stripe.subscriptionItems.retrieve('si_none'))).toMatchObject({ status: 404 });
    expect(await stripe.subscriptionItems.del(added.id)).toMatchObject({ deleted: true });
    const last = itemOf(subscription, prices.base).id;
    expect(await refusalOf(stripe.subscriptionItems.del(last))).toMatchObject({ status: 400 });
    const swapped = await stripe.subscriptions.update(subscription.id, {
      items: [{ id: last, deleted: true }, { price: prices.calls }],
    });
    expect(swapped.items.data.map(({ price }) => price.id)).toEqual([prices.calls]);
  });

  it('that cannot be paid is refused, or waits, as asked', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const customer = await shop.customer();
    const subscription = await stripe.subscriptions.create({ customer, items: [{ price: prices.seat, quantity: 1 }] });
    const { id } = itemOf(subscription, prices.seat);
    fake.setCard(customer, 'declines');
    const change: Stripe.SubscriptionUpdateParams = {
      items: [{ id, quantity: 50 }],
      proration_behavior: 'always_invoice',
    };
    const strict = stripe.subscriptions.update(subscription.id, { ...change, payment_behavior: 'error_if_incomplete' });
    expect(await refusalOf(strict)).toMatchObject({ code: 'card_declined', status: 402 });
    expect(fake.list('invoice')).toHaveLength(1);
    const waiting = await stripe.subscriptions.update(subscription.id, {
      ...change,
      payment_behavior: 'pending_if_incomplete',
    });
    expect(itemOf(waiting, prices.seat).quantity).toBe(1);
    expect(waiting.pending_update?.subscription_items?.[0]?.quantity).toBe(50);
    fake.payInvoice(String(fake.list('invoice').at(-1)?.id));
    expect(itemOf(await stripe.subscriptions.retrieve(subscription.id), prices.seat).quantity).toBe(50);
  });
});

describe('trials', () => {
  it('cost nothing, tell of their end three days before, and then bill', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const subscription = await stripe.subscriptions.create({
      customer: await shop.customer(),
      items: [{ price: prices.base }, { price: prices.calls }],
      trial_period_days: 14,
    });
    expect(subscription).toMatchObject({ status: 'trialing', trial_end: at('2026-01-15') });
    await fake.advanceTo('2026-01-12T00:00:00Z');
    expect(fake.events.at(-1)?.type).toBe('customer.subscription.trial_will_end');
    await fake.advanceTo('2026-01-15T02:00:00Z');
    expect(fake.get(subscription.id)).toMatchObject({ status: 'active', billing_cycle_anchor: at('2026-01-15') });
    expect(invoices(shop)).toEqual([
      ['subscription_create', 0, 'paid'],
      ['subscription_cycle', 3000, 'paid'],
    ]);
  });

  it('without a card end as they were told: canceled, paused, or with an unpaid invoice', async () => {
    for (const [behavior, status] of [
      ['cancel', 'canceled'],
      ['pause', 'paused'],
      ['create_invoice', 'past_due'],
    ] as const) {
      const shop = await openShop();
      const { stripe, prices, fake } = shop;
      const subscription = await stripe.subscriptions.create({
        customer: await shop.customer({ card: 'none' }),
        items: [{ price: prices.base }],
        trial_period_days: 7,
        trial_settings: { end_behavior: { missing_payment_method: behavior } },
      });
      await fake.advance({ days: 7, hours: 2 });
      expect(await stripe.subscriptions.retrieve(subscription.id), behavior).toMatchObject({ status });
    }
  });

  it('can be ended now or made longer', async () => {
    const shop = await openShop();
    const { stripe, prices } = shop;
    const { id } = await stripe.subscriptions.create({
      customer: await shop.customer(),
      items: [{ price: prices.base }],
      trial_period_days: 7,
    });
    const longer = await stripe.subscriptions.update(id, { trial_end: at('2026-03-01') });
    expect(longer).toMatchObject({ status: 'trialing', trial_end: at('2026-03-01') });
    const ended = await stripe.subscriptions.update(id, { trial_end: 'now' });
    expect(ended.status).toBe('active');
    expect(invoices(shop).at(-1)).toEqual(['subscription_update', 3000, 'paid']);
    expect(ended.items.data[0]?.current_period_end).toBe(at('2026-02-01'));
  });
});

describe('schedules', () => {
  it('change the items at the end of the period, then let the subscription go', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const subscription = await stripe.subscriptions.create({
      customer: await shop.customer(),
      items: [{ price: prices.base }, { price: prices.seat, quantity: 5 }],
    });
    const schedule = await stripe.subscriptionSchedules.create({ from_subscription: subscription.id });
    expect(schedule).toMatchObject({
      status: 'active',
      current_phase: { start_date: at('2026-01-01'), end_date: at('2026-02-01') },
    });
    const [current] = schedule.phases;
    await stripe.subscriptionSchedules.update(schedule.id, {
      end_behavior: 'release',
      phases: [
        {
          items: [{ price: prices.base }, { price: prices.seat, quantity: 5 }],
          start_date: Number(current?.start_date),
          end_date: Number(current?.end_date),
        },
        {
          items: [{ price: prices.base }, { price: prices.seat, quantity: 2 }],
          proration_behavior: 'none',
          duration: { interval: 'month', interval_count: 1 },
        },
      ],
    });
    const managed = stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
    expect(await refusalOf(managed)).toMatchObject({ status: 400 });
    expect(fake.list('invoiceitem')).toHaveLength(0);
    await fake.advanceTo('2026-02-01T02:00:00Z');
    const changed = await stripe.subscriptions.retrieve(subscription.id);
    expect(itemOf(changed, prices.seat).quantity).toBe(2);
    expect(itemOf(changed, prices.seat).id).toBe(itemOf(subscription, prices.seat).id);
    expect(invoices(shop).at(-1)).toEqual(['subscription_cycle', 5000, 'paid']);
    await fake.advanceTo('2026-03-01T02:00:00Z');
    expect(fake.get(schedule.id)).toMatchObject({ status: 'released', released_subscription: subscription.id });
    expect(fake.get(subscription.id)).toMatchObject({ status: 'active', schedule: null });
  });

  it('can be released, canceled, begin in the future, and are one per subscription', async () => {
    const shop = await openShop();
    const { stripe, prices, fake } = shop;
    const customer = await shop.customer();
    const subscription = await stripe.subscriptions.create({ customer, items: [{ price: prices.base }] });
    const schedule = await stripe.subscriptionSchedules.create({ from_subscription: subscription.id });
    const second = stripe.subscriptionSchedules.create({ from_subscription: subscription.id });
    expect(await refusalOf(second)).toMatchObject({ param: 'from_subscription' });
    expect(await stripe.subscriptionSchedules.release(schedule.id)).toMatchObject({ status: 'released' });
    expect(await refusalOf(stripe.subscriptionSchedules.release(schedule.id))).toMatchObject({ status: 400 });
    const later = await stripe.subscriptionSchedules.create({
      customer,
      start_date: at('2026-03-01'),
      end_behavior: 'cancel',
      phases: [{ items: [{ price: prices.seat, quantity: 2 }], duration: { interval: 'month', interval_count: 2 } }],
    });
    expect(later.status).toBe('not_started');
    await fake.advanceTo('2026-03-02T00:00:00Z');
    const started = await stripe.subscriptionSchedules.retrieve(later.id, { expand: ['subscription'] });
    expect(started).toMatchObject({ status: 'active', subscription: { status: 'active' } });
    await fake.advanceTo('2026-05-02T00:00:00Z');
    expect(fake.get(later.id)).toMatchObject({ status: 'completed' });
    const ours = await stripe.subscriptionSchedules.list({ customer });
    expect(ours.data.map(({ status }) => status)).toEqual(['completed', 'released']);
  });
});
