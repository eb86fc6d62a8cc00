import { type Kysely, sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Claim,
  type ClaimInput,
  claimDeliveries,
  type WalkPlace,
} from '../../src/webhooks/delivery/worker/claim-store.ts';
import { cancelClosed } from '../../src/webhooks/delivery/worker/release-store.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { makeTenant, open, webhookWorld } from '../support/webhook-world.ts';

/** What is read must not grow with what there is: so many rows, and none of these statements may look at them all. */
const many = 20_000;
const tables = ['webhook_messages', 'webhook_deliveries', 'webhook_attempts', 'webhook_endpoints'];

let database: TestDatabase<Record<string, never>>;
let tenantId: string;
beforeAll(async () => {
  database = await postgresDatabase();
});
beforeEach(async () => {
  await sql`truncate tenantry.webhook_messages, tenantry.webhook_deliveries, tenantry.webhook_attempts,
    tenantry.webhook_endpoints cascade`.execute(database.owner);
  tenantId = await makeTenant(database);
});
afterAll(() => database.destroy());

type Read = Readonly<Record<string, { readonly whole: number; readonly rows: number }>>;

/** Runs work in a transaction, and tells how often it read a table as a whole, and how many rows by an index. */
async function reading<Result>(
  work: (tx: Kysely<Record<string, never>>) => Promise<Result>,
): Promise<{ result: Result; read: Read }> {
  return database.app.transaction().execute(async (tx) => {
    // Statistics of the tables are as of now; a plan for any parameters is what a long-lived worker has.
    await sql`set local plan_cache_mode = force_generic_plan`.execute(tx);
    const before = await counted(tx);
    const result = await work(tx);
    const after = await counted(tx);
    const read = [...after].map(([table, { whole, rows }]) => {
      const { whole: wholeBefore = 0, rows: rowsBefore = 0 } = before.get(table) ?? {};
      return [table, { whole: whole - wholeBefore, rows: rows - rowsBefore }] as const;
    });
    return { result, read: Object.fromEntries(read) };
  });
}

async function counted(tx: Kysely<Record<string, never>>) {
  const { rows } = await sql<{ relname: string; whole: number; rows: number }>`
    select relname, seq_scan::integer as whole, idx_tup_fetch::integer as rows from pg_stat_xact_user_tables
    where schemaname = 'tenantry' and relname = any(${tables})`.execute(tx);
  return new Map(rows.map(({ relname, ...counts }) => [relname, counts]));
}

async function fill({
  endpointId,
  status = 'delivered',
  orderKey = null,
  attempts = false,
}: {
  readonly endpointId: string;
  readonly status?: 'pending' | 'delivered';
  readonly orderKey?: string | null;
  readonly attempts?: boolean;
}): Promise<void> {
  await sql`insert into tenantry.webhook_messages (tenant_id, id, type, payload, created_at, deliver_at)
    select ${tenantId}::uuid, gen_random_uuid(), 'order.paid', '{}', t, t
    from generate_series(1, ${many}::integer) g, lateral (
      select timestamptz '2026-02-01' + g * interval '1 second' as t) at`.execute(database.owner);
  await sql`insert into tenantry.webhook_deliveries
      (tenant_id, endpoint_id, message_id, status, due_at, trigger, created_at, finished_at, order_key)
    select tenant_id, ${endpointId}::uuid, id, ${status}::text, case ${status}::text when 'pending' then created_at end,
      'publish', created_at, created_at, ${orderKey}::text
    from tenantry.webhook_messages`.execute(database.owner);
  if (attempts) {
    await sql`insert into tenantry.webhook_attempts
        (tenant_id, endpoint_id, message_id, number, trigger, outcome, started_at)
      select tenant_id, endpoint_id, message_id, 1, 'publish', 'delivered', created_at
      from tenantry.webhook_deliveries`.execute(database.owner);
  }
  await analyze();
}

async function analyze(): Promise<void> {
  for (const table of tables) await sql`analyze ${sql.table(`tenantry.${table}`)}`.execute(database.owner);
}

