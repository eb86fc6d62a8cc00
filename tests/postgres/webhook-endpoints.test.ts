import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { createSecretBox } from 'tenantry/core';
import { createWebhookSecret, verifyWebhook } from 'tenantry/webhooks';
import { createWebhooks } from 'tenantry/webhooks/delivery';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { startReceiver, type TestReceiver } from '../support/webhook-receiver.ts';
import { catalogue, forgetDeliveries, makeTenant, open, webhookWorld } from '../support/webhook-world.ts';

let database: TestDatabase<Record<string, never>>;
let receiver: TestReceiver;
let tenantId: string;
beforeAll(async () => {
  database = await postgresDatabase();
  receiver = await startReceiver(({ path }) => (path === '/fails' ? 500 : 204));
});
beforeEach(async () => {
  receiver.requests.length = 0;
  await forgetDeliveries(database);
  tenantId = await makeTenant(database);
});
afterAll(async () => {
  await receiver.close();
  await database.destroy();
});

const order = (id = 'o-1') => ({ tenantId, type: 'order.paid', data: { id } }) as const;

describe('an endpoint', () => {
  it('is made, read, listed by cursor, changed and removed', async () => {
    const { webhooks, events } = webhookWorld(database);
    const made: string[] = [];
    for (const path of ['/1', '/2', '/3']) {
      const { endpoint } = await webhooks.endpoints.create({ tenantId, url: receiver.url(path), metadata: { path } });
      made.push(endpoint.id);
    }
    const first = await webhooks.endpoints.list({ tenantId, limit: 2 });
    const rest = await webhooks.endpoints.list({ tenantId, limit: 2, cursor: first.nextCursor });
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(made);
    expect(rest.nextCursor).toBeNull();
    const ref = { tenantId, endpointId: made[0] ?? '' };
    const changed = await webhooks.endpoints.update({ ...ref, description: 'Ours', filters: ['order.*', 'order.*'] });
    expect(changed).toMatchObject({
      description: 'Ours',
      filters: ['order.*'],
      version: '2026-01-01',
      status: 'active',
    });
    expect(await webhooks.endpoints.get(ref)).toEqual(changed);
    expect([await webhooks.endpoints.remove(ref), await webhooks.endpoints.remove(ref)]).toEqual([true, false]);
    expect(await webhooks.endpoints.get(ref)).toBeNull();
    expect(await webhooks.publish(order())).toMatchObject({ deliveries: 2 });
    expect(events.map(({ name }) => name.slice('webhook_endpoint.'.length))).toEqual([
      'created',
      'created',
      'created',
      'updated',
      'removed',
    ]);
  });

  it('of another tenant is answered like one that is not there', async () => {
    const { webhooks } = webhookWorld(database);
    const { endpoint } = await webhooks.endpoints.create({ tenantId, url: receiver.url() });
    const { id: messageId } = await webhooks.publish(order());
    const ref = { tenantId: await makeTenant(database), endpointId: endpoint.id };
    const none = { code: 'webhook_endpoint_not_found' };
    expect(await webhooks.endpoints.get(ref)).toBeNull();
    expect(await webhooks.endpoints.remove(ref)).toBe(false);
    expect(await webhooks.message({ tenantId: ref.tenantId, messageId })).toBeNull();
    expect((await webhooks.deliveries(ref)).items).toEqual([]);
    expect((await webhooks.deliveries({ tenantId: ref.tenantId, messageId })).items).toEqual([]);
    expect(await webhooks.attempts({ ...ref, messageId })).toEqual([]);
    const { endpoints } = webhooks;
    for (const call of [endpoints.update, endpoints.enable, endpoints.disable, endpoints.secrets, endpoints.health]) {
      await expect(call(ref)).rejects.toMatchObject(none);
    }
    for (const call of [endpoints.rotateSecret, endpoints.addSecret, endpoints.test]) {
      await expect(call(ref)).rejects.toMatchObject(none);
    }
    await expect(webhooks.replay({ ...ref, messageId })).rejects.toMatchObject(none);
    expect(await endpoints.endSecret({ ...ref, secretId: messageId })).toBe(false);
    await expect(webhooks.replay({ tenantId, endpointId: endpoint.id, messageId: endpoint.id })).rejects.toMatchObject({
      code: 'webhook_message_not_found',
    });
  });

  it.each<[string, object]>([
    ['no filters', { filters: [] }],
    ['a filter that lets no event through', { filters: ['invoice.*'] }],
    ['a filter that is none', { filters: ['order.*paid'] }],
    ['a version that is none', { version: '2024-01-01' }],
    ['an ordering that is none', { ordering: 'random' }],
    ['a signature that is none', { signature: 'v2' }],
    ['a header that steers the connection', { headers: { 'Transfer-Encoding': 'chunked' } }],
    ['a header of the signature', { headers: { 'webhook-signature': 'v1,x' } }],
    ['the host', { headers: { HOST: 'a.example' } }],
    ['a header that says where a request came from', { headers: { 'x-forwarded-for': '1.1.1.1' } }],
    ['a name that holds a line break', { headers: { 'a\r\nb': 'c' } }],
    ['a value that holds a line break', { headers: { a: 'b\r\nc: d' } }],
    ['a header twice', { headers: { a: '1', A: '2' } }],
    ['too many headers', { headers: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`h${n}`, '1'])) }],
    ['facts with a character that is not stored', { metadata: { a: '\0' } }],
    ['a description that is none', { description: '\0' }],
  ])('is refused with %s', async (_title, more) => {
    const { webhooks } = webhookWorld(database);
    const input = { tenantId, url: receiver.url(), ...more };
    await expect(Reflect.apply(webhooks.endpoints.create, undefined, [input])).rejects.toMatchObject({
      code: 'name_invalid',
    });
    expect((await webhooks.endpoints.list({ tenantId })).items).toEqual([]);
  });

  it('is made up to the limit of the plan, exactly, by twenty at the same time', async () => {
    const { webhooks } = webhookWorld(database, { limits: async () => ({ endpoints: 3 }) });
    const all = await Promise.allSettled(
      Array.from({ length: 20 }, () => webhooks.endpoints.create({ tenantId, url: receiver.url() })),
    );
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    const refused = all.find((one) => one.status === 'rejected');
    expect(refused?.reason).toMatchObject({
      code: 'limit_reached',
      details: { meter: 'webhook_endpoints', limit: 3, used: 3 },
    });
  });

  it('is not made for a tenant that is not there, nor without a secret box', async () => {
    const { webhooks } = webhookWorld(database);
    const input = { tenantId: crypto.randomUUID(), url: receiver.url() };
    await expect(webhooks.endpoints.create(input)).rejects.toMatchObject({ code: 'tenant_not_found' });
    const bare = createWebhooks({ db: database.app, catalogue, fetch: open });
    await expect(bare.endpoints.create({ tenantId, url: receiver.url() })).rejects.toMatchObject({
      code: 'config_invalid',
    });
    expect(await bare.publish(order())).toMatchObject({ deliveries: 0 });
  });

  it('stands or falls with a transaction of the caller', async () => {
    const { webhooks } = webhookWorld(database);
    const undone = database.app.transaction().execute(async (tx) => {
      await webhooks.endpoints.create({ tenantId, url: receiver.url() }, { db: tx });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect((await webhooks.endpoints.list({ tenantId })).items).toEqual([]);
  });
});

