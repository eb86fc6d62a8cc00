import Stripe from 'stripe';
import { createFakeStripe } from 'tenantry/testing';
import { describe, expect, it } from 'vitest';
import { clientOf, openShop, refusalOf } from '../support/stripe-shop.ts';

describe('customers', () => {
  it('are kept, changed, listed newest first, and known as deleted', async () => {
    const { fake, stripe } = await openShop();
    const first = await stripe.customers.create({ email: 'a@example.com', metadata: { tenant: '1', old: 'x' } });
    await stripe.customers.create({ email: 'b@example.com', name: 'B', address: { country: 'HU' } });
    const changed = await stripe.customers.update(first.id, { name: 'A', metadata: { old: '', more: 'y' } });
    expect(changed).toMatchObject({ name: 'A', email: 'a@example.com', metadata: { tenant: '1', more: 'y' } });
    expect((await stripe.customers.list()).data.map(({ email }) => email)).toEqual(['b@example.com', 'a@example.com']);
    expect((await stripe.customers.list({ email: 'a@example.com' })).data).toHaveLength(1);
    expect(await stripe.customers.del(first.id)).toMatchObject({ id: first.id, deleted: true });
    expect(await stripe.customers.retrieve(first.id)).toMatchObject({ id: first.id, deleted: true });
    expect(await refusalOf(stripe.customers.update(first.id, { name: 'x' }))).toMatchObject({
      status: 404,
      code: 'resource_missing',
    });
    expect(fake.events.map(({ type }) => type)).toContain('customer.deleted');
  });

  it('have tax ids, payment methods and a balance', async () => {
    const { stripe, customer } = await openShop();
    const id = await customer({ card: 'none' });
    await stripe.customers.createTaxId(id, { type: 'eu_vat', value: 'HU12345678' });
    expect((await stripe.customers.listTaxIds(id)).data[0]).toMatchObject({ country: 'EU', value: 'HU12345678' });
    const method = await stripe.paymentMethods.attach('pm_card_visa', { customer: id });
    await stripe.customers.update(id, { invoice_settings: { default_payment_method: method.id } });
    expect((await stripe.customers.listPaymentMethods(id)).data[0]?.card?.last4).toBe('4242');
    expect(await refusalOf(stripe.paymentMethods.attach('pm_card_chargeDeclined', { customer: id }))).toMatchObject({
      type: 'StripeCardError',
      code: 'card_declined',
      status: 402,
    });
    await stripe.customers.createBalanceTransaction(id, { amount: -500, currency: 'usd', description: 'sorry' });
    const { data } = await stripe.customers.listBalanceTransactions(id);
    expect(data).toMatchObject([{ amount: -500, ending_balance: -500, type: 'adjustment' }]);
    expect(await stripe.customers.retrieve(id)).toMatchObject({ balance: -500, currency: 'usd' });
    const detached = await stripe.paymentMethods.detach(method.id);
    expect(detached.customer).toBeNull();
  });
});

