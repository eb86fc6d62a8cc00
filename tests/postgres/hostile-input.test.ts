import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPlans, definePlans } from '../../src/plans/index.ts';
import { createWebhooks } from '../../src/webhooks/delivery/index.ts';
import { type AuthWorld, authWorld, ip } from '../support/auth-world.ts';
import { type HostileCall, hostileFaults } from '../support/hostile-arguments.ts';

/*
 * Every method with one part of its arguments after another replaced by what no database can store, what is endless, and
 * numbers and times that are none: each is answered, or refused with an error of the library.
 */

let world: AuthWorld;
let tenantId: string;
let userId: string;

beforeAll(async () => {
  world = await authWorld();
  ({ tenantId, userId } = await world.signedUp());
});
afterAll(() => world.database.destroy());

async function drained(lines: AsyncIterable<string>): Promise<void> {
  for await (const _ of lines);
}

it('tenants and their way in', async () => {
  const { tenancy, access, platform } = world;
  const calls: HostileCall[] = [
    {
      name: 'provision',
      call: tenancy.provision,
      given: [{ userId: 'p', name: 'P', slug: 'p-p', email: 'p@p.example', ownerName: 'P' }],
    },
    { name: 'get', call: tenancy.get, given: [tenantId] },
    { name: 'resolve', call: tenancy.resolve, given: [{ userId, tenantId }] },
    {
      name: 'setPlan',
      call: tenancy.setPlan,
      given: [tenantId, 'free', { subscriptionStatus: 'x', anchorAt: new Date(0) }],
    },
    { name: 'suspend', call: tenancy.suspend, given: ['00000000-0000-7000-8000-000000000000'] },
    { name: 'purge', call: tenancy.purge, given: ['00000000-0000-7000-8000-000000000000'] },
    { name: 'exportTenant', call: async (id: string) => drained(tenancy.exportTenant(id)), given: [tenantId] },
    {
      name: 'importTenant',
      call: async (line: string) => tenancy.importTenant([line]),
      given: ['{"format":"tenantry","version":1}'],
    },
    { name: 'hostnames.list', call: tenancy.hostnames.list, given: [tenantId] },
    { name: 'forUser', call: access.forUser, given: [{ userId, tenantId }] },
    {
      name: 'authenticate',
      call: access.authenticate,
      given: [{ authorization: 'Bearer hc_live_x', 'x-api-key': 'hc_live_x' }],
    },
    {
      name: 'platform.tenants',
      call: platform.tenants,
      given: [
        { search: 'a', limit: 5, cursor: 'x' },
        { by: 'root', reason: 'r' },
      ],
    },
  ];
  expect(await hostileFaults(calls)).toEqual([]);
});

it('API keys', async () => {
  const { apiKeys } = world;
  const { key, secret } = await apiKeys.issue({ tenantId });
  const ref = { tenantId, keyId: key.id };
  const settings = {
    name: 'n',
    scopes: ['calls:write'],
    expiresAt: new Date('2027-01-01T00:00:00Z'),
    rateLimit: { limit: 5, per: 'minute' },
    allowedIps: ['203.0.113.7'],
    metadata: { a: 'b' },
    maxUses: 5,
  };
  const none = '00000000-0000-7000-8000-000000000000';
  const calls: HostileCall[] = [
    { name: 'issue', call: apiKeys.issue, given: [{ tenantId, environment: 'live', ...settings }] },
    { name: 'issue for a member', call: apiKeys.issue, given: [{ tenantId, memberId: key.id }] },
    { name: 'verify', call: apiKeys.verify, given: [secret, { ip: '203.0.113.7' }] },
    { name: 'whoami', call: apiKeys.whoami, given: [secret] },
    { name: 'get', call: apiKeys.get, given: [ref] },
    {
      name: 'importKeys',
      call: apiKeys.importKeys,
      given: [tenantId, [{ secret: 'old-secret-1234567890', name: 'n' }]],
    },
    { name: 'update', call: apiKeys.update, given: [{ ...ref, ...settings }] },
    { name: 'disable', call: apiKeys.disable, given: [{ tenantId, keyId: none }] },
    { name: 'rotate', call: apiKeys.rotate, given: [{ tenantId, keyId: none, grace: 60 }] },
    { name: 'revoke', call: apiKeys.revoke, given: [{ tenantId, keyId: none }] },
    { name: 'revokeAll', call: apiKeys.revokeAll, given: [{ tenantId, memberId: none }] },
    {
      name: 'reportLeak',
      call: apiKeys.reportLeak,
      given: [{ secret: 'hc_live_x', source: 's', url: 'https://x.example' }],
    },
    { name: 'list', call: apiKeys.list, given: [tenantId, { cursor: 'x', limit: 5, memberId: none, teamId: none }] },
  ];
  expect(await hostileFaults(calls)).toEqual([]);
});

