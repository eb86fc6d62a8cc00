import type Stripe from 'stripe';
import type { FakeStripe, WebhookConnection } from 'tenantry/testing';
import { describe, expect, it } from 'vitest';
import { clientOf, openShop } from '../support/stripe-shop.ts';

const secret = 'whsec_shop';

/** Receives events as an application does: the client checks the signature at the time of the fake. */
function listen(fake: FakeStripe, options: Partial<WebhookConnection> & { readonly fails?: () => boolean } = {}) {
  const stripe = clientOf(fake);
  const seen: Stripe.Event[] = [];
  const { fails = () => false, ...connection } = options;
  const stop = fake.webhooks.connect({
    secret,
    handler(rawBody, headers) {
      const received = fake.clock().getTime();
      const signature = headers['stripe-signature'] ?? '';
      const event = stripe.webhooks.constructEvent(rawBody, signature, secret, 300, undefined, received);
      if (fails()) return 503;
      seen.push(event);
      return 200;
    },
    ...connection,
  });
  return { seen, stop };
}

describe('webhooks', () => {
  it('come signed, in order, with the object as it was', async () => {
    const { fake, stripe } = await openShop();
    const { seen, stop } = listen(fake);
    const customer = await stripe.customers.create({ name: 'A' }, { idempotencyKey: 'made' });
    await stripe.customers.update(customer.id, { name: 'B' });
    expect(seen).toEqual([]);
    expect(await fake.webhooks.deliver()).toMatchObject({ delivered: 2, refused: 0, lost: 0, waiting: 0 });
    expect(seen.map(({ type, data }) => [type, Reflect.get(data.object, 'name')])).toEqual([
      ['customer.created', 'A'],
      ['customer.updated', 'B'],
    ]);
    expect(seen[0]?.request?.idempotency_key).toBe('made');
    expect(seen[1]).toMatchObject({ data: { previous_attributes: { name: 'A' } }, livemode: false });
    expect(await stripe.events.retrieve(String(seen[0]?.id))).toMatchObject({ type: 'customer.created' });
    const ours = await stripe.events.list({ types: ['customer.created', 'customer.updated'] });
    expect(ours.data.map(({ id }) => id)).toEqual(seen.map(({ id }) => id).reverse());
    stop();
    await stripe.customers.create({});
    expect(await fake.webhooks.drain()).toMatchObject({ delivered: 0 });
  });

  it('come as the clock moves, each at its own time', async () => {
    const { fake, stripe, prices, customer } = await openShop();
    const times: string[] = [];
    fake.webhooks.connect({
      types: ['invoice.paid'],
      handler: () => {
        times.push(fake.clock().toISOString());
        return 200;
      },
    });
    await stripe.subscriptions.create({ customer: await customer(), items: [{ price: prices.base }] });
    await fake.advance({ days: 62 });
    expect(times).toEqual(['2026-01-01T00:00:00.000Z', '2026-02-01T01:00:00.000Z', '2026-03-01T01:00:00.000Z']);
  });

  it('come again until the answer is 2xx, and are given up at last', async () => {
    const { fake, stripe } = await openShop();
    let refusals = 3;
    const { seen } = listen(fake, { fails: () => refusals-- > 0 });
    await stripe.customers.create({});
    expect(await fake.webhooks.deliver()).toMatchObject({ refused: 1, waiting: 1 });
    await fake.advance({ days: 1 });
    expect(seen).toHaveLength(1);
    refusals = Number.POSITIVE_INFINITY;
    await stripe.customers.create({});
    expect(await fake.webhooks.drain()).toMatchObject({ delivered: 0, refused: 16, lost: 1, waiting: 0 });
    refusals = 0;
    fake.webhooks.resend('undelivered');
    await fake.webhooks.drain();
    expect(new Set(seen.map(({ id }) => id)).size).toBe(
      fake.events.filter(({ type }) => type === 'customer.created').length + 6,
    );
  });

  it('a handler that throws has answered 500', async () => {
    const { fake, stripe } = await openShop();
    fake.webhooks.connect({
      handler: () => {
        throw new Error('no');
      },
    });
    await stripe.customers.create({});
    expect(await fake.webhooks.deliver()).toMatchObject({ delivered: 0, refused: 1, waiting: 1 });
  });

  it('come doubled, shuffled, late or never, as told, and the same with the same seed', async () => {
    const run = async (seed: number, policy: NonNullable<WebhookConnection['policy']>): Promise<string[]> => {
      const { fake, stripe } = await openShop({ seed });
      const { seen } = listen(fake, { policy });
      for (let count = 0; count < 20; count += 1) await stripe.customers.create({ name: String(count) });
      await fake.webhooks.deliver();
      const early = seen.length;
      await fake.webhooks.drain();
      return [String(early), ...seen.map(({ data }) => String(Reflect.get(data.object, 'name')))];
    };
    const inOrder = Array.from({ length: 20 }, (_, count) => String(count));
    expect(await run(1, {})).toEqual(['20', ...inOrder]);
    const shuffled = await run(1, { shuffle: true });
    expect(shuffled.slice(1).sort()).toEqual([...inOrder].sort());
    expect(shuffled.slice(1)).not.toEqual(inOrder);
    expect(await run(1, { shuffle: true })).toEqual(shuffled);
    expect(await run(2, { shuffle: true })).not.toEqual(shuffled);
    const doubled = await run(1, { duplicate: 1 });
    expect(doubled).toHaveLength(41);
    const lossy = await run(1, { lose: 0.5 });
    expect(lossy.length).toBeGreaterThan(3);
    expect(lossy.length).toBeLessThan(19);
    const [early, ...late] = await run(1, { delay: 3600 });
    expect(Number(early)).toBeLessThan(5);
    expect(late).toHaveLength(20);
  });

  it('may be thin, and are then fetched', async () => {
    const { fake, stripe, prices, customer } = await openShop();
    const notifications: string[] = [];
    fake.webhooks.connect({
      secret,
      payload: 'thin',
      types: ['customer.subscription.*'],
      async handler(rawBody, headers) {
        const received = fake.clock().getTime();
        const signature = headers['stripe-signature'] ?? '';
        expect(() => stripe.webhooks.constructEvent(rawBody, signature, secret, 300, undefined, received)).toThrow(
          'thin',
        );
        const told = stripe.parseEventNotification(rawBody, signature, secret, 300, undefined, received);
        const event = await stripe.v2.core.events.retrieve(told.id);
        notifications.push(`${told.type} ${event.id === told.id}`);
        const related = await fake.fetch(
          `https://api.stripe.com${Reflect.get(Reflect.get(told, 'related_object'), 'url')}`,
          {
            headers: { authorization: 'Bearer sk_test_1' },
          },
        );
        expect(await related.json()).toMatchObject({ object: 'subscription' });
        return 200;
      },
    });
    await stripe.subscriptions.create({ customer: await customer(), items: [{ price: prices.base }] });
    expect(await fake.webhooks.deliver()).toMatchObject({ delivered: 1 });
    expect(notifications).toEqual(['v1.customer.subscription.created true']);
  });
});

describe('webhook endpoints', () => {
  it('are kept', async () => {
    const { stripe } = await openShop();
    const made = await stripe.webhookEndpoints.create({ url: 'https://app.example.com', enabled_events: ['*'] });
    expect(made.secret).toMatch(/^whsec_/);
    await stripe.webhookEndpoints.update(made.id, { disabled: true });
    expect((await stripe.webhookEndpoints.list()).data).toMatchObject([{ status: 'disabled' }]);
    await stripe.webhookEndpoints.del(made.id);
    expect((await stripe.webhookEndpoints.list()).data).toEqual([]);
  });
});
