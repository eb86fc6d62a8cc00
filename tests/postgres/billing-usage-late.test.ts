import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type BillingProgram,
  type BillingWorld,
  billingProgram,
  billingWorld,
  buy,
  clientOf,
  connect,
} from '../support/billing-world.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { createMortal } from '../support/mortal.ts';

let database: TestDatabase<Record<never, never>>;
let world: BillingWorld;
let program: BillingProgram;
let tenantId: string;

beforeEach(async () => {
  database = await postgresDatabase();
  world = await billingWorld();
  program = billingProgram(database.app, world);
  connect(world, program);
  tenantId = (await program.organizations.create({ name: 'Acme', owner: { userId: 'ada' }, seats: null })).tenantId;
  await buy(world, program, tenantId, { plan: 'team' });
  await program.plans.consume(tenantId, 'calls', 5_000);
});
afterEach(() => database.destroy());

/** What Stripe has counted in all. */
async function counted(): Promise<number> {
  const [meter] = (await world.stripe.billing.meters.list()).data;
  const { customerId } = await program.billing.state(tenantId);
  const sums = await world.stripe.billing.meters.listEventSummaries(meter?.id ?? '', {
    customer: customerId ?? '',
    start_time: Math.floor(new Date('2026-01-01').getTime() / 1000),
    end_time: Math.floor(new Date('2027-01-01').getTime() / 1000),
  });
  return sums.data.reduce((sum, { aggregated_value }) => sum + aggregated_value, 0);
}

const lose = (how: 'timeout-after-effect' | 'timeout-before') =>
  world.fake.fail({ next: 1, how, match: { method: 'POST', path: '/v1/billing/meter_events' } });

describe('usage that is told again when Stripe has forgotten its identifier', () => {
  it.each(['timeout-after-effect', 'timeout-before'] as const)(
    'is counted once, days after an answer was lost (%s), with what else was told and used meanwhile',
    async (how) => {
      await program.plans.consume(tenantId, 'calls', 300);
      lose(how);
      await expect(program.billing.reportUsage(tenantId)).rejects.toMatchObject({ code: 'provider_unavailable' });
      await program.plans.consume(tenantId, 'calls', 20);
      await world.fake.advance({ days: 3 });
      expect(await program.billing.reportUsage(tenantId)).toBe(320);
      expect(await counted()).toBe(320);
      expect(await program.billing.reportUsage(tenantId)).toBe(0);
    },
  );

  it('is counted once within the day, as ever', async () => {
    await program.plans.consume(tenantId, 'calls', 300);
    lose('timeout-after-effect');
    await expect(program.billing.reportUsage(tenantId)).rejects.toMatchObject({ code: 'provider_unavailable' });
    await world.fake.advance({ hours: 5 });
    expect(await program.billing.reportUsage(tenantId)).toBe(300);
    expect(await counted()).toBe(300);
  });

  it('is counted once, wherever the process was killed two days before', async () => {
    let used = 0;
    for (let step = 3; step <= 27; step += 2) {
      await program.plans.consume(tenantId, 'calls', 7);
      used += 7;
      const mortal = createMortal(database.urls?.app ?? '');
      const stripe = clientOf(world.fake, mortal.fetch(world.fake.fetch));
      mortal.arm(step, step % 4 === 1 ? 'before' : 'after');
      await billingProgram(mortal.db, { fake: world.fake, stripe })
        .billing.reportUsage(tenantId)
        .catch(() => undefined);
      await mortal.bury();
      await world.fake.advance({ days: 2 });
      await program.billing.reportUsage(tenantId);
      expect(await counted(), `killed at step ${step}`).toBe(used);
    }
  });
});
