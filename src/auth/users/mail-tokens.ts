import type { EmailAddress } from '../../core/email.ts';
import { digestOfSecretToken, makeSecretToken } from '../../core/secret-token.ts';
import type { AnyDatabase } from '../../database/index.ts';
import type { Toolbox } from '../toolbox.ts';
import { putToken, type TokenPurpose } from './token-store.ts';

const minute = 60_000;

/** For how many minutes the tokens open that are sent by mail. */
export interface MailTokensOptions {
  /** 24 hours when absent. */
  readonly verify?: number;
  /** 60 when absent. */
  readonly reset?: number;
  /** 60 when absent. */
  readonly change?: number;
}

const prefixes = { verify: 'ver', reset: 'rst', change: 'chg' } as const;
const defaults = { verify: 24 * 60, reset: 60, change: 60 } as const;

/** Makes the tokens that are sent by mail. */
export interface MailTokens {
  /**
   * Makes a token of a user, in place of the one before; null within a minute after it. It proves one address, and
   * opens once.
   */
  make(
    tx: AnyDatabase,
    purpose: TokenPurpose,
    user: { readonly userId: string; readonly email: Pick<EmailAddress, 'given' | 'key'> },
  ): Promise<{ readonly token: string; readonly expiresAt: Date } | null>;
  /** The digest that a token is found by; null for what has not the form of one. */
  digestOf(purpose: TokenPurpose, token: unknown): string | null;
}

/** Makes the maker of tokens. */
export function createMailTokens({ clock }: Pick<Toolbox, 'clock'>, lifetimes: MailTokensOptions): MailTokens {
  const digestOf: MailTokens['digestOf'] = (purpose, token) => digestOfSecretToken(prefixes[purpose], token);
  return {
    digestOf,
    async make(tx, purpose, { userId, email }) {
      const token = makeSecretToken(prefixes[purpose]);
      const now = clock();
      const expiresAt = new Date(now.getTime() + (lifetimes[purpose] ?? defaults[purpose]) * minute);
      const unlessSince = new Date(now.getTime() - minute);
      const row = { digest: digestOf(purpose, token) ?? '', purpose, userId, email, now, expiresAt, unlessSince };
      return (await putToken(tx, row)) ? { token, expiresAt } : null;
    },
  };
}
