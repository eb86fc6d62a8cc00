import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installSchema } from '../../src/database/index.ts';
import type { TenantryEvent } from '../../src/index.ts';
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
const events: TenantryEvent[] = [];
const urls = { successUrl: 'https://app.example/back', cancelUrl: 'https://app.example/no' };
let count = 0;

beforeAll(async () => {
  database = await postgresDatabase();
  world = await billingWorld();
  program = billingProgram(database.app, world, { events: (event) => events.push(event) });
  connect(world, program);
});
afterAll(() => database.destroy());

type Plan = 'pro' | 'team' | 'tried';

async function subscribed(plan: Plan = 'pro', interval: 'month' | 'year' = 'month'): Promise<string> {
  count += 1;
  const { tenantId } = await program.tenancy.provision({ userId: `user-${count}`, name: `Acme ${count}` });
  const { sessionId } = await program.billing.checkout({ tenantId, plan, interval, ...urls });
  world.fake.completeCheckout(sessionId);
  await settle(world, program);
  return tenantId;
}

const planOf = async (tenantId: string): Promise<string | undefined> => (await program.tenancy.get(tenantId))?.plan;
const namesOf = (tenantId: string): string[] =>
  events.filter((event) => event.tenantId === tenantId).map(({ name }) => name);

describe('swap', () => {
  it('costs what its preview said', async () => {
    const tenantId = await subscribed();
    await world.fake.advance({ days: 10 });
    const preview = await program.billing.preview({ tenantId, plan: 'team', proration: 'invoice' });
    expect(preview).toMatchObject({ currency: 'usd', tax: 0 });
    expect(preview.proration).toBe(
      preview.lines.filter(({ proration }) => proration).reduce((sum, { amount }) => sum + amount, 0),
    );
    const { prorationDate } = preview;
    const invoices = world.fake.list('invoice').length;
    const state = await program.billing.swap({ tenantId, plan: 'team', proration: 'invoice', prorationDate });
    expect(state).toMatchObject({ plan: 'team', status: 'active', subscription: { seats: 1 } });
    expect(state.subscription?.items.map(({ kind }) => kind).toSorted()).toEqual(['licensed', 'licensed', 'metered']);
    const made = world.fake.list('invoice').slice(invoices);
    expect(made.map(({ total }) => total)).toEqual([preview.proration]);
    expect(await planOf(tenantId)).toBe('team');
  });

  it('leaves what is so already alone', async () => {
    const tenantId = await subscribed();
    const invoices = world.fake.list('invoice').length;
    const all = await Promise.all(
      Array.from({ length: 10 }, () => program.billing.swap({ tenantId, plan: 'team', proration: 'invoice' })),
    );
    expect(new Set(all.map(({ plan }) => plan))).toEqual(new Set(['team']));
    expect(world.fake.list('invoice')).toHaveLength(invoices + 1);
  });

  it('changes when the period ends, and not before', async () => {
    const tenantId = await subscribed();
    const later = await program.billing.swap({ tenantId, plan: 'team', when: 'period-end' });
    expect(later.subscription).toMatchObject({ plan: 'pro', scheduledPlan: 'team' });
    expect(later.subscription?.scheduledAt).toEqual(later.subscription?.periodEnd);
    await world.fake.advance({ days: 32 });
    await settle(world, program);
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'team', subscription: { scheduledAt: null } });
    expect(await planOf(tenantId)).toBe('team');
  });

  it('takes back a change that was to come', async () => {
    const tenantId = await subscribed();
    await program.billing.swap({ tenantId, plan: 'team', when: 'period-end' });
    const kept = await program.billing.keepPlan({ tenantId });
    expect(kept.subscription).toMatchObject({ scheduledAt: null, scheduledPlan: null });
    await world.fake.advance({ days: 32 });
    await settle(world, program);
    expect(await planOf(tenantId)).toBe('pro');
  });

  it('tells what is not sold, and of a tenant without a subscription', async () => {
    const tenantId = await subscribed();
    await expect(program.billing.swap({ tenantId, plan: 'team', interval: 'year' })).rejects.toMatchObject({
      code: 'plan_not_sold',
      details: { plan: 'team', interval: 'year', currency: 'usd' },
    });
    const { tenantId: other } = await program.tenancy.provision({ userId: 'nobody', name: 'Nobody' });
    for (const call of [
      () => program.billing.swap({ tenantId: other, plan: 'pro' }),
      () => program.billing.preview({ tenantId: other, plan: 'pro' }),
      () => program.billing.cancel({ tenantId: other, when: 'now' }),
      () => program.billing.portal({ tenantId: other, returnUrl: 'https://app.example' }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'subscription_not_found' });
    }
    await expect(program.billing.state('no uuid')).rejects.toMatchObject({ code: 'tenant_not_found' });
    await expect(program.billing.sync('00000000-0000-7000-8000-000000000000')).rejects.toMatchObject({
      code: 'tenant_not_found',
    });
  });

  it('keeps the plan when the card is refused, and takes another try for another wish', async () => {
    const tenantId = await subscribed('team');
    const { customerId } = await program.billing.state(tenantId);
    world.fake.setCard(customerId ?? '', 'declines');
    const swap = () => program.billing.swap({ tenantId, plan: 'pro', proration: 'invoice' });
    await expect(swap()).rejects.toMatchObject({ code: 'provider_refused' });
    expect(await planOf(tenantId)).toBe('team');
    world.fake.setCard(customerId ?? '', 'ok');
    expect(await swap()).toMatchObject({ plan: 'pro' });
  });

  it('is made once though the first answer never came', async () => {
    const tenantId = await subscribed();
    const invoices = world.fake.list('invoice').length;
    const path = `/v1/subscriptions/${(await program.billing.state(tenantId)).subscription?.id}`;
    world.fake.fail({ next: 1, match: { method: 'POST', path }, how: 'timeout-after-effect' });
    const swap = () => program.billing.swap({ tenantId, plan: 'team', proration: 'invoice' });
    await expect(swap()).rejects.toMatchObject({ code: 'provider_unavailable', details: { reason: 'no_answer' } });
    expect(await swap()).toMatchObject({ plan: 'team' });
    expect(world.fake.list('invoice')).toHaveLength(invoices + 1);
  });
});

