import type { Kysely } from 'kysely';
import { createTenantry } from 'tenantry';
import type { AuthOptions } from 'tenantry/auth';
import { type TakenIn, takeUsersIn } from '../take-users-in.ts';
import { wiringOf } from './application.ts';
import type { SonicusDatabase } from './legacy-schema.ts';
import { subjectOf } from './tokens.ts';

/** How people log in. */
export interface LoginSettings {
  /** The keys that sign the new tokens. */
  readonly keys: AuthOptions['keys'];
  /** The secret with which the old application signed its tokens, and when the last of them is over. */
  readonly old: { readonly secret: string; readonly until: Date };
}

/** The new application with its log-in. Tokens of the old one, which name an organization, open until they are over. */
export function createSonicus(db: Kysely<SonicusDatabase>, { keys, old }: LoginSettings) {
  return createTenantry({
    ...wiringOf(db),
    auth: {
      issuer: 'https://sonicus.example',
      audience: 'https://sonicus.example/api',
      keys,
      legacy: [
        {
          keys: [{ algorithm: 'HS256', secret: old.secret }],
          until: old.until,
          async read(claims) {
            const subject = subjectOf(claims);
            if (subject === null) return null;
            const user = await db
              .selectFrom('users')
              .select('id')
              .where('id', '=', subject.userId)
              .where('is_active', '=', true)
              .executeTakeFirst();
            return user === undefined ? null : { userId: user.id };
          },
        },
      ],
    },
  });
}

/** What {@link createSonicus} makes. */
export type Sonicus = ReturnType<typeof createSonicus>;

/** Takes the users of the converted database in, with their passwords. Who was let out before stays out. */
export async function letUsersLogIn({ auth }: Sonicus, db: Kysely<SonicusDatabase>): Promise<TakenIn> {
  const accounts = await db
    .selectFrom('users')
    .select(['id as userId', 'email', 'hashed_password as passwordHash'])
    .where('is_active', '=', true)
    .orderBy('id')
    .execute();
  return takeUsersIn(auth.users, accounts);
}
