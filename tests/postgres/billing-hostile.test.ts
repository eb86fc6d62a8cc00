import { afterAll, beforeAll, expect, it } from 'vitest';
import { definePrices, manualProvider } from '../../src/billing/index.ts';
import { createTenantry, definePlans, perUser } from '../../src/index.ts';
import {
  type BillingProgram,
  type BillingWorld,
  billingProgram,
  billingWorld,
  clientOf,
  settle,
} from '../support/billing-world.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type HostileCall, hostileFaults } from '../support/hostile-arguments.ts';

let database: TestDatabase<Record<string, never>>;
let world: BillingWorld;
let program: BillingProgram;
let tenantId: string;
const urls = { successUrl: 'https://app.example/back', cancelUrl: 'https://app.example/no' };

beforeAll(async () => {
  database = await postgresDatabase();
  world = await billingWorld();
  program = billingProgram(database.app, world);
  ({ tenantId } = await program.tenancy.provision({ userId: 'ada', name: 'Acme' }));
  const { sessionId } = await program.billing.checkout({ tenantId, plan: 'pro', ...urls });
  world.fake.completeCheckout(sessionId);
  await program.billing.sync(tenantId);
  await settle(world, program);
});
afterAll(() => database.destroy());

it('answers or refuses whatever texts, numbers and times it is called with', async () => {
  const { billing } = program;
  const tomorrow = new Date(world.fake.clock().getTime() + 86_400_000);
  const { tenantId: free } = await program.tenancy.provision({ userId: 'eve', name: 'Free' });
  const wish = { tenantId: free, plan: 'pro', interval: 'month', currency: 'usd' };
  const more = { fingerprints: ['card:1'], payer: { name: 'Eve', email: 'eve@example.com' } };
  const swap = {
    tenantId,
    plan: 'pro',
    interval: 'month',
    coupon: 'half',
    prorationDate: tomorrow,
    agreed: 5,
    addOns: {},
  };
  const body = '{"id":"evt_1","object":"event","type":"x"}';
  const calls: HostileCall[] = [
    { name: 'state', call: billing.state, given: [tenantId] },
    { name: 'checkout', call: billing.checkout, given: [{ ...wish, ...more, ...urls, locale: 'de' }] },
    { name: 'checkout', call: billing.checkout, given: [{ ...wish, ...urls, addOns: { bots: 1 }, coupon: 'half' }] },
    { name: 'closeCheckout', call: billing.closeCheckout, given: [{ tenantId: free }] },
    { name: 'subscribe', call: billing.subscribe, given: [{ ...wish, ...more, daysUntilDue: 14, agreed: 100 }] },
    {
      name: 'portal',
      call: billing.portal,
      given: [{ tenantId, returnUrl: 'https://app.example', to: 'cancel', configuration: 'bpc_1', locale: 'de' }],
    },
    { name: 'preview', call: billing.preview, given: [swap] },
    { name: 'swap', call: billing.swap, given: [{ ...swap, when: 'period-end' }] },
    { name: 'keepPlan', call: billing.keepPlan, given: [{ tenantId }] },
    { name: 'cancel', call: billing.cancel, given: [{ tenantId: free, when: tomorrow, subscriptionId: 'sub_1' }] },
    { name: 'resume', call: billing.resume, given: [{ tenantId }] },
    { name: 'pause', call: billing.pause, given: [{ tenantId: free, until: tomorrow }] },
    { name: 'unpause', call: billing.unpause, given: [{ tenantId: free }] },
    { name: 'sync', call: billing.sync, given: [tenantId] },
    { name: 'receive', call: billing.receive, given: [body, { 'stripe-signature': 't=1,v1=00' }] },
    { name: 'processDue', call: billing.processDue, given: [{ limit: 5 }] },
    { name: 'events.dead', call: billing.events.dead, given: [{ limit: 5 }] },
    { name: 'events.replay', call: billing.events.replay, given: [{ ids: ['evt_1'] }] },
    { name: 'reconcile', call: billing.reconcile, given: [{ tenantId }] },
    { name: 'guardPurge', call: billing.guardPurge, given: [free] },
    { name: 'page', call: billing.page, given: [{ tenantId }] },
    { name: 'seats.sync', call: billing.seats.sync, given: [tenantId] },
    { name: 'seats.raise', call: billing.seats.raise, given: [tenantId] },
    { name: 'reportUsage', call: billing.reportUsage, given: [tenantId] },
    { name: 'invoices', call: billing.invoices, given: [tenantId, { status: 'paid', after: 'in_1', limit: 3 }] },
    { name: 'invoice', call: billing.invoice, given: [tenantId, 'in_1'] },
    { name: 'payments', call: billing.payments, given: [tenantId, { invoiceId: 'in_1', status: 'paid', after: 'x' }] },
    { name: 'refund', call: billing.refund, given: [{ tenantId, paymentId: 'inpay_1', amount: 1, reason: 'because' }] },
    { name: 'credit', call: billing.credit, given: [{ tenantId, invoiceId: 'in_1', amount: 1, reason: 'because' }] },
    {
      name: 'transitions.plan',
      call: billing.transitions.plan,
      given: [
        {
          name: 'x',
          tenants: [{ tenantId: free, plan: 'pro', interval: 'month', currency: 'usd', inPlaceOf: [tenantId] }],
        },
      ],
    },
    { name: 'transitions.apply', call: billing.transitions.apply, given: [{ name: 'x', steps: [], paying: [] }] },
  ];
  expect(await hostileFaults(calls)).toEqual([]);
  expect(await billing.events.replay({ ids: [] })).toBe(0);
  expect(await billing.reconcile({ tenantId })).toMatchObject({ drift: [] });
});

