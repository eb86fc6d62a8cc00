import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';

/** The session of a refresh token, as it stands. */
export interface RefreshTarget {
  readonly sessionId: string;
  readonly userId: string;
  readonly tenantId: string | null;
  readonly expiresAt: Date;
  readonly impersonatorId: string | null;
  readonly ended: boolean;
  /** When the token was used; null: it is good. */
  readonly usedAt: Date | null;
}

/** Finds the session of a refresh token, whatever became of both. */
export async function findByRefresh(db: AnyDatabase, digest: string): Promise<RefreshTarget | null> {
  const { rows } = await sql<{
    session_id: string;
    user_id: string;
    acting_tenant_id: string | null;
    expires_at: Date;
    impersonator_id: string | null;
    ended: boolean;
    used_at: Date | null;
  }>`select s.session_id, s.user_id, s.acting_tenant_id, s.expires_at, s.impersonator_id, s.ended_at is not null as ended,
      r.used_at
    from tenantry.refresh_tokens r join tenantry.sessions s on s.session_id = r.session_id
    where r.digest = ${digest}`.execute(libraryOf(db));
  const row = rows[0];
  if (row === undefined) return null;
  return {
    sessionId: row.session_id,
    userId: row.user_id,
    tenantId: row.acting_tenant_id,
    expiresAt: row.expires_at,
    impersonatorId: row.impersonator_id,
    ended: row.ended,
    usedAt: row.used_at,
  };
}

/** A refresh token that is shown, and the one that is to follow it. */
export interface Rotation {
  readonly digest: string;
  readonly sessionId: string;
  readonly next: string;
  readonly nextExpiresAt: Date;
  /** The tenant that the session acts for from now on. */
  readonly tenantId: string | null;
  readonly now: Date;
  /** A token that was used after this moment is still in its time of grace. */
  readonly graceSince: Date;
}

/** What became of a refresh token. */
export type RotationVerdict = 'rotated' | 'again' | 'reused' | 'ended' | 'expired' | 'user_suspended' | 'not_found';

/**
 * Uses a refresh token and gives the session the next one, in one statement. The session is locked first, so all who show
 * a token of it come one after the other and see what the one before did. Whoever comes again within the grace is given a
 * child of the family too; after it the verdict is `reused`, and nothing is given. A token of which a sibling was used
 * counts as used at that moment: of several that were given within the grace one goes on.
 */
export async function rotateRefresh(
  db: AnyDatabase,
  { digest, sessionId, next, nextExpiresAt, tenantId, now, graceSince }: Rotation,
): Promise<RotationVerdict> {
  const { rows } = await sql<{ verdict: RotationVerdict }>`
    with s as materialized (
      select s.session_id, s.ended_at, s.expires_at, u.status
      from tenantry.sessions s join tenantry.users u on u.user_id = s.user_id
      where s.session_id = ${sessionId}::uuid for no key update of s
    ), r as materialized (
      select t.digest, t.parent, t.used_at, t.expires_at from s
      join tenantry.refresh_tokens t on t.session_id = s.session_id
      where t.session_id = ${sessionId}::uuid and t.digest = ${digest} for no key update of t
    ), judged as materialized (
      select case
          when s.ended_at is not null then 'ended'
          when s.expires_at <= ${now}::timestamptz then 'expired'
          when r.used_at is not null and r.used_at <= ${graceSince}::timestamptz then 'reused'
          when s.status <> 'active' then 'user_suspended'
          when r.used_at is not null then 'again'
          when r.expires_at <= ${now}::timestamptz then 'expired'
          else 'rotated'
        end as verdict, r.digest, r.parent
      from s join r on true
    ), used as (
      update tenantry.refresh_tokens t set used_at = ${now}::timestamptz
      from judged j
      where j.verdict = 'rotated' and t.session_id = ${sessionId}::uuid and t.used_at is null
        and (t.digest = j.digest or t.parent = j.parent)
    ), touched as (
      update tenantry.sessions n set last_used_at = ${now}::timestamptz, acting_tenant_id = ${tenantId}::uuid
      from judged j where n.session_id = ${sessionId}::uuid and j.verdict in ('rotated', 'again')
    ), added as (
      insert into tenantry.refresh_tokens (digest, session_id, parent, created_at, expires_at)
      select ${next}, ${sessionId}::uuid, j.digest, ${now}::timestamptz, ${nextExpiresAt}::timestamptz
      from judged j where j.verdict in ('rotated', 'again')
    )
    select verdict from judged`.execute(libraryOf(db));
  return rows[0]?.verdict ?? 'not_found';
}

/** Reads the role of a membership and its version; null when it is over. */
export async function readMembership(
  db: AnyDatabase,
  tenantId: string,
  memberId: string,
): Promise<{ readonly role: string; readonly version: number } | null> {
  const { rows } = await sql<{ role: string; revision: string | number | bigint }>`
    select m.role, m.revision from tenantry.members m
    where m.tenant_id = ${tenantId}::uuid and m.id = ${memberId}::uuid and m.status = 'active'`.execute(libraryOf(db));
  const row = rows[0];
  return row === undefined ? null : { role: row.role, version: Number(row.revision) };
}

/** How what a token names stands now. */
export interface TokenStanding {
  readonly session: boolean;
  readonly user: 'active' | 'suspended' | null;
  /** False when the membership is over or another than when the token was made; true when the token names none. */
  readonly member: boolean;
}

/**
 * Reads in one statement whether what an access token names still stands. A membership in a tenant that moved in a
 * re-tenanting is not compared: the tenant's id leads elsewhere, and the gate asks what the user may do there.
 */
export async function readStanding(
  db: AnyDatabase,
  claims: {
    readonly userId: string;
    readonly sessionId: string | null;
    readonly tenantId: string | null;
    readonly member: { readonly id: string; readonly version: number } | null;
  },
  now: Date,
): Promise<TokenStanding> {
  const { userId, sessionId, tenantId, member } = claims;
  const { rows } = await sql<{ session: boolean; status: 'active' | 'suspended' | null; member: boolean }>`
    select
      ${
        sessionId === null
          ? sql`true`
          : sql`exists (select 1 from tenantry.sessions s
              left join tenantry.users a on a.user_id = s.impersonator_id
              where s.session_id = ${sessionId}::uuid and s.user_id = ${userId} and s.ended_at is null
                and s.expires_at > ${now}::timestamptz and a.status is distinct from 'suspended')`
      } as session,
      (select u.status from tenantry.users u where u.user_id = ${userId}) as status,
      ${
        member === null || tenantId === null
          ? sql`true`
          : sql`(exists (select 1 from tenantry.members m where m.tenant_id = ${tenantId}::uuid and m.id = ${member.id}::uuid
                and m.user_id = ${userId} and m.status = 'active' and m.revision = ${member.version}::bigint)
              or exists (select 1 from tenantry.tenants t where t.tenant_id = ${tenantId}::uuid and t.status = 'moved'))`
      } as member`.execute(libraryOf(db));
  const row = rows[0];
  return { session: row?.session ?? false, user: row?.status ?? null, member: row?.member ?? false };
}
