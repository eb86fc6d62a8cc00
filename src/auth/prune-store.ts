import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';

const day = 86_400_000;

/** Deletes what is over for a week or more and tells nobody anything: sessions, tokens, counted tries, ended keys. */
export async function prune(db: AnyDatabase, now: Date): Promise<{ readonly rows: number }> {
  const before = new Date(now.getTime() - 7 * day);
  const known = new Date(now.getTime() - 30 * day);
  const { rows } = await sql<{ rows: number }>`
    with sessions as (
      delete from tenantry.sessions where ended_at < ${before}::timestamptz or expires_at < ${before}::timestamptz returning 1
    ), tokens as (
      delete from tenantry.user_tokens where expires_at < ${before}::timestamptz returning 1
    ), refreshes as (
      delete from tenantry.refresh_tokens where expires_at < ${before}::timestamptz returning 1
    ), attempts as (
      delete from tenantry.login_attempts where last_at < ${before}::timestamptz
        and (succeeded_at is null or succeeded_at < ${known}::timestamptz) returning 1
    ), keys as (
      delete from tenantry.signing_keys where ends_at < ${before}::timestamptz returning 1
    )
    select ((select count(*) from sessions) + (select count(*) from tokens) + (select count(*) from refreshes)
      + (select count(*) from attempts) + (select count(*) from keys))::integer as rows`.execute(libraryOf(db));
  return { rows: rows[0]?.rows ?? 0 };
}
