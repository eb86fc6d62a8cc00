import { type Kysely, sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAudit } from '../../src/audit/index.ts';
import { createPlans, definePlans } from '../../src/plans/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { makeTenant, type None, times } from '../support/plans.ts';
import { untilSomebodyWaits } from '../support/until.ts';

const catalogue = definePlans({
  free: {
    limits: { bots: { amount: 4, alerts: [50] } },
    quotas: {
      calls: { amount: 10, per: 'month', alerts: [50] },
      hot: { amount: 10, per: 'month' },
      jobs: { amount: 10, per: 'month', within: [{ amount: 5, per: 'hour' }] },
    },
  },
});
const start = '2026-02-01T00:00:00.000Z';
let database: TestDatabase<None>;
beforeAll(async () => {
  database = await postgresDatabase<None>();
});
afterAll(() => database.destroy());

/** What a move locks of a tenant, after the tenant itself. */
const tables = ['usage_counters', 'usage_grants', 'usage_reservations', 'usage_keys', 'usage_hours', 'limit_resources'];

/** Lets a call begin while somebody has locked the tenant, who then locks all that the tenant has. */
async function whileMoved<Result>(tenantId: string, call: () => Promise<Result>): Promise<Result> {
  let outcome: PromiseSettledResult<Result> | undefined;
  let waiting: Promise<unknown> | undefined;
  await database.owner.transaction().execute(async (tx) => {
    await sql`select from tenantry.tenants where tenant_id = ${tenantId}::uuid for update`.execute(tx);
    waiting = Promise.allSettled([call()]).then(([settled]) => {
      outcome = settled;
    });
    await untilSomebodyWaits(database);
    for (const table of tables) {
      await sql`select from ${sql.table(`tenantry.${table}`)} where tenant_id = ${tenantId}::uuid for update`.execute(
        tx,
      );
    }
  });
  await waiting;
  if (outcome?.status !== 'fulfilled') throw outcome?.reason;
  return outcome.value;
}

/** What a transaction writes for the tenant, beside the units. */
async function writeFor(tenantId: string, tx: Kysely<None>): Promise<void> {
  await sql`insert into tenantry.plan_trials (tenant_id, plan, started_at, ends_at)
    values (${tenantId}::uuid, 'free', now(), now())`.execute(tx);
}

/** A tenant that has something of everything. */
async function prepare() {
  const clock = fixedClock(start);
  const plans = createPlans({
    db: database.app,
    plans: catalogue,
    clock,
    events: createAudit({ db: database.app, clock }).sink,
  });
  const tenantId = await makeTenant(database, 'free');
  await plans.consume(tenantId, 'calls', 2);
  await plans.consume(tenantId, 'jobs', 2);
  await plans.consume(tenantId, 'hot', 2);
  const grant = await plans.grants.add(tenantId, 'calls', { amount: 20 });
  await plans.resources.occupy(tenantId, 'bots', 'one');
  const held = await plans.reservations.hold(tenantId, 'calls', 2, { seconds: 60 });
  if (!held.ok) throw new Error('refused');
  return { clock, plans, tenantId, grantId: grant.id, reservationId: held.reservationId };
}

