import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import type { JsonWebKey } from './json-web-key.ts';

/** A signing key as it is stored. */
export interface StoredKey {
  readonly kid: string;
  readonly publicKey: JsonWebKey;
  /** Sealed. */
  readonly privateKey: string;
  readonly signsFrom: Date;
  readonly endsAt: Date | null;
}

/** Reads the keys that are not over: the newest first. */
export async function listKeys(db: AnyDatabase, now: Date): Promise<readonly StoredKey[]> {
  const { rows } = await sql<{
    kid: string;
    public_key: JsonWebKey;
    private_key: string;
    signs_from: Date;
    ends_at: Date | null;
  }>`select kid, public_key, private_key, signs_from, ends_at from tenantry.signing_keys
    where ends_at is null or ends_at > ${now}::timestamptz order by signs_from desc, kid`.execute(libraryOf(db));
  return rows.map((row) => ({
    kid: row.kid,
    publicKey: row.public_key,
    privateKey: row.private_key,
    signsFrom: row.signs_from,
    endsAt: row.ends_at,
  }));
}

/**
 * Adds a key and gives those before it an end, in one statement. With `onlyFirst` it adds nothing where a key is that has
 * no end.
 */
export async function addKey(
  db: AnyDatabase,
  {
    kid,
    publicKey,
    privateKey,
    signsFrom,
    othersEnd,
    onlyFirst,
    now,
  }: Omit<StoredKey, 'endsAt'> & { readonly othersEnd: Date; readonly onlyFirst: boolean; readonly now: Date },
): Promise<void> {
  await sql`
    with added as (
      insert into tenantry.signing_keys (kid, public_key, private_key, created_at, signs_from)
      select ${kid}, ${JSON.stringify(publicKey)}::jsonb, ${privateKey}, ${now}::timestamptz, ${signsFrom}::timestamptz
      where not (${onlyFirst}::boolean and exists (select 1 from tenantry.signing_keys where ends_at is null))
      returning kid
    )
    update tenantry.signing_keys k set ends_at = ${othersEnd}::timestamptz
    where k.ends_at is null and exists (select 1 from added) and k.kid <> ${kid}`.execute(libraryOf(db));
}

/** Ends a key at once; false when there is none. */
export async function endKey(db: AnyDatabase, kid: string, now: Date): Promise<boolean> {
  const { rows } = await sql`
    update tenantry.signing_keys set ends_at = ${now}::timestamptz
    where kid = ${kid} and (ends_at is null or ends_at > ${now}::timestamptz) returning 1`.execute(libraryOf(db));
  return rows.length > 0;
}
