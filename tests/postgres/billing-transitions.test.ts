import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyRetenanting, defineRetenanting, mergeTenants } from '../../src/migrate/index.ts';
import { hybridSeats } from '../../src/tenancy/index.ts';
import type { FaultKind } from '../../src/testing/index.ts';
import {
  type BillingProgram,
  type BillingWorld,
  billingProgram,
  billingWorld,
  connect,
  settle,
} from '../support/billing-world.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

let database: TestDatabase<Record<never, never>>;
let world: BillingWorld;
let program: BillingProgram;

beforeEach(async () => {
  database = await postgresDatabase();
  world = await billingWorld();
  program = billingProgram(database.app, world);
  connect(world, program);
});
afterEach(() => database.destroy());

const urls = { successUrl: 'https://app.test/thanks', cancelUrl: 'https://app.test/plans' };

async function customer(name: string, plan: 'pro' | 'team' | null): Promise<string> {
  const { tenantId } = await program.organizations.create({ name, owner: { userId: name }, seats: null });
  if (plan === null) return tenantId;
  const { sessionId } = await program.billing.checkout({ tenantId, plan, ...urls });
  world.fake.completeCheckout(sessionId);
  await settle(world, program);
  return tenantId;
}

async function merge(from: readonly [string, ...string[]], into: string): Promise<void> {
  const definition = defineRetenanting<Record<never, never>>()({
    name: 'merge',
    to: hybridSeats({ plan: 'free' }),
    changes: [mergeTenants({ from, into })],
    tables: {},
    people: { seats: 'sum', subscriptions: 'keepTarget' },
  });
  await applyRetenanting(database.owner, definition);
}

/** Every subscription as it truly is: its status, and whether it will end. */
const standing = (): unknown[] =>
  world.fake
    .list('subscription')
    .map(({ status, cancel_at, cancel_at_period_end }) => [
      status,
      cancel_at !== null || cancel_at_period_end === true,
    ]);

const sumOf = (object: string, field: string): number =>
  world.fake.list(object).reduce((sum, one) => sum + Number(one[field]), 0);

/** Applies until nothing is left, as whoever runs it again after a failure does. */
async function applied(plan: Parameters<BillingProgram['billing']['transitions']['apply']>[0]): Promise<number> {
  for (let runs = 1; runs <= 300; runs += 1) {
    // Each run is a process of its own.
    const result = await billingProgram(database.app, world).billing.transitions.apply(plan);
    if (result.left === 0) return runs;
  }
  throw new Error('never done');
}

