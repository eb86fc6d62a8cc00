import { readEmail } from '../../core/email.ts';
import { opaqueId, TenantryError } from '../../core/index.ts';
import type { CallOptions } from '../../database/index.ts';
import type { LockOut } from '../login/lock-out.ts';
import { requireSelf } from '../sessions/require-self.ts';
import type { SessionsInside } from '../sessions/sessions.ts';
import type { ActOptions, Toolbox } from '../toolbox.ts';
import type { TokenOutcome } from './email-verification.ts';
import type { MailTokens } from './mail-tokens.ts';
import { dropTokens, peekToken, useToken } from './token-store.ts';
import { findUser, findWithHash, setHash, updateUser } from './user-store.ts';
import { noSuchUser } from './users.ts';

/** Lets users choose another password when they forgot theirs. */
export interface PasswordReset {
  /**
   * Sends a mail to the user with this address; nothing when there is none, when they are suspended, and within a minute
   * after the one before. The answer is the same, and comes as fast.
   */
  request(input: { readonly email: string }, options?: CallOptions): Promise<void>;
  /**
   * Takes the token of the mail, once, and sets the password. All sessions end, and the address counts as verified.
   *
   * @throws TenantryError `password_refused`; the token is still good then.
   */
  complete(input: { readonly token: string; readonly password: string }, options?: CallOptions): Promise<TokenOutcome>;
}

/** What is done to passwords of users who are there. */
export interface PasswordChanges {
  readonly passwordReset: PasswordReset;
  /**
   * Sets another password for a user who tells the one before, from a session of their own. All other sessions end. Tries
   * are counted as those to log in.
   *
   * @throws TenantryError `password_refused` also when `current` is wrong; `permission_denied` for a session that is over
   * or in which somebody else acts as the user; `rate_limited`; `user_not_found`.
   */
  changePassword(
    input: {
      readonly userId: string;
      readonly sessionId: string;
      readonly current: string;
      readonly next: string;
      /** The address of the client; null where it is not known. */
      readonly ip: string | null;
    },
    options?: CallOptions,
  ): Promise<void>;
  /**
   * Sets the password of a user, as the program. All sessions end.
   *
   * @throws TenantryError `password_refused`, `user_not_found`.
   */
  setPassword(input: { readonly userId: string; readonly password: string }, options?: ActOptions): Promise<void>;
}

/** Makes what changes passwords. */
export function createPasswordChanges(
  toolbox: Toolbox,
  {
    tokens,
    lockOut,
    sessions,
  }: { readonly tokens: MailTokens; readonly lockOut: LockOut; readonly sessions: SessionsInside },
): PasswordChanges {
  const { db, clock, passwords, mailer, changing, publish } = toolbox;
  const { endWithin } = sessions;

  return {
    passwordReset: {
      async request({ email }, options) {
        const address = readEmail('email', email);
        const send = await changing(options, async (tx) => {
          const user = await findUser(tx, { emailKey: address.key });
          if (user === null || user.status !== 'active') return null;
          const made = await tokens.make(tx, 'reset', { userId: user.userId, email: address });
          // It goes to the address as the user gave it, not as whoever asks for it wrote it.
          return made && (() => mailer.send('reset', { email: user.email, name: user.name, ...made }, options?.db));
        });
        await send?.();
      },

      async complete({ token, password }, options) {
        const digest = tokens.digestOf('reset', token);
        if (digest === null) return { ok: false, reason: 'not_found' };
        // Only who has a token that opens makes the program compute a hash.
        const known = await peekToken(options?.db ?? db, 'reset', digest, clock());
        if (typeof known === 'string') return { ok: false, reason: known };
        const hash = await passwords.hash(password, { email: known.email.given });
        const outcome = await changing(options, async (tx): Promise<TokenOutcome> => {
          const now = clock();
          const used = await useToken(tx, 'reset', digest, now);
          if (typeof used === 'string') return { ok: false, reason: used };
          const { userId } = used;
          const user = await findUser(tx, { userId });
          if (user === null || user.status !== 'active' || readEmail('email', user.email).key !== used.email.key) {
            return { ok: false, reason: 'not_found' };
          }
          await setHash(tx, { userId, hash, now });
          await dropTokens(tx, userId, ['reset', 'change']);
          const set = await updateUser(tx, userId, { verified: true }, now);
          await endWithin({ userId }, 'password_changed', tx, { by: { userId } });
          const data = { userId, how: 'reset' } as const;
          await publish(null, { name: 'user.password_changed', data }, tx, { userId });
          return { ok: true, user: set?.user ?? user };
        });
        if (outcome.ok) {
          const { email, name } = outcome.user;
          await mailer.send('passwordChanged', { email, name }, options?.db);
        }
        return outcome;
      },
    },

    async changePassword({ userId, sessionId, current, next, ip }, options) {
      const id = opaqueId('userId', userId);
      const handle = options?.db ?? db;
      await requireSelf(handle, { userId: id, sessionId }, 'factors:password', clock());
      const found = await findWithHash(handle, { userId: id });
      if (found === null) throw noSuchUser(id);
      const { user, hash } = found;
      const attempt = await lockOut.attempt(handle, readEmail('email', user.email).key, ip);
      if (attempt.until !== null) {
        throw new TenantryError('rate_limited', { limitOf: 'user', retryAt: attempt.until.toISOString() });
      }
      const { ok } = await passwords.verify(current, hash);
      if (!ok) throw new TenantryError('password_refused', { problem: 'that is in use now was not told right' });
      await attempt.clear(handle);
      const nextHash = await passwords.hash(next, user);
      await changing(options, async (tx) => {
        const now = clock();
        await requireSelf(tx, { userId: id, sessionId }, 'factors:password', now);
        await setHash(tx, { userId: id, hash: nextHash, now });
        await dropTokens(tx, id, ['reset', 'change']);
        await endWithin({ userId: id, except: sessionId }, 'password_changed', tx, { by: { userId: id } });
        await publish(null, { name: 'user.password_changed', data: { userId: id, how: 'changed' } }, tx, {
          userId: id,
        });
      });
      await mailer.send('passwordChanged', { email: user.email, name: user.name }, options?.db);
    },

    async setPassword({ userId, password }, options) {
      const id = opaqueId('userId', userId);
      const user = await findUser(options?.db ?? db, { userId: id });
      if (user === null) throw noSuchUser(id);
      const hash = await passwords.hash(password, user);
      await changing(options, async (tx) => {
        if (!(await setHash(tx, { userId: id, hash, now: clock() }))) throw noSuchUser(id);
        await dropTokens(tx, id, ['reset', 'change']);
        await endWithin({ userId: id }, 'password_changed', tx, options);
        await publish(null, { name: 'user.password_changed', data: { userId: id, how: 'set' } }, tx, options?.by);
      });
    },
  };
}
