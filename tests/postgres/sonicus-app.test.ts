import type { FastifyInstance } from 'fastify';
import { SignJWT } from 'jose';
import { sql } from 'kysely';
import { bcrypt, createSigningKey } from 'tenantry/auth';
import { applyMigration } from 'tenantry/migrate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSonicusService } from '../../examples/migrations/sonicus/app.ts';
import { organizationsToUsers } from '../../examples/migrations/sonicus/definition.ts';
import { generateSonicus } from '../../examples/migrations/sonicus/generate.ts';
import type { SonicusDatabase } from '../../examples/migrations/sonicus/legacy-schema.ts';
import { createSonicus, letUsersLogIn, type Sonicus } from '../../examples/migrations/sonicus/login.ts';
import { oldApplication } from '../../examples/migrations/sonicus/old-application.ts';
import type { TakenIn } from '../../examples/migrations/take-users-in.ts';
import { type AppClient, appClient } from '../support/app-client.ts';
import { type Conversion, conversionOf } from '../support/conversion.ts';
import { serverFaults } from '../support/hostile-calls.ts';
import { openRunner, type Runner } from '../support/runner.ts';

const secret = 'the secret of the old application';
const password = 'correct horse battery';
const hour = 3_600_000;

let conversion: Conversion<SonicusDatabase>;
let runner: Runner<SonicusDatabase>;
let sonicus: Sonicus;
let service: FastifyInstance;
let client: AppClient;
let takenIn: TakenIn;
/** A user who shares an organization with another, and that other; who administers all; and who was let out. */
let ada: string;
let bob: string;
let root: string;
let gone: string;

