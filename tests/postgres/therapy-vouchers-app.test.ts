import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { createSigningKey } from 'tenantry/auth';
import { applyMigration } from 'tenantry/migrate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTherapyService } from '../../examples/migrations/therapy-vouchers/app.ts';
import { practiceToOrganizations } from '../../examples/migrations/therapy-vouchers/definition.ts';
import { generateTherapy } from '../../examples/migrations/therapy-vouchers/generate.ts';
import type { TherapyDatabase } from '../../examples/migrations/therapy-vouchers/legacy-schema.ts';
import { createTherapy, letUsersLogIn, type Therapy } from '../../examples/migrations/therapy-vouchers/login.ts';
import { takeVouchersIn } from '../../examples/migrations/therapy-vouchers/take-vouchers-in.ts';
import { type AppClient, appClient } from '../support/app-client.ts';
import { type Conversion, conversionOf, numberOf } from '../support/conversion.ts';
import { serverFaults } from '../support/hostile-calls.ts';

const password = 'correct horse battery';
const person = (email: string, role?: string) => ({
  email,
  password,
  first_name: 'Pat',
  last_name: 'Doe',
  ...(role !== undefined && { role }),
});
const home = '/api/organizations/default-org';
const monday = '2030-01-07T10:00:00Z';
const sunday = '2030-01-06T10:00:00Z';

let conversion: Conversion<TherapyDatabase>;
let therapy: Therapy;
let service: FastifyInstance;
let client: AppClient;
/** Tokens: who runs the platform; the owner, a therapist and a client of the converted practice; the owner of another. */
let root: string;
let owner: string;
let therapist: string;
let guest: string;
let stranger: string;
let guestId: number;
let organization: string;
let other: string;

async function tokenOf(userId: string): Promise<string> {
  const started = await therapy.auth.sessions.start({ userId });
  if (!started.ok) throw new Error(started.reason);
  return started.tokens.accessToken;
}

