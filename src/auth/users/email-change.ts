import { readEmail } from '../../core/email.ts';
import { isTenantryError, opaqueId } from '../../core/index.ts';
import type { CallOptions } from '../../database/index.ts';
import { requireSelf } from '../sessions/require-self.ts';
import type { Toolbox } from '../toolbox.ts';
import type { TokenOutcome } from './email-verification.ts';
import type { MailTokens } from './mail-tokens.ts';
import { useToken } from './token-store.ts';
import { findUser } from './user-store.ts';
import { changeEmail, noSuchUser } from './users.ts';

/** Lets users give themselves another address. */
export interface EmailChange {
  /**
   * Sends a mail to the new address; the old one holds until the token of that mail comes back. The answer is the same when
   * another user has the address, to whom nothing is sent.
   *
   * @throws TenantryError `user_not_found`; `name_invalid`; `permission_denied` while somebody else acts as the user.
   */
  request(
    input: { readonly userId: string; readonly sessionId: string; readonly email: string },
    options?: CallOptions,
  ): Promise<void>;
  /** Takes the token of the mail, once, and tells the old address. */
  confirm(input: { readonly token: string }, options?: CallOptions): Promise<TokenOutcome>;
}

/** Makes the change of addresses. */
export function createEmailChange(toolbox: Toolbox, tokens: MailTokens): EmailChange {
  const { clock, mailer, changing } = toolbox;
  return {
    async request({ userId, sessionId, email }, options) {
      const id = opaqueId('userId', userId);
      const address = readEmail('email', email);
      const send = await changing(options, async (tx) => {
        await requireSelf(tx, { userId: id, sessionId }, 'factors:email', clock());
        const user = await findUser(tx, { userId: id });
        if (user === null) throw noSuchUser(id);
        const other = await findUser(tx, { emailKey: address.key });
        if (other !== null && other.userId !== id) return null;
        const made = await tokens.make(tx, 'change', { userId: id, email: address });
        if (made === null) return null;
        return () => mailer.send('change', { email: address.given, name: user.name, ...made }, options?.db);
      });
      await send?.();
    },

    async confirm({ token }, options) {
      const digest = tokens.digestOf('change', token);
      if (digest === null) return { ok: false, reason: 'not_found' };
      try {
        const done = await changing(options, async (tx) => {
          const used = await useToken(tx, 'change', digest, clock());
          if (typeof used === 'string') return used;
          const before = await findUser(tx, { userId: used.userId });
          const user = await changeEmail(toolbox, used.userId, used.email, tx, { by: { userId: used.userId } });
          return { user, before };
        });
        if (typeof done === 'string') return { ok: false, reason: done };
        const { user, before } = done;
        if (before !== null && before.email !== user.email) {
          await mailer.send('emailChanged', { email: before.email, name: before.name }, options?.db);
        }
        return { ok: true, user };
      } catch (error) {
        // The address went to another user meanwhile: for this one the token is nothing.
        if (isTenantryError(error, 'email_taken') && options?.db === undefined)
          return { ok: false, reason: 'not_found' };
        throw error;
      }
    },
  };
}
