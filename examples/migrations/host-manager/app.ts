import type { FastifyInstance } from 'fastify';
import type { Kysely } from 'kysely';
import { createTenantry, fromPath } from 'tenantry';
import type { BillingOptions } from 'tenantry/billing';
import type { Clock } from 'tenantry/core';
import { createFastifyAdapter } from 'tenantry/fastify';
import { found, refusal } from '../refusal.ts';
import { bodyOf, createService, oneOf, text } from '../service.ts';
import { addUser, createTeam, issueKey, prices, signUp, wiringOf } from './application.ts';
import { createHosts, type HostChange, newId, type Viewer } from './hosts.ts';
import type { HostDatabase } from './legacy-schema.ts';

/** The new application with its payments. A path below `/api/organizations` names the organization. */
export function createHostManager(
  db: Kysely<HostDatabase>,
  { provider, clock }: { readonly provider: BillingOptions['provider']; readonly clock?: Clock },
) {
  return createTenantry({
    ...wiringOf(db),
    ...(clock !== undefined && { clock }),
    resolution: [fromPath('/api/organizations/:tenant')],
    billing: { provider, prices },
  });
}

/** What {@link createHostManager} makes. */
export type HostManager = ReturnType<typeof createHostManager>;

type SignUp = { Body: { readonly email: string; readonly organization: string } };
type Rename = { Body: { readonly name: string } };
type NewMember = { Body: { readonly email: string; readonly name: string; readonly role: 'admin' | 'member' } };
type MemberPath = { Params: { readonly user: string } };
type NewTeam = { Body: { readonly name: string } };
type TeamPath = { Params: { readonly id: string } };
type TeamMemberPath = { Params: { readonly id: string; readonly user: string } };
type HostPage = { Querystring: { readonly after?: string } };
type NewHost = { Body: { readonly name: string; readonly hostname: string; readonly team_id: string } };
type HostPath = { Params: { readonly id: string } };
type Share = { Params: { readonly id: string; readonly team: string }; Body: { readonly access: 'VIEW' | 'MANAGE' } };
type Alert = HostPath & { Body: { readonly message: string } };
type Checkout = { Body: { readonly plan: 'business' } };

const hostFields = { name: text(200), hostname: { ...text(253), pattern: '^[A-Za-z0-9.-]+$' } };
const bodies = {
  signUp: bodyOf({ email: text(320), organization: text(200) }),
  name: bodyOf({ name: text(200) }),
  member: bodyOf({ email: text(320), name: text(200), role: oneOf('admin', 'member') }),
  host: bodyOf({ ...hostFields, team_id: text(100) }),
  hostChange: bodyOf({}, { ...hostFields, notes: text(5000), status: oneOf('ONLINE', 'OFFLINE', 'UNKNOWN') }),
  share: bodyOf({ access: oneOf('VIEW', 'MANAGE') }),
  alert: bodyOf({ message: text(1000) }),
  checkout: bodyOf({ plan: oneOf('business') }),
};
const page = { querystring: { type: 'object', properties: { after: text(100) } } };
const pages = { successUrl: 'https://hosts.example/billing/done', cancelUrl: 'https://hosts.example/billing' };

