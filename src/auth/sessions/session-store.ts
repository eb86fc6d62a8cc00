import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { AuthDatabase } from '../../database/auth-tables.ts';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import type { SessionEnd } from '../events.ts';
import type { Session } from './session.ts';

type SessionRow = Selectable<AuthDatabase['tenantry.sessions']>;

const columns = sql.raw(
  's.session_id, s.user_id, s.acting_tenant_id, s.created_at, s.last_used_at, s.expires_at, s.ended_at, s.ended_reason, s.ip, s.user_agent, s.impersonator_id, s.impersonation_reason',
);

/** A session to be, with its first refresh token. */
export interface NewSession extends Omit<Session, 'createdAt' | 'lastUsedAt' | 'endedAt' | 'endedReason'> {
  /** The impersonator's own session, with which it ends; null for one that is no impersonation. */
  readonly beganIn: string | null;
  readonly digest: string;
  readonly refreshExpiresAt: Date;
  readonly now: Date;
}

/** Makes a session of an active user with its first refresh token, in one statement; null when there is no such user. */
export async function insertSession(db: AnyDatabase, session: NewSession): Promise<Session | null> {
  const {
    sessionId,
    userId,
    tenantId,
    expiresAt,
    ip,
    userAgent,
    impersonator,
    beganIn,
    digest,
    refreshExpiresAt,
    now,
  } = session;
  const { rows } = await sql<SessionRow>`
    with s as (
      insert into tenantry.sessions (session_id, user_id, acting_tenant_id, created_at, last_used_at, expires_at, ip,
        user_agent, impersonator_id, impersonation_reason, impersonator_session_id)
      select ${sessionId}::uuid, u.user_id, ${tenantId}::uuid, ${now}::timestamptz, ${now}::timestamptz,
        ${expiresAt}::timestamptz, ${ip}::text, ${userAgent}::text, ${impersonator?.userId ?? null}::text,
        ${impersonator?.reason ?? null}::text, ${beganIn}::uuid
      from (select user_id from tenantry.users where user_id = ${userId} and status = 'active' for share) u
      returning *
    ), r as (
      insert into tenantry.refresh_tokens (digest, session_id, created_at, expires_at)
      select ${digest}, s.session_id, ${now}::timestamptz, ${refreshExpiresAt}::timestamptz from s
    )
    select ${columns} from s`.execute(libraryOf(db));
  return rows[0] === undefined ? null : sessionOf(rows[0]);
}

/** Lists the sessions of a user that are not over, the newest first. */
export async function listSessions(db: AnyDatabase, userId: string, now: Date): Promise<readonly Session[]> {
  const { rows } = await sql<SessionRow>`
    select ${columns} from tenantry.sessions s
    where s.user_id = ${userId} and s.ended_at is null and s.expires_at > ${now}::timestamptz
    order by s.created_at desc, s.session_id desc`.execute(libraryOf(db));
  return rows.map(sessionOf);
}

/** Reads a session. */
export async function findSession(db: AnyDatabase, sessionId: string): Promise<Session | null> {
  const { rows } = await sql<SessionRow>`
    select ${columns} from tenantry.sessions s where s.session_id = ${sessionId}::uuid`.execute(libraryOf(db));
  return rows[0] === undefined ? null : sessionOf(rows[0]);
}

/** Keeps a session from ending until the transaction does. */
export async function holdSession(tx: AnyDatabase, sessionId: string): Promise<void> {
  await sql`select 1 from tenantry.sessions where session_id = ${sessionId}::uuid for share`.execute(libraryOf(tx));
}

/** Which sessions are to end. With all of a user go those in which they act as another. */
export type SessionsOf = (
  | { readonly userId: string; readonly sessionId?: string; readonly except?: string }
  | { readonly sessionId: string }
) & {
  /** Those alone that act for this tenant. */
  readonly tenantId?: string;
};

/** A session that just ended. The tenant is null when it acted for none, or for one that is no more. */
export interface EndedSession {
  readonly sessionId: string;
  readonly userId: string;
  readonly tenantId: string | null;
}

/**
 * Ends sessions, and gives those that were not over before. What began in one of them, in which its user acts as another,
 * ends with it: that is looked for afterwards, so that one is seen that began while this waited.
 */
export async function endSessions(
  tx: AnyDatabase,
  which: SessionsOf,
  reason: SessionEnd,
  now: Date,
): Promise<readonly EndedSession[]> {
  const end = async (these: RawBuilder<boolean>): Promise<EndedSession[]> => {
    const { rows } = await sql<{ session_id: string; user_id: string; tenant_id: string | null }>`
      update tenantry.sessions s set ended_at = ${now}::timestamptz, ended_reason = ${reason}
      where s.ended_at is null and ${these}
      returning s.session_id, s.user_id,
        (select t.tenant_id from tenantry.tenants t where t.tenant_id = s.acting_tenant_id) as tenant_id`.execute(
      libraryOf(tx),
    );
    return rows.map((row) => ({ sessionId: row.session_id, userId: row.user_id, tenantId: row.tenant_id }));
  };
  const { tenantId } = which;
  const there = tenantId === undefined ? sql`` : sql`and s.acting_tenant_id = ${tenantId}::uuid`;
  const ended = await end(sql<boolean>`${meant(which)} ${there}`);
  if (ended.length === 0) return ended;
  const ids = ended.map(({ sessionId }) => sessionId);
  return [...ended, ...(await end(sql<boolean>`s.impersonator_session_id = any(${ids}::uuid[])`))];
}

function meant(which: SessionsOf): RawBuilder<boolean> {
  if (!('userId' in which)) return sql<boolean>`s.session_id = ${which.sessionId}::uuid`;
  const { userId, sessionId, tenantId, except } = which;
  const whole = sessionId === undefined && tenantId === undefined;
  return sql<boolean>`${whole ? sql`(s.user_id = ${userId} or s.impersonator_id = ${userId})` : sql`s.user_id = ${userId}`}
    ${sessionId === undefined ? sql`` : sql`and s.session_id = ${sessionId}::uuid`}
    ${except === undefined ? sql`` : sql`and s.session_id <> ${except}::uuid`}`;
}

function sessionOf(row: SessionRow): Session {
  return {
    sessionId: row.session_id,
    userId: row.user_id,
    tenantId: row.acting_tenant_id,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
    endedAt: row.ended_at,
    endedReason: isEnd(row.ended_reason) ? row.ended_reason : null,
    ip: row.ip,
    userAgent: row.user_agent,
    impersonator:
      row.impersonator_id === null ? null : { userId: row.impersonator_id, reason: row.impersonation_reason ?? '' },
  };
}

function isEnd(reason: string | null): reason is SessionEnd {
  return reason !== null;
}
