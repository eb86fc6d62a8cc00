import { isTenantryError } from 'tenantry';
import type { Auth } from 'tenantry/auth';

/** A user as a converted database has them. */
export interface Account {
  readonly userId: string;
  readonly email: string;
  readonly passwordHash: string;
}

/** Whom a log-in was made for, and who needs a hand. */
export interface TakenIn {
  readonly taken: number;
  /** Their hash is of no known form: they ask for a new password by mail. */
  readonly withoutPassword: readonly string[];
  /** Their address is another's too, or none: people decide. */
  readonly left: readonly string[];
}

/**
 * Lets the users of a converted database log in, with the ids and passwords that they have. Whoever is in already stays as
 * they are, so it can be run again.
 */
export async function takeUsersIn(users: Auth['users'], accounts: readonly Account[]): Promise<TakenIn> {
  const withoutPassword: string[] = [];
  const left: string[] = [];
  for (const { userId, email, passwordHash } of accounts) {
    try {
      await users.create({ userId, email, passwordHash }).catch((error: unknown) => {
        if (!isTenantryError(error, 'password_refused')) throw error;
        withoutPassword.push(userId);
        return users.create({ userId, email });
      });
    } catch (error) {
      if (!isTenantryError(error, 'email_taken') && !isTenantryError(error, 'name_invalid')) throw error;
      if ((await users.get({ userId })) === null) left.push(userId);
    }
  }
  return { taken: accounts.length - left.length, withoutPassword, left };
}