/** The service on the converted database. Whoever calls has an API key of their own, and is a member of an organization. */
export function createHostService(hostManager: HostManager, db: Kysely<HostDatabase>): FastifyInstance {
  const { organizations, tenancy, billing } = hostManager;
  const tenant = createFastifyAdapter(hostManager);
  const { guard, handler } = tenant;
  const hosts = createHosts(hostManager);
  const service = createService(tenant);

  /** Every call is somebody's: a key of the whole organization has no teams. */
  const viewerOf = ({ userId, db: queries }: { readonly userId: string | null; readonly db: Viewer['db'] }): Viewer => {
    if (userId === null) throw refusal(403, 'this needs the key of a member');
    return { userId, db: queries };
  };
  const taken = (error: unknown): never => {
    throw Object(error).code === '23505' ? refusal(409, 'the address or name is taken') : error;
  };
  // A NUL is in no id, and PostgreSQL takes none.
  const idIn = (path: string, what: string): string => found(path.includes('\0') ? null : path, what);

  service.post<SignUp>('/api/sign-up', { schema: bodies.signUp }, async ({ body }, reply) => {
    const user = { id: newId(), ...body, at: new Date() };
    const made = await db
      .transaction()
      .execute(async (tx) => {
        const queries = await signUp(hostManager, user, { db: tx });
        const { tenantId } = queries;
        const member = await organizations.membershipOf(tenantId, user.id, { db: tx });
        const owner = { userId: user.id, label: 'first key', memberId: found(member, 'member').memberId };
        return { organization_id: tenantId, key: await issueKey(hostManager, queries, owner, { db: tx }) };
      })
      .catch(taken);
    return reply.code(201).send(made);
  });

  service.get(
    '/api/organizations',
    guard(),
    handler(async ({ access }) => {
      const { items } = await organizations.ofUser({ userId: viewerOf(access).userId });
      return items.map(({ organization: { tenantId, name, slug, plan }, role }) => ({
        id: tenantId,
        name,
        slug,
        plan,
        role,
      }));
    }),
  );
  const organization = '/api/organizations/:organization';
  service.get(
    organization,
    guard({ permission: 'organization:read' }),
    handler(({ access }) => organizations.get(access.tenant.id)),
  );
  service.patch<Rename>(
    organization,
    { schema: bodies.name, ...guard({ permission: 'organization:manage' }) },
    handler<Rename>(({ access, body }) =>
      organizations.update({ tenantId: access.tenant.id, ...body }, access.by && { by: access.by }),
    ),
  );
  service.get(
    `${organization}/members`,
    guard({ permission: 'members:read' }),
    handler(({ access }) => organizations.members.list({ tenantId: access.tenant.id })),
  );
  service.post<NewMember>(
    `${organization}/members`,
    { schema: bodies.member, ...guard({ permission: 'members:manage' }) },
    handler<NewMember>(async ({ access, body }, reply) => {
      const id = newId();
      const tenantId = access.tenant.id;
      const made = await db
        .transaction()
        .execute(async (tx) => {
          const options = { db: tx, ...(access.by && { by: access.by }) };
          const { member } = await organizations.members.add({ tenantId, userId: id, ...body }, options);
          const queries = tenancy.scope(tenantId, { db: tx });
          await addUser(queries, { id, email: body.email, at: new Date() });
          const owner = { userId: id, label: 'first key', memberId: member.id };
          return { user_id: id, role: member.role, key: await issueKey(hostManager, queries, owner, { db: tx }) };
        })
        .catch(taken);
      return reply.code(201).send(made);
    }),
  );
  service.delete<MemberPath>(
    `${organization}/members/:user`,
    guard({ permission: 'members:manage' }),
    handler<MemberPath>(async ({ access, params }, reply) => {
      const ref = { tenantId: access.tenant.id, userId: idIn(params.user, 'member') };
      await db.transaction().execute(async (tx) => {
        await organizations.members.remove(ref, { db: tx, ...(access.by && { by: access.by }) });
        const users = tenancy.scope(ref.tenantId, { db: tx }).updateTable('User').set({ isActive: false });
        await users.where('id', '=', ref.userId).execute();
      });
      return reply.code(204).send();
    }),
  );

  service.get(
    '/api/teams',
    guard({ permission: 'teams:read' }),
    handler(({ access }) => access.db.selectFrom('Team').select(['id', 'name', 'description']).orderBy('id').execute()),
  );
  service.post<NewTeam>(
    '/api/teams',
    { schema: bodies.name, ...guard({ permission: 'teams:manage' }) },
    handler<NewTeam>(async ({ access, body }, reply) => {
      const team = { id: newId(), name: body.name };
      await createTeam(access.db, { ...team, members: [viewerOf(access).userId], at: new Date() }).catch(taken);
      return reply.code(201).send(team);
    }),
  );
  service.delete<TeamPath>(
    '/api/teams/:id',
    guard({ permission: 'teams:manage' }),
    handler<TeamPath>(async ({ access, params }, reply) => {
      const id = idIn(params.id, 'team');
      const { numDeletedRows } = await access.db.deleteFrom('Team').where('id', '=', id).executeTakeFirst();
      found(numDeletedRows > 0n ? id : null, 'team');
      return reply.code(204).send();
    }),
  );
  service.put<TeamMemberPath>(
    '/api/teams/:id/members/:user',
    guard({ permission: 'teams:manage' }),
    handler<TeamMemberPath>(async ({ access, params }, reply) => {
      const teamId = await hosts.team(access.db, idIn(params.id, 'team'));
      const user = access.db.selectFrom('User').select('id').where('id', '=', idIn(params.user, 'member'));
      const { id: userId } = found(await user.executeTakeFirst(), 'member');
      await access.db
        .insertInto('UserTeam')
        .values({ teamId, userId, joinedAt: new Date() })
        .onConflict((conflict) => conflict.columns(['teamId', 'userId']).doNothing())
        .execute();
      return reply.code(204).send();
    }),
  );
  service.delete<TeamMemberPath>(
    '/api/teams/:id/members/:user',
    guard({ permission: 'teams:manage' }),
    handler<TeamMemberPath>(async ({ access, params }, reply) => {
      const rows = access.db.deleteFrom('UserTeam').where('teamId', '=', idIn(params.id, 'team'));
      const { numDeletedRows } = await rows.where('userId', '=', idIn(params.user, 'member')).executeTakeFirst();
      found(numDeletedRows > 0n ? true : null, 'member of the team');
      return reply.code(204).send();
    }),
  );

  service.get<HostPage>(
    '/api/hosts',
    { schema: page, ...guard({ permission: 'hosts:read' }) },
    handler<HostPage>(({ access, query }) => hosts.list(viewerOf(access), query.after ?? '')),
  );
  service.post<NewHost>(
    '/api/hosts',
    { schema: bodies.host, ...guard({ permission: 'hosts:write' }) },
    handler<NewHost>(async ({ access, body }, reply) => reply.code(201).send(await hosts.add(viewerOf(access), body))),
  );
  service.get<HostPath>(
    '/api/hosts/:id',
    guard({ permission: 'hosts:read' }),
    handler<HostPath>(({ access, params }) => hosts.get(viewerOf(access), idIn(params.id, 'host'))),
  );
  service.patch<HostPath & { Body: HostChange }>(
    '/api/hosts/:id',
    { schema: bodies.hostChange, ...guard({ permission: 'hosts:write' }) },
    handler<HostPath & { Body: HostChange }>(({ access, params, body }) =>
      hosts.change(viewerOf(access), idIn(params.id, 'host'), body),
    ),
  );
  service.delete<HostPath>(
    '/api/hosts/:id',
    guard({ permission: 'hosts:write' }),
    handler<HostPath>(async ({ access, params }, reply) => {
      await hosts.remove(viewerOf(access), idIn(params.id, 'host'));
      return reply.code(204).send();
    }),
  );
  service.put<Share>(
    '/api/hosts/:id/teams/:team',
    { schema: bodies.share, ...guard({ permission: 'teams:manage' }) },
    handler<Share>(async ({ access, params, body }, reply) => {
      const [host, team] = [idIn(params.id, 'host'), idIn(params.team, 'team')];
      await hosts.share(viewerOf(access), host, team, body.access);
      return reply.code(204).send();
    }),
  );
  service.post<Alert>(
    '/api/hosts/:id/alerts',
    { schema: bodies.alert, ...guard({ permission: 'hosts:write', feature: 'alerts' }) },
    handler<Alert>(async ({ access, params, body }, reply) =>
      reply.code(201).send(await hosts.alert(viewerOf(access), idIn(params.id, 'host'), body.message)),
    ),
  );

  service.get(
    '/api/subscription',
    guard({ permission: 'billing:read' }),
    handler(async ({ access }) => {
      const { status, endsAt, subscription } = await billing.state(access.tenant.id);
      const { used, limit } = await access.check('hosts');
      return {
        plan: access.plan,
        status,
        ends_at: endsAt,
        interval: subscription?.interval ?? null,
        hosts: { used, limit },
      };
    }),
  );
  service.post<Checkout>(
    '/api/subscription',
    { schema: bodies.checkout, ...guard({ permission: 'billing:manage' }) },
    handler<Checkout>(async ({ access, body }, reply) => {
      const { url, sessionId } = await billing.checkout({ tenantId: access.tenant.id, ...body, ...pages });
      return reply.code(201).send({ url, session_id: sessionId });
    }),
  );
  service.delete(
    '/api/subscription',
    guard({ permission: 'billing:manage' }),
    handler(async ({ access }) => {
      const { status, endsAt } = await billing.cancel({ tenantId: access.tenant.id, when: 'period-end' });
      return { status, ends_at: endsAt };
    }),
  );
  service.register(tenant.billing('/stripe/events', billing));

  return service;
}