describe('the billing side of a change of tenancy', () => {
  it('customers become an organization that pays: theirs end, what they did not use comes back, seats follow', async () => {
    const acme = await customer('ada', 'team');
    const [eve, sam] = [await customer('eve', 'pro'), await customer('sam', 'pro')];
    await merge([eve, sam], acme);
    const paidBefore = sumOf('invoice', 'amount_paid');
    const plan = await program.billing.transitions.plan({
      name: 'acme-buys',
      tenants: [{ tenantId: acme, plan: 'team', inPlaceOf: [eve, sam] }],
    });
    // Nothing was asked for yet.
    expect(standing()).toEqual([
      ['active', false],
      ['active', false],
      ['active', false],
    ]);
    expect(plan.steps.map((step) => step.do)).toEqual(['end', 'refund', 'end', 'refund']);
    await applied(plan);
    expect(standing()).toEqual([
      ['active', false],
      ['canceled', false],
      ['canceled', false],
    ]);
    // All but the moments that passed.
    expect(sumOf('refund', 'amount')).toBe(5_800);
    expect(sumOf('invoice', 'amount_paid')).toBe(paidBefore);
    expect(await applied(plan)).toBe(1);
    expect(world.fake.list('refund')).toHaveLength(2);
    await settle(world, program);
    expect((await program.billing.state(acme)).subscription).toMatchObject({ plan: 'team', seats: 3 });
    expect((await program.billing.state(acme)).plan).toBe('team');
  });

  it('customers become an organization that has no subscription: what they paid is used up, then it begins', async () => {
    const [eve, sam] = [await customer('eve', 'pro'), await customer('sam', 'pro')];
    const acme = await customer('ada', null);
    const paid = sumOf('invoice', 'amount_paid');
    const plan = await program.billing.transitions.plan({
      name: 'together',
      tenants: [{ tenantId: acme, plan: 'team', inPlaceOf: [eve, sam] }],
    });
    expect(plan.steps.map((step) => step.do)).toEqual(['subscribe', 'end', 'end']);
    await applied(plan);
    await settle(world, program);
    expect(standing()).toEqual([
      ['active', true],
      ['active', true],
      ['trialing', false],
    ]);
    expect((await program.billing.state(acme)).plan).toBe('team');
    expect(sumOf('invoice', 'amount_paid')).toBe(paid);
    await world.fake.advance({ days: 33 });
    await settle(world, program);
    expect(standing().map((one) => (Array.isArray(one) ? one[0] : one))).toEqual(['canceled', 'canceled', 'active']);
    const [open] = await program.billing.invoices(acme, { status: 'open' });
    expect(open?.total).toBe(2_500);
  });

  it("an organization's subscription fans out to its users, who pay when its time is over", async () => {
    const acme = await customer('acme', 'team');
    const users = [await customer('ada', null), await customer('eve', null), await customer('sam', null)];
    const tenants = [
      { tenantId: acme, plan: null },
      ...users.map((tenantId) => ({ tenantId, plan: 'pro' as const, inPlaceOf: [acme] })),
    ];
    const plan = await program.billing.transitions.plan({ name: 'apart', tenants });
    expect(plan.steps.map((step) => step.do)).toEqual(['subscribe', 'subscribe', 'subscribe', 'end']);
    const end = (await program.billing.state(acme)).subscription?.periodEnd;
    expect(plan.steps[0]).toMatchObject({ paidUntil: end?.toISOString(), plan: 'pro' });
    await applied(plan);
    await settle(world, program);
    expect(standing()).toEqual([['active', true], ...users.map(() => ['trialing', false])]);
    await world.fake.advance({ days: 33 });
    await settle(world, program);
    for (const tenantId of users) {
      expect((await program.billing.invoices(tenantId, { status: 'open' })).map(({ total }) => total)).toEqual([2_900]);
    }
    expect((await program.billing.invoices(acme)).map(({ total }) => total)).toEqual([2_500]);
  });

  it('is asked for once, however often the provider answers nothing and whoever goes on', async () => {
    const kinds: readonly FaultKind[] = [
      'timeout-after-effect',
      'error-after-effect',
      'timeout-before',
      'drop',
      'rate-limit',
    ];
    const acme = await customer('ada', 'team');
    const [eve, sam] = [await customer('eve', 'pro'), await customer('sam', 'pro')];
    const [lee, kim] = [await customer('lee', null), await customer('kim', 'pro')];
    const plan = await program.billing.transitions.plan({
      name: 'storm',
      tenants: [
        { tenantId: acme, plan: 'team', inPlaceOf: [eve, sam] },
        { tenantId: lee, plan: 'team', inPlaceOf: [kim] },
      ],
    });
    world.fake.fail({ rate: 0.15, how: kinds });
    expect(await applied(plan)).toBeGreaterThan(1);
    world.fake.heal();
    expect(world.fake.list('subscription')).toHaveLength(5);
    expect(world.fake.list('customer')).toHaveLength(5);
    expect(world.fake.list('refund')).toHaveLength(2);
    expect(sumOf('refund', 'amount')).toBe(5_800);
    await settle(world, program);
    expect((await program.billing.state(lee)).subscription?.status).toBe('trialing');
  });

  it('refuses what is not sold, before anything is asked for', async () => {
    const acme = await customer('acme', null);
    const wish = { name: 'x', tenants: [{ tenantId: acme, plan: 'free' as const }] };
    await expect(program.billing.transitions.plan(wish)).rejects.toMatchObject({ code: 'plan_not_sold' });
    expect(world.fake.list('customer')).toEqual([]);
  });
});
