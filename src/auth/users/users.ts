import { readEmail } from '../../core/email.ts';
import { cleanText, isTenantryError, opaqueId, TenantryError } from '../../core/index.ts';
import type { AnyDatabase, CallOptions } from '../../database/index.ts';
import { sqlstateOf } from '../../database/install.ts';
import type { SessionsInside } from '../sessions/sessions.ts';
import type { ActOptions, Toolbox } from '../toolbox.ts';
import type { User, UserRef } from './user.ts';
import { deleteUser, findUser, findUsers, insertUser, updateEmail, updateUser } from './user-store.ts';

/** A user who is to be made. */
export interface NewUserInput {
  /** Made when absent. Give the id that the user has elsewhere, where there is one. */
  readonly userId?: string;
  readonly email: string;
  readonly name?: string;
  /** None, when neither a password nor a hash is given. */
  readonly password?: string;
  /** What another system stored of the password: bcrypt, argon2id or scrypt. It is made anew when the user logs in. */
  readonly passwordHash?: string;
  /** The address was shown to be theirs; false when absent. */
  readonly emailVerified?: boolean;
}

/** Users, as the program manages them. */
export interface Users {
  /**
   * Makes a user without a tenant, as for taking users in from another system.
   *
   * @throws TenantryError `email_taken`, `name_invalid`, `password_refused` (also for a hash that no hasher knows).
   */
  create(input: NewUserInput, options?: ActOptions): Promise<User>;
  /** Reads a user; null when there is none. */
  get(ref: UserRef, options?: CallOptions): Promise<User | null>;
  /**
   * Reads several users by their ids, in one statement, as for a list of members: what is told here is as it is now. Who is
   * not there is left out.
   */
  getMany(userIds: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, User>>;
  /**
   * Sets the name; null takes it away.
   *
   * @throws TenantryError `user_not_found`, `name_invalid`.
   */
  update(input: { readonly userId: string; readonly name: string | null }, options?: ActOptions): Promise<User>;
  /**
   * Gives a user another address, which counts as verified: the program vouches for it. Users do it themselves by
   * `emailChange`.
   *
   * @throws TenantryError `user_not_found`, `email_taken`, `name_invalid`.
   */
  setEmail(input: { readonly userId: string; readonly email: string }, options?: ActOptions): Promise<User>;
  /**
   * Suspends a user: nobody logs in as them, and all sessions end at once. Doing it again changes nothing.
   *
   * @throws TenantryError `user_not_found`.
   */
  suspend(userId: string, options?: ActOptions): Promise<{ readonly user: User; readonly changed: boolean }>;
  /**
   * Ends a suspension; the user logs in anew.
   *
   * @throws TenantryError `user_not_found`.
   */
  resume(userId: string, options?: ActOptions): Promise<{ readonly user: User; readonly changed: boolean }>;
  /**
   * Deletes a user with their password and sessions. Memberships are ended by `organizations.members.removeUser`. False
   * when there was none.
   */
  remove(userId: string, options?: ActOptions): Promise<boolean>;
}

/** The error for a user who is not there. */
export function noSuchUser(userId: string): TenantryError<'user_not_found'> {
  return new TenantryError('user_not_found', { user: userId });
}

/** Makes the users. */
export function createUsers(toolbox: Toolbox, { endWithin }: Pick<SessionsInside, 'endWithin'>): Users {
  const { db, clock, ids, passwords, changing, publish } = toolbox;

  async function setStatus(userId: string, status: User['status'], options: ActOptions | undefined) {
    const id = opaqueId('userId', userId);
    return changing(options, async (tx) => {
      const set = await updateUser(tx, id, { status }, clock());
      if (set === null) throw noSuchUser(id);
      if (!set.changed) return set;
      const name = status === 'suspended' ? 'user.suspended' : 'user.resumed';
      if (status === 'suspended') await endWithin({ userId: id }, 'user_suspended', tx, options);
      await publish(null, { name, data: { userId: id } }, tx, options?.by);
      return set;
    });
  }

  return {
    async create({ password, passwordHash, emailVerified = false, ...input }, options) {
      const userId = input.userId === undefined ? ids() : opaqueId('userId', input.userId);
      const email = readEmail('email', input.email);
      const name = input.name === undefined ? null : cleanText('name', input.name, 200);
      if (passwordHash !== undefined && !passwords.recognises(passwordHash)) {
        throw new TenantryError('password_refused', { problem: 'has a hash that no hasher knows' });
      }
      const hash =
        password === undefined ? (passwordHash ?? null) : await passwords.hash(password, { email: email.given });
      return changing(options, async (tx) => {
        const user = await insertUser(tx, { userId, email, name, verified: emailVerified, hash, now: clock() });
        if (user === null) throw new TenantryError('email_taken', { user: userId });
        await publish(null, { name: 'user.created', data: { userId, email: user.email, name } }, tx, options?.by);
        return user;
      });
    },

    async get(ref, options) {
      if ('userId' in ref) return findUser(options?.db ?? db, { userId: opaqueId('userId', ref.userId) });
      try {
        return await findUser(options?.db ?? db, { emailKey: readEmail('email', ref.email).key });
      } catch (error) {
        if (isTenantryError(error, 'name_invalid')) return null;
        throw error;
      }
    },

    async getMany(userIds, options) {
      const ids = [...new Set(userIds)].map((userId) => opaqueId('userIds', userId));
      const found = ids.length === 0 ? [] : await findUsers(options?.db ?? db, ids);
      return new Map(found.map((user) => [user.userId, user]));
    },

    async update({ userId, name }, options) {
      const id = opaqueId('userId', userId);
      const patch = { name: name === null ? null : cleanText('name', name, 200) };
      const set = await updateUser(options?.db ?? db, id, patch, clock());
      if (set === null) throw noSuchUser(id);
      return set.user;
    },

    async setEmail({ userId, email }, options) {
      const id = opaqueId('userId', userId);
      const address = readEmail('email', email);
      return changing(options, (tx) => changeEmail(toolbox, id, address, tx, options));
    },

    suspend: (userId, options) => setStatus(userId, 'suspended', options),
    resume: (userId, options) => setStatus(userId, 'active', options),

    async remove(userId, options) {
      const id = opaqueId('userId', userId);
      return changing(options, async (tx) => {
        await endWithin({ userId: id }, 'revoked', tx, options);
        const gone = await deleteUser(tx, id);
        if (gone) await publish(null, { name: 'user.removed', data: { userId: id } }, tx, options?.by);
        return gone;
      });
    },
  };
}

/**
 * Gives a user another address, and tells of it.
 *
 * @throws TenantryError `user_not_found`, `email_taken`.
 */
export async function changeEmail(
  { clock, publish }: Pick<Toolbox, 'clock' | 'publish'>,
  userId: string,
  address: { readonly given: string; readonly key: string },
  tx: AnyDatabase,
  options?: ActOptions,
): Promise<User> {
  const taken = (cause?: unknown) => new TenantryError('email_taken', { user: userId }, { cause });
  let changed: Awaited<ReturnType<typeof updateEmail>>;
  try {
    changed = await updateEmail(tx, userId, address, clock());
  } catch (error) {
    // Another user took it in this very moment.
    throw sqlstateOf(error) === '23505' ? taken(error) : error;
  }
  if (changed === 'taken') throw taken();
  if (changed === null) throw noSuchUser(userId);
  const { user, previousEmail } = changed;
  const data = { userId, email: user.email, previousEmail };
  await publish(null, { name: 'user.email_changed', data }, tx, options?.by);
  return user;
}
