import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BillingProgram,
  type BillingWorld,
  billingProgram,
  billingWorld,
  connect,
  settle,
} from '../support/billing-world.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

let database: TestDatabase<Record<string, never>>;
let world: BillingWorld;
let program: BillingProgram;
const urls = { successUrl: 'https://app.example/back', cancelUrl: 'https://app.example/no' };
const returnUrl = 'https://app.example/billing';
const day = 86_400_000;
let count = 0;

beforeAll(async () => {
  database = await postgresDatabase();
  world = await billingWorld();
  program = billingProgram(database.app, world);
  connect(world, program);
});
afterAll(() => database.destroy());

type Plan = 'pro' | 'team' | 'tried';

async function subscribed(plan: Plan = 'pro'): Promise<string> {
  count += 1;
  const { tenantId } = await program.tenancy.provision({ userId: `user-${count}`, name: `Acme ${count}` });
  const { sessionId } = await program.billing.checkout({ tenantId, plan, trial: false, ...urls });
  world.fake.completeCheckout(sessionId);
  await settle(world, program);
  return tenantId;
}

const planOf = async (tenantId: string): Promise<string | undefined> => (await program.tenancy.get(tenantId))?.plan;

async function invoicesOf(tenantId: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { customerId } = await program.billing.state(tenantId);
  return world.fake.list('invoice').filter(({ customer }) => customer === customerId);
}

describe('what the rest of a period costs', () => {
  it('comes on the next invoice, and is then what the preview said', async () => {
    const tenantId = await subscribed();
    await world.fake.advance({ days: 10 });
    const preview = await program.billing.preview({ tenantId, plan: 'team' });
    expect(preview.proration).toBeLessThan(0);
    await program.billing.swap({ tenantId, plan: 'team', prorationDate: preview.prorationDate });
    expect(await invoicesOf(tenantId)).toHaveLength(1);
    await world.fake.advance({ days: 25 });
    await settle(world, program);
    const [, next] = await invoicesOf(tenantId);
    expect(next?.total).toBe(preview.total);
  });

  it('is not asked for where nothing shall be', async () => {
    const tenantId = await subscribed();
    await world.fake.advance({ days: 10 });
    const preview = await program.billing.preview({ tenantId, plan: 'team', proration: 'none' });
    expect(preview).toMatchObject({ proration: 0, total: 2_500 });
    await program.billing.swap({ tenantId, plan: 'team', proration: 'none' });
    await world.fake.advance({ days: 25 });
    await settle(world, program);
    expect((await invoicesOf(tenantId)).map(({ total }) => total)).toEqual([2_900, 2_500]);
  });

  it('is told without changing anything, also by a coupon', async () => {
    const tenantId = await subscribed();
    await world.stripe.coupons.create({ id: `half-${tenantId}`, percent_off: 50, duration: 'forever' });
    const [before, events] = [await program.billing.sync(tenantId), world.fake.events.length];
    const plain = await program.billing.preview({ tenantId, plan: 'team' });
    const half = await program.billing.preview({ tenantId, plan: 'team', coupon: `half-${tenantId}` });
    expect(half.total).toBeLessThan(plain.total);
    expect(world.fake.events).toHaveLength(events);
    expect({ ...(await program.billing.sync(tenantId)), syncedAt: null }).toEqual({ ...before, syncedAt: null });
  });
});

