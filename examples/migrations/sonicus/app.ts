import type { FastifyInstance } from 'fastify';
import type { Kysely } from 'kysely';
import { isTenantryError, TenantryError } from 'tenantry';
import { createFastifyAdapter } from 'tenantry/fastify';
import { addLoginRoutes } from '../login-routes.ts';
import { found } from '../refusal.ts';
import { bodyOf, createService, oneOf, text, whole } from '../service.ts';
import {
  analyticsOf,
  catalogue,
  dashboardOf,
  newUserId,
  type PersonalPlan,
  packagesOf,
  preferencesOf,
  register,
  setPreferences,
  subscriptionsOf,
} from './application.ts';
import type { SonicusDatabase } from './legacy-schema.ts';
import type { Sonicus } from './login.ts';
import { createOwn } from './own.ts';
import { accountRole } from './tokens.ts';

type NewUser = { Body: { readonly email: string; readonly password: string; readonly first_name: string } };
type Subscription = { Body: { readonly plan: PersonalPlan } };
type Package = { Body: { readonly package_id: string } };
type PackagePath = { Params: { readonly id: string } };
type Listened = { Body: { readonly sound_id: string; readonly minutes: number } };
type Preferences = {
  Body: { readonly language?: string; readonly timezone?: string; readonly notifications?: boolean };
};

const serial = { type: 'string', pattern: '^[1-9]\\d{0,17}$' } as const;
const bodies = {
  user: bodyOf({ email: text(320), password: text(200), first_name: text(100) }),
  subscription: bodyOf({ plan: oneOf('personal', 'plus') }),
  package: bodyOf({ package_id: serial }),
  session: bodyOf({ sound_id: serial, minutes: whole(1, 1440) }),
  preferences: bodyOf(
    {},
    {
      language: { type: 'string', pattern: '^[a-z]{2}(-[A-Z]{2})?$' },
      timezone: oneOf('UTC', ...Intl.supportedValuesOf('timeZone')),
      notifications: { type: 'boolean' },
    },
  ),
};

/** The service on the converted database. Every user is a tenant, and sees and changes what is theirs. */
export function createSonicusService(sonicus: Sonicus, db: Kysely<SonicusDatabase>): FastifyInstance {
  const { auth, platform } = sonicus;
  const tenant = createFastifyAdapter(sonicus);
  const { guard, handler } = tenant;
  const own = createOwn(sonicus, db);
  const reads = (what: string) => guard({ permission: `${what}:read` });
  const writes = (what: string) => guard({ permission: `${what}:write` });
  const service = createService(tenant);

  // The answer tells nobody whether an address has an account.
  service.post<NewUser>('/api/v1/auth/register', { schema: bodies.user }, async ({ body }, reply) => {
    const { email, password, first_name: firstName } = body;
    await db
      .transaction()
      .execute(async (tx) => {
        const id = await newUserId(tx);
        await auth.users.create({ userId: id, email, password, name: firstName }, { db: tx });
        // The password is tenantry's to keep.
        await register(sonicus, tx, { id, email, firstName, hashedPassword: '!' });
      })
      .catch((error: unknown) => {
        if (!isTenantryError(error, 'email_taken') && Object(error).code !== '23505') throw error;
      });
    return reply.code(202).send({});
  });
  addLoginRoutes(service, auth, '/api/v1/auth');

  const user = '/api/v1/user';

  service.get(
    `${user}/subscription`,
    reads('subscription'),
    handler(async ({ access }) => ({ plan: access.plan, ...(await subscriptionsOf(access.db)) })),
  );
  service.post<Subscription>(
    `${user}/subscription`,
    { schema: bodies.subscription, ...writes('subscription') },
    handler<Subscription>(async ({ access, body }, reply) =>
      reply.code(201).send(await own.subscribe(access.tenant.id, body.plan, new Date())),
    ),
  );
  service.delete(
    `${user}/subscription`,
    writes('subscription'),
    handler(async ({ access }, reply) => {
      await own.cancel(access.tenant.id, new Date());
      return reply.code(204).send();
    }),
  );

  service.get(
    `${user}/packages`,
    reads('packages'),
    handler(async ({ access }) => ({ mine: await packagesOf(access.db, new Date()), all: await catalogue(access.db) })),
  );
  service.post<Package>(
    `${user}/packages`,
    { schema: bodies.package, ...writes('packages') },
    handler<Package>(async ({ access, body }, reply) =>
      reply.code(201).send(await own.takePackage(access.tenant.id, body.package_id, new Date())),
    ),
  );
  service.delete<PackagePath>(
    `${user}/packages/:id`,
    writes('packages'),
    handler<PackagePath>(async ({ access, params }, reply) => {
      const id = found(new RegExp(serial.pattern).test(params.id) ? params.id : null, 'package');
      await own.returnPackage(access.tenant.id, id);
      return reply.code(204).send();
    }),
  );

  service.get(
    `${user}/analytics`,
    reads('analytics'),
    handler(async ({ access }) => {
      const { used, limit, resetsAt } = await access.check('sessions');
      const [days, widgets] = [await analyticsOf(access.db), await dashboardOf(access.db)];
      return { days, widgets, sessions: { used, limit, resets_at: resetsAt } };
    }),
  );
  service.post<Listened>(
    `${user}/sessions`,
    { schema: bodies.session, ...writes('sessions') },
    handler<Listened>(async ({ access, body }, reply) =>
      reply.code(201).send(await own.listen(access, body, new Date())),
    ),
  );

  service.get(
    `${user}/preferences`,
    reads('preferences'),
    handler(
      async ({ access }) =>
        (await preferencesOf(access.db)) ?? { language: 'en', timezone: 'UTC', notifications: true },
    ),
  );
  service.put<Preferences>(
    `${user}/preferences`,
    { schema: bodies.preferences, ...writes('preferences') },
    handler<Preferences>(async ({ access, body }) => {
      const { id } = await access.db.selectFrom('users').select('id').executeTakeFirstOrThrow();
      await setPreferences(access.db, id, body);
      return preferencesOf(access.db);
    }),
  );

  // The two roles that stand above users. Each look is written into the trail of the platform.
  service.get(
    '/api/v1/admin/users',
    guard(),
    handler(async ({ access }) => {
      const me = await access.db.selectFrom('users').select(['id', 'account_role']).executeTakeFirst();
      if (access.userId === null || accountRole(me?.account_role) === 'user') {
        throw new TenantryError('permission_denied', { permission: 'users:read' });
      }
      const { items, nextCursor } = await platform.tenants({ by: { userId: access.userId }, kind: 'user' });
      return { users: items.map(({ tenantId, name, plan, status }) => ({ tenantId, name, plan, status })), nextCursor };
    }),
  );

  return service;
}
