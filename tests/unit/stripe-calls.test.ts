import { readdirSync, readFileSync } from 'node:fs';
import { Kysely, PostgresDialect } from 'kysely';
import Stripe from 'stripe';
import { expect, it } from 'vitest';
import { applyCatalogueSync, definePrices, planCatalogueSync, stripeProvider } from '../../src/billing/index.ts';
import { uuidv7 } from '../../src/core/index.ts';
import { definePlans } from '../../src/plans/index.ts';
import { createFakeStripe } from '../../src/testing/index.ts';
import { unwrapStripeWebhook } from '../../src/webhooks/index.ts';
import { createStripeSchema } from '../support/stripe-schema.ts';

/** `checkout.sessions.create` in the words of the schema: `Checkout_Sessions_create`. */
const nameOf = (call: string): string =>
  call
    .split('.')
    .map((part, place, all) => (place === all.length - 1 ? part : `${part.charAt(0).toUpperCase()}${part.slice(1)}`))
    .join('_');

/** Every call of the client that stands in the sources. */
function callsOfSources(): string[] {
  const folder = new URL('../../src/billing/stripe/', import.meta.url);
  const found = readdirSync(folder).flatMap((file) => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    return [...text.matchAll(/\bstripe\.([a-zA-Z]+(?:\.[a-zA-Z]+)+)\(/g)].map((match) => match[1] ?? '');
  });
  return [...new Set(found)]
    .filter((call) => !call.startsWith('Decimal.'))
    .map(nameOf)
    .sort();
}

const plans = definePlans({
  pro: { quotas: { calls: { amount: 0, per: 'month' } } },
  team: { quotas: { calls: { amount: 0, per: 'month', overage: 'bill' } } },
});
const prices = (amount: number, name?: string) =>
  definePrices(plans, {
    plans: {
      pro: { month: { base: { usd: amount, eur: 2_700 } }, year: { base: { usd: 29_000, eur: 27_000 } } },
      team: { month: { base: 2_000, seat: 500, metered: { calls: '0.5' } } },
    },
    coupons: {
      half: { percentOff: 50, duration: 'repeating', months: 3, ...(name !== undefined && { name }) },
      less: { amountOff: 500, duration: 'once', codes: { WELCOME: { firstTime: name === undefined } } },
    },
  });