describe('a mind that is changed', () => {
  it('once more before the period ends: the last wish holds', async () => {
    const tenantId = await subscribed();
    const { swap } = program.billing;
    await swap({ tenantId, plan: 'team', when: 'period-end' });
    const again = await swap({ tenantId, plan: 'tried', when: 'period-end' });
    expect(again.subscription).toMatchObject({ plan: 'pro', scheduledPlan: 'tried' });
    await world.fake.advance({ days: 32 });
    await settle(world, program);
    expect(await planOf(tenantId)).toBe('tried');
    expect((await invoicesOf(tenantId)).map(({ total }) => total)).toEqual([2_900, 900]);
    // It goes on by itself.
    await world.fake.advance({ days: 31 });
    await settle(world, program);
    expect(await program.billing.state(tenantId)).toMatchObject({
      plan: 'tried',
      status: 'active',
      subscription: { scheduleId: null, scheduledPlan: null },
    });
  });

  it('back to what there is, which lets the change go', async () => {
    const tenantId = await subscribed();
    await program.billing.swap({ tenantId, plan: 'team', when: 'period-end' });
    const kept = await program.billing.swap({ tenantId, plan: 'pro', when: 'period-end' });
    expect(kept.subscription).toMatchObject({ plan: 'pro', scheduledPlan: null, scheduleId: null });
    await program.billing.keepPlan({ tenantId });
    await world.fake.advance({ days: 32 });
    await settle(world, program);
    expect(await planOf(tenantId)).toBe('pro');
  });

  it('to now: what was to come does not undo it', async () => {
    const tenantId = await subscribed();
    await program.billing.swap({ tenantId, plan: 'tried', when: 'period-end' });
    expect(await program.billing.swap({ tenantId, plan: 'team' })).toMatchObject({
      plan: 'team',
      subscription: { scheduledPlan: null },
    });
    await world.fake.advance({ days: 32 });
    await settle(world, program);
    expect(await planOf(tenantId)).toBe('team');
  });

  it('to an end, which lets the change go, and from one end to another', async () => {
    const tenantId = await subscribed();
    const { cancel } = program.billing;
    await program.billing.swap({ tenantId, plan: 'team', when: 'period-end' });
    const at = new Date(world.fake.clock().getTime() + 45 * day);
    expect(await cancel({ tenantId, when: at })).toMatchObject({ endsAt: at, subscription: { scheduledPlan: null } });
    const sooner = await cancel({ tenantId, when: 'period-end' });
    expect(sooner.endsAt).toEqual(sooner.subscription?.periodEnd);
    expect((await cancel({ tenantId, when: 'period-end' })).endsAt).toEqual(sooner.endsAt);
    expect((await cancel({ tenantId, when: at })).endsAt).toEqual(at);
    // A subscription that is to end has another plan until then.
    expect(await program.billing.swap({ tenantId, plan: 'team' })).toMatchObject({ plan: 'team', endsAt: at });
    expect(await cancel({ tenantId, when: 'now' })).toMatchObject({ plan: 'free', status: 'canceled' });
    await expect(program.billing.resume({ tenantId })).rejects.toMatchObject({ code: 'subscription_not_found' });
  });
});

describe('what a customer is given off', () => {
  const given = async (tenantId: string): Promise<unknown> => {
    const { subscription } = await program.billing.state(tenantId);
    return world.fake.get(subscription?.id ?? '')?.discounts;
  };
  const coupon = async (params: Stripe.CouponCreateParams): Promise<string> =>
    (await world.stripe.coupons.create({ percent_off: 50, ...params })).id;

  it('goes on through a change that comes with the end of the period, and is not given anew', async () => {
    const tenantId = await subscribed();
    const half = await coupon({ duration: 'repeating', duration_in_months: 3 });
    await program.billing.swap({ tenantId, plan: 'pro', coupon: half });
    const before = await given(tenantId);
    expect(before).toHaveLength(1);
    await program.billing.swap({ tenantId, plan: 'tried', when: 'period-end' });
    expect(await given(tenantId)).toEqual(before);
    await world.fake.advance({ days: 32 });
    await settle(world, program);
    expect(await given(tenantId)).toEqual(before);
    expect((await invoicesOf(tenantId)).at(-1)).toMatchObject({ subtotal: 900, total: 450 });
  });

  it('is given once, however often the same change is asked for, and goes on with another plan', async () => {
    const tenantId = await subscribed();
    const half = await coupon({ duration: 'repeating', duration_in_months: 3 });
    await program.billing.swap({ tenantId, plan: 'team', coupon: half });
    const before = await given(tenantId);
    await world.fake.advance({ days: 10 });
    const plain = await program.billing.preview({ tenantId, plan: 'tried' });
    expect(await program.billing.preview({ tenantId, plan: 'tried', coupon: half })).toMatchObject({
      total: plain.total,
    });
    for (const plan of ['team', 'tried', 'tried'] as const) {
      await program.billing.swap({ tenantId, plan, coupon: half });
      expect(await given(tenantId)).toEqual(before);
    }
    const more = await coupon({ percent_off: 75, duration: 'forever' });
    await program.billing.swap({ tenantId, plan: 'tried', coupon: more });
    expect(await given(tenantId)).toHaveLength(1);
    expect(await given(tenantId)).not.toEqual(before);
  });

  it('once is not given again when it was used up and the same change is asked for', async () => {
    const tenantId = await subscribed();
    const once = await coupon({ duration: 'once' });
    await program.billing.swap({ tenantId, plan: 'tried', coupon: once });
    await world.fake.advance({ days: 32 });
    await settle(world, program);
    await program.billing.swap({ tenantId, plan: 'tried', coupon: once });
    await world.fake.advance({ days: 31 });
    await settle(world, program);
    expect((await invoicesOf(tenantId)).at(-1)).toMatchObject({ subtotal: 900, total: 900 });
  });
});

