import { readEmail } from '../../core/email.ts';
import { opaqueId } from '../../core/index.ts';
import type { AnyDatabase, CallOptions } from '../../database/index.ts';
import type { Toolbox } from '../toolbox.ts';
import type { MailTokens } from './mail-tokens.ts';
import { type MailTokenDenial, useToken } from './token-store.ts';
import type { User } from './user.ts';
import { findUser, updateUser } from './user-store.ts';

/** Whose a token was that came back, or why it does not open. */
export type TokenOutcome =
  | { readonly ok: true; readonly user: User }
  | { readonly ok: false; readonly reason: MailTokenDenial };

/** Shows that an address is a user's. */
export interface EmailVerification {
  /**
   * Sends the mail again; nothing within a minute after the one before, and nothing to an address that is verified. False
   * when nothing is sent.
   */
  send(input: { readonly userId: string }, options?: CallOptions): Promise<boolean>;
  /** Takes the token of the mail, once. It proves the address to which it was sent, and no other that came since. */
  confirm(input: { readonly token: string }, options?: CallOptions): Promise<TokenOutcome>;
}

/** Makes the verification of addresses. `prepare` makes the token of a user within a transaction. */
export function createEmailVerification(
  { clock, mailer, changing, publish }: Toolbox,
  tokens: MailTokens,
): EmailVerification & {
  readonly prepare: (tx: AnyDatabase, user: User) => Promise<(() => Promise<void>) | null>;
} {
  async function prepare(tx: AnyDatabase, user: User, joined?: AnyDatabase): Promise<(() => Promise<void>) | null> {
    if (user.emailVerifiedAt !== null) return null;
    const made = await tokens.make(tx, 'verify', { userId: user.userId, email: readEmail('email', user.email) });
    if (made === null) return null;
    return () => mailer.send('verify', { email: user.email, name: user.name, ...made }, joined);
  }

  return {
    prepare,

    async send({ userId }, options) {
      const id = opaqueId('userId', userId);
      const send = await changing(options, async (tx) => {
        const user = await findUser(tx, { userId: id });
        return user === null ? null : prepare(tx, user, options?.db);
      });
      await send?.();
      return send !== null;
    },

    async confirm({ token }, options) {
      const digest = tokens.digestOf('verify', token);
      if (digest === null) return { ok: false, reason: 'not_found' };
      return changing(options, async (tx): Promise<TokenOutcome> => {
        const used = await useToken(tx, 'verify', digest, clock());
        if (typeof used === 'string') return { ok: false, reason: used };
        const { userId, email } = used;
        const user = await findUser(tx, { userId });
        if (user === null || readEmail('email', user.email).key !== email.key)
          return { ok: false, reason: 'not_found' };
        const set = await updateUser(tx, userId, { verified: true }, clock());
        if (set?.changed) {
          await publish(null, { name: 'user.email_verified', data: { userId, email: user.email } }, tx, { userId });
        }
        return { ok: true, user: set?.user ?? user };
      });
    },
  };
}
