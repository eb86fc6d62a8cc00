import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultKind } from '../../src/testing/index.ts';
import {
  type BillingProgram,
  type BillingWorld,
  billingProgram,
  billingWorld,
  buy,
  connect,
  settle,
} from '../support/billing-world.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

const kinds: readonly FaultKind[] = [
  'error',
  'error-after-effect',
  'rate-limit',
  'timeout-before',
  'timeout-after-effect',
  'drop',
];

let database: TestDatabase<Record<never, never>>;
let world: BillingWorld;
let program: BillingProgram;
let tenantId: string;

beforeEach(async () => {
  database = await postgresDatabase({ connections: 30 });
  world = await billingWorld();
  program = billingProgram(database.app, world);
  connect(world, program);
  ({ tenantId } = await program.organizations.create({ name: 'Acme', owner: { userId: 'ada' }, seats: null }));
  await buy(world, program, tenantId, { plan: 'team' });
});
afterEach(() => database.destroy());

/** The quantity that is truly paid. */
async function paidSeats(of = tenantId): Promise<number | undefined> {
  const { subscription } = await program.billing.state(of);
  const found = world.fake.get(subscription?.id ?? '');
  const items = found?.items;
  if (typeof items !== 'object' || items === null || !('data' in items) || !Array.isArray(items.data)) return undefined;
  const seat = items.data.find(
    (item: { price: { lookup_key: string } }) => item.price.lookup_key === 'tenantry.team.seat.month',
  );
  return seat?.quantity;
}