// Until the contract stage the migration mirrors what is written, for the sake of the old application.
describe.each(['switch', 'contract'] as const)('at the stage %s', (stage) => {
  beforeAll(async () => {
    conversion = await conversionOf<SonicusDatabase>((owner) => generateSonicus(owner, { users: 60 }));
    runner = await openRunner(conversion.database);
    const find = async (query: string): Promise<string[]> => {
      const { rows } = await sql.raw<{ id: string }>(query).execute(runner.db);
      return rows.map(({ id }) => id);
    };
    const [organization] = await find(`select organization_id::text as id from users where is_active and role = 'user'
    and organization_id is not null group by 1 order by count(*) desc, 1 limit 1`);
    [ada = '', bob = ''] =
      await find(`select id::text from users where organization_id = '${organization}' and is_active
    and role = 'user' order by id`);
    [root = ''] = await find(`select id::text from users where role = 'super_admin'`);
    [gone = ''] = await find('select id::text from users where not is_active order by id');
    const hash = await bcrypt({ cost: 5 }).hash(password);
    await conversion.old
      .updateTable('users')
      .set({ hashed_password: hash, email: 'ada@mail.example' })
      .where('id', '=', ada)
      .execute();
    await oldApplication.addUser(conversion.old, organization ?? '', {
      email: 'ADA@mail.example',
      firstName: 'Ada too',
    });
    await applyMigration(runner.db, organizationsToUsers, { to: stage });
    await conversion.grant();
    const { app } = conversion.database;
    sonicus = createSonicus(app, {
      keys: [await createSigningKey()],
      old: { secret, until: new Date(Date.now() + hour) },
    });
    takenIn = await letUsersLogIn(sonicus, app);
    service = createSonicusService(sonicus, app);
    await service.listen({ port: 0, host: '127.0.0.1' });
    client = appClient(service);
  });
  afterAll(async () => {
    await service.close();
    await sonicus.apiKeys.close();
    await runner.db.destroy();
    await conversion.destroy();
    await runner.destroy();
  });

  /** A token as the old application signed it: it names an organization. */
  const oldToken = (userId: string, key = secret): Promise<string> =>
    new SignJWT({ user_id: Number(userId), org_id: 'gone', role: 'org_admin' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1h')
      .sign(Buffer.from(key));

  const user = '/api/v1/user';

  describe('the log-in', () => {
    it('lets a user of the converted database in with the password of before, and goes on by refresh tokens', async () => {
      const login = await client.post('/api/v1/auth/login', { email: 'ada@mail.example', password });
      expect(login).toMatchObject({ status: 200, body: { access_token: expect.any(String) } });
      const { access_token: access, refresh_token } = Object(login.body);
      expect((await client.get(`${user}/preferences`, access)).status).toBe(200);
      const next = await client.post('/api/v1/auth/refresh', { refresh_token });
      expect((await client.get(`${user}/preferences`, Object(next.body).access_token)).status).toBe(200);
      expect(await client.post('/api/v1/auth/login', { email: 'ada@mail.example', password: 'wrong' })).toMatchObject({
        status: 401,
        body: { code: 'unauthenticated', details: { reason: 'invalid_credentials' } },
      });
      expect(await client.post('/api/v1/auth/refresh', { refresh_token: 'none' })).toMatchObject({ status: 401 });
    });

    it('tells who could not be taken in, and takes nobody in twice', async () => {
      const again = await letUsersLogIn(sonicus, conversion.database.app);
      expect(again).toMatchObject({ taken: takenIn.taken, left: takenIn.left });
      expect(takenIn.left).toHaveLength(1);
      expect(takenIn.withoutPassword).not.toContain(ada);
    });

    it('opens tokens that the old application signed for whoever is still let in, and no forged ones', async () => {
      expect(await client.get(`${user}/subscription`, await oldToken(ada))).toMatchObject({ status: 200 });
      for (const token of [
        undefined,
        'none',
        await oldToken(ada, 'another secret of the same length'),
        await oldToken(gone),
        await oldToken('999999999'),
        `${await oldToken(ada)}x`,
      ]) {
        const { status, headers, body } = await client.get(`${user}/subscription`, token);
        expect([status, headers['content-type'], Object(body).code]).toEqual([
          401,
          expect.stringContaining('application/problem+json'),
          'unauthenticated',
        ]);
      }
    });

    it('signs somebody up without an organization, and tells nobody which addresses have accounts', async () => {
      const newcomer = { email: 'new@mail.example', password, first_name: 'Nia' };
      const first = await client.post('/api/v1/auth/register', newcomer);
      const second = await client.post('/api/v1/auth/register', newcomer);
      const known = await client.post('/api/v1/auth/register', { ...newcomer, email: 'ADA@mail.example' });
      expect([first, second, known].map(({ status, body }) => [status, body])).toEqual(Array(3).fill([202, {}]));
      const token = await client.login('/api/v1/auth/login', { email: newcomer.email, password });
      expect((await client.get(`${user}/packages`, token)).body).toMatchObject({ mine: [] });
      expect((await client.get(`${user}/subscription`, token)).body).toEqual({
        plan: 'personal',
        current: null,
        history: [],
      });
      expect((await client.put(`${user}/preferences`, { language: 'pl' }, token)).body).toEqual({
        language: 'pl',
        timezone: 'UTC',
        notifications: true,
      });
      expect(await client.post('/api/v1/auth/register', { ...newcomer, password: 'short' })).toMatchObject({
        status: 400,
        body: { code: 'password_refused' },
      });
    });
  });

  describe("what is a user's", () => {
    let token: string;
    let other: string;
    beforeAll(async () => {
      token = await oldToken(ada);
      other = await oldToken(bob);
    });

    it('has the subscription of the organization, and may have one of its own beside it', async () => {
      const before = Object((await client.get(`${user}/subscription`, token)).body);
      expect(before.history.every((one: { paid_by: string }) => one.paid_by === 'organization')).toBe(true);
      const made = await client.post(`${user}/subscription`, { plan: 'plus' }, token);
      expect(made).toMatchObject({ status: 201, body: { plan: 'plus' } });
      expect((await client.post(`${user}/subscription`, { plan: 'plus' }, token)).status).toBe(409);
      const after = Object((await client.get(`${user}/subscription`, token)).body);
      expect(after.plan).toBe('plus');
      expect(after.history).toHaveLength(before.history.length + 1);
      expect(after.history).toContainEqual(
        expect.objectContaining({ plan: 'plus', paid_by: 'user', status: 'active' }),
      );
      expect(Object((await client.get(`${user}/subscription`, other)).body)).toMatchObject({ plan: 'personal' });
      expect((await client.delete(`${user}/subscription`, token)).status).toBe(204);
      expect((await client.delete(`${user}/subscription`, token)).status).toBe(404);
      expect(Object((await client.get(`${user}/subscription`, token)).body).plan).toBe('personal');
    });

    it('makes one subscription out of ten requests at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => client.post(`${user}/subscription`, { plan: 'plus' }, other)),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
      expect((await client.delete(`${user}/subscription`, other)).status).toBe(204);
    });

    it('takes packages out of the catalogue as far as the plan allows, and gives its own back', async () => {
      const { mine, all } = Object((await client.get(`${user}/packages`, token)).body);
      const have = new Set(mine.map(({ id }: { id: string }) => id));
      const active = await sql<{ id: string }>`select id::text from sound_packages where is_active order by id`.execute(
        runner.db,
      );
      const wanted = active.rows.map(({ id }) => id).filter((id) => !have.has(id));
      expect(all.length).toBeGreaterThanOrEqual(active.rows.length);
      for (const id of wanted.slice(0, 3)) {
        expect(await client.post(`${user}/packages`, { package_id: id }, token)).toMatchObject({
          status: 201,
          body: { id },
        });
      }
      expect((await client.post(`${user}/packages`, { package_id: wanted[0] }, token)).status).toBe(201);
      expect(await client.post(`${user}/packages`, { package_id: wanted[3] }, token)).toMatchObject({
        status: 403,
        body: { code: 'limit_reached', details: { meter: 'packages', limit: 3, used: 3 } },
      });
      expect(Object((await client.get(`${user}/packages`, token)).body).mine).toHaveLength(mine.length + 3);
      // What is one user's is not there for another.
      const theirs = Object((await client.get(`${user}/packages`, other)).body).mine;
      const notTheirs = wanted.slice(0, 3).find((id) => !theirs.some((one: { id: string }) => one.id === id));
      expect((await client.delete(`${user}/packages/${notTheirs}`, other)).status).toBe(404);
      expect((await client.delete(`${user}/packages/${wanted[0]}`, token)).status).toBe(204);
      expect((await client.post(`${user}/packages`, { package_id: wanted[3] }, token)).status).toBe(201);
      expect((await client.post(`${user}/packages`, { package_id: '999999' }, token)).status).toBe(404);
      expect((await client.delete(`${user}/packages/x%00`, token)).status).toBe(404);
    });

    it('listens within the quota, counts the day, and leaves the figures of others alone', async () => {
      const { rows } = await sql<{ id: string }>`select s.id::text from therapy_sounds s
      join user_sound_packages p using (package_id) where p.user_id = ${ada} and p.expires_at is null limit 1`.execute(
        runner.db,
      );
      const heard = { sound_id: rows[0]?.id ?? '', minutes: 20 };
      const before = Object((await client.get(`${user}/analytics`, other)).body).days;
      const today = new Date().toISOString().slice(0, 10);
      expect((await client.post(`${user}/sessions`, heard, token)).status).toBe(201);
      expect((await client.post(`${user}/sessions`, { ...heard, minutes: 10 }, token)).status).toBe(201);
      const { days, sessions } = Object((await client.get(`${user}/analytics`, token)).body);
      // Two days, when it is midnight in between.
      const since: { day: string; sessions: number; minutes: string }[] = days.filter(
        ({ day }: { day: string }) => day >= today,
      );
      expect(since.reduce((sum, day) => sum + day.sessions, 0)).toBe(2);
      expect(since.reduce((sum, day) => sum + Number(day.minutes), 0)).toBe(30);
      expect(sessions).toMatchObject({ used: 2, limit: 500 });
      expect(Object((await client.get(`${user}/analytics`, other)).body).days).toEqual(before);
      expect((await client.post(`${user}/sessions`, { ...heard, sound_id: '999999' }, token)).status).toBe(404);
      const mine = await sonicus.tenancy.resolve({ userId: ada });
      if (!mine.ok) throw new Error('nobody may act');
      await sonicus.plans.terms.override(mine.tenantId, { meters: { sessions: 2 } });
      const refused = await client.post(`${user}/sessions`, heard, token);
      expect(refused).toMatchObject({ status: 429, body: { code: 'quota_exceeded' } });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(Object((await client.get(`${user}/analytics`, token)).body).days).toEqual(days);
    });

    it("sets what is given of the preferences, and nothing of anybody else's", async () => {
      const before = (await client.get(`${user}/preferences`, other)).body;
      const set = { language: 'pt-BR', timezone: 'Asia/Tokyo', notifications: false };
      expect((await client.put(`${user}/preferences`, set, token)).body).toEqual(set);
      expect((await client.put(`${user}/preferences`, { notifications: true }, token)).body).toEqual({
        ...set,
        notifications: true,
      });
      expect((await client.get(`${user}/preferences`, other)).body).toEqual(before);
    });

    it('refuses bodies that do not fit', async () => {
      for (const [path, body] of [
        ['preferences', {}],
        ['preferences', { language: 'klingon' }],
        ['preferences', { timezone: 'Mars/Olympus' }],
        ['preferences', { notifications: 'yes' }],
        ['preferences', { tenant_id: 'x', language: 'en' }],
      ] as const) {
        expect([body, (await client.put(`${user}/${path}`, body, token)).status]).toEqual([body, 400]);
      }
      for (const [path, body] of [
        ['subscription', { plan: 'gold' }],
        ['subscription', []],
        ['packages', { package_id: 1 }],
        ['packages', { package_id: '1 or 1=1' }],
        ['sessions', { sound_id: '1', minutes: -1 }],
      ] as const) {
        expect([body, (await client.post(`${user}/${path}`, body, token)).status]).toEqual([body, 400]);
      }
      expect(await client.raw('PUT', `${user}/preferences`, '{"language":', token)).toMatchObject({ status: 400 });
    });

    it('refuses a key whose scopes do not cover what it asks for', async () => {
      const mine = await sonicus.tenancy.resolve({ userId: bob });
      if (!mine.ok) throw new Error('nobody may act');
      await sonicus.tenancy.setPlan(mine.tenantId, 'personal', { subscriptionStatus: 'active' });
      const key = await sonicus.apiKeys.issue({ tenantId: mine.tenantId, scopes: ['preferences:read'] });
      expect((await client.get(`${user}/preferences`, key.secret)).status).toBe(200);
      expect(await client.put(`${user}/preferences`, { language: 'de' }, key.secret)).toMatchObject({
        status: 403,
        body: { code: 'permission_denied', details: { permission: 'preferences:write' } },
      });
      expect((await client.get(`${user}/packages`, key.secret)).status).toBe(403);
    });

    it('shows all users to those who administer the platform, and writes down that they looked', async () => {
      expect(await client.get('/api/v1/admin/users', token)).toMatchObject({
        status: 403,
        body: { code: 'permission_denied' },
      });
      const { status, body } = await client.get('/api/v1/admin/users', await oldToken(root));
      expect([status, Object(body).users.length]).toEqual([200, 62]);
      const seen = await sonicus.audit.platform.list({ actions: ['platform.read'] });
      expect(seen.items[0]).toMatchObject({ actor: { id: root } });
    });
  });

  it('takes no hostile path or body for a fault of its own', async () => {
    const routes = [
      'POST /api/v1/auth/register',
      'POST /api/v1/auth/login',
      'POST /api/v1/auth/refresh',
      'POST /api/v1/user/subscription',
      'POST /api/v1/user/packages',
      'DELETE /api/v1/user/packages/:id',
      'POST /api/v1/user/sessions',
      'PUT /api/v1/user/preferences',
    ];
    expect(await serverFaults(client, routes, await oldToken(ada))).toEqual([]);
  });
});
