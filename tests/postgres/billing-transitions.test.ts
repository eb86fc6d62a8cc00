import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeTransition, type TransitionPlan } from '../../src/billing/index.ts';
import { applyRetenanting, defineRetenanting, mergeTenants } from '../../src/migrate/index.ts';
import { hybridSeats } from '../../src/tenancy/index.ts';
import type { FaultKind } from '../../src/testing/index.ts';
import {
  type BillingProgram,
  type BillingWorld,
  billingProgram,
  billingWorld,
  buy,
  clientOf,
  connect,
  settle,
  urls,
} from '../support/billing-world.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { createMortal } from '../support/mortal.ts';

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

async function customer(name: string, plan: 'pro' | 'team' | null, coupon?: string): Promise<string> {
  const { tenantId } = await program.organizations.create({ name, owner: { userId: name }, seats: null });
  if (plan === null) return tenantId;
  await buy(world, program, tenantId, { plan, ...(coupon !== undefined && { coupon }) });
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
async function applied(plan: TransitionPlan): Promise<number> {
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

  it('the same tenant on another plan: its subscription goes on with other prices, and one user of many keeps it', async () => {
    const ada = await customer('ada', 'pro');
    await world.fake.advance({ days: 10 });
    const wish = { tenantId: ada, plan: 'team' as const };
    const plan = await program.billing.transitions.plan({ name: 'grown', tenants: [wish] });
    expect(plan.steps).toMatchObject([{ do: 'change', plan: 'team', interval: 'month', proration: 'create' }]);
    await applied(plan);
    expect(await applied(plan)).toBe(1);
    await settle(world, program);
    expect(standing()).toEqual([['active', false]]);
    expect((await program.billing.state(ada)).subscription).toMatchObject({ plan: 'team', seats: 1 });
    const { data } = await world.stripe.invoiceItems.list({ pending: true });
    // 21 of 31 days: 2,900 back, 2,000 and 500 instead.
    expect(data.map(({ amount }) => amount).sort((a, b) => a - b)).toEqual([-1_965, 339, 1_355]);
    expect((await program.billing.transitions.plan({ name: 'grown again', tenants: [wish] })).steps).toEqual([]);

    // It is split: Ada keeps the tenant and its subscription, Eve begins when the time is over that is paid.
    const eve = await customer('eve', null);
    const split = await program.billing.transitions.plan({
      name: 'split',
      tenants: [
        { tenantId: ada, plan: 'pro' },
        { tenantId: eve, plan: 'pro', inPlaceOf: [ada] },
      ],
    });
    expect(split.steps).toMatchObject([
      { do: 'change', tenantId: ada, plan: 'pro', proration: 'none' },
      { do: 'subscribe', tenantId: eve, plan: 'pro' },
    ]);
    await applied(split);
    await settle(world, program);
    expect(standing()).toEqual([
      ['active', false],
      ['trialing', false],
    ]);
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

  it('gives back what was paid for the rest of the time: net of a coupon, and on whichever invoices it was', async () => {
    await world.stripe.coupons.create({ id: 'half', percent_off: 50, duration: 'forever' });
    const acme = await customer('acme', 'team');
    const [eve, sam] = [await customer('eve', 'pro', 'half'), await customer('sam', 'pro')];
    await world.fake.advance({ days: 10 });
    await program.billing.swap({ tenantId: sam, plan: 'team', proration: 'invoice' });
    await settle(world, program);
    const plan = await program.billing.transitions.plan({
      name: 'net',
      tenants: [{ tenantId: acme, plan: 'team', inPlaceOf: [eve, sam] }],
    });
    const back = plan.steps.flatMap((step) => (step.do === 'refund' ? [[step.tenantId, step.amount]] : []));
    // Eve paid 1,450 for a month of 31 days. Sam paid 2,900, and changed to a team of one for 2,500: the difference for
    // the 21 days that are left is a credit of 271 already.
    expect(back).toEqual([
      [eve, Math.floor((1_450 * 21) / 31)],
      [sam, Math.floor((2_900 * 21) / 31) - 271],
    ]);
    expect(describeTransition(plan)[1]).toMatch(/^give \$9\.82 of payment inpay_\w+ back to tenant /);
    await applied(plan);
    expect(sumOf('refund', 'amount')).toBe(982 + 1_693);
  });

  it('is asked for once, however many ask at the same time', async () => {
    const acme = await customer('ada', 'team');
    const [eve, lee, kim] = [await customer('eve', 'pro'), await customer('lee', null), await customer('kim', 'pro')];
    const plan = await program.billing.transitions.plan({
      name: 'together',
      tenants: [
        { tenantId: acme, plan: 'team', inPlaceOf: [eve] },
        { tenantId: lee, plan: 'team', inPlaceOf: [kim] },
      ],
    });
    const results = await Promise.all(Array.from({ length: 4 }, () => applied(plan)));
    expect(results).toHaveLength(4);
    expect(world.fake.list('subscription')).toHaveLength(4);
    expect(world.fake.list('refund')).toHaveLength(1);
    expect(sumOf('refund', 'amount')).toBe(2_900);
  });

  it('is asked for once, when whoever asks is killed between any two statements, again and again', async () => {
    const acme = await customer('ada', 'team');
    const [eve, lee, kim] = [await customer('eve', 'pro'), await customer('lee', null), await customer('kim', 'pro')];
    const plan = await program.billing.transitions.plan({
      name: 'killed',
      tenants: [
        { tenantId: acme, plan: 'team', inPlaceOf: [eve] },
        { tenantId: lee, plan: 'team', inPlaceOf: [kim] },
      ],
    });
    let deaths = 0;
    for (let left = plan.steps.length; left > 0; ) {
      const mortal = createMortal(database.urls?.app ?? '');
      const stripe = clientOf(world.fake, mortal.fetch(world.fake.fetch));
      mortal.arm(10 + deaths * 3, deaths % 2 === 0 ? 'after' : 'before');
      const { transitions } = billingProgram(mortal.db, { fake: world.fake, stripe }).billing;
      const result = await transitions.apply(plan).catch(() => undefined);
      if (mortal.dead) deaths += 1;
      else left = result?.left ?? left;
      await mortal.bury();
      // Whoever was killed holds its lease until that is over.
      await world.fake.advance({ minutes: 3 });
    }
    expect(deaths).toBeGreaterThan(8);
    expect(world.fake.list('subscription')).toHaveLength(4);
    expect(world.fake.list('customer')).toHaveLength(4);
    expect(world.fake.list('refund')).toHaveLength(1);
    await settle(world, program);
    expect((await program.billing.reconcile()).drift).toEqual([]);
  });

  it('closes the checkout of who is subscribed, so that nobody pays twice; one that was paid keeps its plan', async () => {
    const [eve, ada, lee] = [await customer('eve', 'pro'), await customer('ada', null), await customer('lee', null)];
    const kim = await customer('kim', null);
    const tenants = [ada, lee, kim].map((tenantId) => ({ tenantId, plan: 'team' as const, inPlaceOf: [eve] }));
    const plan = await program.billing.transitions.plan({ name: 'late buyers', tenants });
    const [open, paid, other] = [
      await program.billing.checkout({ tenantId: ada, plan: 'pro', ...urls }),
      await program.billing.checkout({ tenantId: lee, plan: 'team', ...urls }),
      await program.billing.checkout({ tenantId: kim, plan: 'pro', ...urls }),
    ];
    world.fake.completeCheckout(paid.sessionId);
    world.fake.completeCheckout(other.sessionId);
    // Kim bought something else meanwhile, which only somebody who is asked can know to be right or wrong.
    for (let again = 0; again < 2; again += 1) {
      expect(await program.billing.transitions.apply(plan)).toMatchObject({
        left: 2,
        failed: [{ id: `subscribe ${kim}`, tenantId: kim, reason: expect.stringMatching(/^Subscribed already: /) }],
      });
    }
    expect(world.fake.get(open.sessionId)?.status).toBe('expired');
    expect((await program.billing.state(ada)).subscriptions).toMatchObject([{ plan: 'team', status: 'trialing' }]);
    expect((await program.billing.state(lee)).subscriptions).toMatchObject([{ plan: 'team', status: 'active' }]);
    expect((await program.billing.state(kim)).subscriptions).toMatchObject([{ plan: 'pro', status: 'active' }]);
    await program.billing.swap({ tenantId: kim, plan: 'team' });
    expect(await program.billing.transitions.apply(plan)).toMatchObject({ left: 0, failed: [] });
    expect(world.fake.list('subscription')).toHaveLength(4);
  });

  it('keeps one plan under a name: of two different ones at the same moment the second is refused', async () => {
    const [ada, eve] = [await customer('ada', 'pro'), await customer('eve', null)];
    const planOf = (tenants: Parameters<typeof program.billing.transitions.plan>[0]['tenants']) =>
      program.billing.transitions.plan({ name: 'once', tenants });
    const plans = [
      await planOf([{ tenantId: ada, plan: 'team' }]),
      await planOf([{ tenantId: ada, plan: 'pro', interval: 'year' }]),
      await planOf([{ tenantId: eve, plan: 'pro' }]),
      await planOf([{ tenantId: ada, plan: null }]),
    ];
    const outcomes = await Promise.allSettled(
      plans.map((plan) => billingProgram(database.app, world).billing.transitions.apply(plan)),
    );
    const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(refused).toMatchObject(
      [1, 2, 3].map(() => ({ code: 'config_invalid', details: { path: 'transition.name' } })),
    );
    const kept = await sql<{ steps: number }>`
      select count(*)::int as steps from tenantry.billing_transition_steps`.execute(database.owner);
    expect(kept.rows).toEqual([{ steps: 1 }]);
    const first = plans[outcomes.findIndex(({ status }) => status === 'fulfilled')];
    if (first === undefined) throw new Error('none was applied');
    expect(await program.billing.transitions.apply(first)).toMatchObject({ done: 0, left: 0 });
  });

  it('does nothing that a plan does not show: one for a part of the tenants is refused while there is more to do', async () => {
    const acme = await customer('acme', null);
    const [eve, tom] = [await customer('eve', 'pro'), await customer('tom', 'pro')];
    const planOf = (inPlaceOf: readonly string[]) =>
      program.billing.transitions.plan({ name: 'joined', tenants: [{ tenantId: acme, plan: 'team', inPlaceOf }] });
    const [whole, part] = [await planOf([eve, tom]), await planOf([eve])];
    world.fake.fail({ next: 1, match: { method: 'POST' }, how: 'rate-limit' });
    expect(await program.billing.transitions.apply(whole)).toMatchObject({ done: 0, left: 3 });
    await expect(program.billing.transitions.apply(part)).rejects.toMatchObject({
      code: 'config_invalid',
      details: { path: 'transition.name' },
    });
    expect(await program.billing.transitions.apply(whole)).toMatchObject({ left: 0, failed: [] });
    // Nothing is left that it could hide.
    expect(await program.billing.transitions.apply(part)).toMatchObject({ done: 0, left: 0 });
  });

  it('says in words what will be asked, before it is', async () => {
    const acme = await customer('acme', 'team');
    const ada = await customer('ada', null);
    const plan = await program.billing.transitions.plan({
      name: 'apart',
      tenants: [
        { tenantId: acme, plan: null },
        { tenantId: ada, plan: 'pro', inPlaceOf: [acme] },
      ],
    });
    const { subscription } = await program.billing.state(acme);
    expect(describeTransition(plan)).toEqual([
      `subscribe tenant ${ada} to pro per month in usd, to be paid within 14 days, asking for nothing before ${subscription?.periodEnd?.toISOString()}`,
      `end subscription ${subscription?.id} of tenant ${acme} when the time is over that is paid`,
    ]);
  });

  it('refuses what is not sold, before anything is asked for', async () => {
    const acme = await customer('acme', null);
    const wish = { name: 'x', tenants: [{ tenantId: acme, plan: 'free' as const }] };
    await expect(program.billing.transitions.plan(wish)).rejects.toMatchObject({ code: 'plan_not_sold' });
    expect(world.fake.list('customer')).toEqual([]);
  });
});
