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

async function tenant(): Promise<string> {
  count += 1;
  const { tenantId } = await program.tenancy.provision({ userId: `user-${count}`, name: `Acme ${count}` });
  return tenantId;
}

const openSessions = (): number =>
  world.fake.list('checkout.session').filter((session) => session.status === 'open').length;

describe('checkout', () => {
  it('sells a plan, and the plan follows once it is paid', async () => {
    const tenantId = await tenant();
    const session = await program.billing.checkout({ tenantId, plan: 'pro', ...urls });
    expect(session).toMatchObject({ created: true, trialDays: null, url: expect.stringMatching(/^https:/) });
    expect(await program.billing.state(tenantId)).toMatchObject({ plan: null, status: null, subscription: null });
    world.fake.completeCheckout(session.sessionId);
    await settle(world, program);
    expect(await program.billing.state(tenantId)).toMatchObject({
      plan: 'pro',
      status: 'active',
      duplicates: 0,
      subscription: { plan: 'pro', interval: 'month', currency: 'usd', items: [{ kind: 'licensed', quantity: 1 }] },
    });
    expect(await program.tenancy.get(tenantId)).toMatchObject({ plan: 'pro', subscriptionStatus: 'active' });
    const names = events.filter((event) => event.tenantId === tenantId).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['customer.created', 'subscription.started', 'tenant.plan_changed']));
    await expect(program.billing.checkout({ tenantId, plan: 'team', ...urls })).rejects.toMatchObject({
      code: 'subscription_exists',
    });
  });

  it('gives the same session for the same wish, and closes it for another', async () => {
    const tenantId = await tenant();
    const before = openSessions();
    const first = await program.billing.checkout({ tenantId, plan: 'pro', ...urls });
    const again = await program.billing.checkout({ tenantId, plan: 'pro', ...urls });
    expect(again).toEqual({ ...first, created: false });
    const other = await program.billing.checkout({ tenantId, plan: 'team', ...urls });
    expect(other.sessionId).not.toBe(first.sessionId);
    expect(openSessions()).toBe(before + 1);
    expect(world.fake.get(first.sessionId)?.status).toBe('expired');
  });

  it('opens one session for one customer when 50 ask at once', async () => {
    const tenantId = await tenant();
    const [customers, sessions] = [world.fake.list('customer').length, world.fake.list('checkout.session').length];
    // Two programs on the same database stand for two processes.
    const second = billingProgram(database.app, world);
    const asked = Array.from({ length: 50 }, (_, index) =>
      (index % 2 === 0 ? program : second).billing.checkout({ tenantId, plan: 'pro', ...urls }),
    );
    const found = await Promise.all(asked);
    expect(new Set(found.map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(found.filter(({ created }) => created)).toHaveLength(1);
    expect(world.fake.list('customer')).toHaveLength(customers + 1);
    expect(world.fake.list('checkout.session')).toHaveLength(sessions + 1);
    world.fake.completeCheckout(found[0]?.sessionId ?? '');
    await settle(world, program);
    const { subscriptions } = await program.billing.state(tenantId);
    expect(subscriptions).toHaveLength(1);
  });
});

