import type { FastifyInstance, FastifyRequest } from 'fastify';
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
  const actors = new WeakMap<FastifyRequest, Actor>();

  service.register(
    async (admin) => {
      admin.addHook('onRequest', async (request) => {
        const verified = await auth.authenticate(readCredential(request.headers)?.value);
        if (!verified.ok) throw new TenantryError('unauthenticated', { reason: verified.reason });
        const { userId, impersonator } = verified.claims;
        if (impersonator !== null || !admins.includes(userId)) {
          throw new TenantryError('permission_denied', { permission: 'platform:manage' });
        }
        actors.set(request, { userId, superAdmin: true });
      });
      const by = (request: FastifyRequest<never>): Actor => actors.get(request) ?? { userId: '' };

      admin.get<Page>('/users', async ({ query, ...request }) => request);
    },
    { prefix: '/api/admin' },
  );
}