describe('a change at the end of a period', () => {
  it('leaves the trial that is running', async () => {
    count += 1;
    const { tenantId } = await program.tenancy.provision({ userId: `user-${count}`, name: 'Tried' });
    const { sessionId } = await program.billing.checkout({ tenantId, plan: 'tried', ...urls });
    world.fake.completeCheckout(sessionId);
    await settle(world, program);
    expect(await program.billing.swap({ tenantId, plan: 'pro', when: 'period-end' })).toMatchObject({
      plan: 'tried',
      status: 'trialing',
      subscription: { scheduledPlan: 'pro' },
    });
    expect((await invoicesOf(tenantId)).map(({ total }) => total)).toEqual([0]);
    await world.fake.advance({ days: 15 });
    await settle(world, program);
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'pro', status: 'active' });
    expect((await invoicesOf(tenantId)).map(({ total }) => total)).toEqual([0, 2_900]);
  });

  it('takes back an end that was to come', async () => {
    const tenantId = await subscribed();
    await program.billing.cancel({ tenantId, when: 'period-end' });
    expect(await program.billing.swap({ tenantId, plan: 'tried', when: 'period-end' })).toMatchObject({
      endsAt: null,
      subscription: { scheduledPlan: 'tried' },
    });
    await world.fake.advance({ days: 32 });
    await settle(world, program);
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'tried', status: 'active' });
  });
});

describe('an invoice of many lines', () => {
  it('copies all lines of an invoice, of which the provider sends the first ten', async () => {
    const tenantId = await subscribed();
    const { customerId } = await program.billing.state(tenantId);
    for (let n = 0; n < 12; n += 1) {
      await world.stripe.invoiceItems.create({ customer: customerId ?? '', amount: 100 + n, currency: 'usd' });
    }
    await world.fake.advance({ days: 32 });
    await settle(world, program);
    const [invoice] = await program.billing.invoices(tenantId, { limit: 1 });
    expect(invoice?.lines).toHaveLength(13);
    expect(invoice?.lines.reduce((sum, { amount }) => sum + amount, 0)).toBe(invoice?.subtotal);
    expect((await program.billing.reconcile({ tenantId })).drift).toEqual([]);
    const [payment] = await program.billing.payments(tenantId, { limit: 1 });
    for (const amount of [0, -1, 0.5]) {
      const refund = program.billing.refund({ tenantId, paymentId: payment?.id ?? '', amount });
      await expect(refund).rejects.toMatchObject({ code: 'amount_invalid' });
      const credit = program.billing.credit({ tenantId, invoiceId: invoice?.id ?? '', amount });
      await expect(credit).rejects.toMatchObject({ code: 'amount_invalid' });
    }
  });
});

describe('money that is given back without an answer', () => {
  const match = { method: 'POST', path: '/v1/refunds' };

  it.each(['error-after-effect', 'timeout-after-effect'] as const)('is given back once: %s', async (how) => {
    const tenantId = await subscribed();
    const [payment] = await program.billing.payments(tenantId);
    const wish = { tenantId, paymentId: payment?.id ?? '', amount: 100 };
    for (const more of [{}, { idempotencyKey: 'case 1' }]) {
      world.fake.fail({ next: 1, match, how });
      const asked = program.billing.refund({ ...wish, ...more });
      await expect(asked).rejects.toMatchObject({ code: 'provider_unavailable' });
      await program.billing.refund({ ...wish, ...more });
      await settle(world, program);
    }
    // Named, it is the same also when it is known, and when the provider forgot the key of the call.
    await world.fake.advance({ days: 2 });
    await program.billing.refund({ ...wish, idempotencyKey: 'case 1' });
    expect(await program.billing.payments(tenantId, { limit: 1 })).toMatchObject([{ amountRefunded: 200 }]);
  });

  it.each(['error-after-effect', 'timeout-after-effect'] as const)('is credited once: %s', async (how) => {
    const tenantId = await subscribed();
    const [invoice] = await program.billing.invoices(tenantId);
    const wish = { tenantId, invoiceId: invoice?.id ?? '', amount: 100 };
    world.fake.fail({ next: 1, match: { ...match, path: '/v1/credit_notes' }, how });
    await expect(program.billing.credit(wish)).rejects.toMatchObject({ code: 'provider_unavailable' });
    const { id, amount } = await program.billing.credit(wish);
    expect((await program.billing.invoice(tenantId, wish.invoiceId))?.creditNotes).toMatchObject([{ id, amount }]);
  });
});