it('does so where it is written by hand', async () => {
  const plans = definePlans({ free: {}, pro: {} });
  const prices = definePrices(plans, {
    plans: { pro: { month: { base: 100 } } },
    coupons: { half: { percentOff: 50, duration: 'once' } },
  });
  const { billing, tenancy } = createTenantry({
    db: database.app,
    plans,
    strategy: perUser({ plan: 'free' }),
    billing: { provider: manualProvider({ prices }), prices },
  });
  const { tenantId: by } = await tenancy.provision({ userId: 'hand' });
  const lines = [{ description: 'Ten sessions', amount: 100, quantity: 1 }];
  const invoice = await billing.books.issueInvoice({ tenantId: by, currency: 'usd', lines });
  const payment = await billing.books.recordPayment({ tenantId: by, invoiceId: invoice.id, method: 'cash', amount: 1 });
  const known = { tenantId: by, invoiceId: invoice.id };
  const words = { gateway: 'g', transactionId: 't', failureCode: 'f', recordedBy: 'r', idempotencyKey: 'i' };
  const calls: HostileCall[] = [
    {
      name: 'issueInvoice',
      call: billing.books.issueInvoice,
      given: [
        { tenantId: by, currency: 'usd', lines, tax: 1, dueAt: new Date(), metadata: { a: 'b' }, idempotencyKey: 'i' },
      ],
    },
    {
      name: 'recordPayment',
      call: billing.books.recordPayment,
      given: [
        {
          ...known,
          ...words,
          amount: 1,
          method: 'cash',
          status: 'failed',
          paidAt: new Date(),
          gatewayResponse: { a: ['b'] },
        },
      ],
    },
    {
      name: 'settlePayment',
      call: billing.books.settlePayment,
      given: [
        { tenantId: by, paymentId: payment.id, status: 'succeeded', failureCode: 'f', gatewayResponse: { a: 'b' } },
      ],
    },
    { name: 'closeInvoice', call: billing.books.closeInvoice, given: [{ ...known, status: 'uncollectible' }] },
    { name: 'refund', call: billing.refund, given: [{ tenantId: by, paymentId: payment.id, amount: 1, reason: 'b' }] },
    { name: 'credit', call: billing.credit, given: [{ ...known, amount: 1, reason: 'b' }] },
    { name: 'invoice', call: billing.invoice, given: [by, invoice.id] },
    {
      name: 'subscribe',
      call: billing.subscribe,
      given: [{ tenantId: by, plan: 'pro', coupon: 'half', daysUntilDue: 3 }],
    },
  ];
  expect(await hostileFaults(calls)).toEqual([]);
});

it('refuses what a client of an older API version is answered, and writes nothing', async () => {
  const state = await program.billing.state(tenantId);
  const older = clientOf(world.fake, async (input, init) => {
    const answer = await world.fake.fetch(input, init);
    return new Response((await answer.text()).replaceAll('"current_period_end"', '"once_period_end"'), answer);
  });
  const { billing } = billingProgram(database.app, { ...world, stripe: older });
  await expect(billing.sync(tenantId)).rejects.toMatchObject({ code: 'provider_answer_invalid' });
  expect(await program.billing.state(tenantId)).toEqual(state);
});
