import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import type { AttemptMetrics, DeliverySpanContext, DeliveryTrace } from 'tenantry/webhooks/delivery';
import { createWebhooks } from 'tenantry/webhooks/delivery';
import { describe, expect, it } from 'vitest';
import { pgliteDatabase } from '../support/databases.ts';
import { deliveryWorld } from '../support/delivery-world.ts';
import { until } from '../support/until.ts';
import { catalogue, makeTenant, open, webhookWorld } from '../support/webhook-world.ts';

const { database, receiver } = await deliveryWorld();

describe('a worker', () => {
  it('delivers what is published while it runs, and drains what is under way when it is stopped', async () => {
    const target = await receiver((_request, response) => void setTimeout(() => response.writeHead(204).end(), 150));
    const { webhooks } = webhookWorld(database, { delivery: { pollMilliseconds: 20 } });
    const tenantId = await makeTenant(database);
    const { endpoint } = await webhooks.endpoints.create({ tenantId, url: target.url() });
    const worker = webhooks.startDelivery();
    const { id: messageId } = await webhooks.publish({ tenantId, type: 'order.paid', data: { id: '1' } });
    worker.wake();
    await until(() => target.requests.length === 1);
    await worker.stop();
    expect(await webhooks.attempts({ tenantId, endpointId: endpoint.id, messageId })).toMatchObject([
      { outcome: 'delivered' },
    ]);
    await webhooks.publish({ tenantId, type: 'order.paid', data: { id: '2' } });
    expect(target.requests).toHaveLength(1);
  });

  it('that is stopped without grace cuts off what is under way, and the try does not count', async () => {
    const target = await receiver(() => undefined);
    const { webhooks } = webhookWorld(database, { fetch: { ...open, deadlineMilliseconds: 20_000 } });
    const tenantId = await makeTenant(database);
    const { endpoint } = await webhooks.endpoints.create({ tenantId, url: target.url() });
    const ref = { tenantId, endpointId: endpoint.id };
    const { id: messageId } = await webhooks.publish({ tenantId, type: 'order.paid', data: { id: '1' } });
    const worker = webhooks.startDelivery();
    await until(() => target.requests.length === 1);
    await worker.stop({ graceMilliseconds: 1 });
    expect(await webhooks.attempts({ ...ref, messageId })).toMatchObject([{ outcome: 'failed', reason: 'shutdown' }]);
    const { rows } = await sql<{ tries: number; leased_at: Date | null }>`
      select tries, leased_at from tenantry.webhook_deliveries where message_id = ${messageId}`.execute(database.app);
    expect(rows).toEqual([{ tries: 0, leased_at: null }]);
    expect(await webhooks.endpoints.health(ref)).toMatchObject({ failures: 0, waiting: 1 });
  });

  it('beside others takes no delivery twice', async () => {
    const target = await receiver();
    const { webhooks } = webhookWorld(database);
    const tenantId = await makeTenant(database);
    for (let index = 0; index < 5; index += 1) {
      await webhooks.endpoints.create({ tenantId, url: target.url(`/${index}`) });
    }
    for (let index = 0; index < 40; index += 1) {
      await webhooks.publish({ tenantId, type: 'order.paid', data: { id: String(index) } });
    }
    const reports = await Promise.all(Array.from({ length: 6 }, () => webhooks.deliverDue()));
    expect(reports.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(200);
    const got = target.requests.map(({ path, headers }) => `${path} ${headers['webhook-id']}`);
    expect([got.length, new Set(got).size]).toEqual([200, 200]);
  });

  it('gives a tenant with much to send no more turns than one with little', async () => {
    const order: string[] = [];
    const target = await receiver(({ path }) => {
      order.push(path);
      return 204;
    });
    const { webhooks } = webhookWorld(database, { delivery: { concurrency: 4, perEndpoint: 4 } });
    const [loud, quiet] = [await makeTenant(database), await makeTenant(database)];
    for (let index = 0; index < 4; index += 1) {
      await webhooks.endpoints.create({ tenantId: loud, url: target.url('/loud') });
    }
    await webhooks.endpoints.create({ tenantId: quiet, url: target.url('/quiet') });
    for (let index = 0; index < 50; index += 1) {
      await webhooks.publish({ tenantId: loud, type: 'order.paid', data: { id: '1' } });
    }
    for (let index = 0; index < 10; index += 1) {
      await webhooks.publish({ tenantId: quiet, type: 'order.paid', data: { id: '1' } });
    }
    await webhooks.deliverDue();
    expect(order).toHaveLength(210);
    // Ten of the quiet one among about as many of the loud one.
    expect(order.lastIndexOf('/quiet')).toBeLessThan(40);
  });

  it('gives an endpoint with much to be sent no more turns than one with little', async () => {
    const order: string[] = [];
    const target = await receiver(({ path }) => {
      order.push(path);
      return 204;
    });
    const { webhooks } = webhookWorld(database, { delivery: { concurrency: 4, perEndpoint: 4 } });
    const tenantId = await makeTenant(database);
    await webhooks.endpoints.create({ tenantId, url: target.url('/loud') });
    await webhooks.endpoints.create({ tenantId, url: target.url('/quiet'), filters: ['order.refunded'] });
    for (let index = 0; index < 100; index += 1) {
      await webhooks.publish({ tenantId, type: 'order.paid', data: { id: '1' } });
    }
    for (let index = 0; index < 10; index += 1) {
      await webhooks.publish({ tenantId, type: 'order.refunded', data: { id: '1' } });
    }
    await webhooks.deliverDue();
    expect(order).toHaveLength(120);
    expect(order.lastIndexOf('/quiet')).toBeLessThan(40);
  });

  it('lets no endpoint that hangs keep the others waiting', async () => {
    const hanging = await receiver(() => undefined);
    const target = await receiver();
    const { webhooks } = webhookWorld(database, {
      fetch: { ...open, deadlineMilliseconds: 60_000 },
      delivery: { concurrency: 8, perEndpoint: 8, slowAfterMilliseconds: 50, pollMilliseconds: 20 },
    });
    const tenantId = await makeTenant(database);
    await webhooks.endpoints.create({ tenantId, url: hanging.url() });
    for (let index = 0; index < 20; index += 1) await webhooks.endpoints.create({ tenantId, url: target.url() });
    for (let index = 0; index < 30; index += 1) {
      await webhooks.publish({ tenantId, type: 'order.paid', data: { id: String(index) } });
    }
    const worker = webhooks.startDelivery();
    await until(() => target.requests.length === 600);
    // All others are served before the first attempt at the one that hangs is over: it took a place for a moment.
    expect(hanging.requests.length).toBeLessThanOrEqual(8);
    expect((await webhooks.deliveries({ tenantId, messageId: await oneOf(webhooks, tenantId) })).items).toHaveLength(
      21,
    );
    await worker.stop({ graceMilliseconds: 0 });
  });

  it('goes on after the database was away', async () => {
    const target = await receiver();
    const errors: unknown[] = [];
    const pool = new Pool({ connectionString: database.urls?.app ?? '', max: 4, application_name: 'away' });
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
    const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) });
    const { secretBox, webhooks } = webhookWorld(database);
    const tenantId = await makeTenant(database);
    await webhooks.endpoints.create({ tenantId, url: target.url() });
    const away = createWebhooks({
      db,
      catalogue,
      secretBox,
      fetch: open,
      delivery: { pollMilliseconds: 10, hooks: { error: (error) => errors.push(error) } },
    });
    const worker = away.startDelivery();
    for (let ended = 0; ended === 0; ) {
      const { rows } = await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'away'`.execute(database.app);
      ended = rows.length;
    }
    await webhooks.publish({ tenantId, type: 'order.paid', data: { id: '1' }, occurredAt: new Date() });
    await until(() => target.requests.length === 1);
    await worker.stop();
    await db.destroy();
  });

  it('tells of every attempt, and a hook that throws keeps nothing from its receiver', async () => {
    const target = await receiver(({ path }) => (path === '/fails' ? 500 : 204));
    const told: AttemptMetrics[] = [];
    const hooks = {
      attempt(metrics: AttemptMetrics) {
        told.push(metrics);
        throw new Error('a bad counter');
      },
    };
    const { webhooks, clock } = webhookWorld(database, { delivery: { hooks } });
    const tenantId = await makeTenant(database);
    for (const path of ['/works', '/fails']) await webhooks.endpoints.create({ tenantId, url: target.url(path) });
    await webhooks.publish({ tenantId, type: 'order.paid', data: { id: '1' } });
    clock.advance(2000);
    expect(await webhooks.deliverDue()).toEqual({ delivered: 1, failed: 1, done: true });
    const byOutcome = told.toSorted((one, other) => (one.outcome < other.outcome ? -1 : 1));
    expect(byOutcome).toMatchObject([
      { outcome: 'delivered', reason: null, status: 204, attempt: 1, lateMilliseconds: 2000, type: 'order.paid' },
      { outcome: 'failed', reason: 'status', status: 500 },
    ]);
  });

  it('makes each attempt a span that is linked to the span in which its message was published', async () => {
    const target = await receiver(({ path }) => (path === '/fails' ? 500 : 204));
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    let active: DeliverySpanContext | undefined;
    const spans: { options: unknown; attributes: Record<string, unknown>; ended: boolean; status?: number }[] = [];
    const trace: DeliveryTrace = {
      getActiveSpan: () => active && { spanContext: () => active ?? { traceId: '', spanId: '', traceFlags: 0 } },
      getTracer: (name) => ({
        startSpan(title, options) {
          const state: (typeof spans)[number] = { options, attributes: { name, title }, ended: false };
          spans.push(state);
          return {
            setAttribute: (key, value) => Object.assign(state.attributes, { [key]: value }),
            setStatus: ({ code }) => Object.assign(state, { status: code }),
            end: () => Object.assign(state, { ended: true }),
          };
        },
      }),
    };
    const { webhooks } = webhookWorld(database, { trace });
    const tenantId = await makeTenant(database);
    const attributes = { 'messaging.system': 'webhook', 'tenantry.tenant_id': tenantId, 'tenantry.attempt': 1 };
    const publish = () => webhooks.publish({ tenantId, type: 'order.paid', data: { id: '1' } });
    await webhooks.endpoints.create({ tenantId, url: target.url('/fails') });
    active = { traceId, spanId: '00f067aa0ba902b7', traceFlags: 1 };
    await publish();
    active = undefined;
    await webhooks.deliverDue();
    const context = { traceId, spanId: '00f067aa0ba902b7', traceFlags: 1, isRemote: true };
    expect(spans).toMatchObject([{ options: { kind: 3, attributes, links: [{ context }] }, ended: true, status: 2 }]);
    expect(spans[0]?.attributes).toEqual({
      ...{ name: 'tenantry', title: 'webhook deliver' },
      ...{ 'http.response.status_code': 500, 'error.type': 'status' },
    });
    // Nothing of it leaves, and what is no span, or none at all, is no link.
    expect(target.requests[0]?.headers).not.toHaveProperty('traceparent');
    for (const none of [undefined, { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 }]) {
      spans.length = 0;
      active = none;
      await publish();
      await webhooks.deliverDue();
      expect(spans).toHaveLength(1);
      expect(spans[0]?.options).not.toHaveProperty('links');
    }
  });

  it('sends what it has of many keys, though the first of most keys wait to be tried again', async () => {
    const failed = new Set<string>();
    const target = await receiver(({ body }) => {
      const { id } = JSON.parse(body).data;
      if (id >= 'k300' || failed.has(id)) return 204;
      failed.add(id);
      return 500;
    });
    const { webhooks, clock } = webhookWorld(database, {
      delivery: { perEndpoint: 64, circuit: { failures: 10_000 } },
    });
    const tenantId = await makeTenant(database);
    await webhooks.endpoints.create({ tenantId, url: target.url(), ordering: 'key' });
    for (let index = 0; index < 320; index += 1) {
      const id = `k${String(index).padStart(3, '0')}`;
      for (const _twice of [1, 2])
        await webhooks.publish({ tenantId, type: 'order.paid', data: { id }, orderingKey: id });
    }
    await webhooks.publish({ tenantId, type: 'order.paid', data: { id: 'without' } });
    expect(await webhooks.deliverDue()).toEqual({ delivered: 41, failed: 300, done: true });
    clock.advance(6 * 60_000);
    expect(await webhooks.deliverDue()).toEqual({ delivered: 600, failed: 0, done: true });
  });
});

async function oneOf(webhooks: ReturnType<typeof webhookWorld>['webhooks'], tenantId: string): Promise<string> {
  return (await webhooks.messages({ tenantId, limit: 1 })).items[0]?.id ?? '';
}

it('deliverDue begins nothing more once its budget is spent or its signal is given', async () => {
  const target = await receiver();
  const { webhooks } = webhookWorld(database);
  const tenantId = await makeTenant(database);
  await webhooks.endpoints.create({ tenantId, url: target.url() });
  await webhooks.publish({ tenantId, type: 'order.paid', data: { id: '1' } });
  expect(await webhooks.deliverDue({ signal: AbortSignal.abort() })).toEqual({ delivered: 0, failed: 0, done: false });
  expect(target.requests).toEqual([]);
  expect(await webhooks.deliverDue({ budgetMilliseconds: 5000 })).toMatchObject({ delivered: 1, done: true });
});

it('what was claimed when the wish to stop came is given back, as if it had not been', async () => {
  const target = await receiver();
  const { webhooks } = webhookWorld(database);
  const tenantId = await makeTenant(database);
  const { endpoint } = await webhooks.endpoints.create({ tenantId, url: target.url() });
  const { id: messageId } = await webhooks.publish({ tenantId, type: 'order.paid', data: { id: '1' } });
  const stop = new AbortController();
  const report = webhooks.deliverDue({ signal: stop.signal });
  stop.abort();
  expect(await report).toEqual({ delivered: 0, failed: 0, done: false });
  const ref = { tenantId, endpointId: endpoint.id };
  expect((await webhooks.deliveries(ref)).items).toMatchObject([{ attempts: 0, attemptingSince: null }]);
  expect(await webhooks.deliverDue()).toMatchObject({ delivered: 1 });
  expect(await webhooks.attempts({ ...ref, messageId })).toMatchObject([{ number: 1, outcome: 'delivered' }]);
  expect(target.requests).toHaveLength(1);
});

it('an attempt that ends after its lease is told in the log, and a success closes the delivery', async () => {
  let hold: () => void = () => undefined;
  const target = await receiver((request, response) => {
    if (target.requests.length > 1) return 500;
    hold = () => response.writeHead(204).end();
    return request.path === '/' ? undefined : 204;
  });
  const { webhooks, clock } = webhookWorld(database, { fetch: { ...open, deadlineMilliseconds: 20_000 } });
  const tenantId = await makeTenant(database);
  const { endpoint } = await webhooks.endpoints.create({ tenantId, url: target.url() });
  const { id: messageId } = await webhooks.publish({ tenantId, type: 'order.paid', data: { id: '1' } });
  const ref = { tenantId, endpointId: endpoint.id };
  const slow = webhooks.deliverDue();
  await until(() => target.requests.length === 1);
  clock.advance(60_000);
  expect(await webhooks.deliverDue()).toMatchObject({ failed: 1 });
  expect(await webhooks.attempts({ ...ref, messageId })).toMatchObject([
    { number: 1, outcome: 'interrupted' },
    { number: 2, outcome: 'failed', status: 500 },
  ]);
  hold();
  await slow;
  expect(await webhooks.attempts({ ...ref, messageId })).toMatchObject([
    { number: 1, outcome: 'delivered', status: 204 },
    { number: 2, outcome: 'failed', status: 500 },
  ]);
  expect((await webhooks.deliveries(ref)).items).toMatchObject([{ status: 'delivered', attempts: 2 }]);
});

it('works the same on an embedded database', async () => {
  const embedded = await pgliteDatabase<Record<string, never>>();
  const target = await receiver();
  const { webhooks } = webhookWorld(embedded);
  const tenantId = await makeTenant(embedded);
  const { endpoint } = await webhooks.endpoints.create({ tenantId, url: target.url(), ordering: 'key' });
  const { id } = await embedded.app
    .transaction()
    .execute((tx) =>
      webhooks.publish({ tenantId, type: 'order.paid', data: { id: '1' }, orderingKey: 'k' }, { db: tx }),
    );
  expect(await webhooks.deliverDue()).toEqual({ delivered: 1, failed: 0, done: true });
  expect(await webhooks.attempts({ tenantId, endpointId: endpoint.id, messageId: id })).toHaveLength(1);
  await embedded.destroy();
});