describe('an end', () => {
  it('comes at once, and the plan falls back', async () => {
    const tenantId = await subscribed();
    expect(await program.billing.cancel({ tenantId, when: 'now' })).toMatchObject({ status: 'canceled', plan: 'free' });
    expect(await program.tenancy.get(tenantId)).toMatchObject({ plan: 'free', subscriptionStatus: 'canceled' });
    expect(namesOf(tenantId)).toContain('subscription.ended');
    await expect(program.billing.cancel({ tenantId, when: 'now' })).rejects.toMatchObject({
      code: 'subscription_not_found',
    });
  });

  it('comes with the period, or at a time, and is taken back', async () => {
    const tenantId = await subscribed();
    const ending = await program.billing.cancel({ tenantId, when: 'period-end' });
    expect(ending).toMatchObject({ plan: 'pro', status: 'active' });
    expect(ending.endsAt).toEqual(ending.subscription?.periodEnd);
    expect((await program.billing.resume({ tenantId })).endsAt).toBeNull();
    const at = new Date(world.fake.clock().getTime() + 5 * 86_400_000);
    expect((await program.billing.cancel({ tenantId, when: at })).endsAt).toEqual(at);
    expect((await program.billing.resume({ tenantId })).endsAt).toBeNull();
    await program.billing.cancel({ tenantId, when: at });
    await world.fake.advance({ days: 6 });
    await settle(world, program);
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'free', status: 'canceled', endsAt: at });
    await expect(program.billing.cancel({ tenantId, when: new Date(0) })).rejects.toMatchObject({
      code: 'name_invalid',
    });
  });

  it('is found without any event once its time has come', async () => {
    const silent = await billingWorld({ seed: 7 });
    const alone = billingProgram(database.app, silent);
    const { tenantId } = await alone.tenancy.provision({ userId: 'silent', name: 'Silent' });
    const { sessionId } = await alone.billing.checkout({ tenantId, plan: 'pro', ...urls });
    silent.fake.completeCheckout(sessionId);
    // The page to which the payer returns.
    expect(await alone.billing.sync(tenantId)).toMatchObject({ plan: 'pro' });
    await alone.billing.cancel({ tenantId, when: 'period-end' });
    await silent.fake.advance({ days: 33 });
    await alone.billing.processDue();
    expect(await alone.billing.state(tenantId)).toMatchObject({ plan: 'free', status: 'canceled' });
  });
});

describe('an end that was asked for without an answer', () => {
  it.each(['timeout-after-effect', 'error-after-effect'] as const)('is told as it is: %s', async (how) => {
    const tenantId = await subscribed();
    world.fake.fail({ next: 1, match: { method: 'DELETE' }, how });
    expect(await program.billing.cancel({ tenantId, when: 'now' })).toMatchObject({ plan: 'free', status: 'canceled' });
    // Where nothing was done it is the caller who asks again.
    const other = await subscribed();
    world.fake.fail({ next: 1, match: { method: 'DELETE' }, how: 'timeout-before' });
    const failed = program.billing.cancel({ tenantId: other, when: 'now' });
    await expect(failed).rejects.toMatchObject({ code: 'provider_unavailable' });
    expect(await program.billing.cancel({ tenantId: other, when: 'now' })).toMatchObject({ status: 'canceled' });
  });
});

describe('a pause', () => {
  it('takes the plan, and gives it back', async () => {
    const tenantId = await subscribed();
    expect(await program.billing.pause({ tenantId })).toMatchObject({ plan: 'free', subscription: { paused: true } });
    expect(await planOf(tenantId)).toBe('free');
    expect(await program.billing.unpause({ tenantId })).toMatchObject({ plan: 'pro' });
    expect(await planOf(tenantId)).toBe('pro');
  });
});

