import { readEmail } from '../../core/email.ts';
import { cleanText, TenantryError } from '../../core/index.ts';
import type { AnyDatabase, CallOptions } from '../../database/index.ts';
import type { AuthTenancy } from '../sessions/acting.ts';
import type { SessionOrigin } from '../sessions/session.ts';
import type { SessionsInside, StartResult } from '../sessions/sessions.ts';
import type { Toolbox } from '../toolbox.ts';
import type { User } from '../users/user.ts';
import { findUser, insertUser } from '../users/user-store.ts';

/** Who signs up. */
export interface SignUpInput extends SessionOrigin {
  readonly email: string;
  readonly password: string;
  readonly name?: string;
  /**
   * The tenant that is made with the user: its name, and where it is an organization its slug. Null makes none, as for
   * somebody who follows an invitation: accept it in the same transaction. Named after the user when absent.
   */
  readonly tenant?: { readonly name: string; readonly slug?: string } | null;
}

/**
 * A user with their tenant, and a session unless the address must be verified first; or that the address has an account, to
 * which a mail tells of it. What a visitor sees should be the same for both: "look into your mail".
 */
export type SignUpResult =
  | {
      readonly ok: true;
      readonly user: User;
      readonly tenantId: string | null;
      /** Null where the address must be verified first. */
      readonly started: Extract<StartResult, { readonly ok: true }> | null;
    }
  | { readonly ok: false; readonly reason: 'email_taken' };

/** Makes a user, their tenant with its plan, and their first session, all or nothing. */
export type SignUp = (input: SignUpInput, options?: CallOptions) => Promise<SignUpResult>;

/** What a sign-up needs beside the toolbox. */
export interface SignUpParts {
  readonly tenancy: AuthTenancy | undefined;
  readonly sessions: SessionsInside;
  readonly requireVerifiedEmail: boolean;
  readonly prepareVerification: (
    tx: AnyDatabase,
    user: User,
    joined?: AnyDatabase,
  ) => Promise<(() => Promise<void>) | null>;
}

/** Makes the sign-up. */
export function createSignUp(
  toolbox: Toolbox,
  { tenancy, sessions, requireVerifiedEmail, prepareVerification }: SignUpParts,
): SignUp {
  const { clock, ids, passwords, mailer, changing, publish } = toolbox;

  return async ({ password, tenant, ip, userAgent, ...input }, options) => {
    const email = readEmail('email', input.email);
    const name = input.name === undefined ? null : cleanText('name', input.name, 200);
    if (tenant !== null && tenancy === undefined) {
      const problem = 'hand in the tenancy, or sign up with `tenant: null`';
      throw new TenantryError('config_invalid', { path: 'createAuth({ tenancy })', problem });
    }
    const wanted = tenant === null ? null : { name: tenant?.name ?? name ?? email.given, slug: tenant?.slug };
    const hash = await passwords.hash(password, { email: email.given });
    const userId = ids();
    const made = await changing(options, async (tx) => {
      const user = await insertUser(tx, { userId, email, name, verified: false, hash, now: clock() });
      if (user === null) return null;
      const tenantId = wanted === null ? null : await provision(user, wanted, tx);
      await publish(tenantId, { name: 'user.signed_up', data: { userId, email: email.given, name } }, tx, { userId });
      const send = await prepareVerification(tx, user, options?.db);
      if (requireVerifiedEmail) return { user, tenantId, send, started: null };
      const origin = { ...(ip !== undefined && { ip }), ...(userAgent !== undefined && { userAgent }) };
      const started = await sessions.startWithin({ userId, tenantId: tenantId ?? undefined, ...origin }, tx);
      return { user, tenantId, send, started };
    });
    if (made === null) {
      const user = await findUser(options?.db ?? toolbox.db, { emailKey: email.key });
      if (user !== null) await mailer.send('exists', { email: user.email, name: user.name }, options?.db);
      return { ok: false, reason: 'email_taken' };
    }
    const { user, tenantId, send } = made;
    await send?.();
    const started = made.started === null ? null : await sessions.signed(made.started, options);
    return { ok: true, user, tenantId, started: started?.ok ? started : null };
  };

  async function provision(
    { userId, email, name: ownerName }: User,
    { name, slug }: { readonly name: string; readonly slug: string | undefined },
    tx: AnyDatabase,
  ): Promise<string | null> {
    const input = {
      userId,
      name,
      email,
      ...(slug !== undefined && { slug }),
      ...(ownerName !== null && { ownerName }),
    };
    return (await tenancy?.provision(input, { db: tx }))?.tenantId ?? null;
  }
}
