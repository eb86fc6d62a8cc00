import { readEmail } from '../../core/email.ts';
import { isTenantryError } from '../../core/index.ts';
import type { CallOptions } from '../../database/index.ts';
import type { TenantDenial } from '../sessions/acting.ts';
import type { IssuedTokens, Session } from '../sessions/session.ts';
import type { SessionsInside } from '../sessions/sessions.ts';
import type { Toolbox } from '../toolbox.ts';
import type { User } from '../users/user.ts';
import { findWithHash, setHash } from '../users/user-store.ts';
import type { LockOut } from './lock-out.ts';

/** Who wants to log in, and from where. */
export interface LoginInput {
  readonly email: string;
  readonly password: string;
  /**
   * The address of the client, as the first proxy that is yours saw it. Null, or empty, where it is not known: guessing is
   * not slowed down then. One address, and no list of them: those with a text that is none are counted as one.
   */
  readonly ip: string | null;
  readonly userAgent?: string;
  /** The tenant to act for; the one that the user may act for when absent, and none where there are several. */
  readonly tenantId?: string;
}

/**
 * A session with its tokens, or why there is none. `invalid_credentials`: no such user, or another password; it takes as
 * long for both. `throttled`: too many tries; come again at `retryAt`. The other reasons are told only with the right
 * password.
 */
export type LoginResult =
  | { readonly ok: true; readonly user: User; readonly session: Session; readonly tokens: IssuedTokens }
  | {
      readonly ok: false;
      readonly reason: 'invalid_credentials' | 'email_unverified' | 'user_suspended' | TenantDenial;
    }
  | { readonly ok: false; readonly reason: 'throttled'; readonly retryAt: Date };

/** Lets a user in who tells address and password. */
export type Login = (input: LoginInput, options?: CallOptions) => Promise<LoginResult>;

/** Makes the login. */
export function createLogin(
  { db, clock, passwords, changing }: Toolbox,
  {
    lockOut,
    sessions,
    requireVerifiedEmail,
  }: { readonly lockOut: LockOut; readonly sessions: SessionsInside; readonly requireVerifiedEmail: boolean },
): Login {
  return async ({ email, password, ip, userAgent, tenantId }, options) => {
    const handle = options?.db ?? db;
    const emailKey = keyOf(email);
    const attempt = await lockOut.attempt(handle, emailKey, ip);
    if (attempt.until !== null) return { ok: false, reason: 'throttled', retryAt: attempt.until };
    for (let tries = 0; ; tries += 1) {
      const found = await findWithHash(handle, { emailKey });
      const { ok, stale } = await passwords.verify(password, found?.hash ?? null);
      if (!ok || found === null || found.hash === null) return { ok: false, reason: 'invalid_credentials' };
      const { user, hash } = found;
      const { userId } = user;
      // A hash takes long, so it is made before the transaction.
      const better = (stale ? await passwords.hashAgain(password) : null) ?? found.hash;
      if (user.status !== 'active') return { ok: false, reason: 'user_suspended' };
      if (requireVerifiedEmail && user.emailVerifiedAt === null) {
        await attempt.clear(handle);
        return { ok: false, reason: 'email_unverified' };
      }
      const started = await changing(options, async (tx) => {
        // Null: the password, or its hash, was changed since it was compared.
        if (!(await setHash(tx, { userId, hash: better, instead: hash, now: clock() }))) return null;
        await attempt.clear(tx);
        const origin = { ...(ip !== null && { ip }), ...(userAgent !== undefined && { userAgent }) };
        return sessions.startWithin({ userId, tenantId, ...origin }, tx);
      });
      if (started === null) {
        if (tries < 3) continue;
        return { ok: false, reason: 'invalid_credentials' };
      }
      const result = await sessions.signed(started, options);
      return result.ok ? { ...result, user } : result;
    }
  };
}

/** What is no address is nobody's, and is looked for like any other. */
function keyOf(email: unknown): string {
  try {
    return readEmail('email', email).key;
  } catch (error) {
    if (isTenantryError(error, 'name_invalid')) return '';
    throw error;
  }
}