describe('a trial', () => {
  it('is given once to each tenant, and to each fingerprint', async () => {
    const { tenantId } = await program.tenancy.provision({ userId: 'trier', name: 'Trier' });
    const ask = (id: string) =>
      program.billing.checkout({ tenantId: id, plan: 'tried', fingerprints: ['card:abc'], ...urls });
    const first = await ask(tenantId);
    expect(first.trialDays).toBe(14);
    world.fake.completeCheckout(first.sessionId);
    await settle(world, program);
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'tried', status: 'trialing' });
    await program.billing.cancel({ tenantId, when: 'now' });
    expect((await ask(tenantId)).trialDays).toBeNull();
    const { tenantId: second } = await program.tenancy.provision({ userId: 'trier', name: 'Trier again' });
    expect((await ask(second)).trialDays).toBeNull();
    const { tenantId: third } = await program.tenancy.provision({ userId: 'other', name: 'Other' });
    const other = await program.billing.checkout({ tenantId: third, plan: 'tried', ...urls });
    expect(other.trialDays).toBe(14);
  });
});

describe('what is owed', () => {
  it('leaves the plan for the days of grace', async () => {
    const tenantId = await subscribed();
    const { customerId } = await program.billing.state(tenantId);
    world.fake.setCard(customerId ?? '', 'declines');
    await world.fake.advance({ days: 32 });
    await settle(world, program);
    const state = await program.billing.state(tenantId);
    expect(state).toMatchObject({ plan: 'pro', status: 'past_due' });
    expect((state.graceUntil?.getTime() ?? 0) - (state.pastDueSince?.getTime() ?? 0)).toBe(14 * 86_400_000);
    expect(namesOf(tenantId)).toContain('subscription.past_due');
    const invoice = world.fake.list('invoice').findLast(({ customer }) => customer === customerId);
    await world.fake.advance({ days: 1 });
    world.fake.payInvoice(String(invoice?.id));
    await settle(world, program);
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'pro', status: 'active', graceUntil: null });
    expect(namesOf(tenantId)).toContain('subscription.recovered');
  });
});

describe('when the days of grace are over', () => {
  it('the plan is taken, without an event, and given back once it is paid', async () => {
    const silent = await billingWorld({ seed: 8 });
    const strict = billingProgram(database.app, silent, { pastDue: { graceDays: 2 } });
    const { tenantId } = await strict.tenancy.provision({ userId: 'late', name: 'Late' });
    const { sessionId } = await strict.billing.checkout({ tenantId, plan: 'pro', ...urls });
    silent.fake.completeCheckout(sessionId);
    const { customerId } = await strict.billing.sync(tenantId);
    silent.fake.setCard(customerId ?? '', 'declines');
    await silent.fake.advance({ days: 32 });
    expect(await strict.billing.sync(tenantId)).toMatchObject({ plan: 'pro', status: 'past_due' });
    await silent.fake.advance({ days: 2 });
    await strict.billing.processDue();
    expect(await strict.billing.state(tenantId)).toMatchObject({ plan: 'free', status: 'past_due' });
    expect(await strict.tenancy.get(tenantId)).toMatchObject({ plan: 'free', subscriptionStatus: 'past_due' });
    const invoice = silent.fake.list('invoice').findLast(({ customer }) => customer === customerId);
    silent.fake.payInvoice(String(invoice?.id));
    expect(await strict.billing.sync(tenantId)).toMatchObject({ plan: 'pro', status: 'active' });
  });
});

describe('a tenant that goes', () => {
  it('is not purged while it pays', async () => {
    const tenantId = await subscribed();
    await installSchema(database.owner, { grantPurgeTo: ['tenantry_test_app'] });
    await program.tenancy.suspend(tenantId);
    await expect(program.tenancy.purge(tenantId)).rejects.toMatchObject({
      code: 'tenant_still_pays',
      details: { tenantId, status: 'active' },
    });
    await program.billing.cancel({ tenantId, when: 'now' });
    expect(await program.tenancy.purge(tenantId)).toMatchObject({ tenantId });
  });
});

describe('a customer that is deleted at the provider', () => {
  it('is let go of, and made anew when it is needed', async () => {
    const tenantId = await subscribed();
    const before = await program.billing.state(tenantId);
    await world.stripe.customers.del(before.customerId ?? '');
    await settle(world, program);
    const after = await program.billing.state(tenantId);
    expect(after).toMatchObject({ customerId: null, plan: 'free', status: 'canceled' });
    expect(namesOf(tenantId)).toContain('customer.gone');
    const { sessionId } = await program.billing.checkout({ tenantId, plan: 'pro', ...urls });
    world.fake.completeCheckout(sessionId);
    await settle(world, program);
    const again = await program.billing.state(tenantId);
    expect(again).toMatchObject({ plan: 'pro' });
    expect(again.customerId).not.toBe(before.customerId);
  });
});

describe('states that nobody knows', () => {
  it('are kept, and who had the plan keeps it', async () => {
    const tenantId = await subscribed();
    const { subscription } = await program.billing.state(tenantId);
    world.fake.plant(subscription?.id ?? '', { status: 'limbo' }, { event: 'customer.subscription.updated' });
    await settle(world, program);
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: 'pro', status: 'limbo' });
  });
});