it('the audit trail', async () => {
  const { audit } = world;
  const record = {
    action: 'invoice.paid',
    actor: { type: 'user', id: 'ada', name: 'Ada' },
    targets: [{ type: 'invoice', id: '1', name: 'n' }],
    context: { ip, userAgent: 'a', requestId: 'r' },
    occurredAt: new Date(0),
    changes: { plan: { old: 'a', new: 'b' } },
    metadata: { a: 'b', n: 1 },
    version: 1,
  };
  const filter = {
    actions: ['a.b'],
    actorType: 'user',
    actorId: 'ada',
    target: { type: 't', id: '1' },
    from: new Date(0),
  };
  const anchor = { sequence: 1, hash: 'a'.repeat(64) };
  const calls: HostileCall[] = [
    { name: 'record', call: audit.record, given: [{ tenantId, ...record }] },
    { name: 'list', call: audit.list, given: [{ tenantId, ...filter, cursor: 'x', limit: 5, order: 'newest' }] },
    {
      name: 'export',
      call: async (input: Parameters<typeof audit.export>[0]) => drained(audit.export(input)),
      given: [{ tenantId, ...filter, format: 'json', order: 'newest' }],
    },
    { name: 'chain', call: audit.chain, given: [{ tenantId }] },
    { name: 'verify', call: audit.verify, given: [{ tenantId, anchor, since: anchor }] },
    { name: 'anchor', call: audit.anchor, given: [{ tenantId }] },
    { name: 'erase', call: audit.erase, given: [{ tenantId, userId: 'nobody' }] },
    { name: 'erase by mail', call: audit.erase, given: [{ tenantId, email: 'nobody@acme.example' }] },
  ];
  expect(await hostileFaults(calls)).toEqual([]);
});

