import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BillingRuleOptions } from '../../src/billing/index.ts';
import {
  type BillingProgram,
  type BillingWorld,
  billingProgram,
  billingWorld,
  settle,
} from '../support/billing-world.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

let database: TestDatabase<Record<string, never>>;
const urls = { successUrl: 'https://app.example/back', cancelUrl: 'https://app.example/no' };
let count = 0;

beforeAll(async () => {
  database = await postgresDatabase();
});
afterAll(() => database.destroy());

/** A tenant that pays, in a program that hears of nothing. */
async function payer(
  world: BillingWorld,
  rules: BillingRuleOptions = {},
): Promise<{ program: BillingProgram; tenantId: string }> {
  const program = billingProgram(database.app, world, rules);
  count += 1;
  const { tenantId } = await program.tenancy.provision({ userId: `user-${count}`, name: `Acme ${count}` });
  const { sessionId } = await program.billing.checkout({ tenantId, plan: 'pro', ...urls });
  world.fake.completeCheckout(sessionId, { card: 'declines-later' });
  await settle(world, program);
  await program.billing.sync(tenantId);
  return { program, tenantId };
}

/** What plans enforce on each of some days, without any event. */
async function daysOf(
  world: BillingWorld,
  { program, tenantId }: { program: BillingProgram; tenantId: string },
  days: number,
) {
  const limits: unknown[] = [];
  for (let passed = 0; passed < days; passed += 1) {
    await program.billing.processDue();
    limits.push((await program.plans.check(tenantId, 'calls')).limit);
    await world.fake.advance({ days: 1 });
  }
  return limits;
}

describe('who does not pay', () => {
  it('has the plan on each day of grace, and what is free on each day after, until it is paid', async () => {
    const world = await billingWorld({ seed: 101, afterRetries: 'past_due', retryDays: [1] });
    const who = await payer(world, { pastDue: { graceDays: 3 } });
    const { periodEnd } = (await who.program.billing.state(who.tenantId)).subscription ?? {};
    await world.fake.advanceTo(new Date((periodEnd?.getTime() ?? 0) + 3 * 3_600_000));
    expect(await daysOf(world, who, 6)).toEqual([2000, 2000, 2000, 50, 50, 50]);
    // Another period that is not paid either gives no new days.
    await world.fake.advance({ days: 28 });
    expect(await daysOf(world, who, 2)).toEqual([50, 50]);
    const state = await who.program.billing.state(who.tenantId);
    expect(state).toMatchObject({ status: 'past_due', plan: 'free' });
    const open = world.fake.list('invoice').filter(({ status }) => status === 'open');
    expect(open).toHaveLength(2);
    for (const { id } of open) world.fake.payInvoice(String(id));
    expect(await who.program.billing.sync(who.tenantId)).toMatchObject({ plan: 'pro', graceUntil: null });
    expect(await daysOf(world, who, 1)).toEqual([2000]);
  });

  it('keeps the plan for good where the rules say so, until the provider gives up', async () => {
    const world = await billingWorld({ seed: 102, afterRetries: 'cancel', retryDays: [3, 5] });
    const who = await payer(world, { pastDue: { graceDays: 0, afterGrace: 'keep' } });
    await world.fake.advance({ days: 32 });
    const limits = await daysOf(world, who, 10);
    expect(new Set(limits.slice(0, 5))).toEqual(new Set([2000]));
    expect(limits.at(-1)).toBe(50);
    expect(await who.program.billing.state(who.tenantId)).toMatchObject({ status: 'canceled', plan: 'free' });
  });

  it('has no day where there is no grace, and none but these where the state is "unpaid"', async () => {
    const world = await billingWorld({ seed: 103, afterRetries: 'unpaid', retryDays: [1] });
    const strict = await payer(world, { pastDue: { graceDays: 0 } });
    const mild = await payer(world, { pastDue: { graceDays: 4 } });
    await world.fake.advance({ days: 31, hours: 2 });
    await strict.program.billing.sync(strict.tenantId);
    await mild.program.billing.sync(mild.tenantId);
    expect(await strict.program.plans.check(strict.tenantId, 'calls')).toMatchObject({ limit: 50 });
    await world.fake.advance({ days: 2 });
    expect(await mild.program.billing.sync(mild.tenantId)).toMatchObject({ status: 'unpaid', plan: 'pro' });
    await world.fake.advance({ days: 3 });
    await mild.program.billing.processDue();
    expect(await mild.program.billing.state(mild.tenantId)).toMatchObject({ status: 'unpaid', plan: 'free' });
  });
});

