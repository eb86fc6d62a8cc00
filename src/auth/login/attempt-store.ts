import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';

/** From how many tries on, and for how long, a bucket is closed. */
export interface BucketRule {
  /** So many tries cost nothing. */
  readonly free: number;
  /** Seconds after the first try beyond; doubled with each. */
  readonly first: number;
  /** The most seconds. */
  readonly longest: number;
}

/** A try to log in. */
export interface Attempt {
  /** Of the user and the address together. */
  readonly pair: string;
  /** Of the address, whoever tries; null where it is not known. */
  readonly address: string | null;
  readonly rules: { readonly pair: BucketRule; readonly address: BucketRule };
  readonly now: Date;
  /** Failures before this moment are forgotten. */
  readonly since: Date;
  /** Whoever logged in from the address after this moment is not held up by what others do there. */
  readonly knownSince: Date;
}

/**
 * Counts a try as failed before the password is looked at, in one statement, so that a hundred at the same moment are a
 * hundred tries. Null: go on. Otherwise the moment until which no try is taken; that one was not counted.
 */
export async function countAttempt(db: AnyDatabase, attempt: Attempt): Promise<Date | null> {
  const { pair, address, rules, now, since, knownSince } = attempt;
  const raised = (rule: BucketRule) => {
    const failures = sql`(case when a.last_at < ${since}::timestamptz then 0 else a.failures end + 1)`;
    const beyond = sql`least(greatest(${failures} - ${rule.free}::integer, 0), 30)`;
    return sql`failures = ${failures}, last_at = ${now}::timestamptz,
      blocked_until = ${now}::timestamptz + case when ${beyond} = 0 then interval '0' else
        least(${rule.first}::float8 * 2 ^ (${beyond} - 1), ${rule.longest}::float8) * interval '1 second' end`;
  };
  const { rows } = await sql<{ counted: boolean; until: Date | null }>`
    with before as materialized (
      select p.blocked_until as pair_until,
        case when p.succeeded_at > ${knownSince}::timestamptz then null else b.blocked_until end as address_until
      from (select 1) one
        left join tenantry.login_attempts p on p.bucket = ${pair}
        left join tenantry.login_attempts b on b.bucket = ${address}::text
    ), pair as (
      insert into tenantry.login_attempts as a (bucket, failures, last_at, blocked_until)
      select ${pair}, 1, ${now}::timestamptz, ${now}::timestamptz from before
      where address_until is null or address_until <= ${now}::timestamptz
      on conflict (bucket) do update set ${raised(rules.pair)} where a.blocked_until <= ${now}::timestamptz
      returning a.bucket
    ), address as (
      insert into tenantry.login_attempts as a (bucket, failures, last_at, blocked_until)
      select ${address}::text, 1, ${now}::timestamptz, ${now}::timestamptz from pair where ${address}::text is not null
      on conflict (bucket) do update set ${raised(rules.address)}
      returning a.bucket
    )
    select exists (select 1 from pair) as counted, greatest(b.pair_until, b.address_until) as until
    from before b left join address on true`.execute(libraryOf(db));
  const row = rows[0];
  if (row?.counted === true) return null;
  // Somebody else closed the bucket in this very moment.
  return row?.until != null && row.until > now ? row.until : new Date(now.getTime() + rules.pair.first * 1000);
}

/** Takes a try back that succeeded: the pair begins anew, and the address has one failure less. */
export async function clearAttempt(
  db: AnyDatabase,
  { pair, address, now }: Pick<Attempt, 'pair' | 'address' | 'now'>,
): Promise<void> {
  await sql`
    with pair as (
      update tenantry.login_attempts set failures = 0, blocked_until = ${now}::timestamptz, succeeded_at = ${now}::timestamptz
      where bucket = ${pair} returning bucket
    )
    update tenantry.login_attempts a set failures = greatest(a.failures - 1, 0)
    from pair where a.bucket = ${address}::text`.execute(libraryOf(db));
}
