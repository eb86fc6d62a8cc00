import { createTenancy, perUser } from 'tenantry/tenancy';
import { verifyWebhook } from 'tenantry/webhooks';
import { describe, expect, it } from 'vitest';
import { deliveryWorld } from '../support/delivery-world.ts';
import type { Answer } from '../support/webhook-receiver.ts';
import { makeTenant, webhookWorld } from '../support/webhook-world.ts';

const { database, receiver, oneEndpoint } = await deliveryWorld();

describe('a message', () => {
  it('arrives signed, with the time of the attempt, as type, timestamp and data', async () => {
    const { webhooks, clock, target, secret, ref, publish } = await oneEndpoint();
    const { id, deliveries } = await publish('o-1', { occurredAt: new Date('2026-02-28T00:00:00Z') });
    expect(deliveries).toBe(1);
    clock.advance(60_000);
    expect(await webhooks.deliverDue()).toEqual({ delivered: 1, failed: 0, done: true });
    const [request] = target.requests;
    expect(JSON.parse(request?.body ?? '')).toEqual({
      type: 'order.paid',
      timestamp: '2026-02-28T00:00:00.000Z',
      data: { id: 'o-1' },
    });
    expect(request?.headers).toMatchObject({ 'webhook-id': id, 'content-type': 'application/json' });
    expect(request?.headers['webhook-timestamp']).toBe(String(clock().getTime() / 1000));
    const check = { headers: request?.headers ?? {}, body: request?.body ?? '', secret: secret.verifyWith };
    expect(verifyWebhook({ ...check, clock })).toMatchObject({ ok: true, id });
    expect(await webhooks.attempts({ ...ref, messageId: id })).toMatchObject([
      { number: 1, trigger: 'publish', outcome: 'delivered', reason: null, status: 204, nextAttemptAt: null },
    ]);
    expect(await webhooks.deliverDue()).toEqual({ delivered: 0, failed: 0, done: true });
  });

  it('stands or falls with the transaction that publishes it, also that of a tenant', async () => {
    const { webhooks, target, tenantId } = await oneEndpoint();
    const tenancy = createTenancy({ db: database.app, strategy: perUser() });
    const input = { tenantId, type: 'order.paid', data: { id: 'o-2' } } as const;
    const undone = tenancy.transaction(tenantId, async (tx) => {
      await webhooks.publish(input, { db: tx });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await webhooks.deliverDue()).toMatchObject({ delivered: 0 });
    await tenancy.transaction(tenantId, (tx) => webhooks.publish(input, { db: tx }));
    expect(await webhooks.deliverDue()).toMatchObject({ delivered: 1 });
    expect(target.requests).toHaveLength(1);
  });

  it('keeps its id over retries, which go by the schedule, and is given up after eight attempts', async () => {
    const { webhooks, clock, target, ref, publish } = await oneEndpoint(() => 500);
    const { id } = await publish('o-3');
    const steps = [5, 300, 1800, 7200, 18_000, 36_000, 36_000];
    for (const step of steps) {
      expect(await webhooks.deliverDue()).toEqual({ delivered: 0, failed: 1, done: true });
      clock.advance(step * 790);
      expect(await webhooks.deliverDue()).toEqual({ delivered: 0, failed: 0, done: true });
      clock.advance(step * 420);
    }
    expect(await webhooks.deliverDue()).toEqual({ delivered: 0, failed: 1, done: true });
    clock.advance(10 * 86_400_000);
    expect(await webhooks.deliverDue()).toEqual({ delivered: 0, failed: 0, done: true });
    expect(new Set(target.requests.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([id]));
    const attempts = await webhooks.attempts({ ...ref, messageId: id });
    expect(attempts.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(attempts.map(({ trigger }) => trigger)).toEqual(['publish', ...steps.map(() => 'retry')]);
    expect(attempts.at(-1)).toMatchObject({ outcome: 'failed', reason: 'status', status: 500, nextAttemptAt: null });
    const { items } = await webhooks.deliveries(ref);
    expect(items).toMatchObject([{ status: 'failed', attempts: 8, lastStatus: 500, type: 'order.paid' }]);
  });

  it('is published once under an idempotency key, also by ten at the same time', async () => {
    const { webhooks, tenantId, publish } = await oneEndpoint();
    const all = await Promise.all(Array.from({ length: 10 }, () => publish('o-4', { idempotencyKey: 'k' })));
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect(all.filter(({ repeated }) => !repeated)).toHaveLength(1);
    const other = await makeTenant(database);
    const input = { tenantId: other, type: 'order.paid', data: { id: 'o-4' }, idempotencyKey: 'k' } as const;
    expect(await webhooks.publish(input)).toMatchObject({ repeated: false, deliveries: 0 });
    expect((await webhooks.messages({ tenantId })).items).toHaveLength(1);
  });

  it('waits for its time', async () => {
    const { webhooks, clock, publish } = await oneEndpoint();
    await publish('o-5', { deliverAt: new Date(clock().getTime() + 3_600_000) });
    expect(await webhooks.deliverDue()).toMatchObject({ delivered: 0, done: true });
    clock.advance(3_600_000);
    expect(await webhooks.deliverDue()).toMatchObject({ delivered: 1 });
  });

  it('is refused where its type, data or size is not right', async () => {
    const { webhooks, tenantId } = await oneEndpoint(undefined, { maxPayloadBytes: 200 });
    const bad: unknown[] = [
      { tenantId, type: 'order.lost', data: { id: '1' } },
      { tenantId, type: 'order.paid', data: { id: 7 } },
      { tenantId, type: 'order.paid', data: undefined },
      { tenantId, type: 'order.paid', data: { id: 'x'.repeat(200) } },
      { tenantId, type: 'user.renamed', data: { id: '1' } },
    ];
    for (const input of bad) {
      await expect(Reflect.apply(webhooks.publish, undefined, [input])).rejects.toMatchObject({
        code: 'webhook_event_invalid',
      });
    }
    await expect(
      webhooks.publish({ tenantId: crypto.randomUUID(), type: 'order.paid', data: { id: '1' } }),
    ).rejects.toMatchObject({ code: 'tenant_not_found' });
    expect((await webhooks.messages({ tenantId })).items).toEqual([]);
  });

  it('carries any text, also what PostgreSQL does not store', async () => {
    const { webhooks, target, publish } = await oneEndpoint();
    await publish('a\0b \ud800 \u2028 "', { orderingKey: 'k' });
    await webhooks.deliverDue();
    expect(JSON.parse(target.requests[0]?.body ?? '').data).toEqual({ id: 'a\0b \ud800 \u2028 "' });
  });
});

describe('an endpoint', () => {
  it('is sent what its filters let through, in its version', async () => {
    const { webhooks } = webhookWorld(database);
    const tenantId = await makeTenant(database);
    const target = await receiver();
    const make = (path: string, more: object) =>
      webhooks.endpoints.create({ tenantId, url: target.url(path), ...more });
    await make('/all', {});
    await make('/orders', { filters: ['order.*'] });
    await make('/items', { filters: ['*.item.added', 'order.refunded'] });
    await make('/old', { filters: ['user.*'], version: '2025-01-01' });
    for (const type of ['order.paid', 'order.item.added', 'order.refunded'] as const) {
      await webhooks.publish({ tenantId, type, data: { id: type } });
    }
    await webhooks.publish({ tenantId, type: 'user.renamed', data: { id: 'u', name: 'Ada Lovelace' } });
    await webhooks.deliverDue();
    const got = (path: string) =>
      target.requests.filter((one) => one.path === path).map((one) => JSON.parse(one.body).type);
    expect(got('/all').toSorted()).toEqual(['order.item.added', 'order.paid', 'order.refunded', 'user.renamed']);
    expect(got('/orders').toSorted()).toEqual(['order.item.added', 'order.paid', 'order.refunded']);
    expect(got('/items').toSorted()).toEqual(['order.item.added', 'order.refunded']);
    const bodies = target.requests.map(({ path, body }) => ({ path, data: JSON.parse(body).data }));
    expect(bodies).toContainEqual({ path: '/old', data: { id: 'u', first: 'Ada' } });
    expect(bodies).toContainEqual({ path: '/all', data: { id: 'u', name: 'Ada Lovelace' } });
  });

  it('that answers 410 is disabled and told of, and what waits for it is canceled', async () => {
    const { webhooks, ref, events, publish, clock } = await oneEndpoint(() => 410);
    const { id } = await publish('o-1');
    await publish('o-2', { deliverAt: new Date(clock().getTime() + 60_000) });
    expect(await webhooks.deliverDue()).toEqual({ delivered: 0, failed: 1, done: true });
    expect(await webhooks.endpoints.get(ref)).toMatchObject({ status: 'disabled', disabledReason: 'gone' });
    expect(events.at(-1)).toMatchObject({ name: 'webhook_endpoint.disabled', data: { reason: 'gone' } });
    expect(await webhooks.attempts({ ...ref, messageId: id })).toMatchObject([
      { reason: 'gone', status: 410, nextAttemptAt: null },
    ]);
    await webhooks.deliverDue();
    const { items } = await webhooks.deliveries(ref);
    expect(items.map(({ status }) => status)).toEqual(['canceled', 'failed']);
    expect((await publish('o-3')).deliveries).toBe(0);
  });

  it('that answers 410 to a test stays as it is', async () => {
    const { webhooks, ref } = await oneEndpoint(() => 410);
    expect(await webhooks.endpoints.test(ref)).toMatchObject({
      outcome: 'failed',
      reason: 'gone',
      nextAttemptAt: null,
    });
    expect(await webhooks.endpoints.get(ref)).toMatchObject({ status: 'active', disabledReason: null });
    expect(await webhooks.endpoints.health(ref)).toMatchObject({ state: 'healthy', failures: 0 });
  });

  it('is disabled after five days without a success, with notices on the way, and recovers with one', async () => {
    let status = 500;
    const { webhooks, clock, ref, events, publish } = await oneEndpoint(() => status, {
      delivery: { circuit: { failures: 1e6 } },
    });
    const names = () => events.map(({ name }) => name.replace('webhook_endpoint.', ''));
    const fail = async () => {
      await publish('o');
      await webhooks.deliverDue();
    };
    await fail();
    clock.advance(86_400_000 * 1.1);
    await fail();
    expect(names()).toEqual(['created', 'failing']);
    expect(events.at(-1)?.data).toMatchObject({ lastReason: 'status', disabledAt: new Date('2026-03-06T12:00:00Z') });
    status = 200;
    await fail();
    expect(names()).toEqual(['created', 'failing', 'recovered']);
    expect(await webhooks.endpoints.health(ref)).toMatchObject({ state: 'healthy', failures: 0, failingSince: null });
    status = 500;
    for (let days = 0; days < 6; days += 1) {
      await fail();
      clock.advance(86_400_000);
    }
    expect(names().slice(3)).toEqual(['failing', 'failing', 'disabled']);
    expect(await webhooks.endpoints.get(ref)).toMatchObject({ status: 'disabled', disabledReason: 'failing' });
    await webhooks.endpoints.enable(ref);
    expect(await webhooks.endpoints.health(ref)).toMatchObject({ state: 'healthy', failures: 0 });
  });

  it('is not disabled for failures with a long silence between them, and never without the notice before', async () => {
    const { webhooks, clock, ref, events, publish } = await oneEndpoint(() => 500, {
      delivery: { circuit: { failures: 1e6 }, retry: { steps: [] } },
    });
    const failAfter = async (days: number) => {
      clock.advance(86_400_000 * days);
      await publish('o');
      await webhooks.deliverDue();
      return events.map(({ name }) => name.replace('webhook_endpoint.', '')).slice(1);
    };
    expect(await failAfter(0)).toEqual([]);
    clock.advance(86_400_000 * 6);
    expect(await webhooks.endpoints.health(ref)).toMatchObject({ state: 'failing', disabledAt: null });
    expect(await failAfter(0)).toEqual([]);
    expect(await webhooks.endpoints.health(ref)).toMatchObject({ failingSince: clock() });
    expect(await failAfter(1.9)).toEqual(['failing']);
    expect(await failAfter(9)).toEqual(['failing']);
    expect(await failAfter(1.9)).toEqual(['failing']);
    expect(await failAfter(1.9)).toEqual(['failing', 'failing']);
    expect(await failAfter(1.9)).toEqual(['failing', 'failing', 'disabled']);
  });

  it('that fails often is paused, and then tried with one delivery', async () => {
    let status = 500;
    const delivery = { circuit: { failures: 5, pauseSeconds: 30 }, retry: { steps: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0] } };
    const { webhooks, clock, ref, target, publish } = await oneEndpoint(() => status, { delivery });
    for (let index = 0; index < 20; index += 1) await publish(`o-${index}`);
    await webhooks.deliverDue();
    const before = target.requests.length;
    expect(before).toBeLessThanOrEqual(16);
    expect(await webhooks.endpoints.health(ref)).toMatchObject({ state: 'paused', waiting: 20 });
    clock.advance(31_000);
    await webhooks.deliverDue();
    expect(target.requests.length).toBe(before + 1);
    clock.advance(31_000);
    await webhooks.deliverDue();
    expect(target.requests.length).toBe(before + 1);
    clock.advance(30_000);
    status = 204;
    await webhooks.deliverDue();
    expect(await webhooks.endpoints.health(ref)).toMatchObject({ state: 'healthy', waiting: 0 });
    expect((await webhooks.deliveries({ ...ref, status: 'delivered' })).items).toHaveLength(20);
  });

  it('that is both slow and failing is still tried, and comes back', async () => {
    let status = 500;
    const answer: Answer = (_request, response) => void setTimeout(() => response.writeHead(status).end(), 30);
    const delivery = {
      slowAfterMilliseconds: 5,
      circuit: { failures: 2, pauseSeconds: 1, longestPauseSeconds: 1 },
      retry: { steps: Array.from({ length: 20 }, () => 0) },
    };
    const { webhooks, clock, ref, publish } = await oneEndpoint(answer, { delivery });
    for (let index = 0; index < 4; index += 1) await publish(`o-${index}`);
    const worker = webhooks.startDelivery();
    while ((await webhooks.endpoints.health(ref)).state !== 'paused') await new Promise((go) => setTimeout(go, 10));
    status = 204;
    clock.advance(1100);
    worker.wake();
    while ((await webhooks.endpoints.health(ref)).waiting > 0) await new Promise((go) => setTimeout(go, 10));
    await worker.stop();
    expect(await webhooks.endpoints.health(ref)).toMatchObject({ state: 'healthy', failures: 0 });
  });

  it('gets its messages one after the other where it asks for that, also over failures', async () => {
    let failures = 0;
    const answer: Answer = ({ body }) => {
      if (JSON.parse(body).data.id !== '3' || failures >= 2) return 204;
      failures += 1;
      return 500;
    };
    const { webhooks, clock, target, ref, publish } = await oneEndpoint(answer);
    await webhooks.endpoints.update({ ...ref, ordering: 'endpoint' });
    for (let index = 0; index < 8; index += 1) await publish(String(index));
    for (let round = 0; round < 4; round += 1) {
      await webhooks.deliverDue();
      clock.advance(400_000);
    }
    const order = target.requests.map(({ body }) => JSON.parse(body).data.id).join('');
    expect(order).toBe('0123334567');
    expect(target.most()).toBe(1);
  });

  it('gets messages of one key in order, and others meanwhile', async () => {
    const stuck: Answer = ({ body }) => (JSON.parse(body).data.id === 'a0' ? 500 : 204);
    const { webhooks, target, ref, publish } = await oneEndpoint(stuck);
    await webhooks.endpoints.update({ ...ref, ordering: 'key' });
    for (const key of ['a', 'b']) {
      for (let index = 0; index < 3; index += 1) await publish(`${key}${index}`, { orderingKey: key });
    }
    await publish('c');
    await webhooks.deliverDue();
    const got = target.requests.map(({ body }) => String(JSON.parse(body).data.id));
    expect(got.filter((id) => id.startsWith('a'))).toEqual(['a0']);
    expect(got.filter((id) => id.startsWith('b'))).toEqual(['b0', 'b1', 'b2']);
    expect(got).toContain('c');
  });
});