describe('secrets and headers', () => {
  const sent = () => receiver.requests.at(-1);
  const verifies = (secret: string, clock: () => Date) =>
    verifyWebhook({ headers: sent()?.headers ?? {}, body: sent()?.body ?? '', secret, clock }).ok;

  it('are stored sealed, for their own row alone', async () => {
    const { webhooks, secretBox } = webhookWorld(database);
    const headers = { Authorization: 'Bearer swordfish' };
    const { endpoint, secret } = await webhooks.endpoints.create({ tenantId, url: receiver.url(), headers });
    const { rows } = await sql<{ all: string }>`
      select (to_jsonb(e) || to_jsonb(s))::text as all from tenantry.webhook_endpoints e
      join tenantry.webhook_endpoint_secrets s on s.endpoint_id = e.id where e.id = ${endpoint.id}`.execute(
      database.app,
    );
    expect(rows[0]?.all).not.toContain('swordfish');
    expect(rows[0]?.all).not.toContain(secret.verifyWith.slice(6, 20));
    expect(endpoint.headerNames).toEqual(['authorization']);
    expect(
      JSON.stringify([endpoint, await webhooks.endpoints.secrets({ tenantId, endpointId: endpoint.id })]),
    ).not.toMatch(/swordfish|whsec_/);
    await webhooks.publish(order());
    await webhooks.deliverDue();
    expect(sent()?.headers.authorization).toBe('Bearer swordfish');
    // The sealed secret of another endpoint opens nothing here.
    await webhooks.endpoints.create({ tenantId, url: receiver.url('/other'), filters: ['order.refunded'] });
    await sql`update tenantry.webhook_endpoint_secrets s set secret = (select o.secret
      from tenantry.webhook_endpoint_secrets o where o.tenant_id = s.tenant_id and o.endpoint_id <> ${endpoint.id} limit 1)
      where s.endpoint_id = ${endpoint.id}`.execute(database.app);
    const { id } = await webhooks.publish(order());
    await webhooks.deliverDue();
    const ref = { tenantId, endpointId: endpoint.id, messageId: id };
    expect(await webhooks.attempts(ref)).toMatchObject([{ outcome: 'failed', reason: 'secret' }]);
    expect(secretBox.currentPrefix).toBe('ts1.one.');
  });

  it('rotate with a grace in which both sign, and end', async () => {
    const { webhooks, clock } = webhookWorld(database);
    const { endpoint, secret: old } = await webhooks.endpoints.create({ tenantId, url: receiver.url() });
    const ref = { tenantId, endpointId: endpoint.id };
    const fresh = await webhooks.endpoints.rotateSecret({ ...ref, graceSeconds: 3600 });
    await webhooks.publish(order());
    await webhooks.deliverDue();
    expect([verifies(old.verifyWith, clock), verifies(fresh.verifyWith, clock)]).toEqual([true, true]);
    clock.advance(3_600_000);
    await webhooks.publish(order());
    await webhooks.deliverDue();
    expect([verifies(old.verifyWith, clock), verifies(fresh.verifyWith, clock)]).toEqual([false, true]);
    expect((await webhooks.endpoints.secrets(ref)).map(({ id }) => id)).toEqual([fresh.id]);
    expect(await webhooks.endpoints.endSecret({ ...ref, secretId: fresh.id })).toBe(false);
    await expect(webhooks.endpoints.rotateSecret({ ...ref, graceSeconds: 1e9 })).rejects.toMatchObject({
      code: 'amount_invalid',
    });
  });

  it('of both kinds sign side by side, and receivers verify with either', async () => {
    const { webhooks, clock } = webhookWorld(database);
    const { endpoint, secret } = await webhooks.endpoints.create({ tenantId, url: receiver.url() });
    const ref = { tenantId, endpointId: endpoint.id };
    const second = await webhooks.endpoints.addSecret({ ...ref, signature: 'v1a' });
    expect(second.verifyWith).toMatch(/^whpk_/);
    await webhooks.publish(order());
    await webhooks.deliverDue();
    expect([verifies(secret.verifyWith, clock), verifies(second.verifyWith, clock)]).toEqual([true, true]);
    expect(await webhooks.endpoints.endSecret({ ...ref, secretId: secret.id })).toBe(true);
    await webhooks.publish(order());
    await webhooks.deliverDue();
    expect([verifies(secret.verifyWith, clock), verifies(second.verifyWith, clock)]).toEqual([false, true]);
    for (let more = 1; more < 5; more += 1) await webhooks.endpoints.addSecret(ref);
    await expect(webhooks.endpoints.addSecret(ref)).rejects.toMatchObject({ code: 'limit_reached' });
  });

  it('that receivers have already are taken over, and what is none is refused', async () => {
    const { webhooks, clock } = webhookWorld(database);
    const secret = createWebhookSecret();
    const made = await webhooks.endpoints.create({ tenantId, url: receiver.url(), secret });
    expect(made.secret.verifyWith).toBe(secret);
    await webhooks.publish(order());
    await webhooks.deliverDue();
    expect(verifies(secret, clock)).toBe(true);
    for (const bad of ['whsec_short', 'whsk_AAAA']) {
      const input = { tenantId, url: receiver.url(), secret: bad };
      await expect(webhooks.endpoints.create(input)).rejects.toMatchObject({ code: 'webhook_secret_invalid' });
    }
    const input = { tenantId, url: receiver.url(), secret, signature: 'v1a' } as const;
    await expect(webhooks.endpoints.create(input)).rejects.toMatchObject({ code: 'webhook_secret_invalid' });
  });

  it('are sealed anew under another key, while the old one may go', async () => {
    const keys = { one: { id: 'one', key: randomBytes(32) }, two: { id: 'two', key: randomBytes(32) } };
    const before = webhookWorld(database, { secretBox: createSecretBox([keys.one]) });
    await before.webhooks.endpoints.create({ tenantId, url: receiver.url(), headers: { 'x-key': 'k' } });
    await sql`delete from tenantry.webhook_endpoints where tenant_id <> ${tenantId}`.execute(database.app);
    const both = webhookWorld(database, { secretBox: createSecretBox([keys.two, keys.one]) });
    expect(await both.webhooks.reencrypt()).toEqual({ sealed: 2, skipped: 0 });
    expect(await both.webhooks.reencrypt()).toEqual({ sealed: 0, skipped: 0 });
    const after = webhookWorld(database, { secretBox: createSecretBox([keys.two]) });
    await after.webhooks.publish(order());
    expect(await after.webhooks.deliverDue()).toMatchObject({ delivered: 1 });
    expect(sent()?.headers['x-key']).toBe('k');
  });
});