describe('a claim', () => {
  it.each([
    ['none', null],
    ['endpoint', ''],
    ['key', 'one'],
  ] as const)('reads few rows, however many wait in the order %s', async (ordering, orderKey) => {
    const { webhooks, clock } = webhookWorld(database, { fetch: open });
    const { endpoint } = await webhooks.endpoints.create({ tenantId, url: 'http://127.0.0.1/', ordering });
    await fill({ endpointId: endpoint.id, status: 'pending', orderKey });
    const now = clock();
    const input = { now, leaseUntil: new Date(now.getTime() + 45_000), limit: 64, perEndpoint: 8, probeFrom: 10 };
    const rest = { window: 2000, after: null, busy: new Map(), fromKeys: new Map() };
    const { result, read } = await reading((tx) => claimDeliveries(tx, { ...input, ...rest }));
    expect(result.deliveries).toHaveLength(ordering === 'none' ? 8 : 1);
    expect(read.webhook_deliveries?.whole).toBe(0);
    expect(read.webhook_messages?.whole).toBe(0);
    expect(read.webhook_deliveries?.rows).toBeLessThan(1000);
    // One that has all its places taken costs a look at it, and no look at what waits.
    const busy = new Map([[endpoint.id, { places: 8, taken: 8 }]]);
    const second = await reading((tx) => claimDeliveries(tx, { ...input, ...rest, busy }));
    expect(second.result.deliveries).toEqual([]);
    expect(second.read.webhook_deliveries?.rows).toBeLessThan(10);
  });
});

it('a claim among many tenants looks at as many as it needs, and the next ones at the others', async () => {
  const tenants = await Promise.all(Array.from({ length: 100 }, () => makeTenant(database)));
  await sql`insert into tenantry.webhook_endpoints (tenant_id, id, url, status, filters, ordering, created_at, updated_at)
    select t, gen_random_uuid(), 'http://127.0.0.1/', 'active', '{*}', 'none', '2026-02-01Z', '2026-02-01Z'
    from unnest(${tenants}::uuid[]) t`.execute(database.owner);
  await sql`insert into tenantry.webhook_messages (tenant_id, id, type, payload, created_at, deliver_at)
    select t, gen_random_uuid(), 'order.paid', '{}', '2026-02-01Z', '2026-02-01Z' from unnest(${tenants}::uuid[]) t`.execute(
    database.owner,
  );
  await sql`insert into tenantry.webhook_deliveries (tenant_id, endpoint_id, message_id, status, due_at, trigger, created_at)
    select m.tenant_id, e.id, m.id, 'pending', '2026-02-01Z', 'publish', '2026-02-01Z'
    from tenantry.webhook_messages m join tenantry.webhook_endpoints e using (tenant_id)`.execute(database.owner);
  await analyze();
  const now = new Date('2026-03-01T12:00:00Z');
  const limits = { now, leaseUntil: new Date(now.getTime() + 45_000), limit: 8, perEndpoint: 8, probeFrom: 10 };
  const served = new Set<string>();
  let after: WalkPlace | null = null;
  for (let claims = 0; served.size < 100 && claims < 60; claims += 1) {
    const input: ClaimInput = { ...limits, window: 2000, after, busy: new Map(), fromKeys: new Map() };
    const { result, read }: { result: Claim; read: Read } = await reading((tx) => claimDeliveries(tx, input));
    expect(read.webhook_endpoints?.rows).toBeLessThanOrEqual(16);
    for (const one of result.deliveries) served.add(one.tenantId);
    after = result.next;
  }
  expect(served.size).toBe(100);
});

it('what waits for a closed endpoint is given up a part at a time', async () => {
  const { webhooks, clock } = webhookWorld(database, { fetch: open });
  const { endpoint } = await webhooks.endpoints.create({ tenantId, url: 'http://127.0.0.1/' });
  await fill({ endpointId: endpoint.id, status: 'pending' });
  await webhooks.endpoints.disable({ tenantId, endpointId: endpoint.id });
  const { result, read } = await reading((tx) => cancelClosed(tx, clock()));
  expect(result).toBe(1000);
  expect(read.webhook_deliveries?.whole).toBe(0);
  expect(read.webhook_deliveries?.rows).toBeLessThan(10_000);
});