describe('prices', () => {
  it('are found by lookup key, which another price takes over only when told to', async () => {
    const { stripe, prices, product } = await openShop();
    const same = {
      product,
      currency: 'usd',
      unit_amount: 3500,
      recurring: { interval: 'month' },
      lookup_key: 'base',
    } as const;
    expect(await refusalOf(stripe.prices.create(same))).toMatchObject({ status: 400, param: 'lookup_key' });
    const next = await stripe.prices.create({ ...same, transfer_lookup_key: true });
    const found = await stripe.prices.list({ lookup_keys: ['base', 'seat'] });
    expect(found.data.map(({ id }) => id).sort()).toEqual([next.id, prices.seat].sort());
    expect((await stripe.prices.retrieve(prices.base)).lookup_key).toBeNull();
  });

  it('have other currencies and tiers for who expands them', async () => {
    const { stripe, product } = await openShop();
    const price = await stripe.prices.create({
      product,
      currency: 'usd',
      unit_amount: 100,
      currency_options: { eur: { unit_amount: 90 }, huf: { unit_amount: 35_000 } },
      recurring: { interval: 'month' },
      expand: ['currency_options'],
    });
    expect(price.currency_options?.eur?.unit_amount).toBe(90);
    expect(String(price.currency_options?.huf?.unit_amount_decimal)).toBe('35000');
    expect((await stripe.prices.retrieve(price.id)).currency_options).toBeUndefined();
    // The client spreads a decimal inside of a map into its fields; Stripe refuses what then arrives.
    const spread = { usd: { unit_amount_decimal: Stripe.Decimal.from('0.5') } };
    expect(await refusalOf(stripe.prices.update(price.id, { currency_options: spread }))).toMatchObject({
      status: 400,
    });
    const tiered = await stripe.prices.create({
      product,
      currency: 'usd',
      billing_scheme: 'tiered',
      tiers_mode: 'graduated',
      tiers: [
        { up_to: 10, unit_amount: 100 },
        { up_to: 'inf', unit_amount: 50, flat_amount: 5 },
      ],
      recurring: { interval: 'month' },
      expand: ['tiers'],
    });
    expect(tiered.tiers).toMatchObject([
      { up_to: 10, unit_amount: 100 },
      { up_to: null, flat_amount: 5 },
    ]);
  });

  it('are refused where they make no sense', async () => {
    const { stripe, product } = await openShop();
    const base = { product, currency: 'usd' } as const;
    expect(await refusalOf(stripe.prices.create(base))).toMatchObject({ code: 'parameter_missing' });
    const metered = { ...base, unit_amount: 1, recurring: { interval: 'month', usage_type: 'metered' } } as const;
    expect(await refusalOf(stripe.prices.create(metered))).toMatchObject({ param: 'recurring[meter]' });
    expect(await refusalOf(stripe.prices.create({ ...base, product: 'prod_none', unit_amount: 1 }))).toMatchObject({
      code: 'resource_missing',
      status: 400,
    });
  });
});

describe('lists', () => {
  it('come in pages, forward and backward', async () => {
    const { stripe } = await openShop();
    for (let count = 0; count < 25; count += 1) await stripe.customers.create({ name: String(count) });
    const first = await stripe.customers.list({ limit: 10 });
    expect(first.has_more).toBe(true);
    const second = await stripe.customers.list({ limit: 10, starting_after: String(first.data.at(-1)?.id) });
    expect(second.data[0]?.name).toBe('14');
    const back = await stripe.customers.list({ limit: 10, ending_before: String(second.data[0]?.id) });
    expect(back.data.map(({ id }) => id)).toEqual(first.data.map(({ id }) => id));
    const all = await stripe.customers.list({ limit: 7 }).autoPagingToArray({ limit: 100 });
    expect(all).toHaveLength(25);
    expect(await refusalOf(stripe.customers.list({ limit: 101 }))).toMatchObject({ param: 'limit' });
    expect(await refusalOf(stripe.customers.list({ starting_after: 'cus_none' }))).toMatchObject({ status: 400 });
  });
});