describe('the customer of a checkout', () => {
  const own = (tenantId: string) =>
    world.fake.list('customer').filter(({ metadata }) => JSON.stringify(metadata).includes(tenantId));

  it('is found when the provider made it and says for ever that it failed', async () => {
    const tenantId = await tenant();
    const healed = world.fake.fail({ next: 1, match: { path: '/v1/customers' }, how: 'error-after-effect' });
    const { url } = await program.billing.checkout({ tenantId, plan: 'pro', ...urls });
    healed();
    expect(url).toContain('https://');
    expect(own(tenantId)).toHaveLength(1);
    expect((await program.billing.state(tenantId)).customerId).toBe(own(tenantId)[0]?.id);
  });

  it('is made under another key when the provider failed before it was made', async () => {
    const tenantId = await tenant();
    world.fake.fail({ next: 2, match: { method: 'POST', path: '/v1/customers' }, how: 'error' });
    const failed = program.billing.checkout({ tenantId, plan: 'pro', ...urls });
    await expect(failed).rejects.toMatchObject({ code: 'provider_unavailable' });
    await program.billing.checkout({ tenantId, plan: 'pro', ...urls });
    expect(own(tenantId)).toHaveLength(1);
  });

  it('is not made for what is not sold', async () => {
    const tenantId = await tenant();
    const asked = program.billing.checkout({ tenantId, plan: 'free', ...urls });
    await expect(asked).rejects.toMatchObject({ code: 'plan_not_sold' });
    const direct = program.billing.subscribe({ tenantId, plan: 'free', daysUntilDue: 14 });
    await expect(direct).rejects.toMatchObject({ code: 'plan_not_sold' });
    expect(own(tenantId)).toEqual([]);
  });
});

describe('a checkout that is open', () => {
  it('is closed when it is told to be, and a session that cannot be paid any more makes room for another', async () => {
    const tenantId = await tenant();
    const ask = () => program.billing.checkout({ tenantId, plan: 'pro', ...urls });
    const first = await ask();
    expect(await program.billing.closeCheckout({ tenantId })).toMatchObject({ status: null, subscription: null });
    expect(world.fake.get(first.sessionId)?.status).toBe('expired');
    expect(() => world.fake.completeCheckout(first.sessionId)).toThrow();
    await program.billing.closeCheckout({ tenantId });
    const second = await ask();
    expect(second).toMatchObject({ created: true });
    await world.fake.advance({ hours: 25 });
    const third = await ask();
    expect(third).toMatchObject({ created: true });
    expect(new Set([first, second, third].map(({ sessionId }) => sessionId)).size).toBe(3);
    world.fake.completeCheckout(third.sessionId);
    // It was paid before anybody looked.
    expect(await program.billing.closeCheckout({ tenantId })).toMatchObject({ plan: 'pro', status: 'active' });
  });

  it('is found and closed though nobody was told its id', async () => {
    const tenantId = await tenant();
    world.fake.fail({
      next: 1,
      match: { method: 'POST', path: '/v1/checkout/sessions' },
      how: 'timeout-after-effect',
    });
    const ask = (plan: 'pro' | 'team') => program.billing.checkout({ tenantId, plan, ...urls });
    await expect(ask('pro')).rejects.toMatchObject({ code: 'provider_unavailable' });
    const sessions = openSessions();
    await ask('team');
    expect(openSessions()).toBe(sessions);
    await program.billing.closeCheckout({ tenantId });
    expect(openSessions()).toBe(sessions - 1);
  });

  it('is closed for who subscribes without a page, so that nobody buys a second time', async () => {
    const tenantId = await tenant();
    const { sessionId } = await program.billing.checkout({ tenantId, plan: 'team', ...urls });
    const subscribe = () => program.billing.subscribe({ tenantId, plan: 'pro', daysUntilDue: 14 });
    expect(await subscribe()).toMatchObject({ plan: 'pro', duplicates: 0 });
    expect(world.fake.get(sessionId)?.status).toBe('expired');
    const other = await tenant();
    const open = await program.billing.checkout({ tenantId: other, plan: 'team', ...urls });
    world.fake.completeCheckout(open.sessionId);
    await expect(program.billing.subscribe({ tenantId: other, plan: 'pro', daysUntilDue: 14 })).rejects.toMatchObject({
      code: 'subscription_exists',
      details: { plan: 'team' },
    });
  });

  it('keeps its tenant from being purged, so that nobody pays for one that is no more', async () => {
    await installSchema(database.owner, { grantPurgeTo: ['tenantry_test_app'] });
    const tenantId = await tenant();
    await program.billing.checkout({ tenantId, plan: 'pro', ...urls });
    await program.tenancy.suspend(tenantId);
    await expect(program.tenancy.purge(tenantId)).rejects.toMatchObject({
      code: 'tenant_still_pays',
      details: { tenantId, status: 'checkout' },
    });
    await program.billing.closeCheckout({ tenantId });
    await program.tenancy.purge(tenantId);
    await expect(program.billing.checkout({ tenantId, plan: 'pro', ...urls })).rejects.toMatchObject({
      code: 'tenant_not_found',
    });
  });

  it('is not opened while its tenant is purged, whoever is first', async () => {
    for (let round = 0; round < 30; round += 1) {
      const tenantId = await tenant();
      if (round % 2 === 0) await program.billing.sync(tenantId);
      await program.tenancy.suspend(tenantId);
      const before = openSessions();
      const begun = [
        () => program.tenancy.purge(tenantId),
        () => program.billing.checkout({ tenantId, plan: 'pro', ...urls }),
      ];
      const [purged, opened] = await Promise.allSettled(begun.map((begin) => begin()));
      // Either the tenant is there and has a session, or it has none and is gone; or both stood in each other's way.
      const there = (await program.tenancy.get(tenantId)) !== null;
      expect(openSessions()).toBe(opened?.status === 'fulfilled' ? before + 1 : before);
      expect(there).toBe(purged?.status === 'rejected');
      if (opened?.status === 'fulfilled') expect(there).toBe(true);
      for (const outcome of [purged, opened]) {
        if (outcome?.status !== 'rejected') continue;
        expect(['tenant_not_found', 'billing_busy', 'tenant_still_pays']).toContain(outcome.reason.code);
      }
    }
  });
});

