import { performance } from 'node:perf_hooks';
import { uuidv7 } from '../../src/core/index.ts';
import { claimDeliveries } from '../../src/webhooks/delivery/worker/claim-store.ts';
import { completeAttempts } from '../../src/webhooks/delivery/worker/complete-store.ts';
import { type Bench, type Row, rowOf } from '../harness.ts';

const batch = 500;
const endpointsPerTenant = 10;
const tenants = 20;

/**
 * `deliver/reference`: deliveries that are claimed and completed per second, in batches, by one caller, with the attempts
 * logged; against the same done by hand on one table without tenants, endpoints or turns: `for update skip locked`, then an
 * update and an insert.
 */
export async function delivering(bench: Bench): Promise<Row> {
  const { db, pool, run } = await bench.database();
  await run(`create table bench.jobs (id uuid primary key, endpoint_id uuid not null, status text not null,
    due_at timestamptz, leased_until timestamptz, tries integer not null default 0, payload text not null)`);
  await run('create index jobs_due on bench.jobs (due_at) where due_at is not null');
  await run(`create table bench.job_log (id uuid not null, number integer not null, outcome text not null, status smallint,
    started_at timestamptz not null, duration_ms integer, response text, primary key (id, number))`);
  const filled = bench.quick ? 20 * batch : 60 * batch;
  const rounds = bench.quick ? 3 : 7;

  const tenantIds: string[] = [];
  for (let index = 0; index < tenants; index += 1) {
    const tenantId = uuidv7();
    tenantIds.push(tenantId);
    await run(
      `insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
        values ($1, 'user', 'bench', 'free', now(), now(), now())`,
      [tenantId],
    );
    await run(
      `insert into tenantry.webhook_endpoints (tenant_id, id, url, status, filters, ordering, created_at, updated_at)
        select $1, gen_random_uuid(), 'https://bench.example/', 'active', '{*}', 'none', now(), now()
        from generate_series(1, $2)`,
      [tenantId, endpointsPerTenant],
    );
  }
  const payload = JSON.stringify({
    type: 'bench.sent',
    timestamp: '2026-01-01T00:00:00Z',
    data: { text: 'x'.repeat(400) },
  });

  /** As `publish` leaves it: messages, and a delivery of each to every endpoint of its tenant. */
  async function fill(): Promise<void> {
    await run('truncate tenantry.webhook_messages, tenantry.webhook_deliveries, tenantry.webhook_attempts');
    await run('truncate bench.jobs, bench.job_log');
    const messages = filled / (tenants * endpointsPerTenant);
    await run(
      `insert into tenantry.webhook_messages (tenant_id, id, type, payload, created_at, deliver_at)
        select t, gen_random_uuid(), 'bench.sent', $3, now(), now() from unnest($1::uuid[]) t, generate_series(1, $2)`,
      [tenantIds, messages, payload],
    );
    await run(`insert into tenantry.webhook_deliveries
        (tenant_id, endpoint_id, message_id, status, due_at, trigger, created_at)
      select m.tenant_id, e.id, m.id, 'pending', m.deliver_at, 'publish', m.created_at
      from tenantry.webhook_messages m join tenantry.webhook_endpoints e using (tenant_id)`);
    await run(
      `insert into bench.jobs (id, endpoint_id, status, due_at, payload)
      select gen_random_uuid(), gen_random_uuid(), 'pending', now(), $2 from generate_series(1, $1)`,
      [filled, payload],
    );
    await run('vacuum analyze bench.jobs');
    await run('vacuum analyze tenantry.webhook_deliveries');
    await run('checkpoint');
  }

  async function ours(): Promise<number> {
    let done = 0;
    let after = null;
    const begun = performance.now();
    for (;;) {
      const now = new Date();
      const leaseUntil = new Date(now.getTime() + 45_000);
      const limits = {
        limit: batch,
        perEndpoint: 8,
        busy: new Map(),
        fromKeys: new Map(),
        probeFrom: 10,
        window: 2000,
      };
      const claimed = await claimDeliveries(db, { now, leaseUntil, after, ...limits });
      if (claimed.deliveries.length === 0) break;
      after = claimed.next;
      const ended = claimed.deliveries.map(({ tenantId, endpointId, messageId, fence, trigger }) => ({
        ...{ tenantId, endpointId, messageId, fence, trigger, startedAt: now, durationMilliseconds: 12 },
        ...{ outcome: 'delivered' as const, reason: null, status: 204, response: '', nextAt: null, counts: true },
      }));
      await completeAttempts(db, ended, new Date());
      done += ended.length;
    }
    return (done * 1000) / (performance.now() - begun);
  }

  async function byHand(): Promise<number> {
    let done = 0;
    const begun = performance.now();
    for (;;) {
      const claimed = await pool.query<{ id: string; payload: string; tries: number }>({
        name: 'claim',
        text: `update bench.jobs j set leased_until = $2, due_at = $2, tries = j.tries + 1
          from (select id from bench.jobs where due_at <= $1 order by due_at limit $3 for update skip locked) c
          where j.id = c.id returning j.id, j.payload, j.tries`,
        values: [new Date(), new Date(Date.now() + 45_000), batch],
      });
      if (claimed.rows.length === 0) break;
      await pool.query({
        name: 'complete',
        text: `with ended as (select * from unnest($1::uuid[], $2::integer[]) as t (id, number)),
          done as (update bench.jobs j set status = 'delivered', due_at = null, leased_until = null
            from ended e where j.id = e.id returning j.id)
          insert into bench.job_log (id, number, outcome, status, started_at, duration_ms, response)
          select id, number, 'delivered', 204, $3, 12, '' from ended`,
        values: [claimed.rows.map(({ id }) => id), claimed.rows.map(({ tries }) => tries), new Date()],
      });
      done += claimed.rows.length;
    }
    return (done * 1000) / (performance.now() - begun);
  }

  const found: { ours: number; reference: number }[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    await fill();
    const first = round % 2 === 0;
    const before = first ? await ours() : 0;
    const reference = await byHand();
    const result = { ours: first ? before : await ours(), reference };
    if (round > 0) found.push(result);
  }
  await run('truncate tenantry.webhook_messages, tenantry.webhook_deliveries, tenantry.webhook_attempts');
  const row = rowOf('deliver/reference', 1, found);
  bench.report(row);
  return row;
}