describe('a test', () => {
  it('sends an example to a disabled endpoint too, is logged, and counts for nothing', async () => {
    const { webhooks } = webhookWorld(database);
    const { endpoint } = await webhooks.endpoints.create({
      tenantId,
      url: receiver.url('/fails'),
      filters: ['user.*'],
    });
    const ref = { tenantId, endpointId: endpoint.id };
    await webhooks.endpoints.disable({ ...ref, reason: 'holiday' });
    expect(await webhooks.endpoints.test({ ...ref, type: 'order.paid' })).toMatchObject({
      trigger: 'test',
      outcome: 'failed',
      status: 500,
      nextAttemptAt: null,
    });
    expect(JSON.parse(receiver.requests.at(-1)?.body ?? '')).toMatchObject({ type: 'order.paid', data: { id: 'o-1' } });
    await webhooks.endpoints.test(ref);
    expect(JSON.parse(receiver.requests.at(-1)?.body ?? '')).toMatchObject({
      type: 'webhook_endpoint.test',
      data: { endpointId: endpoint.id },
    });
    await webhooks.endpoints.enable(ref);
    expect(await webhooks.endpoints.health(ref)).toMatchObject({ state: 'healthy', failures: 0, waiting: 0 });
    expect(await webhooks.deliverDue()).toEqual({ delivered: 0, failed: 0, done: true });
    await expect(webhooks.endpoints.test({ ...ref, type: 'order.refunded' })).rejects.toMatchObject({
      code: 'webhook_event_invalid',
    });
  });
});