describe('what is refused', () => {
  it('unknown routes and parameters, wrong types, missing parameters: never an empty object', async () => {
    const { stripe, fake } = await openShop();
    const hostile = async (params: object): Promise<unknown> =>
      refusalOf(stripe.customers.create(JSON.parse(JSON.stringify(params))));
    expect(await hostile({ colour: 'red' })).toMatchObject({ code: 'parameter_unknown', param: 'colour', status: 400 });
    expect(await hostile({ address: { planet: 'x' } })).toMatchObject({ param: 'address[planet]' });
    expect(await hostile({ balance: 'much' })).toMatchObject({ code: 'parameter_invalid_integer' });
    expect(await hostile({ tax_exempt: 'sure' })).toMatchObject({ param: 'tax_exempt' });
    expect(await refusalOf(stripe.rawRequest('POST', '/v1/products', {}))).toMatchObject({ code: 'parameter_missing' });
    expect(await refusalOf(stripe.rawRequest('GET', '/v1/nothing'))).toMatchObject({ status: 404 });
    expect(await refusalOf(stripe.topups.list())).toMatchObject({ status: 404, type: 'StripeInvalidRequestError' });
    const response = await fake.fetch('https://api.stripe.com/v1/nothing', {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_1' },
    });
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
  });

  it('what Stripe knows and the fake does not simulate, by a code of its own', async () => {
    const { stripe, customer } = await openShop();
    const id = await customer();
    expect(await refusalOf(stripe.setupIntents.create({ customer: id }))).toMatchObject({ code: 'not_simulated' });
    expect(await refusalOf(stripe.customers.create({ source: 'tok_visa' }))).toMatchObject({
      code: 'not_simulated',
      param: 'source',
    });
  });

  it('keys of the other mode, and no key at all', async () => {
    const live = createFakeStripe({ livemode: true });
    expect(await refusalOf(clientOf(live).customers.list())).toMatchObject({
      type: 'StripeAuthenticationError',
      status: 401,
    });
    const customer = await clientOf(live, 'sk_live_1').customers.create({});
    expect(customer.livemode).toBe(true);
    const response = await live.fetch('https://api.stripe.com/v1/customers');
    expect(response.status).toBe(401);
  });

  it('more than four levels of expansion, and what cannot be expanded', async () => {
    const { stripe, customer, prices } = await openShop();
    const id = await customer();
    const subscription = await stripe.subscriptions.create({ customer: id, items: [{ price: prices.base }] });
    const expanded = await stripe.subscriptions.retrieve(subscription.id, {
      expand: ['customer', 'latest_invoice.payments', 'items.data.price.product'],
    });
    expect(expanded.customer).toMatchObject({ email: 'ada@example.com' });
    expect(expanded.latest_invoice).toMatchObject({ payments: { data: [{ status: 'paid' }] } });
    expect(expanded.items.data[0]?.price.product).toMatchObject({ name: 'Pro' });
    const [deep] = [['latest_invoice.payments.data.payment.payment_intent']];
    expect(await refusalOf(stripe.subscriptions.retrieve(subscription.id, { expand: deep }))).toMatchObject({
      param: 'expand',
    });
    const wrong = stripe.subscriptions.retrieve(subscription.id, { expand: ['status_page'] });
    expect(await refusalOf(wrong)).toMatchObject({ status: 400 });
  });
});

describe('idempotency keys', () => {
  it('give the first answer again, also a refusal, and refuse another request', async () => {
    const { stripe, fake, customer, prices } = await openShop();
    const replayed: boolean[] = [];
    fake.onExchange((exchange) => replayed.push(exchange.replayed));
    const options = { idempotencyKey: 'one' };
    const [first, second] = await Promise.all([
      stripe.customers.create({ name: 'A' }, options),
      stripe.customers.create({ name: 'A' }, options),
    ]);
    expect(second?.id).toBe(first?.id);
    expect(replayed).toEqual([false, true]);
    expect(await refusalOf(stripe.customers.create({ name: 'B' }, options))).toMatchObject({
      type: 'StripeIdempotencyError',
      status: 400,
    });
    expect(await refusalOf(stripe.products.create({ name: 'A' }, options))).toMatchObject({
      type: 'StripeIdempotencyError',
    });
    expect(fake.list('customer')).toHaveLength(1);

    const poor = await customer({ card: 'declines' });
    const buy = (): Promise<unknown> =>
      stripe.subscriptions.create(
        { customer: poor, items: [{ price: prices.base }], payment_behavior: 'error_if_incomplete' },
        { idempotencyKey: 'two' },
      );
    expect(await refusalOf(buy())).toMatchObject({ code: 'card_declined' });
    fake.setCard(poor, 'ok');
    expect(await refusalOf(buy())).toMatchObject({ code: 'card_declined' });
    await fake.advance({ days: 2 });
    expect(await buy()).toMatchObject({ status: 'active' });
  });

  it('are not used up by a request whose parameters were wrong', async () => {
    const { stripe } = await openShop();
    const options = { idempotencyKey: 'one' };
    const wrong = JSON.parse('{"limit":5}');
    expect(await refusalOf(stripe.customers.create(wrong, options))).toMatchObject({
      code: 'parameter_unknown',
    });
    expect(await stripe.customers.create({ name: 'A' }, options)).toMatchObject({ name: 'A' });
  });
});