const keyId = '00000000-0000-7000-8000-00000000000a';
type Prepared = Awaited<ReturnType<typeof prepare>>;
const calls: Readonly<Record<string, readonly [call: (one: Prepared) => Promise<unknown>, expected: unknown]>> = {
  'a call of a key': [({ plans, tenantId }) => plans.consume(tenantId, 'hot', 1, { keyId }), { ok: true, used: 3 }],
  'calls of keys of two tenants': [
    async ({ plans, tenantId }) => {
      const other = await makeTenant(database, 'free');
      await plans.consume(other, 'hot', 2);
      const [result] = await times(2, (index) => plans.consume(index === 0 ? tenantId : other, 'hot', 1, { keyId }));
      return result;
    },
    { ok: true, used: 3 },
  ],
  'the first call of another hour': [
    ({ clock, plans, tenantId }) => {
      clock.advance(3_600_000);
      return plans.consume(tenantId, 'hot', 1);
    },
    { ok: true, used: 3 },
  ],
  'a call with an idempotency key': [
    ({ plans, tenantId }) => plans.consume(tenantId, 'calls', 1, { idempotencyKey: 'one' }),
    { ok: true, used: 5 },
  ],
  'a call within windows': [({ plans, tenantId }) => plans.consume(tenantId, 'jobs', 2), { ok: true, used: 4 }],
  'a call that burns grants and is told by an alert': [
    ({ plans, tenantId }) => plans.consume(tenantId, 'calls', 9),
    { ok: true, used: 10, granted: 17 },
  ],
  'a reservation': [({ plans, tenantId }) => plans.reservations.hold(tenantId, 'calls', 3), { ok: true, used: 7 }],
  'a reservation that is committed': [
    ({ plans, tenantId, reservationId }) => plans.reservations.commit(tenantId, reservationId, 1),
    { ok: true, committed: 1, returned: 1 },
  ],
  'a reservation whose time is over': [
    ({ clock, plans, tenantId }) => {
      clock.advance(60_000);
      return plans.check(tenantId, 'calls');
    },
    { ok: true, used: 2 },
  ],
  'a resource that is occupied': [
    ({ plans, tenantId }) => plans.resources.occupy(tenantId, 'bots', 'two'),
    { ok: true, used: 2 },
  ],
  'a resource that is vacated': [({ plans, tenantId }) => plans.resources.vacate(tenantId, 'bots', 'one'), { used: 0 }],
  'resources that are chosen': [({ plans, tenantId }) => plans.resources.choose(tenantId, 'bots', ['one']), 1],
  'a grant that is revoked': [({ plans, tenantId, grantId }) => plans.grants.revoke(tenantId, grantId), 20],
  'a grant that is added': [
    ({ plans, tenantId }) => plans.grants.add(tenantId, 'calls', { amount: 5 }),
    { amount: 5, left: 5 },
  ],
  'a transaction that consumes, and then writes for the tenant': [
    ({ plans, tenantId }) =>
      database.app.transaction().execute(async (tx) => {
        const result = await plans.consume(tenantId, 'bots', 1, { db: tx });
        await writeFor(tenantId, tx);
        return result;
      }),
    { ok: true, used: 2 },
  ],
  'a transaction that gives back, and then writes for the tenant': [
    ({ plans, tenantId }) =>
      database.app.transaction().execute(async (tx) => {
        const result = await plans.release(tenantId, 'bots', 1, { db: tx });
        await writeFor(tenantId, tx);
        return result;
      }),
    { used: 0 },
  ],
};

it.each(Object.entries(calls))(
  '%s waits for whoever moves its tenant, and not in a circle',
  async (_, [call, expected]) => {
    const prepared = await prepare();
    const result = await whileMoved(prepared.tenantId, () => call(prepared));
    if (typeof expected === 'object') expect(result).toMatchObject(expected ?? {});
    else expect(result).toBe(expected);
  },
);

it('refuses calls of keys while somebody moves their tenants: what is refused locks nothing', async () => {
  const { plans, clock, tenantId } = await prepare();
  const other = await makeTenant(database, 'free');
  await plans.consume(other, 'hot', 2);
  // Another process uses up what this one believes is left.
  const elsewhere = createPlans({ db: database.app, plans: catalogue, clock });
  for (const id of [tenantId, other]) await elsewhere.consume(id, 'hot', 8);
  const refused = { ok: false, reason: 'quota_exceeded', used: 10 };
  const call = (id: string) => plans.consume(id, 'hot', 1, { keyId });
  await database.owner.transaction().execute(async (tx) => {
    for (const table of ['tenants', 'usage_counters']) {
      await sql`select from ${sql.table(`tenantry.${table}`)}
        where tenant_id in (${tenantId}::uuid, ${other}::uuid) for update`.execute(tx);
    }
    expect(await Promise.all([tenantId, other].map(call))).toMatchObject([refused, refused]);
  });
});