describe('a replay', () => {
  it('sends one message again under its id, whatever became of it', async () => {
    const { webhooks } = webhookWorld(database);
    const { endpoint } = await webhooks.endpoints.create({ tenantId, url: receiver.url() });
    const ref = { tenantId, endpointId: endpoint.id };
    const { id: messageId } = await webhooks.publish(order());
    await webhooks.deliverDue();
    expect(await webhooks.replay({ ...ref, messageId })).toEqual({ deliveries: 1, nextCursor: null });
    await webhooks.deliverDue();
    expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual([messageId, messageId]);
    expect((await webhooks.attempts({ ...ref, messageId })).map(({ trigger }) => trigger)).toEqual([
      'publish',
      'replay',
    ]);
  });

  it('sends what failed, what is missing, or all, since a time and by type', async () => {
    const { webhooks, clock } = webhookWorld(database, { delivery: { retry: { steps: [] } } });
    const { endpoint } = await webhooks.endpoints.create({ tenantId, url: receiver.url('/fails') });
    const ref = { tenantId, endpointId: endpoint.id };
    await webhooks.publish(order('too old'));
    await webhooks.deliverDue();
    clock.advance(60_000);
    const since = clock();
    await webhooks.publish(order('failed'));
    await webhooks.publish({ ...order('failed'), type: 'order.refunded' });
    await webhooks.deliverDue();
    await webhooks.endpoints.disable(ref);
    await webhooks.publish(order('missing'));
    await expect(webhooks.replay({ ...ref, since })).rejects.toMatchObject({ code: 'name_invalid' });
    await webhooks.endpoints.enable(ref);
    await webhooks.endpoints.update({ ...ref, url: receiver.url('/works') });
    const replayed = async (more: object) => {
      receiver.requests.length = 0;
      const { deliveries } = await webhooks.replay({ ...ref, since, ...more });
      await webhooks.deliverDue();
      const got = receiver.requests.map(({ body }) => `${JSON.parse(body).type} ${JSON.parse(body).data.id}`);
      expect(got).toHaveLength(deliveries);
      return got.toSorted();
    };
    expect(await replayed({ types: ['*.refunded'] })).toEqual(['order.refunded failed']);
    expect(await replayed({})).toEqual(['order.paid failed']);
    expect(await replayed({})).toEqual([]);
    expect(await replayed({ which: 'missing' })).toEqual(['order.paid missing']);
    expect(await replayed({ which: 'all', types: ['order.paid'] })).toEqual([
      'order.paid failed',
      'order.paid missing',
    ]);
    expect(await replayed({ which: 'all', until: since })).toEqual([]);
    for (const bad of [
      { which: 'some', since },
      { since: undefined },
      { since, types: ['a b'] },
      { since, cursor: 'x' },
    ]) {
      await expect(Reflect.apply(webhooks.replay, undefined, [{ ...ref, ...bad }])).rejects.toMatchObject({
        code: 'name_invalid',
      });
    }
  });
});

