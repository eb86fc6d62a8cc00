import type { FastifyInstance } from 'fastify';
import { TenantryError } from 'tenantry';
import type { Actor } from 'tenantry/core';
import { readCredential } from 'tenantry/http';
import { numberIn } from '../refusal.ts';
import { bodyOf, oneOf, text } from '../service.ts';
import type { PlatformPlan } from './application.ts';
import type { Therapy } from './login.ts';
import { givenRoles, type People, type Person, type PersonChange } from './people.ts';

type Path = { Params: { readonly id: string } };
type Page = { Querystring: { readonly cursor?: string } };
type NewUser = { Body: Person & { readonly organization_id: string; readonly role: (typeof givenRoles)[number] } };
type ChangedUser = Path & { Body: PersonChange };
type NewPassword = Path & { Body: { readonly password: string } };
type NewOrganization = {
  Body: { readonly name: string; readonly slug?: string; readonly plan: PlatformPlan; readonly owner: Person };
};
type ChangedOrganization = Path & {
  Body: { readonly name?: string; readonly slug?: string; readonly plan?: PlatformPlan; readonly is_active?: boolean };
};

/** What is told of somebody who is to be added. */
export const personFields = { email: text(320), password: text(200), first_name: text(100), last_name: text(100) };

const plan = oneOf('practice', 'solo');
const isActive = { type: 'boolean' } as const;
const bodies = {
  user: bodyOf({ ...personFields, organization_id: text(36), role: oneOf(...givenRoles) }),
  userChange: bodyOf(
    {},
    { first_name: text(100), last_name: text(100), phone: text(50), role: oneOf(...givenRoles), is_active: isActive },
  ),
  password: bodyOf({ password: text(200) }),
  organization: bodyOf({ name: text(200), plan, owner: bodyOf(personFields).body }, { slug: text(63) }),
  organizationChange: bodyOf({}, { name: text(200), slug: text(63), plan, is_active: isActive }),
};

/**
 * The endpoints of those who run the platform. They are members of no organization: who they are is said by their access
 * token, and that they may by the list of `admins`. The library records what they see and do.
 */
export function addAdminRoutes(
  service: FastifyInstance,
  { auth, platform, organizations, tenancy }: Therapy,
  people: People,
  admins: readonly string[],
): void {
  const actors = new WeakMap<object, Actor>();
  /** Whoever the hook let in. */
  const by = (request: object): Actor => actors.get(request) ?? { userId: '' };

  service.register(
    async (admin) => {
      admin.addHook('onRequest', async (request) => {
        const verified = await auth.authenticate(readCredential(request.headers)?.value ?? '');
        if (!verified.ok) throw new TenantryError('unauthenticated', { reason: verified.reason });
        const { userId, impersonator } = verified.claims;
        if (impersonator !== null || !admins.includes(userId)) {
          throw new TenantryError('permission_denied', { permission: 'platform:manage' });
        }
        actors.set(request, { userId, superAdmin: true });
      });

      admin.get<Page>('/users', async (request) => {
        const { items, nextCursor } = await platform.members({ by: by(request), cursor: request.query.cursor ?? null });
        return { users: items, next_cursor: nextCursor };
      });
      admin.post<NewUser>('/users', { schema: bodies.user }, async (request, reply) => {
        const { organization_id: organization, role, ...person } = request.body;
        return reply.code(201).send(await people.add(organization, person, role, by(request)));
      });
      admin.put<ChangedUser>('/users/:id', { schema: bodies.userChange }, async (request) => {
        const id = numberIn(request.params.id, 'user');
        return people.change(await people.organizationOf(id), id, request.body, by(request));
      });
      admin.delete<Path>('/users/:id', async (request, reply) => {
        const id = numberIn(request.params.id, 'user');
        await people.remove(await people.organizationOf(id), id, by(request));
        return reply.code(204).send();
      });
      admin.put<NewPassword>('/users/:id/password', { schema: bodies.password }, async (request, reply) => {
        const userId = String(numberIn(request.params.id, 'user'));
        await auth.setPassword({ userId, password: request.body.password }, { by: by(request) });
        return reply.code(204).send();
      });
      admin.post<Path>('/users/:id/approve', async (request, reply) => {
        const id = numberIn(request.params.id, 'user');
        await people.approve(await people.organizationOf(id), id, by(request));
        return reply.code(204).send();
      });

      admin.get<Page>('/organizations', async (request) => {
        const { items, nextCursor } = await platform.tenants({
          by: by(request),
          kind: 'organization',
          cursor: request.query.cursor ?? null,
        });
        return { organizations: items, next_cursor: nextCursor };
      });
      admin.post<NewOrganization>('/organizations', { schema: bodies.organization }, async (request, reply) =>
        reply.code(201).send(await people.found(request.body, by(request))),
      );
      admin.put<ChangedOrganization>('/organizations/:id', { schema: bodies.organizationChange }, async (request) => {
        const tenantId = request.params.id;
        const { plan: chosen, is_active: active, ...change } = request.body;
        await organizations.update({ tenantId, ...change }, { by: by(request) });
        if (chosen !== undefined) await tenancy.setPlan(tenantId, chosen);
        if (active !== undefined) await (active ? tenancy.resume(tenantId) : tenancy.suspend(tenantId));
        return organizations.get(tenantId);
      });
      // It opens for nobody any more. Its rows stay until `tenancy.purge` is told that nobody wants them back.
      admin.delete<Path>('/organizations/:id', async (request, reply) => {
        await tenancy.suspend(request.params.id);
        return reply.code(204).send();
      });
    },
    { prefix: '/api/admin' },
  );
}
