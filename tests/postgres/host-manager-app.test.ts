import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import Stripe from 'stripe';
import { stripeProvider } from 'tenantry/billing';
import { applyMigration } from 'tenantry/migrate';
import { createFakeStripe, type FakeStripe } from 'tenantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everyone } from '../../examples/migrations/host-manager/additions.ts';
import { createHostManager, createHostService, type HostManager } from '../../examples/migrations/host-manager/app.ts';
import { commercialUpgrade } from '../../examples/migrations/host-manager/definition.ts';
import { generateHosts, type RowCounts } from '../../examples/migrations/host-manager/generate.ts';
import { countHosts } from '../../examples/migrations/host-manager/hosts.ts';
import type { HostDatabase } from '../../examples/migrations/host-manager/legacy-schema.ts';
import { type AppClient, appClient } from '../support/app-client.ts';
import { type Conversion, conversionOf } from '../support/conversion.ts';
import { serverFaults } from '../support/hostile-calls.ts';
import { callPort } from '../support/http-client.ts';
import { openRunner, type Runner } from '../support/runner.ts';

const webhookSecret = 'whsec_fake';

let conversion: Conversion<HostDatabase>;
let runner: Runner<HostDatabase>;
let rows: RowCounts;
let fake: FakeStripe;
let hostManager: HostManager;
let service: FastifyInstance;
let client: AppClient;
/** Keys of the owner and of a member of the converted installation, and of the owner of another organization. */
let owner: string;
let member: string;
let memberId: string;
let stranger: string;
let home: string;
let other: string;
let hosts: string[];