describe('who subscribes without a page', () => {
  const wish = (tenantId: string) => ({ tenantId, plan: 'tried' as const, daysUntilDue: 14 });
  const path = '/v1/subscriptions';

  it('gets the subscription that was made without an answer, for the same wish alone', async () => {
    for (const how of ['timeout-after-effect', 'error-after-effect'] as const) {
      const tenantId = await tenant();
      world.fake.fail({ next: 1, match: { method: 'POST', path }, how });
      await expect(program.billing.subscribe(wish(tenantId))).rejects.toMatchObject({ code: 'provider_unavailable' });
      for (const other of [{ coupon: 'half' }, { plan: 'pro' as const }, { daysUntilDue: 30 }]) {
        const asked = program.billing.subscribe({ ...wish(tenantId), ...other });
        await expect(asked).rejects.toMatchObject({ code: 'subscription_exists' });
      }
      const state = await program.billing.subscribe(wish(tenantId));
      expect(state).toMatchObject({ plan: 'tried', status: 'trialing', duplicates: 0 });
      expect(state.subscriptions).toHaveLength(1);
      // It is known now, and asking for it is asking for a second one.
      await expect(program.billing.subscribe(wish(tenantId))).rejects.toMatchObject({ code: 'subscription_exists' });
    }
  });

  it('gets it as it was asked for, trial and all, where nothing was made, and something else for another wish', async () => {
    const tenantId = await tenant();
    for (const how of ['timeout-before', 'error'] as const) {
      world.fake.fail({ next: 1, match: { method: 'POST', path }, how });
      await expect(program.billing.subscribe(wish(tenantId))).rejects.toMatchObject({ code: 'provider_unavailable' });
    }
    expect(await program.billing.subscribe(wish(tenantId))).toMatchObject({ plan: 'tried', status: 'trialing' });
    const other = await tenant();
    world.fake.fail({ next: 1, match: { method: 'POST', path }, how: 'timeout-before' });
    await expect(program.billing.subscribe(wish(other))).rejects.toMatchObject({ code: 'provider_unavailable' });
    const pro = { tenantId: other, plan: 'pro', daysUntilDue: 14 } as const;
    expect(await program.billing.subscribe(pro)).toMatchObject({ plan: 'pro', duplicates: 0 });
  });
});