describe('faults on demand', () => {
  it('happen before or after the effect, with an answer or without', async () => {
    const { stripe, fake } = await openShop();
    const tries = [
      ['error', 'StripeAPIError', false],
      ['error-after-effect', 'StripeAPIError', true],
      ['rate-limit', 'StripeRateLimitError', false],
      ['timeout-before', 'StripeConnectionError', false],
      ['timeout-after-effect', 'StripeConnectionError', true],
    ] as const;
    for (const [how, type, happened] of tries) {
      fake.fail({ next: 1, how });
      expect(await refusalOf(stripe.customers.create({ name: how }))).toMatchObject({ type });
      expect(
        fake.list('customer').some(({ name }) => name === how),
        how,
      ).toBe(happened);
    }
    fake.fail({ next: 1, how: 'drop' });
    expect(await refusalOf(stripe.customers.create({}))).toMatchObject({ type: 'StripeConnectionError' });
    await stripe.customers.create({ name: 'well again' });
  });

  it('a retry with the same key after a lost answer finds what happened', async () => {
    const { stripe, fake } = await openShop();
    fake.fail({ next: 1, how: 'timeout-after-effect' });
    const call = (): Promise<Stripe.Customer> => stripe.customers.create({ name: 'once' }, { idempotencyKey: 'k' });
    await refusalOf(call());
    await call();
    expect(fake.list('customer')).toHaveLength(1);
    fake.fail({ next: 1, how: 'error-after-effect' });
    const other = (): Promise<Stripe.Customer> => stripe.customers.create({ name: 'twice' }, { idempotencyKey: 'l' });
    await refusalOf(other());
    expect(await refusalOf(other())).toMatchObject({ type: 'StripeAPIError' });
  });

  it('can be matched, and repeat with the seed', async () => {
    const run = async (seed: number): Promise<string> => {
      const { stripe, fake } = await openShop({ seed });
      fake.fail({
        rate: 0.5,
        how: ['error', 'timeout-before', 'rate-limit'],
        match: { method: 'post', path: '/v1/customers*' },
      });
      let outcome = '';
      for (let count = 0; count < 30; count += 1) {
        await stripe.products.create({ name: 'p' });
        outcome += await stripe.customers.create({}).then(
          () => '.',
          (error: Error) => error.constructor.name.charAt(6),
        );
      }
      fake.heal();
      await stripe.customers.create({});
      return outcome;
    };
    expect(await run(7)).toBe(await run(7));
    expect(await run(7)).not.toBe(await run(8));
  });
});

describe('truth', () => {
  it('can be read without faults, planted and taken away', async () => {
    const { fake, stripe, prices, customer } = await openShop();
    const id = await customer();
    const subscription = await stripe.subscriptions.create({ customer: id, items: [{ price: prices.base }] });
    fake.fail({ how: 'error' });
    expect(fake.get(subscription.id)).toMatchObject({ status: 'active' });
    const calm = clientOf(fake, 'sk_test_1', fake.calmFetch);
    expect((await calm.subscriptions.retrieve(subscription.id)).id).toBe(subscription.id);
    fake.heal();
    fake.plant(subscription.id, { status: 'on_a_break' }, { event: 'customer.subscription.updated' });
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('on_a_break');
    expect(fake.events.at(-1)).toMatchObject({ data: { previous_attributes: { status: 'active' } } });
    fake.remove(subscription.id);
    expect(await refusalOf(stripe.subscriptions.retrieve(subscription.id))).toMatchObject({ status: 404 });
  });

  it('is the same in every run with the same seed', async () => {
    const run = async (): Promise<unknown> => {
      const { fake, stripe, prices, customer } = await openShop({ seed: 3 });
      await stripe.subscriptions.create({ customer: await customer(), items: [{ price: prices.base }] });
      await fake.advance({ days: 100 });
      // The client makes up an idempotency key for every call.
      return fake.events.map(({ request, ...event }) => event);
    };
    expect(await run()).toEqual(await run());
  });
});

describe('objects that somebody took away', () => {
  it('leave the rest running', async () => {
    const { fake, stripe, prices, customer } = await openShop();
    const id = await customer();
    const subscription = await stripe.subscriptions.create({
      customer: id,
      items: [{ price: prices.base }, { price: prices.calls }],
    });
    fake.remove(prices.base);
    await fake.advance({ days: 70 });
    expect(fake.get(subscription.id)).toMatchObject({ status: 'active' });
    for (const intent of fake.list('payment_intent')) fake.remove(String(intent.id));
    fake.setCard(id, 'declines');
    fake.remove(id);
    await fake.advance({ days: 70 });
    expect((await refusalOf(stripe.customers.retrieve(id))).status).toBe(404);
  });
});
