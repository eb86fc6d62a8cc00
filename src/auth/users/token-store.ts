import { sql } from 'kysely';
import type { EmailAddress } from '../../core/email.ts';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';

/** What a token that was sent by mail is for. */
export type TokenPurpose = 'verify' | 'reset' | 'change';

/** A token to be sent. */
export interface NewToken {
  readonly digest: string;
  readonly purpose: TokenPurpose;
  readonly userId: string;
  readonly email: Pick<EmailAddress, 'given' | 'key'>;
  readonly now: Date;
  readonly expiresAt: Date;
  /** None is made while there is one that was made after this moment: else one could flood an address with mails. */
  readonly unlessSince: Date;
}

/**
 * Makes a token in place of the one before it for the same purpose; false when there is a new one already. The index of
 * tokens that are open has one place for each user and purpose, so of many at the same moment one is made.
 */
export async function putToken(db: AnyDatabase, token: NewToken): Promise<boolean> {
  const { digest, purpose, userId, email, now, expiresAt, unlessSince } = token;
  const { rows } = await sql`
    insert into tenantry.user_tokens as t (digest, purpose, user_id, email, email_key, created_at, expires_at)
    select ${digest}, ${purpose}, u.user_id, ${email.given}, ${email.key}, ${now}::timestamptz, ${expiresAt}::timestamptz
    from tenantry.users u where u.user_id = ${userId}
    on conflict (user_id, purpose) where used_at is null do update
    set digest = excluded.digest, email = excluded.email, email_key = excluded.email_key,
      created_at = excluded.created_at, expires_at = excluded.expires_at
    where t.created_at <= ${unlessSince}::timestamptz or t.email_key <> excluded.email_key
    returning 1`.execute(libraryOf(db));
  return rows.length > 0;
}

/** Why a token that was sent by mail does not open. */
export type MailTokenDenial = 'not_found' | 'expired' | 'used';

/** Whose a token is, and which address it proves. */
export interface FoundToken {
  readonly userId: string;
  readonly email: { readonly given: string; readonly key: string };
}

interface Row {
  user_id: string;
  email: string;
  email_key: string;
  expires_at: Date;
  used_at: Date | null;
}

/** Reads a token, and uses nothing. */
export async function peekToken(
  db: AnyDatabase,
  purpose: TokenPurpose,
  digest: string,
  now: Date,
): Promise<FoundToken | MailTokenDenial> {
  const { rows } = await sql<Row>`
    select user_id, email, email_key, expires_at, used_at from tenantry.user_tokens
    where digest = ${digest} and purpose = ${purpose}`.execute(libraryOf(db));
  const row = rows[0];
  if (row === undefined) return 'not_found';
  if (row.used_at !== null) return 'used';
  return row.expires_at <= now ? 'expired' : found(row);
}

/** Uses a token up, once however many try at the same moment. */
export async function useToken(
  db: AnyDatabase,
  purpose: TokenPurpose,
  digest: string,
  now: Date,
): Promise<FoundToken | MailTokenDenial> {
  const { rows } = await sql<Row>`
    update tenantry.user_tokens set used_at = ${now}::timestamptz
    where digest = ${digest} and purpose = ${purpose} and used_at is null and expires_at > ${now}::timestamptz
    returning user_id, email, email_key, expires_at, used_at`.execute(libraryOf(db));
  if (rows[0] !== undefined) return found(rows[0]);
  const why = await peekToken(db, purpose, digest, now);
  return typeof why === 'string' ? why : 'used';
}

/** Takes tokens of a user away that were not used. */
export async function dropTokens(db: AnyDatabase, userId: string, purposes: readonly TokenPurpose[]): Promise<void> {
  await sql`
    delete from tenantry.user_tokens where user_id = ${userId} and purpose = any(${sql.val([...purposes])}::text[])
      and used_at is null`.execute(libraryOf(db));
}

function found(row: Row): FoundToken {
  return { userId: row.user_id, email: { given: row.email, key: row.email_key } };
}