// Until the contract stage the migration mirrors what is written, for the sake of the old application.
describe.each(['switch', 'contract'] as const)('at the stage %s', (stage) => {
  beforeAll(async () => {
    conversion = await conversionOf<HostDatabase>(async (db) => {
      rows = await generateHosts(db, { users: 20 });
    });
    runner = await openRunner(conversion.database);
    await applyMigration(runner.db, commercialUpgrade, { to: stage });
    await conversion.grant();
    fake = createFakeStripe();
    const stripe = new Stripe('sk_test_fake', {
      httpClient: Stripe.createFetchHttpClient(fake.fetch),
      maxNetworkRetries: 0,
    });
    const { app } = conversion.database;
    const provider = stripeProvider({ stripe, livemode: false, webhookSecret });
    hostManager = createHostManager(app, { provider, clock: fake.clock });
    await hostManager.billing.catalogue.apply(await hostManager.billing.catalogue.plan());
    const members = await sql<{ tenant: string; id: string; user: string; role: string }>`
    select distinct on (role) tenant_id as tenant, id, user_id as user, role from tenantry.members
    where status = 'active' and role in ('owner', 'member') order by role, user_id`.execute(runner.db);
    const keyOf = async (wanted: string): Promise<string> => {
      const found = members.rows.find(({ role }) => role === wanted);
      if (found === undefined) throw new Error(`nobody is ${wanted}`);
      home = found.tenant;
      if (wanted === 'member') memberId = found.user;
      return (await hostManager.apiKeys.issue({ tenantId: found.tenant, memberId: found.id, name: wanted })).secret;
    };
    owner = await keyOf('owner');
    member = await keyOf('member');
    service = createHostService(hostManager, app);
    await service.listen({ port: 0, host: '127.0.0.1' });
    client = appClient(service);
    const signedUp = await client.post('/api/sign-up', { email: 'eve@second.example', organization: 'Second' });
    expect(signedUp.status).toBe(201);
    ({ organization_id: other, key: stranger } = Object(signedUp.body));
    const found = await sql<{ id: string }>`select id from "Host" order by id`.execute(runner.db);
    hosts = found.rows.map(({ id }) => id);
  });
  afterAll(async () => {
    await service.close();
    await hostManager.apiKeys.close();
    await runner.db.destroy();
    await conversion.destroy();
    await runner.destroy();
  });

  const hostBody = (name: string) => ({ name, hostname: `${name}.hosts.example`, team_id: everyone });

  describe('organizations', () => {
    it('are seen by their members alone, by id and by slug', async () => {
      expect(Object((await client.get('/api/organizations', owner)).body)).toMatchObject([
        { id: home, name: 'Default Organization', plan: 'free', role: 'owner' },
      ]);
      expect((await client.get(`/api/organizations/${other}`, stranger)).body).toMatchObject({
        name: 'Second',
        slug: 'second',
      });
      expect((await client.get('/api/organizations/second', stranger)).status).toBe(200);
      for (const path of ['second', other, 'none', '01990000-0000-7000-8000-000000000000', 'a%00b']) {
        expect(await client.get(`/api/organizations/${path}/members`, owner)).toMatchObject({
          status: 404,
          body: { code: 'tenant_not_found' },
        });
      }
    });

    it('are renamed by those who may, and their members are added and removed', async () => {
      const path = `/api/organizations/${other}`;
      expect((await client.patch(path, { name: 'Second Ltd' }, stranger)).body).toMatchObject({ name: 'Second Ltd' });
      expect(await client.patch(`/api/organizations/${home}`, { name: 'Mine' }, member)).toMatchObject({
        status: 403,
        body: { code: 'permission_denied', details: { permission: 'organization:manage' } },
      });
      expect((await client.patch(path, { name: '' }, stranger)).status).toBe(400);
      const sam = { email: 'sam@second.example', name: 'Sam', role: 'member' };
      const added = await client.post(`${path}/members`, sam, stranger);
      expect(added).toMatchObject({ status: 201, body: { role: 'member' } });
      const { user_id: userId, key } = Object(added.body);
      expect(Object((await client.get(`${path}/members`, key)).body).items).toHaveLength(2);
      expect((await client.post(`${path}/members`, sam, stranger)).status).toBe(409);
      expect((await client.post(`${path}/members`, { ...sam, role: 'owner' }, stranger)).status).toBe(400);
      expect((await client.post(`${path}/members`, { ...sam, email: 'x@y.example' }, key)).status).toBe(403);
      expect((await client.delete(`${path}/members/${memberId}`, stranger)).status).toBe(404);
      expect((await client.delete(`${path}/members/${userId}`, stranger)).status).toBe(204);
      expect((await client.get('/api/hosts', key)).status).toBe(403);
    });

    it('are signed up for, each address once', async () => {
      const again = await client.post('/api/sign-up', { email: 'eve@second.example', organization: 'Again' });
      expect(again).toMatchObject({ status: 409 });
      expect(await hostManager.organizations.getBySlug('again')).toBeNull();
      expect((await client.post('/api/sign-up', { email: 'x' })).status).toBe(400);
      expect((await client.raw('POST', '/api/sign-up', 'no json')).status).toBe(400);
    });
  });

  describe('hosts and teams', () => {
    it('everybody who was there sees all hosts, and nobody from elsewhere any', async () => {
      const seen: string[] = [];
      for (;;) {
        const { body } = await client.get(`/api/hosts?after=${seen.at(-1) ?? '0'}`, member);
        const page: { id: string }[] = Object(body);
        if (page.length === 0) break;
        seen.push(...page.map(({ id }) => id));
      }
      expect([seen.length, [...seen].sort()]).toEqual([rows.Host, hosts]);
      expect((await client.get('/api/hosts', stranger)).body).toEqual([]);
      for (const path of [`/api/hosts/${hosts[0]}`, '/api/hosts/none', '/api/hosts/x%00']) {
        expect((await client.get(path, stranger)).status).toBe(404);
        expect((await client.patch(path, { name: 'mine' }, stranger)).status).toBe(404);
        expect((await client.delete(path, stranger)).status).toBe(404);
      }
    });

    it('a team sees what is shared with it, and does there what it was let', async () => {
      const [first = '', second = ''] = hosts;
      const guest = await client.post(
        `/api/organizations/${home}/members`,
        { email: 'guest@hosts.example', name: 'Guest', role: 'member' },
        owner,
      );
      const { user_id: guestId, key } = Object(guest.body);
      expect((await client.delete(`/api/teams/${everyone}/members/${guestId}`, owner)).status).toBe(204);
      expect((await client.get('/api/hosts', key)).body).toEqual([]);
      const team = Object((await client.post('/api/teams', { name: 'Guests' }, owner)).body).id;
      expect((await client.put(`/api/teams/${team}/members/${guestId}`, {}, owner)).status).toBe(204);
      expect((await client.put(`/api/hosts/${first}/teams/${team}`, { access: 'VIEW' }, owner)).status).toBe(204);
      expect((await client.put(`/api/hosts/${second}/teams/${team}`, { access: 'MANAGE' }, owner)).status).toBe(204);
      expect(Object((await client.get('/api/hosts', key)).body).map(({ id }: { id: string }) => id)).toEqual([
        first,
        second,
      ]);
      expect((await client.patch(`/api/hosts/${first}`, { notes: 'x' }, key)).status).toBe(403);
      const before = Object((await client.get(`/api/hosts/${second}`, key)).body);
      const changed = await client.patch(`/api/hosts/${second}`, { notes: 'ask first' }, key);
      expect(changed).toMatchObject({
        status: 200,
        body: { ...before, notes: 'ask first', updatedAt: expect.any(String) },
      });
      expect(Date.parse(Object(changed.body).updatedAt)).toBeGreaterThan(Date.parse(before.updatedAt));
      expect((await client.get(`/api/hosts/${hosts[2]}`, key)).status).toBe(404);
      expect((await client.post('/api/teams', { name: 'More' }, key)).status).toBe(403);
      expect((await client.post('/api/teams', { name: 'Guests' }, owner)).status).toBe(409);
      expect(Object((await client.get('/api/teams', stranger)).body)).toMatchObject([{ id: everyone }]);
      // A team, a member or a host of another organization cannot be referred to.
      expect((await client.put(`/api/teams/${team}/members/${guestId}`, {}, stranger)).status).toBe(404);
      expect((await client.put(`/api/teams/${everyone}/members/${guestId}`, {}, stranger)).status).toBe(404);
      expect((await client.put(`/api/hosts/${first}/teams/${everyone}`, { access: 'MANAGE' }, stranger)).status).toBe(
        404,
      );
      expect((await client.delete(`/api/teams/${team}`, stranger)).status).toBe(404);
      expect((await client.delete(`/api/teams/${team}`, owner)).status).toBe(204);
      expect((await client.get('/api/hosts', key)).body).toEqual([]);
    });

    it('are added as far as the plan allows, those that were there before counted', async () => {
      expect(await countHosts(hostManager, conversion.database.app)).toBe(rows.Host);
      await countHosts(hostManager, conversion.database.app);
      const { hosts: counted } = Object((await client.get('/api/subscription', owner)).body);
      expect(counted).toEqual({ used: rows.Host, limit: 10_000 });
      await hostManager.plans.terms.override(other, { meters: { hosts: 1 } });
      const added = await client.post('/api/hosts', hostBody('web-1'), stranger);
      expect(added).toMatchObject({ status: 201, body: { hostname: 'web-1.hosts.example' } });
      expect(await client.post('/api/hosts', hostBody('web-2'), stranger)).toMatchObject({
        status: 403,
        body: { code: 'limit_reached', details: { meter: 'hosts', limit: 1, used: 1 } },
      });
      const path = `/api/hosts/${Object(added.body).id}`;
      expect((await client.get(path, stranger)).status).toBe(200);
      expect((await client.get(path, owner)).status).toBe(404);
      expect((await client.delete(path, stranger)).status).toBe(204);
      expect((await client.post('/api/hosts', hostBody('web-2'), stranger)).status).toBe(201);
      expect((await client.post('/api/hosts', { ...hostBody('x'), team_id: 'none' }, owner)).status).toBe(404);
      for (const wrong of [{}, { ...hostBody('x'), hostname: 'a b' }, { ...hostBody('x'), organizationId: home }]) {
        expect((await client.post('/api/hosts', wrong, owner)).status).toBe(400);
      }
    });
  });

  describe('the subscription', () => {
    it('is bought at Stripe, opens what the plan has, and ends', async () => {
      const alert = () => client.post(`/api/hosts/${hosts[0]}/alerts`, { message: 'disk full' }, owner);
      expect(await alert()).toMatchObject({
        status: 403,
        body: { code: 'feature_missing', details: { feature: 'alerts' } },
      });
      expect((await client.post('/api/subscription', { plan: 'business' }, member)).status).toBe(403);
      expect((await client.post('/api/subscription', { plan: 'gold' }, owner)).status).toBe(400);
      expect((await client.delete('/api/subscription', owner)).body).toMatchObject({ code: 'subscription_not_found' });
      const checkout = await client.post('/api/subscription', { plan: 'business' }, owner);
      expect(checkout).toMatchObject({ status: 201, body: { url: expect.stringMatching(/^https:/) } });
      const disconnect = fake.webhooks.connect({
        secret: webhookSecret,
        async handler(body, headers) {
          const { port } = Object(service.server.address());
          const sent = Object.fromEntries(new Headers(Object(headers)));
          const { status } = await callPort(port, {
            method: 'POST',
            path: '/stripe/events',
            headers: { ...sent, 'content-type': 'application/json' },
            body,
          });
          return status;
        },
      });
      fake.completeCheckout(Object(checkout.body).session_id);
      await fake.webhooks.drain();
      await hostManager.billing.processDue();
      expect((await client.get('/api/subscription', owner)).body).toMatchObject({
        plan: 'business',
        status: 'active',
        interval: 'month',
        hosts: { limit: 1_000_000 },
      });
      expect(await alert()).toMatchObject({ status: 201, body: { told: expect.any(Number) } });
      expect((await client.post('/api/subscription', { plan: 'business' }, owner)).body).toMatchObject({
        code: 'subscription_exists',
      });
      expect((await client.get('/api/subscription', stranger)).body).toMatchObject({ plan: 'free', status: null });
      const ended = await client.delete('/api/subscription', owner);
      expect(ended).toMatchObject({ status: 200, body: { status: 'active', ends_at: expect.any(String) } });
      disconnect();
    });

    it('takes no events that Stripe did not sign', async () => {
      expect(await client.raw('POST', '/stripe/events', '{"type":"customer.subscription.updated"}')).toMatchObject({
        status: 400,
        body: { code: 'webhook_signature_invalid' },
      });
    });
  });

  it('opens for nobody without a key, and not for one that was revoked or made up', async () => {
    const paths = ['/api/organizations', `/api/organizations/${home}`, '/api/teams', '/api/hosts', '/api/subscription'];
    const forged = `${owner.slice(0, -6)}aaaaaa`;
    for (const path of paths) {
      for (const key of [undefined, 'hm_live_none', forged]) {
        const { status, headers } = await client.get(path, key);
        expect([status, headers['content-type']]).toEqual([401, expect.stringContaining('application/problem+json')]);
      }
    }
    const whole = await hostManager.apiKeys.issue({ tenantId: home, scopes: ['hosts:read'] });
    expect((await client.get('/api/hosts', whole.secret)).status).toBe(403);
    expect((await client.get('/api/teams', whole.secret)).status).toBe(403);
    expect((await client.get('/nowhere', owner)).status).toBe(404);
  });

  it('takes no hostile path or body for a fault of its own', async () => {
    const routes = [
      'POST /api/sign-up',
      'GET /api/organizations/:id',
      'PATCH /api/organizations/:id',
      'POST /api/organizations/:id/members',
      'DELETE /api/organizations/second/members/:user',
      'POST /api/teams',
      'DELETE /api/teams/:id',
      'PUT /api/teams/:id/members/:user',
      'DELETE /api/teams/:id/members/:user',
      'GET /api/hosts?after=:x',
      'POST /api/hosts',
      'GET /api/hosts/:id',
      'PATCH /api/hosts/:id',
      'DELETE /api/hosts/:id',
      'PUT /api/hosts/:id/teams/:team',
      'POST /api/hosts/:id/alerts',
      'POST /api/subscription',
      'POST /stripe/events',
    ];
    expect(await serverFaults(client, routes, stranger)).toEqual([]);
  });
});
