import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
