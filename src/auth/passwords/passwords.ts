import { randomBytes } from 'node:crypto';
import { TenantryError } from '../../core/index.ts';
import { argon2id, hasArgon2id } from './argon2id.ts';
import { bcrypt } from './bcrypt.ts';
import type { PasswordHasher } from './password-hasher.ts';
import { scrypt } from './scrypt.ts';
import { createTurns } from './turns.ts';

/** How passwords are. */
export interface PasswordsOptions {
  /**
   * Makes all new hashes; argon2id when absent, or scrypt where Node has no argon2id (before 24.7). Hashes of another
   * cost or kind open too, and are made anew when their users log in.
   */
  readonly hasher?: PasswordHasher;
  /** Compare with hashes of other forms, beside argon2id, scrypt and bcrypt. */
  readonly others?: readonly PasswordHasher[];
  /** The fewest characters; 10 when absent. */
  readonly minLength?: number;
  /**
   * A check of the application's own, such as one against passwords that leaked: gives what is wrong (`is known from a
   * leak`), or null.
   */
  readonly check?: (password: string, user: { readonly email: string }) => Promise<string | null> | string | null;
}

/** What became of a comparison. */
export interface PasswordMatch {
  readonly ok: boolean;
  /** The password was right, and its hash should be made anew. */
  readonly stale: boolean;
}

/** Passwords, whatever hasher made their hashes. */
export interface Passwords {
  /**
   * Checks a new password, and makes a hash of it.
   *
   * @throws TenantryError `password_refused`.
   */
  hash(password: unknown, user: { readonly email: string }): Promise<string>;
  /** Makes a hash of a password that was right, without checking it as a new one; null when the hasher cannot take it. */
  hashAgain(password: string): Promise<string | null>;
  /** Compares. Without a hash it takes as long as with one, and is never right. */
  verify(password: unknown, hash: string | null): Promise<PasswordMatch>;
  /** Tells whether any hasher knows a form of hash. */
  recognises(hash: string): boolean;
}

/** Makes what hashes and compares passwords. */
export function createPasswords({ hasher, others = [], minLength = 10, check }: PasswordsOptions = {}): Passwords {
  if (!Number.isInteger(minLength) || minLength < 1) {
    const problem = 'must be a whole number from 1';
    throw new TenantryError('config_invalid', { path: 'passwords.minLength', problem });
  }
  const own = [...(hasArgon2id() ? [argon2id()] : []), scrypt(), bcrypt()];
  const first = hasher ?? own[0] ?? scrypt();
  const all = [first, ...others, ...own];
  const inTurn = createTurns();
  let dummy: Promise<string> | undefined;

  /** A hash of today's cost for users who are not there: otherwise the time would tell who is. */
  function dummyHash(): Promise<string> {
    dummy ??= first.hash(randomBytes(18).toString('base64'));
    return dummy;
  }

  function normal(password: unknown): string | null {
    if (typeof password !== 'string' || password === '' || /\p{Surrogate}|\0/u.test(password)) return null;
    return password.normalize('NFC');
  }

  return {
    recognises: (hash) => all.some((one) => one.recognises(hash)),

    async hash(password, user) {
      const text = normal(password);
      const refused = (problem: string) => new TenantryError('password_refused', { problem });
      if (text === null) throw refused('must be a text');
      if ([...text].length < minLength) throw refused(`must have at least ${minLength} characters`);
      if (Buffer.byteLength(text) > first.maxBytes) throw refused(`must have at most ${first.maxBytes} bytes`);
      if (text.toLowerCase() === user.email.toLowerCase()) throw refused('must not be the mail address');
      const problem = await check?.(text, user);
      if (problem != null) throw refused(problem);
      return inTurn(() => first.hash(text));
    },

    async hashAgain(password) {
      const text = normal(password);
      return text === null || Buffer.byteLength(text) > first.maxBytes ? null : inTurn(() => first.hash(text));
    },

    async verify(password, hash) {
      // Everybody waits for the dummy, so that the first unknown user does not take twice as long.
      const nobody = await dummyHash();
      const text = normal(password);
      const known = hash === null ? undefined : all.find((one) => one.recognises(hash));
      if (text === null || hash === null || known === undefined || Buffer.byteLength(text) > known.maxBytes) {
        await inTurn(() => first.verify(text?.slice(0, 64) ?? '', nobody));
        return { ok: false, stale: false };
      }
      // Who stored the hash may not have composed the text.
      const raw = String(password);
      const ok = await inTurn(
        async () => (await known.verify(text, hash)) || (raw !== text && (await known.verify(raw, hash))),
      );
      return { ok, stale: ok && !(known === first && first.isCurrent(hash)) };
    },
  };
}
