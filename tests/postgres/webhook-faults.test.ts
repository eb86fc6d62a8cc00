import { sql } from 'kysely';
import { verifyWebhook } from 'tenantry/webhooks';
import { describe, expect, it } from 'vitest';
import { deliveryWorld } from '../support/delivery-world.ts';
import type { Answer, TestReceiver } from '../support/webhook-receiver.ts';
import { endpointWorld, makeTenant, open, webhookWorld } from '../support/webhook-world.ts';

const { database, receiver, oneEndpoint } = await deliveryWorld();

describe('answers', () => {
  it.each([
    ['a redirect', 301, 'redirect'],
    ['a failure of the server', 503, 'status'],
    ['a refusal', 403, 'status'],
  ])('%s fails with a reason and is tried again', async (_title, status, reason) => {
    const answer: Answer = (_request, response) => {
      response.writeHead(status, { location: 'https://www.acme.example/hooks' }).end('moved');
    };
    const { webhooks, ref, publish } = await oneEndpoint(answer);
    const { id } = await publish('o');
    await webhooks.deliverDue();
    const [attempt] = await webhooks.attempts({ ...ref, messageId: id });
    expect(attempt).toMatchObject({ outcome: 'failed', reason, status });
    expect(attempt?.nextAttemptAt).toBeInstanceOf(Date);
    expect(attempt?.response).toBe(status === 301 ? 'location: https://www.acme.example/hooks\nmoved' : 'moved');
  });

  it.each([
    ['clamped to the step', '1', 503, 5, 5],
    ['taken', '8', 503, 8, 8],
    ['clamped to twice the step', '86400', 503, 10, 10],
    ['at least a minute after 429', '7', 429, 60, 60],
    ['taken after 429', '90', 429, 90, 90],
    ['clamped to two minutes after 429', '86400', 429, 120, 120],
    ['not read where it is none', 'soon', 503, 4, 6],
  ])('Retry-After is %s', async (_title, retryAfter, status, least, most) => {
    const answer: Answer = (_request, response) => {
      response.writeHead(status, { 'retry-after': retryAfter }).end();
    };
    const { webhooks, clock, ref, publish } = await oneEndpoint(answer);
    const { id } = await publish('o');
    await webhooks.deliverDue();
    const [attempt] = await webhooks.attempts({ ...ref, messageId: id });
    const delay = ((attempt?.nextAttemptAt?.getTime() ?? 0) - clock().getTime()) / 1000;
    expect(delay).toBeGreaterThanOrEqual(least);
    expect(delay).toBeLessThanOrEqual(most);
  });

  it.each<[string, Answer, string | null, number | null]>([
    ['that never begins', () => undefined, 'timeout', null],
    [
      'that never ends',
      (_request, response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write('x'), 50);
        response.on('close', () => clearInterval(timer));
      },
      'timeout',
      null,
    ],
    [
      'that breaks off',
      (_request, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('half');
        setTimeout(() => response.socket?.destroy(), 50);
      },
      'connection',
      null,
    ],
    ['that closes at once', (_request, response) => void response.socket?.destroy(), 'connection', null],
  ])('an answer %s fails in time', async (_title, answer, reason, status) => {
    const fetch = { ...open, deadlineMilliseconds: reason === 'timeout' ? 500 : 15_000 };
    const { webhooks, clock, ref, publish } = await oneEndpoint(answer, { fetch });
    const { id } = await publish('o');
    expect(await webhooks.deliverDue()).toEqual({ delivered: 0, failed: 1, done: true });
    const [attempt] = await webhooks.attempts({ ...ref, messageId: id });
    expect(attempt).toMatchObject({ outcome: 'failed', reason, status });
    const delay = ((attempt?.nextAttemptAt?.getTime() ?? 0) - clock().getTime()) / 1000;
    if (reason === 'timeout') expect(delay).toBeGreaterThanOrEqual(60);
  });

  it('an answer of 100 MB is read no further than its beginning, and counts by its status', async () => {
    let sent = 0;
    const answer: Answer = (_request, response) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(65_536, 'x');
      const more = (): void => {
        while (!response.destroyed && sent < 100_000_000) {
          sent += chunk.length;
          if (!response.write(chunk)) {
            response.once('drain', more);
            return;
          }
        }
        response.end();
      };
      more();
    };
    const { webhooks, ref, publish } = await oneEndpoint(answer);
    const { id } = await publish('o');
    expect(await webhooks.deliverDue()).toMatchObject({ delivered: 1 });
    const [attempt] = await webhooks.attempts({ ...ref, messageId: id });
    expect(attempt?.response).toBe('x'.repeat(2048));
    expect(sent).toBeLessThan(20_000_000);
  });

  it('hostile texts of an answer are logged without what steers a terminal', async () => {
    const answer: Answer = (_request, response) => void response.writeHead(500).end('a\0b\u001b[31m\u202ec');
    const { webhooks, ref, publish } = await oneEndpoint(answer);
    const { id } = await publish('o');
    await webhooks.deliverDue();
    const [attempt] = await webhooks.attempts({ ...ref, messageId: id });
    expect(attempt?.response).toBe('a\ufffdb\ufffd[31m\ufffdc');
  });
});

