import type { FastifyInstance } from 'fastify';
import type { Kysely } from 'kysely';
import type { Actor } from 'tenantry/core';
import { createFastifyAdapter } from 'tenantry/fastify';
import { addLoginRoutes } from '../login-routes.ts';
import { numberIn, refusal } from '../refusal.ts';
import { bodyOf, createService, oneOf, whole } from '../service.ts';
import { addAdminRoutes, personFields } from './admin-routes.ts';
import { availableVoucherTypes, purchase, vouchersOf } from './application.ts';
import { book } from './booking.ts';
import type { TherapyDatabase } from './legacy-schema.ts';
import type { Therapy } from './login.ts';
import { createPeople, givenRoles, type Person } from './people.ts';
import { createVoucherTypes, type VoucherType, voucherTypeBodies } from './voucher-types.ts';

type NewUser = { Body: Person & { readonly role: (typeof givenRoles)[number] } };
type UserPath = { Params: { readonly user: string } };
type NewType = { Body: VoucherType };
type TypePath = { Params: { readonly type: string } };
type ChangedType = TypePath & { Body: Partial<VoucherType> & { readonly is_active?: boolean } };
type Purchase = { Body: { readonly voucher_type_id: number; readonly payment_method: string } };
type Booking = { Params: { readonly id: string }; Body: { readonly starts_at: string } };

const bodies = {
  user: bodyOf({ ...personFields, role: oneOf(...givenRoles) }),
  purchase: bodyOf({ voucher_type_id: whole(1, 2_147_483_647), payment_method: oneOf('card', 'cash', 'transfer') }),
  booking: bodyOf({ starts_at: { type: 'string', format: 'date-time', maxLength: 40 } }),
};

/**
 * The platform on the converted database: for those who run it, for owners and their staff, and for clients. `admins` are
 * the users who run it.
 */
export function createTherapyService(
  therapy: Therapy,
  db: Kysely<TherapyDatabase>,
  { admins }: { readonly admins: readonly string[] },
): FastifyInstance {
  const tenant = createFastifyAdapter(therapy);
  const people = createPeople(therapy, db);
  const voucherTypes = createVoucherTypes(therapy);
  const { handler } = tenant;
  const guard = (permission: string) => tenant.guard({ permission });
  const service = createService(tenant);

  addLoginRoutes(service, therapy.auth, '/api/auth');
  addAdminRoutes(service, therapy, people, admins);

  // An organization that is not the caller's is not there: the gate compares the path with the token's tenant.
  const users = '/api/organizations/:organization/users';
  service.get(
    users,
    guard('users:read'),
    handler(({ access }) =>
      access.db
        .selectFrom('users')
        .select(['id', 'email', 'first_name', 'last_name', 'role', 'is_active', 'is_approved', 'approved_at'])
        .orderBy('id')
        .execute(),
    ),
  );
  service.post<NewUser>(
    users,
    { schema: bodies.user, ...guard('users:manage') },
    handler<NewUser>(async ({ access, body: { role, ...person } }, reply) =>
      reply.code(201).send(await people.add(access.tenant.id, person, role, userOf(access).by)),
    ),
  );
  service.delete<UserPath>(
    `${users}/:user`,
    guard('users:manage'),
    handler<UserPath>(async ({ access, params }, reply) => {
      await people.remove(access.tenant.id, numberIn(params.user, 'user'), userOf(access).by);
      return reply.code(204).send();
    }),
  );

  const types = '/api/organizations/:organization/voucher-types';
  service.get(
    types,
    guard('voucher-types:read'),
    handler(({ access }) => voucherTypes.list(access)),
  );
  service.post<NewType>(
    types,
    { schema: voucherTypeBodies.new, ...guard('voucher-types:manage') },
    handler<NewType>(async ({ access, body }, reply) => reply.code(201).send(await voucherTypes.add(access, body))),
  );
  service.put<ChangedType>(
    `${types}/:type`,
    { schema: voucherTypeBodies.change, ...guard('voucher-types:manage') },
    handler<ChangedType>(({ access, params, body }) =>
      voucherTypes.change(access, numberIn(params.type, 'voucher type'), body),
    ),
  );
  service.delete<TypePath>(
    `${types}/:type`,
    guard('voucher-types:manage'),
    handler<TypePath>(async ({ access, params }, reply) => {
      await voucherTypes.remove(access, numberIn(params.type, 'voucher type'));
      return reply.code(204).send();
    }),
  );

  service.get(
    '/api/voucher-types/available',
    guard('voucher-types:read'),
    handler(({ access }) => availableVoucherTypes(therapy, access.tenant.id)),
  );
  service.post<Purchase>(
    '/api/vouchers/purchase',
    { schema: bodies.purchase, ...guard('vouchers:purchase') },
    handler<Purchase>(async ({ access, body }, reply) => {
      const { voucher_type_id: type, payment_method: method } = body;
      return reply.code(201).send(await purchase(therapy, access.tenant.id, userOf(access).id, type, method));
    }),
  );
  service.get(
    '/api/vouchers/my',
    guard('vouchers:read'),
    handler(({ access }) => vouchersOf(therapy, access.tenant.id, userOf(access).id)),
  );
  service.post<Booking>(
    '/api/vouchers/:id/sessions',
    { schema: bodies.booking, ...guard('sessions:book') },
    handler<Booking>(async ({ access, params, body }, reply) => {
      const voucher = numberIn(params.id, 'voucher');
      const booking = { client: userOf(access).id, voucher, startsAt: new Date(body.starts_at) };
      const unit = (tx: Parameters<Parameters<typeof book>[3]>[0]) => access.consume('sessions', 1, tx);
      return reply.code(201).send(await book(therapy, access.tenant.id, booking, unit));
    }),
  );

  return service;
}

/** The user who acts: a key of the whole organization names nobody. */
function userOf({ userId, by }: { readonly userId: string | null; readonly by: Actor | undefined }) {
  if (userId === null || by === undefined) throw refusal(403, 'this needs a user');
  return { id: Number(userId), by };
}