describe('what was used before an end at once', () => {
  it('is told and billed, once', async () => {
    const tenantId = await subscribed('team');
    await program.plans.consume(tenantId, 'calls', 5_200);
    expect(await program.billing.cancel({ tenantId, when: 'now' })).toMatchObject({ status: 'canceled' });
    await settle(world, program);
    expect((await invoicesOf(tenantId)).map(({ total }) => total)).toEqual([2_500, 100]);
    await world.fake.advance({ days: 32 });
    await settle(world, program);
    expect(await invoicesOf(tenantId)).toHaveLength(2);
  });
});

describe('clocks that differ', () => {
  it('do not keep a change from being previewed in the moment in which its period began', async () => {
    const clock = () => new Date(world.fake.clock().getTime() - 600_000);
    const slow = billingProgram(database.app, { ...world, fake: { ...world.fake, clock } });
    const tenantId = await subscribed();
    const { subscription } = await program.billing.state(tenantId);
    const preview = await slow.billing.preview({ tenantId, plan: 'tried' });
    expect(preview.prorationDate).toEqual(subscription?.periodStart);
  });
});

describe('what is paused', () => {
  it('goes on by itself where it was paused until a time', async () => {
    const tenantId = await subscribed();
    const until = new Date(world.fake.clock().getTime() + 5 * day);
    expect(await program.billing.pause({ tenantId, until })).toMatchObject({ plan: 'free' });
    await world.fake.advance({ days: 6 });
    await settle(world, program);
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'pro', subscription: { paused: false } });
    await expect(program.billing.pause({ tenantId, until })).rejects.toMatchObject({ code: 'name_invalid' });
  });

  it('is known in both ways in which Stripe pauses, and goes on from both', async () => {
    const tenantId = await subscribed();
    const { subscription } = await program.billing.state(tenantId);
    await world.stripe.subscriptions.pause(subscription?.id ?? '', { type: 'subscription' });
    await settle(world, program);
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'free', status: 'paused' });
    expect(await program.billing.unpause({ tenantId })).toMatchObject({ plan: 'pro', status: 'active' });
  });

  it('keeps its plan where the rules say so', async () => {
    const kind = billingProgram(database.app, world, { whilePaused: 'keep' });
    const tenantId = await subscribed();
    expect(await kind.billing.pause({ tenantId })).toMatchObject({ plan: 'pro', subscription: { paused: true } });
    await kind.billing.unpause({ tenantId });
  });
});

describe('the portal', () => {
  const flowOf = (): unknown => world.fake.list('billing_portal.session').at(-1)?.flow;

  it('opens where a deep link leads, for the subscription that counts', async () => {
    const tenantId = await subscribed();
    const { subscription } = await program.billing.state(tenantId);
    const open = (to: 'home' | 'payment-method' | 'cancel' | 'change') =>
      program.billing.portal({ tenantId, returnUrl, to });
    await open('home');
    expect(flowOf()).toBeNull();
    await open('payment-method');
    expect(flowOf()).toMatchObject({ type: 'payment_method_update' });
    await open('cancel');
    expect(flowOf()).toMatchObject({
      type: 'subscription_cancel',
      subscription_cancel: { subscription: subscription?.id },
    });
    await open('change');
    expect(flowOf()).toMatchObject({
      type: 'subscription_update',
      subscription_update: { subscription: subscription?.id },
    });
  });

  it('is where an end is asked for that billing follows, which says it in its own way', async () => {
    const tenantId = await subscribed();
    await program.billing.portal({ tenantId, returnUrl, to: 'cancel' });
    world.fake.usePortal(String(world.fake.list('billing_portal.session').at(-1)?.id));
    await settle(world, program);
    const state = await program.billing.state(tenantId);
    expect(state).toMatchObject({ plan: 'pro', status: 'active' });
    expect(state.endsAt).toEqual(state.subscription?.periodEnd);
    expect((await program.billing.resume({ tenantId })).endsAt).toBeNull();
    await world.fake.advance({ days: 32 });
    await settle(world, program);
    expect(await planOf(tenantId)).toBe('pro');
  });
});