describe('a name that leads to a private address', () => {
  it('is refused when the endpoint is made', async () => {
    const { webhooks } = webhookWorld(database, { fetch: { allowHttp: true, ports: 'any' } });
    const tenantId = await makeTenant(database);
    for (const url of ['http://127.0.0.1:9/', 'http://2130706433/', 'http://[::1]/', 'ftp://a.example/', 'no url', 7]) {
      const input = { tenantId, url };
      await expect(Reflect.apply(webhooks.endpoints.create, undefined, [input])).rejects.toMatchObject({
        code: 'url_refused',
      });
    }
    expect((await webhooks.endpoints.list({ tenantId })).items).toEqual([]);
  });

  it('only later is refused at delivery, and nothing connects', async () => {
    let lookups = 0;
    const lookup = async () => {
      lookups += 1;
      return [lookups === 1 ? '93.184.215.14' : '127.0.0.1'];
    };
    const { webhooks } = webhookWorld(database, { fetch: { allowHttp: true, ports: 'any', lookup } });
    const tenantId = await makeTenant(database);
    const target = await receiver();
    const { endpoint } = await webhooks.endpoints.create({ tenantId, url: `http://rebind.example:${target.port}/` });
    const { id } = await webhooks.publish({ tenantId, type: 'order.paid', data: { id: '1' } });
    expect(await webhooks.deliverDue()).toMatchObject({ failed: 1 });
    expect(await webhooks.attempts({ tenantId, endpointId: endpoint.id, messageId: id })).toMatchObject([
      { reason: 'url_refused', status: null },
    ]);
    expect(target.connections()).toBe(0);
  });
});

it('a lease that ran out is told in the log, and the delivery is attempted again', async () => {
  const { webhooks, clock, ref, publish } = await oneEndpoint();
  const { id } = await publish('o');
  await sql`update tenantry.webhook_deliveries set fence = 1, tries = 1, leased_at = ${clock()},
    due_at = ${new Date(clock().getTime() + 5000)}`.execute(database.app);
  expect(await webhooks.deliverDue()).toMatchObject({ delivered: 0 });
  clock.advance(6000);
  expect(await webhooks.deliverDue()).toMatchObject({ delivered: 1 });
  expect(await webhooks.attempts({ ...ref, messageId: id })).toMatchObject([
    { number: 1, outcome: 'interrupted' },
    { number: 2, outcome: 'delivered' },
  ]);
});

describe('clocks that differ', () => {
  it('let a worker that is ahead by more than a lease send what another is sending, and the first success counts', async () => {
    let hold: () => void = () => undefined;
    const target = await receiver((_request, response) => {
      if (target.requests.length > 1) return 204;
      hold = () => response.writeHead(500).end();
      return undefined;
    });
    const { webhooks, secretBox, ref, publish } = await endpointWorld(database, target, {
      fetch: { ...open, deadlineMilliseconds: 20_000 },
    });
    const ahead = webhookWorld(database, { secretBox });
    ahead.clock.advance(3_600_000);
    const { id: messageId } = await publish('o');
    const first = webhooks.deliverDue();
    while (target.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await ahead.webhooks.deliverDue()).toMatchObject({ delivered: 1 });
    hold();
    expect(await first).toMatchObject({ failed: 1 });
    expect((await webhooks.deliveries(ref)).items).toMatchObject([{ status: 'delivered', attempts: 2 }]);
    expect(await webhooks.attempts({ ...ref, messageId })).toMatchObject([
      { number: 1, outcome: 'failed', status: 500 },
      { number: 2, outcome: 'delivered', status: 204 },
    ]);
  });

  it('let a message of a publisher that is ahead wait until the others have come so far', async () => {
    const { webhooks, clock, secretBox, tenantId } = await oneEndpoint();
    const ahead = webhookWorld(database, { secretBox });
    ahead.clock.advance(60_000);
    await ahead.webhooks.publish({ tenantId, type: 'order.paid', data: { id: 'o' } });
    expect(await webhooks.deliverDue()).toEqual({ delivered: 0, failed: 0, done: true });
    clock.advance(60_000);
    expect(await webhooks.deliverDue()).toMatchObject({ delivered: 1 });
  });

  it('make a receiver refuse, in both directions, and it is tried again', async () => {
    let receiversTime = new Date(0);
    const answer: Answer = ({ headers, body }) =>
      verifyWebhook({ headers, body, secret: secret.verifyWith, clock: () => receiversTime }).ok ? 204 : 400;
    const { webhooks, clock, secret, publish } = await oneEndpoint(answer, { delivery: { retry: { steps: [5, 5] } } });
    await publish('o');
    for (const skew of [-301_000, 302_000]) {
      receiversTime = new Date(clock().getTime() + skew);
      expect(await webhooks.deliverDue()).toMatchObject({ failed: 1 });
      clock.advance(7000);
    }
    receiversTime = new Date(clock().getTime() + 299_000);
    expect(await webhooks.deliverDue()).toMatchObject({ delivered: 1 });
  });
});