it('prunes messages with their log, unless they still wait somewhere, and removed endpoints', async () => {
  const { webhooks, clock } = webhookWorld(database);
  const { endpoint } = await webhooks.endpoints.create({ tenantId, url: receiver.url() });
  const { endpoint: failing } = await webhooks.endpoints.create({
    tenantId,
    url: receiver.url('/fails'),
    filters: ['order.refunded'],
  });
  await webhooks.publish(order());
  const { id: waits } = await webhooks.publish({ ...order(), type: 'order.refunded' });
  await webhooks.deliverDue();
  clock.advance(86_400_000);
  await webhooks.publish(order());
  const before = new Date(clock().getTime() - 3_600_000);
  expect(await webhooks.prune({ before, tenantId })).toEqual({ messages: 1, endpoints: 0 });
  expect((await webhooks.messages({ tenantId })).items).toHaveLength(2);
  expect(await webhooks.message({ tenantId, messageId: waits })).not.toBeNull();
  for (const { id: endpointId } of [endpoint, failing]) await webhooks.endpoints.remove({ tenantId, endpointId });
  clock.advance(86_400_000);
  await webhooks.deliverDue();
  expect(await webhooks.prune({ before: clock(), tenantId })).toEqual({ messages: 2, endpoints: 2 });
  const { rows } = await sql<{ n: number }>`select count(*)::integer as n from (
    select tenant_id from tenantry.webhook_deliveries union all select tenant_id from tenantry.webhook_attempts
    union all select tenant_id from tenantry.webhook_endpoint_secrets) t where tenant_id = ${tenantId}`.execute(
    database.app,
  );
  expect(rows[0]?.n).toBe(0);
});

it('a tenant sees and touches only its own rows under row-level security', async () => {
  const { webhooks } = webhookWorld(database);
  await webhooks.endpoints.create({ tenantId, url: receiver.url() });
  await webhooks.publish(order());
  await webhooks.deliverDue();
  const other = await makeTenant(database);
  for (const table of ['endpoints', 'endpoint_secrets', 'messages', 'deliveries', 'attempts']) {
    const count = (who: string) =>
      database.app.transaction().execute(async (tx) => {
        await sql`select set_config('tenantry.tenant_id', ${who}, true)`.execute(tx);
        await sql`set local role tenantry_app`.execute(tx);
        const { rows } = await sql<{ n: number }>`
          select count(*)::integer as n from ${sql.table(`tenantry.webhook_${table}`)}`.execute(tx);
        return rows[0]?.n;
      });
    expect([table, await count(tenantId), await count(other)]).toEqual([table, 1, 0]);
  }
});