describe('a trial', () => {
  it('without a card ends with the subscription, and with one goes on', async () => {
    const world = await billingWorld({ seed: 104 });
    const program = billingProgram(database.app, world);
    const tried = async (card: 'ok' | 'none') => {
      count += 1;
      const { tenantId } = await program.tenancy.provision({ userId: `user-${count}`, name: `Acme ${count}` });
      const wish = { tenantId, plan: 'tried', trialWithoutCard: true, ...urls } as const;
      const { sessionId, trialDays } = await program.billing.checkout(wish);
      expect(trialDays).toBe(14);
      world.fake.completeCheckout(sessionId, { card });
      expect(await program.billing.sync(tenantId)).toMatchObject({ plan: 'tried', status: 'trialing' });
      return tenantId;
    };
    const [without, with_] = [await tried('none'), await tried('ok')];
    await world.fake.advance({ days: 15 });
    await program.billing.processDue();
    expect(await program.billing.state(without)).toMatchObject({ plan: 'free', status: 'canceled' });
    expect(await program.billing.state(with_)).toMatchObject({ plan: 'tried', status: 'active' });
    const again = await program.billing.checkout({ tenantId: without, plan: 'tried', trialWithoutCard: true, ...urls });
    expect(again.trialDays).toBeNull();
  });

  it('is given to one of two who ask at the same moment with the same fingerprint', async () => {
    const world = await billingWorld({ seed: 105 });
    const program = billingProgram(database.app, world);
    const tenants = await Promise.all(
      Array.from({ length: 8 }, async (_, index) =>
        program.tenancy.provision({ userId: `twin-${index}`, name: 'Twin' }),
      ),
    );
    const asked = await Promise.all(
      tenants.map(({ tenantId }) =>
        program.billing.checkout({ tenantId, plan: 'tried', fingerprints: ['card:b', 'card:a'], ...urls }),
      ),
    );
    expect(asked.filter(({ trialDays }) => trialDays !== null)).toHaveLength(1);
  });

  it('is refused to who is known by the hook of the program, which is asked for trials alone', async () => {
    const world = await billingWorld({ seed: 107 });
    const asked: string[] = [];
    const program = billingProgram(database.app, world, {
      async trialFingerprints({ plan }) {
        asked.push(plan);
        return ['device:x'];
      },
    });
    const ask = async (plan: 'tried' | 'pro', user: string) => {
      const { tenantId } = await program.tenancy.provision({ userId: user, name: 'Hooked' });
      const first = await program.billing.checkout({ tenantId, plan, fingerprints: [`card:${user}`], ...urls });
      const again = await program.billing.checkout({ tenantId, plan, fingerprints: [`card:${user}`], ...urls });
      expect(again).toEqual({ ...first, created: false });
      return first.trialDays;
    };
    expect(await ask('pro', 'hooked-0')).toBeNull();
    expect(asked).toEqual([]);
    expect(await ask('tried', 'hooked-1')).toBe(14);
    expect(await ask('tried', 'hooked-2')).toBeNull();
    expect(new Set(asked)).toEqual(new Set(['tried']));
  });

  it('is neither left out nor given twice by who subscribes without a page', async () => {
    const world = await billingWorld({ seed: 106 });
    const program = billingProgram(database.app, world);
    const { tenantId } = await program.tenancy.provision({ userId: 'pageless', name: 'Pageless' });
    const wish = { tenantId, plan: 'tried', daysUntilDue: 14, fingerprints: ['card:z'] } as const;
    expect(await program.billing.subscribe(wish)).toMatchObject({ status: 'trialing' });
    await program.billing.cancel({ tenantId, when: 'now' });
    expect(await program.billing.subscribe(wish)).toMatchObject({ status: 'active' });
  });
});