it('a worker that cannot open the secrets has no endpoint paused or disabled', async () => {
  const { ref, publish, target, secretBox } = await oneEndpoint();
  const told: unknown[] = [];
  const hooks = { error: (error: unknown) => told.push(error) };
  const strange = webhookWorld(database, { delivery: { hooks, circuit: { failures: 1 } } });
  const { id } = await publish('o');
  expect(await strange.webhooks.deliverDue()).toMatchObject({ failed: 1 });
  expect(await strange.webhooks.attempts({ ...ref, messageId: id })).toMatchObject([{ reason: 'secret' }]);
  expect(told).toMatchObject([{ code: 'secret_unreadable' }]);
  expect(await strange.webhooks.endpoints.health(ref)).toMatchObject({ state: 'healthy', failures: 0 });
  const { webhooks, clock } = webhookWorld(database, { secretBox });
  clock.advance(7000);
  expect(await webhooks.deliverDue()).toMatchObject({ delivered: 1 });
  expect(target.requests).toHaveLength(1);
});

describe('a message that is out while its key is replaced', () => {
  const verifies = (target: TestReceiver, secret: string, clock: () => Date) => {
    const { headers = {}, body = '' } = target.requests.at(-1) ?? {};
    return verifyWebhook({ headers, body, secret, clock }).ok;
  };

  it('is signed with both at each try in the grace, and then with the new one', async () => {
    const retry = { steps: [5, 3600, 5] };
    const {
      webhooks,
      clock,
      secret: old,
      ref,
      target,
      publish,
    } = await oneEndpoint(() => 500, { delivery: { retry } });
    await publish('o');
    await webhooks.deliverDue();
    expect(verifies(target, old.verifyWith, clock)).toBe(true);
    const fresh = await webhooks.endpoints.rotateSecret({ ...ref, graceSeconds: 600 });
    const tries: boolean[][] = [];
    for (const seconds of [7, 2 * 3600]) {
      clock.advance(seconds * 1000);
      expect(await webhooks.deliverDue()).toMatchObject({ failed: 1 });
      tries.push([old, fresh].map(({ verifyWith }) => verifies(target, verifyWith, clock)));
    }
    expect(tries).toEqual([
      [true, true],
      [false, true],
    ]);
    expect(new Set(target.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('is no longer signed with a key that was ended because it leaked', async () => {
    const { webhooks, clock, secret: leaked, ref, target, publish } = await oneEndpoint();
    await publish('o');
    const fresh = await webhooks.endpoints.rotateSecret({ ...ref, graceSeconds: 0 });
    await webhooks.deliverDue();
    expect([leaked, fresh].map(({ verifyWith }) => verifies(target, verifyWith, clock))).toEqual([false, true]);
  });
});

it('what was claimed is given back, with all its tries, where its endpoint cannot be read', async () => {
  const { webhooks, ref, publish } = await oneEndpoint(() => 204, { delivery: { pollMilliseconds: 1 } });
  const { id } = await publish('o');
  await sql`alter table tenantry.webhook_endpoint_secrets rename to hidden`.execute(database.owner);
  await expect(webhooks.deliverDue()).rejects.toMatchObject({ code: '42P01' });
  await sql`alter table tenantry.hidden rename to webhook_endpoint_secrets`.execute(database.owner);
  expect(await webhooks.deliverDue()).toEqual({ delivered: 1, failed: 0, done: true });
  expect(await webhooks.attempts({ ...ref, messageId: id })).toMatchObject([{ number: 1, outcome: 'delivered' }]);
});
