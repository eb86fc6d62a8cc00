import { sql } from 'kysely';
import { createTenantry, defineEvents, definePlans, perOrg } from 'tenantry';
import { createSecretBox } from 'tenantry/core';
import { createInbox } from 'tenantry/webhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { makeTenant, open, webhookWorld } from '../support/webhook-world.ts';

let database: TestDatabase<Record<string, never>>;
let tenantId: string;
beforeAll(async () => {
  database = await postgresDatabase();
  tenantId = await makeTenant(database);
});
afterAll(() => database.destroy());

describe('what PostgreSQL cannot read is answered before it is asked', () => {
  const url = 'http://127.0.0.1/hooks';
  const never = new Date(Number.NaN);

  it('a URL is stored without the spaces around it, and refused with characters that it would hide', async () => {
    const { endpoints } = webhookWorld(database).webhooks;
    const { endpoint } = await endpoints.create({ tenantId, url: ` ${url}\n` });
    expect(endpoint.url).toBe(url);
    for (const strange of [`${url}/\0`, `${url}\t/a`, 'http://127.0\n.0.1/', '', ' ', 7]) {
      const made = Reflect.apply(endpoints.create, undefined, [{ tenantId, url: strange }]);
      await expect(made).rejects.toMatchObject({ code: 'url_refused', details: { reason: 'invalid_url' } });
    }
  });

  it('a list of a type that no event can have is empty, and one of a status that there is not is refused', async () => {
    const { webhooks } = webhookWorld(database);
    for (const type of ['\0', 'No type', "'"]) {
      expect(await webhooks.messages({ tenantId, type })).toEqual({ items: [], nextCursor: null });
    }
    const input = { tenantId, endpointId: crypto.randomUUID(), status: '\0' };
    await expect(Reflect.apply(webhooks.deliveries, undefined, [input])).rejects.toMatchObject({
      code: 'name_invalid',
      details: { field: 'status' },
    });
  });

  it.each([never, new Date(8.64e15), 'yesterday', 7])('a time that is %s is refused', async (time) => {
    const { webhooks } = webhookWorld(database);
    const { endpoint } = await webhooks.endpoints.create({ tenantId, url });
    const ref = { tenantId, endpointId: endpoint.id };
    const order = { tenantId, type: 'order.paid', data: { id: 'o' } };
    for (const [method, input, field] of [
      [webhooks.prune, { before: time }, 'before'],
      [webhooks.replay, { ...ref, since: time }, 'since'],
      [webhooks.replay, { ...ref, since: new Date(0), until: time }, 'until'],
      [webhooks.publish, { ...order, deliverAt: time }, 'deliverAt'],
      [webhooks.publish, { ...order, occurredAt: time }, 'occurredAt'],
    ] as const) {
      await expect(Reflect.apply(method, undefined, [input])).rejects.toMatchObject({
        code: 'name_invalid',
        details: { field },
      });
    }
    const inbox = createInbox({ db: database.app });
    await expect(Reflect.apply(inbox.forget, undefined, [{ before: time }])).rejects.toThrow(TypeError);
  });
});

describe('endpoints up to a limit of the plan', () => {
  const plans = definePlans({
    free: { limits: { webhookEndpoints: 1 } },
    pro: { limits: { webhookEndpoints: 'unlimited' } },
  });
  const wired = (name: 'webhookEndpoints') =>
    createTenantry({
      db: database.app,
      plans,
      strategy: perOrg({ plan: 'free' }),
      webhooks: {
        catalogue: defineEvents({}),
        secretBox: createSecretBox([{ id: 'one', key: Buffer.alloc(32, 7) }]),
        limits: { endpoints: name },
        fetch: open,
      },
    });

  it('are made as the plan says at the moment, also in a transaction that changes it', async () => {
    const { tenancy, webhooks } = wired('webhookEndpoints');
    const { tenantId: acme } = await tenancy.provision({ userId: 'ada', name: 'Acme' });
    const input = { tenantId: acme, url: 'http://127.0.0.1/' };
    await webhooks.endpoints.create(input);
    await expect(webhooks.endpoints.create(input)).rejects.toMatchObject({
      code: 'limit_reached',
      details: { limit: 1 },
    });
    await database.app.transaction().execute(async (tx) => {
      await tenancy.setPlan(acme, 'pro', { db: tx });
      await webhooks.endpoints.create(input, { db: tx });
    });
    // Who has more than the plan allows keeps them.
    await tenancy.setPlan(acme, 'free');
    await expect(webhooks.endpoints.create(input)).rejects.toMatchObject({
      code: 'limit_reached',
      details: { used: 2 },
    });
    const { rows } = await sql`select 1 from tenantry.webhook_endpoints where tenant_id = ${acme}`.execute(
      database.app,
    );
    expect(rows).toHaveLength(2);
  });

  it('are refused where they are wired when no plan has such a limit', () => {
    expect(() => Reflect.apply(wired, undefined, ['bots'])).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  });
});
