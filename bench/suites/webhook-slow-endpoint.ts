import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createSecretBox, uuidv7 } from '../../src/core/index.ts';
import { createWebhooks, defineEvents } from '../../src/webhooks/delivery/index.ts';
import { type Bench, type Row, rowOf } from '../harness.ts';

/**
 * `deliver-slow-endpoint/without`: deliveries per second over HTTP to 999 endpoints that take a tenth of a second to answer,
 * so that a worker has no place to spare, while one more never answers, against one that answers like them. The deliveries
 * to that one count on neither side. Deliveries per second are told from the mean time at which one arrives: the time of the
 * last would tell how the last batch was cut.
 */
export async function slowEndpoint(bench: Bench): Promise<Row> {
  const { db, run } = await bench.database();
  const answering = await listen((request, response) => {
    request.resume();
    setTimeout(() => response.writeHead(204).end(), 100);
  });
  const hanging = await listen((request) => void request.resume());
  const endpoints = 1000;
  const rounds = bench.quick ? 4 : 8;
  const messages = bench.quick ? 1 : 2;
  const others = messages * (endpoints - 1);
  let toOthers = 0;
  let passed = 0;
  let begun = 0;
  let told: () => void = () => undefined;
  const tenantId = uuidv7();
  await run(
    `insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
      values ($1, 'user', 'bench', 'free', now(), now(), now())`,
    [tenantId],
  );
  const webhooks = createWebhooks({
    db,
    catalogue: defineEvents({ 'bench.sent': { schema: anything } }),
    secretBox: createSecretBox([{ id: 'bench', key: randomBytes(32) }]),
    fetch: { allow: ['127.0.0.0/8'], allowHttp: true, ports: 'any' },
    delivery: {
      hooks: {
        attempt({ endpointId, outcome }) {
          if (endpointId === slow.id || outcome !== 'delivered') return;
          toOthers += 1;
          passed += performance.now() - begun;
          if (toOthers === others) told();
        },
      },
    },
  });
  const create = () => webhooks.endpoints.create({ tenantId, url: answering.url });
  const { endpoint: slow } = await create();
  for (let made = 1; made < endpoints; made += 100) {
    await Promise.all(Array.from({ length: Math.min(100, endpoints - made) }, create));
  }

  /** Deliveries per second to the others by a worker that is new, while one of them does or does not answer. */
  async function rate(url: string): Promise<number> {
    await run('truncate tenantry.webhook_messages, tenantry.webhook_deliveries, tenantry.webhook_attempts');
    await run('update tenantry.webhook_endpoints set failures = 0, paused_until = null, failing_since = null');
    await run('update tenantry.webhook_endpoints set url = $2 where id = $1', [slow.id, url]);
    for (let index = 0; index < messages; index += 1) {
      await webhooks.publish({ tenantId, type: 'bench.sent', data: { text: 'x'.repeat(400) } });
    }
    await run('vacuum analyze tenantry.webhook_endpoints, tenantry.webhook_messages, tenantry.webhook_deliveries');
    toOthers = 0;
    passed = 0;
    const all = new Promise<void>((resolve) => {
      told = resolve;
    });
    begun = performance.now();
    const worker = webhooks.startDelivery();
    await all;
    await worker.stop({ graceMilliseconds: 0 });
    return (others * others * 1000) / (2 * passed);
  }

  const found: { ours: number; reference: number }[] = [];
  await rate(answering.url);
  for (let round = 0; round < rounds; round += 1) {
    const first = round % 2 === 0 ? await rate(hanging.url) : 0;
    const reference = await rate(answering.url);
    found.push({ ours: round % 2 === 0 ? first : await rate(hanging.url), reference });
  }
  for (const { server } of [answering, hanging]) {
    server.closeAllConnections();
    server.close();
  }
  const row = rowOf('deliver-slow-endpoint/without', 1, found);
  bench.report(row);
  return row;
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