it('every request that the library can send was sent here, in each of its shapes, and fits the API', async () => {
  const fake = createFakeStripe();
  const schema = createStripeSchema();
  schema.watch(fake);
  const sent = new Set<string>();
  fake.onExchange(({ operation = 'none' }) => sent.add(operation));
  const stripe = new Stripe('sk_test_calls', {
    httpClient: Stripe.createFetchHttpClient(fake.fetch),
    maxNetworkRetries: 0,
  });
  const pool = async () => {
    throw new Error('Stripe is asked, and no database');
  };
  const db = new Kysely<Record<never, never>>({ dialect: new PostgresDialect({ pool }) });
  const tools = { db, clock: fake.clock, ids: uuidv7, unwrapStripe: unwrapStripeWebhook };
  const provider = stripeProvider({ stripe, livemode: false, webhookSecret: 'whsec_calls' })(tools);
  const key = () => ({ idempotencyKey: uuidv7() });

  // The catalogue: made, changed, renamed.
  await applyCatalogueSync(provider, await planCatalogueSync(provider, prices(2_900)));
  await applyCatalogueSync(provider, await planCatalogueSync(provider, prices(3_900, 'Half of it')));
  const product = prices(2_900).prices[0]?.productId ?? '';
  await provider.prices.renameProduct(product, 'Professional', key());
  const [pro, base, seat, calls] = await Promise.all(
    ['pro.base', 'team.base', 'team.seat', 'team.metered.calls'].map(async (name) => {
      const [found] = await provider.prices.byLookupKeys([`tenantry.${name}.month`]);
      return found?.id ?? '';
    }),
  );
  await provider.prices.read(pro ?? '');

  const tenantId = uuidv7();
  const { id: customerId } = await provider.customers.create({ tenantId, name: 'Ada', email: 'ada@a.test' }, key());
  await provider.customers.read(customerId);

  // Checkouts and the portal.
  const wish = { customerId, tenantId, plan: 'pro', items: [{ priceId: pro ?? '', quantity: 1 }], currency: 'usd' };
  const urls = { successUrl: 'https://a.test/b', cancelUrl: 'https://a.test/c' };
  for (const more of [
    { trialDays: 14, trialWithoutCard: true, coupon: 'half', locale: 'de' },
    { trialDays: 14, promotionCodes: true },
    { automaticTax: true, currency: 'eur' },
  ]) {
    const { id } = await provider.checkouts.create({ ...wish, ...urls, ...more }, key());
    await provider.checkouts.read(id);
    await provider.checkouts.listOpen(customerId);
    await provider.checkouts.expire(id, key());
    // One that is not open any more is given as it is.
    expect((await provider.checkouts.expire(id, key())).status).toBe('expired');
  }

  // Subscriptions, each with another way to be paid.
  fake.setCard(customerId, 'ok');
  const made = await provider.subscriptions.create({ ...wish, coupon: 'half' }, key());
  const change = {
    items: [
      { ...(made.items[0] && { id: made.items[0].id }), priceId: base ?? '', quantity: 1 },
      { priceId: seat ?? '', quantity: 2 },
      { priceId: calls ?? '' },
    ],
    proration: 'invoice' as const,
    prorationDate: fake.clock(),
    coupon: 'less',
  };
  await provider.subscriptions.preview(made.id, change);
  const changed = await provider.subscriptions.change(made.id, change, key());
  const item = changed.items.find(({ priceId }) => priceId === seat)?.id ?? '';
  for (const proration of ['create', 'invoice', 'none'] as const) {
    await provider.subscriptions.setQuantity(made.id, { id: item, quantity: 3, proration }, key());
  }
  await provider.meter(
    { identifier: 'one', customerId, eventName: 'tenantry_calls', units: 5, at: fake.clock() },
    key(),
  );
  const minute = { customerId, eventName: 'tenantry_calls', from: fake.clock(), to: fake.clock() };
  expect(await provider.metered?.(minute)).toBe(5);
  const kept = changed.items.map(({ id, priceId, kind }) => ({
    id,
    priceId,
    ...(kind === 'licensed' && { quantity: 1 }),
  }));
  await provider.subscriptions.changeAtPeriodEnd(made.id, kept, key());
  await provider.subscriptions.read(made.id);
  await provider.subscriptions.releaseScheduled(made.id, key());
  await provider.subscriptions.pause(made.id, new Date(fake.clock().getTime() + 86_400_000), key());
  await provider.subscriptions.unpause(made.id, key());
  await provider.subscriptions.pause(made.id, null, key());
  await provider.subscriptions.unpause(made.id, key());
  for (const when of ['period-end', new Date(fake.clock().getTime() + 5 * 86_400_000)] as const) {
    await provider.subscriptions.cancel(made.id, when, key());
    await provider.subscriptions.keep(made.id, key());
  }
  for (const to of ['home', 'payment-method'] as const) {
    await provider.portal({ customerId, returnUrl: 'https://a.test/d', place: { to }, locale: 'de' });
  }
  for (const to of ['cancel', 'change'] as const) {
    await provider.portal({ customerId, returnUrl: 'https://a.test/d', place: { to, subscriptionId: made.id } });
  }
  fake.plant(made.id, { status: 'paused' });
  await provider.subscriptions.unpause(made.id, key());
  await provider.subscriptions.create({ ...wish, trialDays: 14, daysUntilDue: 14 }, key());
  const later = { ...wish, paidUntil: new Date(fake.clock().getTime() + 9 * 86_400_000), daysUntilDue: 14 };
  await provider.subscriptions.create(later, key());

  // A card that declines: what is owed is looked for.
  const poor = await provider.customers.create({ tenantId: uuidv7(), name: 'Eve' }, key());
  fake.setCard(poor.id, 'ok');
  await provider.subscriptions.create({ ...wish, customerId: poor.id }, key());
  fake.setCard(poor.id, 'declines');
  // An invoice carries its first ten lines; the others are fetched.
  for (let n = 0; n < 11; n += 1) {
    await stripe.invoiceItems.create({ customer: poor.id, amount: 100, currency: 'usd' });
  }
  await fake.advance({ days: 33 });
  expect((await provider.subscriptions.list(poor.id))[0]?.pastDueSince).not.toBeNull();
  const failed = await provider.money.documents({ customerId: poor.id, since: new Date(0) });
  expect(failed.payments.map(({ status, failureCode }) => [status, failureCode]).sort()).toEqual([
    ['failed', 'generic_decline'],
    ['succeeded', null],
  ]);

  // Money: what was paid is given back and credited.
  const { invoices, payments } = await provider.money.documents({ customerId });
  const [payment] = payments;
  const invoiceId = payment?.invoiceId ?? '';
  expect(payment).toMatchObject({ status: 'succeeded', method: 'card', gatewayResponse: { last4: '4242' } });
  expect(payment?.receiptUrl).toMatch(/^https:/);
  await provider.money.invoice(invoices[0]?.id ?? '');
  const refund = await provider.money.refund({ paymentId: payment?.id ?? '', amount: 100, reason: 'duplicate' }, key());
  await provider.money.refund({ paymentId: payment?.id ?? '', amount: 100, reason: 'it rained' }, key());
  await provider.money.createCreditNote({ invoiceId, amount: 100, reason: 'it snowed' }, key());
  await provider.money.createCreditNote({ invoiceId, amount: 100 }, key());

  // Events that do not say whom they are about, and what was made for whom.
  const event = { id: 'evt_1', type: 'x', createdAt: fake.clock(), livemode: false, tenantId: null, account: null };
  const blank = { ...event, customerId: null, invoiceId: null };
  for (const [objectType, objectId] of [
    ['refund', refund.id],
    ['payment_intent', String(payment?.gatewayResponse?.paymentIntent)],
    ['subscription', made.id],
  ] as const) {
    expect((await provider.resolve({ ...blank, objectType, objectId })).customerId).toBe(customerId);
  }
  await provider.subscriptions.cancel(made.id, 'now', key());
  for (const of of [undefined, tenantId]) for await (const one of provider.made(of)) expect(one.id).not.toBe('');

  expect(schema.problems).toEqual([]);
  expect(callsOfSources().filter((call) => !sent.has(call))).toEqual([]);
  expect(callsOfSources().length).toBeGreaterThan(40);
  console.log(schema.summary());
});
