import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type BillingProgram,
  type BillingWorld,
  billingProgram,
  billingWorld,
  buy,
  connect,
  settle,
  type Wish,
} from '../support/billing-world.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

let database: TestDatabase<Record<never, never>>;
let world: BillingWorld;
let program: BillingProgram;

beforeAll(async () => {
  database = await postgresDatabase();
  world = await billingWorld();
  program = billingProgram(database.app, world);
  connect(world, program);
});
afterAll(() => database.destroy());

async function tenant(name: string, wish: Wish, members = 1): Promise<string> {
  const { organizations } = program;
  const { tenantId } = await organizations.create({ name, owner: { userId: name }, seats: null });
  for (let n = 1; n < members; n += 1) {
    await organizations.members.add({ tenantId, userId: `${name} ${n}`, role: 'member' });
  }
  await buy(world, program, tenantId, wish);
  return tenantId;
}

async function reach(time: string): Promise<Date> {
  await world.fake.advanceTo(time);
  await settle(world, program);
  return new Date(time);
}

async function revenue(from: Date, to: Date) {
  const { recurring, takings } = await program.platform.revenue({ by: { userId: 'root' }, reason: 'board', from, to });
  const of = (currency: string) => recurring.find((one) => one.currency === currency);
  return { usd: of('usd'), eur: of('eur'), takings };
}

it('tells months of years, seats, trials and coupons by the list, each currency for itself, and what left', async () => {
  const { billing, organizations, plans } = program;
  await world.stripe.coupons.create({ id: 'half', percent_off: 50, duration: 'forever' });
  const ada = await tenant('ada', { plan: 'pro' });
  await tenant('eve', { plan: 'pro', interval: 'year', currency: 'eur' });
  const team = await tenant('team', { plan: 'team' }, 3);
  await tenant('sam', { plan: 'tried' });
  const kim = await tenant('kim', { plan: 'pro', coupon: 'half' });
  // What is used beyond a quota is in what was paid, and never in what recurs.
  await plans.consume(team, 'calls', 6_000);
  expect(await billing.reportUsage(team)).toBe(1_000);

  const began = new Date('2025-12-31T00:00:00Z');
  const tenth = await reach('2026-01-10T00:00:00Z');
  const january = await revenue(began, tenth);
  expect(january.usd).toMatchObject({ mrr: 2_900 + (2_000 + 3 * 500) + 2_900, previousMrr: 0, gained: 9_300 });
  expect(january.usd).toMatchObject({ tenants: { paying: 3, previous: 0, churned: 0 }, tenantChurn: null });
  expect(january.eur).toMatchObject({ mrr: 27_000 / 12, tenants: { paying: 1, previous: 0, churned: 0 } });
  expect(january.takings).toEqual([
    { currency: 'eur', paid: 27_000, refunded: 0 },
    { currency: 'usd', paid: 2_900 + 3_500 + 1_450, refunded: 0 },
  ]);

  // The trial of two weeks is over and was paid.
  const twentieth = await reach('2026-01-20T00:00:00Z');
  expect((await revenue(tenth, twentieth)).usd).toMatchObject({ previousMrr: 9_300, gained: 900, mrr: 10_200 });

  await reach('2026-01-21T00:00:00Z');
  await billing.swap({ tenantId: ada, plan: 'pro', interval: 'year' });
  await organizations.members.add({ tenantId: team, userId: 'one more', role: 'member' });
  await billing.cancel({ tenantId: kim, when: 'now' });
  await settle(world, program);
  const end = await reach('2026-01-25T00:00:00Z');
  const left = await revenue(twentieth, end);
  // 29,000 a year are 2,416.67 a month, which is less than 2,900.
  expect(left.usd).toEqual({
    currency: 'usd',
    mrr: 10_200 - 483 + 500 - 2_900,
    previousMrr: 10_200,
    gained: 0,
    expanded: 500,
    contracted: 483,
    churned: 2_900,
    tenants: { paying: 3, previous: 4, churned: 1 },
    tenantChurn: 1 / 4,
    revenueChurn: (2_900 + 483) / 10_200,
    byPlan: [
      { plan: 'team', mrr: 4_000, tenants: 1 },
      { plan: 'pro', mrr: 2_417, tenants: 1 },
      { plan: 'tried', mrr: 900, tenants: 1 },
    ],
  });
  expect(left.eur).toMatchObject({ mrr: 2_250, previousMrr: 2_250, churned: 0, tenantChurn: 0 });

  // Who does not pay is counted while it may still pay, and who pauses is not; whoever comes back was gained.
  world.fake.setCard((await billing.state(team)).customerId ?? '', 'declines');
  const due = await reach('2026-02-02T00:00:00Z');
  expect((await billing.state(team)).status).toBe('past_due');
  expect((await revenue(end, due)).usd).toMatchObject({ mrr: 7_317, churned: 0 });
  await reach('2026-02-02T12:00:00Z');
  await billing.pause({ tenantId: ada });
  await tenantAgain(kim);
  const later = await reach('2026-02-03T00:00:00Z');
  expect((await revenue(due, later)).usd).toMatchObject({ mrr: 7_317 - 2_417 + 2_900, churned: 2_417, gained: 2_900 });
  // What was told of a time stays as it was told.
  expect(await revenue(twentieth, end)).toEqual(left);
});

async function tenantAgain(tenantId: string): Promise<void> {
  const urls = { successUrl: 'https://app.test/thanks', cancelUrl: 'https://app.test/plans' };
  const { sessionId } = await program.billing.checkout({ tenantId, plan: 'pro', ...urls });
  world.fake.completeCheckout(sessionId);
  await settle(world, program);
}
