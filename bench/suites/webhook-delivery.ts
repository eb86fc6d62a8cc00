import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createSecretBox, uuidv7 } from '../../src/core/index.ts';
import { createWebhooks, defineEvents } from '../../src/webhooks/delivery/index.ts';
import { claimDeliveries } from '../../src/webhooks/delivery/worker/claim-store.ts';
import { completeAttempts } from '../../src/webhooks/delivery/worker/complete-store.ts';
import type { BenchDatabase } from '../database.ts';
import { type Bench, median, type Row, rounded } from '../harness.ts';

const batch = 500;
const endpointsPerTenant = 10;
const tenants = 20;

/**
 * `deliver/reference`: deliveries that are claimed and completed per second, in batches, by one caller, with the attempts
 * logged; against the same done by hand on one table without tenants, endpoints or turns: `for update skip locked`, then an
 * update and an insert. `deliver-slow-endpoint/without`: messages per second to 1,000 endpoints over HTTP when one of them
 * never answers, against none.
 */
export async function delivering(bench: Bench): Promise<readonly Row[]> {
  const database = await bench.database();
  return [await claimAndComplete(bench, database), await slowEndpoint(bench, database)];
}

async function claimAndComplete(bench: Bench, database: BenchDatabase): Promise<Row> {
  const { db, pool, run } = database;
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
      const limits = { limit: batch, perEndpoint: 8, busy: new Map(), probeFrom: 10, window: 2000 };
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
  return report(bench, 'deliver/reference', found);
}

async function slowEndpoint(bench: Bench, { db, run }: BenchDatabase): Promise<Row> {
  const quick = await listen((request, response) => {
    request.resume();
    response.writeHead(204).end();
  });
  const hanging = await listen((request) => void request.resume());
  const endpoints = 1000;
  const rounds = bench.quick ? 3 : 9;
  const messages = bench.quick ? 2 : 5;
  let delivered = 0;
  let told: () => void = () => undefined;
  const webhooks = createWebhooks({
    db,
    catalogue: defineEvents({ 'bench.sent': { schema: anything } }),
    secretBox: createSecretBox([{ id: 'bench', key: randomBytes(32) }]),
    fetch: { allow: ['127.0.0.0/8'], allowHttp: true, ports: 'any' },
    delivery: {
      hooks: {
        attempt({ outcome }) {
          if (outcome === 'delivered') delivered += 1;
          told();
        },
      },
    },
  });
  const tenantId = uuidv7();
  await run(
    `insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
      values ($1, 'user', 'bench', 'free', now(), now(), now())`,
    [tenantId],
  );
  const create = () => webhooks.endpoints.create({ tenantId, url: quick.url });
  const { endpoint: slow } = await create();
  for (let made = 1; made < endpoints; made += 100) {
    await Promise.all(Array.from({ length: Math.min(100, endpoints - made) }, create));
  }

  /** Deliveries per second to the others, while one of them does or does not answer. */
  async function rate(url: string): Promise<number> {
    await run('truncate tenantry.webhook_messages, tenantry.webhook_deliveries, tenantry.webhook_attempts');
    await run('update tenantry.webhook_endpoints set url = $2, failures = 0, paused_until = null where id = $1', [
      slow.id,
      url,
    ]);
    for (let index = 0; index < messages; index += 1) {
      await webhooks.publish({ tenantId, type: 'bench.sent', data: { text: 'x'.repeat(400) } });
    }
    const others = messages * (endpoints - 1);
    delivered = 0;
    const begun = performance.now();
    const worker = webhooks.startDelivery();
    await new Promise<void>((resolve) => {
      told = () => {
        if (delivered >= others) resolve();
      };
    });
    const milliseconds = performance.now() - begun;
    await worker.stop({ graceMilliseconds: 0 });
    return (others * 1000) / milliseconds;
  }

  const found: { ours: number; reference: number }[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const first = round % 2 === 0 ? await rate(hanging.url) : 0;
    const reference = await rate(quick.url);
    const result = { ours: round % 2 === 0 ? first : await rate(hanging.url), reference };
    if (round > 0) found.push(result);
  }
  for (const { server } of [quick, hanging]) {
    server.closeAllConnections();
    server.close();
  }
  return report(bench, 'deliver-slow-endpoint/without', found);
}

/** A schema that takes everything. */
const anything = {
  '~standard': { version: 1, vendor: 'bench', validate: (value: unknown) => ({ value }) },
} as const;

async function listen(
  answer: Parameters<typeof createServer>[1],
): Promise<{ url: string; port: number; server: Server }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, port, server };
}

function report(bench: Bench, name: string, found: readonly { ours: number; reference: number }[]): Row {
  const ratios = found.map((round) => round.ours / round.reference);
  const row: Row = {
    name,
    at: 1,
    ours: Math.round(median(found.map((round) => round.ours))),
    reference: Math.round(median(found.map((round) => round.reference))),
    ratio: rounded(median(ratios)),
    spread: [rounded(Math.min(...ratios)), rounded(Math.max(...ratios))],
  };
  bench.report(row);
  return row;
}