const waiting = async (): Promise<number> => {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from tenantry.billing_flags where kind = 'seats' and raised > settled`.execute(
    database.owner,
  );
  return rows[0]?.count ?? 0;
};

/** Works until no seat waits to be paid; time goes on meanwhile. */
async function untilHeld(): Promise<number> {
  for (let rounds = 1; rounds <= 200; rounds += 1) {
    await program.billing.processDue();
    if ((await waiting()) === 0) return rounds;
    await world.fake.advance({ minutes: 10 });
  }
  throw new Error('seats never came to hold');
}

describe('seats at the provider', () => {
  it('are as many as the members after 50 who come at once, while half of all calls fail', async () => {
    world.fake.fail({ rate: 0.5, how: kinds });
    const add = (n: number) => program.organizations.members.add({ tenantId, userId: `user ${n}`, role: 'member' });
    let coming = true;
    const workers = [1, 2, 3].map(async () => {
      while (coming) await program.billing.processDue().catch(() => undefined);
    });
    await Promise.all(Array.from({ length: 50 }, (_, n) => add(n)));
    coming = false;
    await Promise.all(workers);
    // Stripe goes on to fail half of the calls.
    await untilHeld();
    expect(await paidSeats()).toBe(51);
    expect((await program.organizations.seats(tenantId)).taken).toBe(51);
    world.fake.heal();
    await settle(world, program);
    expect((await program.billing.state(tenantId)).subscription?.seats).toBe(51);
  });

  it('are as many as the members when some come while others go, whatever the order', async () => {
    world.fake.fail({ rate: 0.3, how: kinds });
    const { members } = program.organizations;
    const ids = await Promise.all(
      Array.from(
        { length: 12 },
        async (_, n) => (await members.add({ tenantId, userId: `user ${n}`, role: 'member' })).member.id,
      ),
    );
    const storm = [
      ...ids.slice(0, 6).map((memberId) => members.remove({ tenantId, memberId })),
      ...Array.from({ length: 8 }, (_, n) => members.add({ tenantId, userId: `late ${n}`, role: 'member' })),
      ...Array.from({ length: 6 }, () => program.billing.processDue()),
    ];
    await Promise.allSettled(storm);
    await untilHeld();
    const { taken } = await program.organizations.seats(tenantId);
    expect(taken).toBe(1 + 12 - 6 + 8);
    expect(await paidSeats()).toBe(taken);
  });

  it('are told of in the transaction of the change: one that is rolled back asks for nothing', async () => {
    const before = await waiting();
    await database.app
      .transaction()
      .execute(async (tx) => {
        await program.organizations.members.add({ tenantId, userId: 'eve', role: 'member' }, { db: tx });
        throw new Error('never mind');
      })
      .catch(() => undefined);
    expect(await waiting()).toBe(before);
    const calls: string[] = [];
    world.fake.onExchange(({ method, path }) => calls.push(`${method} ${path}`));
    expect(await program.billing.seats.sync(tenantId)).toBe(1);
    expect(calls.filter((call) => call.startsWith('POST'))).toEqual([]);
  });

  it('are tried again later each time, and the members are there all the same', async () => {
    world.fake.fail({ how: 'timeout-before', match: { path: '/v1/subscription*' } });
    await program.organizations.members.add({ tenantId, userId: 'eve', role: 'member' });
    const dues: number[] = [];
    for (let tries = 0; tries < 4; tries += 1) {
      await world.fake.advance({ hours: 1 });
      expect((await program.billing.processDue()).seats).toEqual({ done: 0, failed: 1 });
      const { rows } = await sql<{ wait: number }>`
        select extract(epoch from due_at - updated_at)::integer as wait from tenantry.billing_flags
        where kind = 'seats'`.execute(database.owner);
      dues.push(rows[0]?.wait ?? 0);
    }
    expect(dues).toEqual([1, 2, 4, 8]);
    expect((await program.organizations.seats(tenantId)).taken).toBe(2);
    world.fake.heal();
    await world.fake.advance({ hours: 1 });
    await settle(world, program);
    expect(await paidSeats()).toBe(2);
  });
});

describe('an hour in which the provider is away', () => {
  it('costs few calls, loses no seat of many tenants, and is over within minutes', async () => {
    const many = [tenantId];
    for (let n = 0; n < 14; n += 1) {
      const { tenantId: one } = await program.organizations.create({
        name: `Many ${n}`,
        owner: { userId: `o${n}` },
        seats: null,
      });
      await program.billing.subscribe({ tenantId: one, plan: 'team', daysUntilDue: 14 });
      many.push(one);
    }
    await settle(world, program);
    const add = (n: number) =>
      Promise.all(
        many.map((one) => program.organizations.members.add({ tenantId: one, userId: `m${n}`, role: 'member' })),
      );
    world.fake.fail({ how: 'drop' });
    let calls = 0;
    world.fake.onExchange(() => {
      calls += 1;
    });
    for (let minute = 0; minute < 60; minute += 1) {
      if (minute % 20 === 0) await add(minute);
      calls = 0;
      const { seats } = await program.billing.processDue();
      expect(seats).toMatchObject({ done: 0 });
      expect(seats.failed).toBeLessThanOrEqual(3);
      expect(calls).toBeLessThanOrEqual(3);
      await world.fake.advance({ minutes: 1 });
    }
    world.fake.heal();
    // Nobody was put off for longer than ten minutes.
    await world.fake.advance({ minutes: 10 });
    expect((await program.billing.processDue()).seats).toEqual({ done: many.length, failed: 0 });
    for (const one of many) expect(await paidSeats(one)).toBe(4);
    expect(await waiting()).toBe(0);
  });
});

describe('usage at the provider', () => {
  it('is counted once, however the calls fail and whoever tells it', async () => {
    expect(await program.plans.consume(tenantId, 'calls', 5_700)).toMatchObject({ ok: true });
    world.fake.fail({ rate: 0.5, how: kinds, match: { path: '/v1/billing/meter_events' } });
    const again = billingProgram(database.app, world);
    let told = 0;
    for (let rounds = 0; told < 1_200 && rounds < 60; rounds += 1) {
      // Two processes at once.
      const results = await Promise.allSettled([
        program.billing.reportUsage(tenantId),
        again.billing.reportUsage(tenantId),
      ]);
      for (const result of results) if (result.status === 'fulfilled') told += result.value;
      if (rounds === 5) await program.plans.consume(tenantId, 'calls', 500);
    }
    world.fake.heal();
    await program.billing.reportUsage(tenantId);
    const [meter] = world.fake.list('billing.meter');
    const { customerId } = await program.billing.state(tenantId);
    const seconds = Math.floor(world.fake.clock().getTime() / 60_000) * 60;
    const summaries = await world.stripe.billing.meters.listEventSummaries(String(meter?.id), {
      customer: customerId ?? '',
      start_time: seconds - 86_400,
      end_time: seconds + 3_600,
    });
    expect(summaries.data.reduce((sum, one) => sum + one.aggregated_value, 0)).toBe(1_200);
  });
});