// Until the contract stage the migration mirrors what is written, for the sake of the old application.
describe.each(['switch', 'contract'] as const)('at the stage %s', (stage) => {
  beforeAll(async () => {
    conversion = await conversionOf<TherapyDatabase>((db) => generateTherapy(db, { users: 60 }));
    await sql`update vouchers set valid_until = '2031-01-01' where id % 2 = 0`.execute(conversion.old);
    await applyMigration(conversion.database.owner, practiceToOrganizations, { to: stage });
    await conversion.grant();
    const { app } = conversion.database;
    therapy = createTherapy(app, [await createSigningKey()]);
    await letUsersLogIn(therapy, app);
    const { userId: rootId } = await therapy.auth.users.create({ email: 'root@therapy.example', password });
    root = await tokenOf(rootId);
    const find = async (role: string) => {
      const { rows } = await sql<{ id: string }>`select m.user_id as id from tenantry.members m
      where m.role = ${role} and m.status = 'active' order by m.user_id::integer`.execute(conversion.database.owner);
      return rows[0]?.id ?? '';
    };
    owner = await tokenOf(await find('owner'));
    therapist = await tokenOf(await find('therapist'));
    guestId = Number(await find('client'));
    guest = await tokenOf(String(guestId));
    service = createTherapyService(therapy, app, { admins: [rootId] });
    await service.listen({ port: 0, host: '127.0.0.1' });
    client = appClient(service);
    organization = (await therapy.organizations.getBySlug('default-org'))?.tenantId ?? '';
    const founded = await client.post(
      '/api/admin/organizations',
      { name: 'Second Practice', plan: 'solo', owner: person('owner@second.example') },
      root,
    );
    expect(founded).toMatchObject({ status: 201, body: { slug: 'second-practice', plan: 'solo' } });
    other = Object(founded.body).id;
    stranger = await client.login('/api/auth/login', { email: 'owner@second.example', password });
  });
  afterAll(async () => {
    await service.close();
    await therapy.apiKeys.close();
    await conversion.destroy();
  });

  describe('those who run the platform', () => {
    it('see, add, change, and take out users of every organization', async () => {
      const listed = await client.get('/api/admin/users', root);
      expect([listed.status, Object(listed.body).users.length]).toEqual([200, 61]);
      const body = { organization_id: other, ...person('tess@second.example', 'therapist') };
      const added = await client.post('/api/admin/users', body, root);
      expect(added).toMatchObject({ status: 201, body: { email: 'tess@second.example', role: 'therapist' } });
      const path = `/api/admin/users/${Object(added.body).id}`;
      expect(await client.post('/api/admin/users', body, root)).toMatchObject({
        status: 409,
        body: { code: 'email_taken' },
      });
      expect(await client.put(path, { phone: '+1 555 0100', role: 'staff' }, root)).toMatchObject({
        status: 200,
        body: { role: 'staff', is_active: true },
      });
      expect((await client.put(`${path}/password`, { password: 'another horse battery' }, root)).status).toBe(204);
      const who = { email: 'tess@second.example', password: 'another horse battery' };
      const tess = await client.login('/api/auth/login', who);
      expect((await client.get(`/api/organizations/${other}/users`, tess)).status).toBe(200);
      expect((await client.put(path, { is_active: false }, root)).status).toBe(200);
      expect((await client.get(`/api/organizations/${other}/users`, tess)).status).toBe(401);
      expect((await client.put(path, { is_active: true }, root)).status).toBe(200);
      expect((await client.delete(path, root)).status).toBe(204);
      expect((await client.post('/api/auth/login', who)).status).toBe(401);
      expect((await client.put(path, { first_name: '\ud800' }, root)).status).toBe(400);
      // Who looks is not said by the query.
      expect((await client.get('/api/admin/users?by=x&limit=0&tenantId=x', root)).status).toBe(200);
      expect((await client.get('/api/admin/users?cursor=x', root)).status).toBe(400);
      for (const missing of ['999999', '99999999999', '-1', 'x%00']) {
        expect([missing, (await client.delete(`/api/admin/users/${missing}`, root)).status]).toEqual([missing, 404]);
      }
    });

    it('let in who waits: the log-in opens nothing until then', async () => {
      const { rows } = await sql<{
        id: number;
      }>`select id from users where is_active and not is_approved order by id`.execute(conversion.database.owner);
      const id = rows[0]?.id ?? 0;
      expect((await client.get('/api/vouchers/my', await tokenOf(String(id)))).status).toBe(404);
      expect((await client.post(`/api/admin/users/${id}/approve`, {}, root)).status).toBe(204);
      expect((await client.get('/api/vouchers/my', await tokenOf(String(id)))).status).toBe(200);
      const trail = `select count(*) from audit_logs where entity_id = '${id}' and action = 'UPDATE'`;
      expect(await numberOf(conversion.database.owner, trail)).toBe(1);
      expect((await client.post('/api/admin/users/999999/approve', {}, root)).status).toBe(404);
    });

    it('see, make, change and close organizations', async () => {
      const owned = person('owner@third.example');
      const made = await client.post('/api/admin/organizations', { name: 'Third', plan: 'solo', owner: owned }, root);
      const path = `/api/admin/organizations/${Object(made.body).id}`;
      expect(await client.put(path, { name: 'Third Practice', plan: 'practice' }, root)).toMatchObject({
        status: 200,
        body: { name: 'Third Practice', plan: 'practice' },
      });
      const listed = Object((await client.get('/api/admin/organizations', root)).body);
      expect(listed.organizations.map(({ name }: { name: string }) => name).sort()).toEqual([
        'Default Organization',
        'Second Practice',
        'Third Practice',
      ]);
      const token = await client.login('/api/auth/login', { email: owned.email, password });
      expect((await client.get('/api/voucher-types/available', token)).status).toBe(200);
      expect((await client.delete(path, root)).status).toBe(204);
      expect(await client.get('/api/voucher-types/available', token)).toMatchObject({
        body: { code: 'tenant_suspended' },
      });
      expect((await client.put(path, { is_active: true }, root)).status).toBe(200);
      expect((await client.get('/api/voucher-types/available', token)).status).toBe(200);
      const unknown = '/api/admin/organizations/01990000-0000-7000-8000-000000000000';
      expect((await client.put(unknown, { name: 'x' }, root)).status).toBe(404);
      expect((await client.delete('/api/admin/organizations/none', root)).status).toBe(404);
    });

    it('are nobody else', async () => {
      for (const path of ['/api/admin/users', '/api/admin/organizations']) {
        expect((await client.get(path)).status).toBe(401);
        expect((await client.get(path, `${root.slice(0, -4)}AAAA`)).status).toBe(401);
        for (const token of [owner, therapist, guest, stranger]) {
          expect(await client.get(path, token)).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
        }
      }
      expect((await client.post('/api/admin/users', { email: 'x' }, owner)).status).toBe(403);
    });
  });

  describe('owners', () => {
    it('see, add and take out people of their own organization', async () => {
      const before = Object((await client.get(`${home}/users`, owner)).body);
      expect(before.length).toBe(60);
      expect((await client.get(`/api/organizations/${organization}/users`, owner)).status).toBe(200);
      const added = await client.post(`${home}/users`, person('carl@practice.example', 'client'), owner);
      expect(added.status).toBe(201);
      const carl = await client.login('/api/auth/login', { email: 'carl@practice.example', password });
      expect((await client.get('/api/vouchers/my', carl)).body).toEqual([]);
      expect((await client.delete(`${home}/users/${Object(added.body).id}`, owner)).status).toBe(204);
      expect((await client.get('/api/vouchers/my', carl)).status).toBe(401);
      expect((await client.delete(`${home}/users/1`, owner)).body).toMatchObject({ code: 'last_owner' });
    });

    it("do not find what is another organization's", async () => {
      const paths = [`/api/organizations/${organization}`, home, '/api/organizations/none', '/api/organizations/x%00'];
      for (const path of paths) {
        for (const what of ['users', 'voucher-types']) {
          expect(await client.get(`${path}/${what}`, stranger)).toMatchObject({
            status: 404,
            body: { code: 'tenant_not_found' },
          });
        }
      }
      const own = `/api/organizations/${other}`;
      expect((await client.delete(`${own}/users/${guestId}`, stranger)).status).toBe(404);
      expect((await client.put(`${own}/voucher-types/1`, { name: 'Mine' }, stranger)).status).toBe(404);
      expect((await client.delete(`${own}/voucher-types/1`, stranger)).status).toBe(404);
      expect(Object((await client.get(`${own}/voucher-types`, stranger)).body)).toEqual([]);
    });

    it('set up voucher types within the plan', async () => {
      const path = `/api/organizations/${other}/voucher-types`;
      const type = {
        name: 'One Hour',
        session_name: 'Session',
        total_sessions: 2,
        backup_sessions: 1,
        session_duration_minutes: 60,
        frequency: 'weekly',
        price: '99.90',
        booking_rules: { monday: { enabled: true, start_time: '08:00', end_time: '20:00' } },
      };
      const made = await client.post(path, type, stranger);
      expect(made).toMatchObject({
        status: 201,
        body: { name: 'One Hour', price: '99.90', max_clients_per_session: 1 },
      });
      expect((await client.post(path, type, stranger)).status).toBe(409);
      const group = { ...type, name: 'Group', max_clients_per_session: 8 };
      expect(await client.post(path, group, stranger)).toMatchObject({
        status: 403,
        body: { code: 'feature_missing', details: { feature: 'group-sessions', plan: 'solo' } },
      });
      for (const name of ['Second', 'Third'])
        expect((await client.post(path, { ...type, name }, stranger)).status).toBe(201);
      expect(await client.post(path, { ...type, name: 'Fourth' }, stranger)).toMatchObject({
        status: 403,
        body: { code: 'limit_reached', details: { meter: 'voucherTypes', limit: 3 } },
      });
      const one = `${path}/${Object(made.body).id}`;
      expect(await client.put(one, { price: '89.90', is_active: false }, stranger)).toMatchObject({
        status: 200,
        body: { price: '89.90', is_active: false },
      });
      expect(Object((await client.get('/api/voucher-types/available', stranger)).body)).toHaveLength(2);
      // What is not sold any more has no place on the plan, and comes back only where there is one.
      expect((await client.post(path, { ...type, name: 'Fourth' }, stranger)).status).toBe(201);
      expect(await client.put(one, { is_active: true }, stranger)).toMatchObject({
        status: 403,
        body: { code: 'limit_reached', details: { meter: 'voucherTypes', limit: 3 } },
      });
      expect(Object((await client.get('/api/voucher-types/available', stranger)).body)).toHaveLength(3);
      expect((await client.delete(one, stranger)).status).toBe(204);
      expect((await client.delete(one, stranger)).status).toBe(404);
      for (const wrong of [
        {},
        { ...type, price: '1e9' },
        { ...type, total_sessions: 0 },
        { ...type, frequency: 'hourly' },
        { ...type, booking_rules: { someday: { enabled: true } } },
        { ...type, organization_id: organization },
      ]) {
        expect((await client.post(path, wrong, stranger)).status).toBe(400);
      }
    });

    it('leave to others what their role allows, and no more', async () => {
      expect((await client.get(`${home}/voucher-types`, therapist)).status).toBe(200);
      expect(await client.get(`${home}/users`, therapist)).toMatchObject({
        status: 403,
        body: { code: 'permission_denied' },
      });
      expect((await client.post(`${home}/users`, person('x@practice.example', 'staff'), guest)).status).toBe(403);
      expect((await client.delete(`${home}/voucher-types/1`, guest)).status).toBe(403);
      expect(
        (await client.post('/api/vouchers/purchase', { voucher_type_id: 1, payment_method: 'card' }, therapist)).status,
      ).toBe(403);
      expect((await client.get(`${home}/users`)).status).toBe(401);
      expect((await client.get('/api/vouchers/my', 'forged.token.here')).status).toBe(401);
      // A key of the whole organization is nobody who could buy.
      const { secret } = await therapy.apiKeys.issue({ tenantId: organization });
      expect((await client.get('/api/voucher-types/available', secret)).status).toBe(200);
      expect((await client.get('/api/vouchers/my', secret)).status).toBe(403);
      expect((await client.post(`${home}/users`, person('x@practice.example', 'staff'), secret)).status).toBe(403);
    });
  });

  describe('clients', () => {
    const buy = (type: number, token: string) =>
      client.post('/api/vouchers/purchase', { voucher_type_id: type, payment_method: 'card' }, token);

    it('find on their vouchers what was left on them, granted once however often it is taken in', async () => {
      const { app, owner: db } = conversion.database;
      const left = `select coalesce(sum(total_sessions - used_sessions), 0) from vouchers where status = 'active'
      and organization_id = '${organization}' and (valid_until is null or valid_until > now())`;
      const granted = async () =>
        (await therapy.plans.grants.list(organization, 'sessions')).reduce((sum, grant) => sum + grant.left, 0);
      expect(await takeVouchersIn(therapy, app)).toBeGreaterThan(20);
      expect(await granted()).toBe(await numberOf(db, left));
      await takeVouchersIn(therapy, app);
      expect(await granted()).toBe(await numberOf(db, left));
      const mine = Object((await client.get('/api/vouchers/my', guest)).body);
      expect(mine.length).toBe(await numberOf(db, `select count(*) from vouchers where client_id = ${guestId}`));
    });

    it('see what is sold, buy it, and have it with its payment and its grant', async () => {
      const types = Object((await client.get('/api/voucher-types/available', guest)).body);
      expect(types.map(({ name }: { name: string }) => name)).toContain('Standard Individual Therapy');
      const bought = await buy(types[0].id, guest);
      expect(bought).toMatchObject({
        status: 201,
        body: { status: 'active', invoice_number: expect.stringMatching(/^INV-/) },
      });
      const { id, code } = Object(bought.body);
      expect(Object((await client.get('/api/vouchers/my', guest)).body)).toContainEqual(
        expect.objectContaining({ id, code }),
      );
      const grants = (await therapy.plans.grants.list(organization, 'sessions')).filter(
        ({ metadata }) => metadata.voucherId === id,
      );
      expect(grants.map(({ amount }) => amount)).toEqual([10, 2]);
      const paid = `select count(*) from payment_transactions where voucher_id = ${id} and amount = 399.99 and payment_method = 'card'`;
      expect(await numberOf(conversion.database.owner, paid)).toBe(1);
      expect((await buy(999_999, guest)).status).toBe(404);
      for (const wrong of [
        {},
        { voucher_type_id: '1', payment_method: 'card' },
        { voucher_type_id: 1, payment_method: 'barter' },
      ]) {
        expect((await client.post('/api/vouchers/purchase', wrong, guest)).status).toBe(400);
      }
    });

    it('book as many sessions as they bought, the spare ones too, at the times that the rules allow', async () => {
      const types = Object((await client.get(`/api/organizations/${other}/voucher-types`, stranger)).body);
      const type = types.find(({ name }: { name: string }) => name === 'Second');
      const added = await client.post(
        `/api/organizations/${other}/users`,
        person('cleo@second.example', 'client'),
        stranger,
      );
      expect(added.status).toBe(201);
      const cleo = await client.login('/api/auth/login', { email: 'cleo@second.example', password });
      const voucher = Object((await buy(type.id, cleo)).body);
      await sql`update vouchers set valid_until = '2031-01-01' where id = ${voucher.id}`.execute(
        conversion.database.owner,
      );
      const path = `/api/vouchers/${voucher.id}/sessions`;
      expect((await client.post(path, { starts_at: sunday }, cleo)).status).toBe(409);
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => client.post(path, { starts_at: monday }, cleo)),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 201, 409, 409, 409, 409, 409]);
      expect(await therapy.plans.check(other, 'sessions')).toMatchObject({ ok: false, remaining: 0 });
      // What the organization took back is not there to be used, whatever the voucher says.
      const second = Object((await buy(type.id, cleo)).body);
      for (const { id } of await therapy.plans.grants.list(other, 'sessions'))
        await therapy.plans.grants.revoke(other, id);
      const refused = await client.post(`/api/vouchers/${second.id}/sessions`, { starts_at: await nextMonday() }, cleo);
      expect(refused).toMatchObject({ status: 429, body: { code: 'quota_exceeded' } });
      const mine: { id: number; used_sessions: number }[] = Object((await client.get('/api/vouchers/my', cleo)).body);
      expect(mine.map(({ used_sessions: used }) => used)).toEqual([3, 0]);
      // Another client's voucher is not there, in the same organization or in another.
      expect((await client.post(path, { starts_at: monday }, guest)).status).toBe(404);
      for (const wrong of ['tomorrow', '2030-01-07T23:59:60Z', '0000-01-01T00:00:00Z', '2020-01-06T10:00:00Z']) {
        expect([wrong, (await client.post(path, { starts_at: wrong }, cleo)).status]).toEqual([wrong, 400]);
      }
      expect((await client.post('/api/vouchers/x/sessions', { starts_at: monday }, cleo)).status).toBe(404);
      // Of a voucher whose sessions are used there is nothing to be taken in.
      await takeVouchersIn(therapy, conversion.database.app);
      expect(await therapy.plans.check(other, 'sessions')).toMatchObject({ ok: false, remaining: 0 });
    });

    async function nextMonday(): Promise<string> {
      const at = new Date();
      at.setUTCDate(at.getUTCDate() + ((8 - at.getUTCDay()) % 7 || 7));
      return `${at.toISOString().slice(0, 10)}T10:00:00Z`;
    }
  });

  it('takes no hostile path or body for a fault of its own', async () => {
    const routes = [
      'POST /api/auth/login',
      'GET /api/organizations/:id/users',
      'POST /api/organizations/second-practice/users',
      'DELETE /api/organizations/second-practice/users/:user',
      'POST /api/organizations/:id/voucher-types',
      'PUT /api/organizations/second-practice/voucher-types/:type',
      'DELETE /api/organizations/second-practice/voucher-types/:type',
      'POST /api/vouchers/purchase',
      'POST /api/vouchers/:id/sessions',
    ];
    expect(await serverFaults(client, routes, stranger)).toEqual([]);
  });

  it('nor one of those who run the platform', async () => {
    const routes = [
      'GET /api/admin/users?cursor=:x',
      'POST /api/admin/users',
      'PUT /api/admin/users/:id',
      'DELETE /api/admin/users/:id',
      'PUT /api/admin/users/:id/password',
      'POST /api/admin/users/:id/approve',
      'GET /api/admin/organizations?cursor=:x',
      'POST /api/admin/organizations',
      'PUT /api/admin/organizations/:id',
      'DELETE /api/admin/organizations/:id',
    ];
    expect(await serverFaults(client, routes, root)).toEqual([]);
  });
});
