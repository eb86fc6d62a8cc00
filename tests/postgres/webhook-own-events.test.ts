import { randomBytes } from 'node:crypto';
import { createTenantry, defineEvents, definePlans, perOrg } from 'tenantry';
import { createSecretBox } from 'tenantry/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { startReceiver, type TestReceiver } from '../support/webhook-receiver.ts';
import { open } from '../support/webhook-world.ts';

let database: TestDatabase<Record<string, never>>;
let receiver: TestReceiver;
beforeAll(async () => {
  database = await postgresDatabase();
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  await database.destroy();
});

const plans = definePlans({ free: { quotas: { calls: { amount: 50, per: 'month' } } } });
const until = new Date('2100-01-01T00:00:00Z');

it("sends the library's own events that the catalogue names, in the transaction that causes them, under both names", async () => {
  const tenantry = createTenantry({
    db: database.app,
    plans,
    strategy: perOrg({ plan: 'free' }),
    apiKeys: { prefix: 'hc' },
    webhooks: {
      catalogue: defineEvents(
        {},
        {
          own: ['member.*', 'organization.*', 'webhook_endpoint.*'],
          renames: [{ from: 'organization.*', to: 'user.*', until }],
        },
      ),
      secretBox: createSecretBox([{ id: 'one', key: randomBytes(32) }]),
      fetch: open,
    },
  });
  const { tenantId } = await tenantry.tenancy.provision({ userId: 'ada', name: 'Acme' });
  for (const filters of [['member.*'], ['organization.*'], ['user.*'], ['*']]) {
    const [name] = filters;
    await tenantry.webhooks.endpoints.create({ tenantId, url: receiver.url(`/${name}`), filters });
  }
  await tenantry.webhooks.deliverDue();
  receiver.requests.length = 0;

  const undone = database.app.transaction().execute(async (tx) => {
    await tenantry.organizations.members.add({ tenantId, userId: 'eve', role: 'member' }, { db: tx });
    throw new Error('undone');
  });
  await expect(undone).rejects.toThrow('undone');
  await tenantry.organizations.members.add({ tenantId, userId: 'bob', role: 'member' });
  await tenantry.organizations.update({ tenantId, name: 'Acme Corp.' });
  await tenantry.apiKeys.issue({ tenantId });
  await tenantry.webhooks.deliverDue();

  const got = (path: string) =>
    receiver.requests.filter((one) => one.path === path).map((one) => JSON.parse(one.body).type);
  expect(got('/member.*')).toEqual(['member.added']);
  expect(got('/organization.*')).toEqual(['organization.updated']);
  expect(got('/user.*')).toEqual(['user.updated']);
  expect(got('/*').toSorted()).toEqual(['member.added', 'organization.updated', 'user.updated']);
  const member = receiver.requests.find(({ path }) => path === '/member.*');
  expect(JSON.parse(member?.body ?? '').data).toMatchObject({ userId: 'bob', role: 'member', status: 'active' });
  const { items } = await tenantry.audit.list({ tenantId });
  expect(items.map(({ action }) => action)).toContain('webhook_endpoint.created');
  const { webhooks } = tenantry.webhooks.openApi();
  expect(webhooks['organization.updated']).toMatchObject({
    post: { deprecated: true, description: 'Use user.updated.' },
  });
});

it('sends none of them unless the catalogue names them', async () => {
  const tenantry = createTenantry({ db: database.app, plans, strategy: perOrg({ plan: 'free' }) });
  const { tenantId } = await tenantry.tenancy.provision({ userId: 'cleo', name: 'Other' });
  expect((await tenantry.webhooks.messages({ tenantId })).items).toEqual([]);
  const nothing = { tenantId, type: 'member.added', data: {} };
  await expect(Reflect.apply(tenantry.webhooks.publish, undefined, [nothing])).rejects.toMatchObject({
    code: 'webhook_event_invalid',
  });
});
