import type { Kysely } from 'kysely';
import { createTenantry, fromPath } from 'tenantry';
import type { AuthOptions } from 'tenantry/auth';
import { type TakenIn, takeUsersIn } from '../take-users-in.ts';
import { wiringOf } from './application.ts';
import type { TherapyDatabase } from './legacy-schema.ts';

/** The platform with its log-in. A path below `/api/organizations` names the organization, by its id or its slug. */
export function createTherapy(db: Kysely<TherapyDatabase>, keys: AuthOptions['keys']) {
  return createTenantry({
    ...wiringOf(db),
    resolution: [fromPath('/api/organizations/:tenant')],
    auth: { issuer: 'https://therapy.example', audience: 'https://therapy.example/api', keys },
  });
}

/** What {@link createTherapy} makes. */
export type Therapy = ReturnType<typeof createTherapy>;

/**
 * Takes the users of the converted practice in, with their passwords. Who still waits to be approved can log in, and opens
 * nothing until then.
 */
export async function letUsersLogIn({ auth }: Therapy, db: Kysely<TherapyDatabase>): Promise<TakenIn> {
  const users = await db
    .selectFrom('users')
    .select(['id', 'email', 'password_hash as passwordHash'])
    .where('is_active', '=', true)
    .orderBy('id')
    .execute();
  return takeUsersIn(
    auth.users,
    users.map(({ id, ...user }) => ({ userId: String(id), ...user })),
  );
}
