import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { EmailAddress } from '../../core/email.ts';
import type { AuthDatabase } from '../../database/auth-tables.ts';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import type { User } from './user.ts';

/** A row of `tenantry.users`. */
type UserRow = Selectable<AuthDatabase['tenantry.users']>;

const columns = sql.raw('u.user_id, u.email, u.email_key, u.name, u.status, u.email_verified_at, u.created_at');

/** A user to be. */
export interface NewUser {
  readonly userId: string;
  readonly email: EmailAddress;
  readonly name: string | null;
  readonly verified: boolean;
  /** Null: no password. */
  readonly hash: string | null;
  readonly now: Date;
}

/** Makes a user with the password, in one statement; null when the address or the id is another's. */
export async function insertUser(
  db: AnyDatabase,
  { userId, email, name, verified, hash, now }: NewUser,
): Promise<User | null> {
  const { rows } = await sql<UserRow>`
    with u as (
      insert into tenantry.users (user_id, email, email_key, name, email_verified_at, created_at, updated_at)
      values (${userId}, ${email.given}, ${email.key}, ${name}, ${verified ? now : null}::timestamptz,
        ${now}::timestamptz, ${now}::timestamptz)
      on conflict do nothing returning *
    ), p as (
      insert into tenantry.user_passwords (user_id, hash, changed_at)
      select u.user_id, ${hash}::text, ${now}::timestamptz from u where ${hash}::text is not null
    )
    select ${columns} from u`.execute(libraryOf(db));
  return rows[0] === undefined ? null : userOf(rows[0]);
}

/** Reads a user. */
export async function findUser(db: AnyDatabase, by: UserKey): Promise<User | null> {
  const { rows } = await sql<UserRow>`select ${columns} from tenantry.users u where ${meant(by)}`.execute(
    libraryOf(db),
  );
  return rows[0] === undefined ? null : userOf(rows[0]);
}

/** Reads several users, in one statement. */
export async function findUsers(db: AnyDatabase, userIds: readonly string[]): Promise<readonly User[]> {
  const { rows } = await sql<UserRow>`
    select ${columns} from tenantry.users u where u.user_id = any(${sql.val([...userIds])}::text[])`.execute(
    libraryOf(db),
  );
  return rows.map(userOf);
}

/** Reads a user with the hash of the password; a hash of null is of who has none. */
export async function findWithHash(
  db: AnyDatabase,
  by: UserKey,
): Promise<{ readonly user: User; readonly hash: string | null } | null> {
  const { rows } = await sql<UserRow & { hash: string | null }>`
    select ${columns}, p.hash from tenantry.users u left join tenantry.user_passwords p on p.user_id = u.user_id
    where ${meant(by)}`.execute(libraryOf(db));
  return rows[0] === undefined ? null : { user: userOf(rows[0]), hash: rows[0].hash };
}

/** What of a user is to be set; what is left out stays. */
export interface UserPatch {
  readonly name?: string | null;
  readonly status?: User['status'];
  /** The address was shown to be theirs. */
  readonly verified?: boolean;
}

/** Sets values of a user, and tells whether anything changed; null when there is no such user. */
export async function updateUser(
  db: AnyDatabase,
  userId: string,
  { name, status, verified = false }: UserPatch,
  now: Date,
): Promise<{ readonly user: User; readonly changed: boolean } | null> {
  const { rows } = await sql<UserRow & { changed: boolean }>`
    with was as materialized (
      select * from tenantry.users where user_id = ${userId} for no key update
    ), u as (
      update tenantry.users n set
        name = ${name === undefined ? sql`n.name` : sql`${name}::text`},
        status = coalesce(${status ?? null}::text, n.status),
        email_verified_at = case when ${verified}::boolean then coalesce(n.email_verified_at, ${now}::timestamptz)
          else n.email_verified_at end,
        updated_at = ${now}::timestamptz
      from was where n.user_id = was.user_id
      returning n.*, (was.name, was.status, was.email_verified_at)
        is distinct from (n.name, n.status, n.email_verified_at) as changed
    )
    select ${columns}, u.changed from u`.execute(libraryOf(db));
  return rows[0] === undefined ? null : { user: userOf(rows[0]), changed: rows[0].changed };
}

/** Gives a user another address, which is verified; `taken` when another has it, null when there is no such user. */
export async function updateEmail(
  db: AnyDatabase,
  userId: string,
  email: Pick<EmailAddress, 'given' | 'key'>,
  now: Date,
): Promise<{ readonly user: User; readonly previousEmail: string } | 'taken' | null> {
  const { rows } = await sql<UserRow & { previous: string; done: boolean }>`
    with was as materialized (
      select * from tenantry.users where user_id = ${userId} for no key update
    ), u as (
      update tenantry.users n set email = ${email.given}, email_key = ${email.key},
        email_verified_at = ${now}::timestamptz, updated_at = ${now}::timestamptz
      from was where n.user_id = was.user_id
        and not exists (select 1 from tenantry.users x where x.email_key = ${email.key} and x.user_id <> was.user_id)
      returning n.*
    )
    select ${columns}, was.email as previous, true as done from u join was on true
    union all
    select ${columns}, u.email, false from was u where not exists (select 1 from u)`.execute(libraryOf(db));
  const row = rows[0];
  if (row === undefined) return null;
  return row.done ? { user: userOf(row), previousEmail: row.previous } : 'taken';
}

/** Deletes a user, with all that lets them in. */
export async function deleteUser(db: AnyDatabase, userId: string): Promise<boolean> {
  const { rows } = await sql`delete from tenantry.users where user_id = ${userId} returning 1`.execute(libraryOf(db));
  return rows.length > 0;
}

/**
 * Sets the hash of a password. With `instead` only in place of that very hash: somebody may have changed the password
 * meanwhile. False when it was not set.
 */
export async function setHash(
  db: AnyDatabase,
  {
    userId,
    hash,
    instead,
    now,
  }: { readonly userId: string; readonly hash: string; readonly instead?: string; readonly now: Date },
): Promise<boolean> {
  const { rows } =
    instead === undefined
      ? await sql`
          insert into tenantry.user_passwords (user_id, hash, changed_at)
          select user_id, ${hash}, ${now}::timestamptz from tenantry.users where user_id = ${userId}
          on conflict (user_id) do update set hash = excluded.hash, changed_at = excluded.changed_at
          returning 1`.execute(libraryOf(db))
      : await sql`
          update tenantry.user_passwords set hash = ${hash} where user_id = ${userId} and hash = ${instead}
          returning 1`.execute(libraryOf(db));
  return rows.length > 0;
}

/** A user by the id, or by an address in the form in which they are compared. */
export type UserKey = { readonly userId: string } | { readonly emailKey: string };

function meant(by: UserKey): RawBuilder<boolean> {
  return 'userId' in by ? sql<boolean>`u.user_id = ${by.userId}` : sql<boolean>`u.email_key = ${by.emailKey}`;
}

/** The user of a row. */
function userOf(row: Omit<UserRow, 'email_key' | 'updated_at'>): User {
  return {
    userId: row.user_id,
    email: row.email,
    name: row.name,
    status: row.status,
    emailVerifiedAt: row.email_verified_at,
    createdAt: row.created_at,
  };
}