it('a list of what is rare, by type or by status, reads few rows', async () => {
  const { webhooks } = webhookWorld(database, { fetch: open });
  const { endpoint } = await webhooks.endpoints.create({ tenantId, url: 'http://127.0.0.1/' });
  const ref = { tenantId, endpointId: endpoint.id };
  await fill({ endpointId: endpoint.id });
  const times = sql`('2026-02-01T00:00:03Z'::timestamptz, '2026-02-01T03:00:00Z', '2026-02-01T05:00:00Z')`;
  await sql`update tenantry.webhook_messages set type = 'order.refunded' where created_at in ${times}`.execute(
    database.owner,
  );
  await sql`update tenantry.webhook_deliveries set status = 'failed' where created_at in ${times}`.execute(
    database.owner,
  );
  await analyze();
  const ofType = await reading((tx) => webhooks.messages({ tenantId, type: 'order.refunded' }, { db: tx }));
  expect(ofType.result.items.map(({ type }) => type)).toEqual(Array(3).fill('order.refunded'));
  expect(ofType.read.webhook_messages).toMatchObject({ whole: 0 });
  expect(ofType.read.webhook_messages?.rows).toBeLessThan(100);
  for (const [status, found] of [
    ['failed', 3],
    ['canceled', 0],
    ['pending', 0],
  ] as const) {
    const { result, read } = await reading((tx) => webhooks.deliveries({ ...ref, status }, { db: tx }));
    expect([status, result.items.map((one) => one.status)]).toEqual([status, Array(found).fill(status)]);
    expect([status, read.webhook_deliveries?.whole]).toEqual([status, 0]);
    expect(read.webhook_deliveries?.rows).toBeLessThan(100);
  }
});

describe('a replay', () => {
  it('of what failed finds it by its index, and others a part at a time', async () => {
    const { webhooks } = webhookWorld(database, { fetch: open });
    const { endpoint } = await webhooks.endpoints.create({ tenantId, url: 'http://127.0.0.1/' });
    const ref = { tenantId, endpointId: endpoint.id };
    await fill({ endpointId: endpoint.id });
    await sql`update tenantry.webhook_deliveries set status = 'failed'
      where created_at in ('2026-02-01T00:00:03Z', '2026-02-01T03:00:00Z', '2026-02-01T05:00:00Z')`.execute(
      database.owner,
    );
    await sql`delete from tenantry.webhook_deliveries where created_at = '2026-02-01T04:00:00Z'`.execute(
      database.owner,
    );
    const since = new Date('2026-02-01T01:00:00Z');
    const failed = await reading((tx) => webhooks.replay({ ...ref, since }, { db: tx }));
    expect(failed.result).toEqual({ deliveries: 2, nextCursor: null });
    expect(failed.read.webhook_deliveries).toMatchObject({ whole: 0 });
    expect(failed.read.webhook_messages).toMatchObject({ whole: 0 });
    expect(failed.read.webhook_deliveries?.rows).toBeLessThan(100);
    const missing = await reading((tx) => webhooks.replay({ ...ref, since, which: 'missing' }, { db: tx }));
    expect(missing.read.webhook_messages).toMatchObject({ whole: 0 });
    expect(missing.read.webhook_deliveries).toMatchObject({ whole: 0 });
    // 16,400 messages since then: in two parts.
    let found = missing.result.deliveries;
    let parts = 1;
    for (let { nextCursor: cursor } = missing.result; cursor !== null; parts += 1) {
      const next = await webhooks.replay({ ...ref, since, which: 'missing', cursor });
      found += next.deliveries;
      cursor = next.nextCursor;
    }
    expect([found, parts]).toEqual([1, 2]);
  });
});

it('a prune of everybody goes by tenant and time, and leaves what is younger', async () => {
  const { webhooks } = webhookWorld(database, { fetch: open });
  const { endpoint } = await webhooks.endpoints.create({ tenantId, url: 'http://127.0.0.1/' });
  await fill({ endpointId: endpoint.id, attempts: true });
  await makeTenant(database);
  const before = new Date('2026-02-01T01:00:00Z');
  const { result, read } = await reading((tx) => webhooks.prune({ before }, { db: tx }));
  expect(result).toEqual({ messages: 3599, endpoints: 0 });
  for (const table of tables.slice(0, 3)) expect([table, read[table]?.whole]).toEqual([table, 0]);
  const { rows } = await sql<{ n: number }>`select count(*)::integer as n from tenantry.webhook_attempts`.execute(
    database.app,
  );
  expect(rows).toEqual([{ n: many - 3599 }]);
});