it('plans', async () => {
  const catalogue = definePlans(
    {
      free: {
        quotas: { calls: { amount: 50, per: 'month' } },
        limits: { bots: 3 },
        features: ['webhooks'],
        values: { size: 1 },
      },
      pro: { trialDays: 14 },
    },
    { bots: { limits: { bots: 1 } } },
  );
  const plans = createPlans({ db: world.database.app, clock: world.clock, plans: catalogue });
  const grant = {
    amount: 5,
    spare: 1,
    priority: 1,
    startsAt: new Date('2026-03-02T00:00:00Z'),
    validDays: 3,
    rollover: { min: 1, max: 2 },
    idempotencyKey: 'k',
    metadata: { a: 'b' },
  };
  const none = '00000000-0000-7000-8000-000000000000';
  const at = new Date('2026-03-01T11:59:00Z');
  const calls: HostileCall[] = [
    { name: 'check', call: plans.check, given: [tenantId, 'calls', { amount: 1 }] },
    {
      name: 'consume',
      call: plans.consume,
      given: [tenantId, 'calls', 1, { memberId: none, keyId: none, idempotencyKey: 'k', at }],
    },
    { name: 'usageByMember', call: plans.usageByMember, given: [tenantId, 'calls', { at, cursor: 'x', limit: 5 }] },
    { name: 'release', call: plans.release, given: [tenantId, 'calls', 1] },
    { name: 'has', call: plans.has, given: [tenantId, 'webhooks'] },
    { name: 'value', call: plans.value, given: [tenantId, 'size'] },
    { name: 'inForce', call: plans.inForce, given: [tenantId] },
    { name: 'grants.add', call: plans.grants.add, given: [tenantId, 'calls', grant] },
    { name: 'grants.list', call: plans.grants.list, given: [tenantId, 'calls'] },
    { name: 'grants.revoke', call: plans.grants.revoke, given: [tenantId, none] },
    { name: 'hold', call: plans.reservations.hold, given: [tenantId, 'calls', 1, { seconds: 5 }] },
    { name: 'commit', call: plans.reservations.commit, given: [tenantId, none, 1] },
    { name: 'reservations.release', call: plans.reservations.release, given: [tenantId, none] },
    { name: 'occupy', call: plans.resources.occupy, given: [tenantId, 'bots', 'b1'] },
    { name: 'choose', call: plans.resources.choose, given: [tenantId, 'bots', ['b1']] },
    { name: 'terms.of', call: plans.terms.of, given: [tenantId] },
    {
      name: 'override',
      call: plans.terms.override,
      given: [tenantId, { meters: { calls: 5 } }, { expiresAt: new Date('2027-01-01') }],
    },
    { name: 'setAddOn', call: plans.terms.setAddOn, given: [tenantId, 'bots', 1] },
    { name: 'setVersion', call: plans.terms.setVersion, given: [tenantId, 1] },
    { name: 'setTimeZone', call: plans.terms.setTimeZone, given: [tenantId, 'Europe/Berlin'] },
    { name: 'startTrial', call: plans.terms.startTrial, given: [tenantId, 'pro', { fingerprints: ['card:1'] }] },
    {
      name: 'usage.read',
      call: plans.usage.read,
      given: [tenantId, { quota: 'calls', from: at, to: new Date('2026-03-02'), by: 'day', zone: 'UTC' }],
    },
    { name: 'usage.periods', call: plans.usage.periods, given: [tenantId, { meter: 'calls', limit: 5 }] },
    { name: 'usage.forecast', call: plans.usage.forecast, given: [tenantId, 'calls'] },
  ];
  expect(await hostileFaults(calls)).toEqual([]);
});

it('webhooks', async () => {
  const webhooks = createWebhooks({ db: world.database.app, clock: world.clock });
  const { endpoints } = webhooks;
  const none = '00000000-0000-7000-8000-000000000000';
  const ref = { tenantId, endpointId: none };
  const endpoint = {
    url: 'https://203.0.113.7/hook',
    description: 'd',
    filters: ['a.*'],
    headers: { authorization: 'x' },
    metadata: { a: 'b' },
  };
  const calls: HostileCall[] = [
    { name: 'create', call: endpoints.create, given: [{ tenantId, ...endpoint }] },
    { name: 'get', call: endpoints.get, given: [ref] },
    { name: 'list', call: endpoints.list, given: [{ tenantId, cursor: 'x', limit: 5 }] },
    { name: 'update', call: endpoints.update, given: [{ ...ref, ...endpoint }] },
    { name: 'enable', call: endpoints.enable, given: [ref] },
    { name: 'disable', call: endpoints.disable, given: [{ ...ref, reason: 'r' }] },
    { name: 'remove', call: endpoints.remove, given: [ref] },
    { name: 'secrets', call: endpoints.secrets, given: [ref] },
    { name: 'rotateSecret', call: endpoints.rotateSecret, given: [{ ...ref, graceSeconds: 5 }] },
    { name: 'endSecret', call: endpoints.endSecret, given: [{ ...ref, secretId: none }] },
    { name: 'test', call: endpoints.test, given: [{ ...ref, type: 'a.b' }] },
    { name: 'health', call: endpoints.health, given: [ref] },
    { name: 'message', call: webhooks.message, given: [{ tenantId, messageId: 'msg_1' }] },
    { name: 'messages', call: webhooks.messages, given: [{ tenantId, type: 'a.b', cursor: 'x', limit: 5 }] },
    {
      name: 'deliveries',
      call: webhooks.deliveries,
      given: [{ ...ref, messageId: none, status: 'failed', cursor: 'x', limit: 5 }],
    },
    { name: 'attempts', call: webhooks.attempts, given: [{ ...ref, messageId: none }] },
    { name: 'replay', call: webhooks.replay, given: [{ ...ref, messageId: none, since: new Date(0) }] },
  ];
  expect(await hostileFaults(calls)).toEqual([]);
});
