import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { sql } from 'kysely';
import { createSecretBox } from 'tenantry/core';
import { createWebhooks } from 'tenantry/webhooks/delivery';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Answer, startReceiver, type TestReceiver } from '../support/webhook-receiver.ts';
import { catalogue, makeTenant, open } from '../support/webhook-world.ts';
import { workerFile } from '../support/worker-file.ts';

/** `TENANTRY_MESSAGES=10000 TENANTRY_KILLS=50 npx vitest run --project chaos tests/chaos/webhook-delivery.test.ts` */
const messages = Number(process.env.TENANTRY_MESSAGES ?? 150);
const kills = Number(process.env.TENANTRY_KILLS ?? 10);
const endpoints = 20;
const tenants = 4;

let database: TestDatabase<Record<string, never>>;
let receiver: TestReceiver;
const children = new Set<ChildProcess>();
/** How often each message arrived at each endpoint, by path and id. */
const tried = new Map<string, number>();
let received = 0;

/** What an endpoint does by its script, at the nth try of a message. */
const scripts: readonly ((nth: number, response: Parameters<Answer>[1]) => unknown)[] = [
  () => 204,
  (nth) => (nth === 1 ? 500 : 204),
  (nth) => (nth <= 2 ? 429 : 200),
  (nth, response) => (nth === 1 ? void response.socket?.destroy() : 200),
  (nth, response) => {
    if (nth > 1) return 200;
    response.writeHead(200, { 'content-length': '10' }).write('half');
    return void setTimeout(() => response.socket?.destroy(), 5);
  },
  (nth) => (nth === 1 ? 301 : 204),
  (nth, response) => void setTimeout(() => response.writeHead(204).end(), nth === 1 ? 30 : 5),
  (nth) => (nth % 3 === 0 ? 200 : 503),
];

const answer: Answer = ({ path, headers }, response) => {
  const key = `${path} ${headers['webhook-id']}`;
  const nth = (tried.get(key) ?? 0) + 1;
  tried.set(key, nth);
  received += 1;
  return scripts[Number(path.split('/')[2]) % scripts.length]?.(nth, response);
};

beforeAll(async () => {
  database = await postgresDatabase();
  receiver = await startReceiver(answer, { keep: false });
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await receiver.close();
  await database.destroy();
});

async function startWorker(key: string): Promise<ChildProcess> {
  const file = workerFile('webhook-worker');
  const child = spawn(process.execPath, [file, database.urls?.app ?? '', key], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  child.on('close', () => children.delete(child));
  if (child.stdout) await once(child.stdout, 'data');
  return child;
}

const openDeliveries = async () => {
  const { rows } = await sql<{ n: number }>`
    select count(*)::integer as n from tenantry.webhook_deliveries where due_at is not null`.execute(database.app);
  return rows[0]?.n ?? 0;
};

it(
  `delivers ${messages} messages to ${endpoints} failing endpoints, its worker killed ${kills} times, and logs every attempt`,
  async () => {
    const key = randomBytes(32).toString('base64');
    const webhooks = createWebhooks({
      db: database.app,
      catalogue,
      secretBox: createSecretBox([{ id: 'one', key }]),
      fetch: open,
    });
    const perTenant = endpoints / tenants;
    const all: { tenantId: string; endpointId: string; path: string }[] = [];
    for (let tenant = 0; tenant < tenants; tenant += 1) {
      const tenantId = await makeTenant(database);
      for (let index = 0; index < perTenant; index += 1) {
        const path = `/${tenant}/${tenant * perTenant + index}`;
        const { endpoint } = await webhooks.endpoints.create({ tenantId, url: receiver.url(path) });
        all.push({ tenantId, endpointId: endpoint.id, path });
      }
    }
    const tenantIds = [...new Set(all.map(({ tenantId }) => tenantId))];
    // Each message goes to the endpoints of its tenant; every tenant is sent all of them.
    const ids = new Map<string, string[]>(tenantIds.map((tenantId) => [tenantId, []]));
    const publishing = (async () => {
      for (let index = 0; index < messages; index += 1) {
        for (const tenantId of tenantIds) {
          const { id } = await webhooks.publish({ tenantId, type: 'order.paid', data: { id: String(index) } });
          ids.get(tenantId)?.push(id);
        }
      }
    })();

    const workers = [await startWorker(key), await startWorker(key)];
    for (let killed = 0; killed < kills; killed += 1) {
      // Spread over the whole of the work, and at no certain moment of it.
      const share = ((killed + 0.5) / kills) * messages * endpoints;
      while (received < share) await new Promise((resolve) => setTimeout(resolve, 20));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
      workers.shift()?.kill('SIGKILL');
      workers.push(await startWorker(key));
    }
    await publishing;
    while ((await openDeliveries()) > 0) await new Promise((resolve) => setTimeout(resolve, 200));
    for (const worker of workers) {
      worker.kill('SIGTERM');
      expect((await once(worker, 'close'))[0]).toBe(0);
    }

    const lost: string[] = [];
    for (const { tenantId, path } of all) {
      for (const id of ids.get(tenantId) ?? []) if (!tried.has(`${path} ${id}`)) lost.push(`${path} ${id}`);
    }
    expect(lost).toEqual([]);
    const { rows: states } = await sql<{ status: string; n: number }>`
    select status, count(*)::integer as n from tenantry.webhook_deliveries group by status`.execute(database.app);
    expect(states).toEqual([{ status: 'delivered', n: messages * endpoints }]);

    // The log has every attempt that was begun, in a row; and none of them reached the receiver without being told of.
    const { rows: log } = await sql<{ gaps: number; attempts: number; interrupted: number }>`
    select count(*) filter (where d.fence <> a.n or d.fence <> a.last)::integer as gaps,
      sum(a.n)::integer as attempts, sum(a.interrupted)::integer as interrupted
    from tenantry.webhook_deliveries d cross join lateral (
      select count(*) as n, max(t.number) as last, count(*) filter (where t.outcome = 'interrupted') as interrupted
      from tenantry.webhook_attempts t where t.tenant_id = d.tenant_id and t.endpoint_id = d.endpoint_id
        and t.message_id = d.message_id) a`.execute(database.app);
    expect(log[0]?.gaps).toBe(0);
    expect(log[0]?.attempts).toBeGreaterThanOrEqual(received);
    const { rows: untold } = await sql<{ path: string; id: string; n: number }>`
    select substr(e.url, position('/' in substr(e.url, 9)) + 8) as path, d.message_id as id, d.fence as n
    from tenantry.webhook_deliveries d
    join tenantry.webhook_endpoints e on e.tenant_id = d.tenant_id and e.id = d.endpoint_id`.execute(database.app);
    for (const { path, id, n } of untold) expect(tried.get(`${path} ${id}`) ?? 0).toBeLessThanOrEqual(n);
    console.log(`${received} requests, ${log[0]?.attempts} attempts, ${log[0]?.interrupted} of them interrupted`);
  },
  120_000 + messages * 200,
);
