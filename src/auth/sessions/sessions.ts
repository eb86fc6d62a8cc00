import { isUuid, opaqueId } from '../../core/index.ts';
import type { AnyDatabase, CallOptions } from '../../database/index.ts';
import type { SessionEnd } from '../events.ts';
import type { ActOptions, Toolbox } from '../toolbox.ts';
import { type AuthTenancy, actingOf, type TenantDenial } from './acting.ts';
import { createRefresh, type RefreshResult } from './refresh.ts';
import { findByRefresh } from './refresh-store.ts';
import type { IssuedTokens, Session, SessionOrigin } from './session.ts';
import { endSessions, findSession, insertSession, listSessions, type SessionsOf } from './session-store.ts';
import type { SessionsOptions, Subject, TokenIssuer } from './token-issuer.ts';

/** A session that began, with its first tokens; or why none did. */
export type StartResult =
  | { readonly ok: true; readonly session: Session; readonly tokens: IssuedTokens }
  | { readonly ok: false; readonly reason: 'user_suspended' | TenantDenial };

/** Sessions of users. */
export interface Sessions {
  /**
   * Starts a session of a user whom the application recognised by other means, such as a single sign-on. Without a tenant
   * it acts for the one that the user may act for, and for none where there are several.
   */
  start(
    input: { readonly userId: string; readonly tenantId?: string } & SessionOrigin,
    options?: CallOptions,
  ): Promise<StartResult>;
  /**
   * Gives the next tokens for a refresh token, which is used up. Shown again within the grace it gives others of the same
   * session, so that nobody who lost a race is logged out; after it the session ends (`reused`), since two parties hold
   * its tokens. The membership is looked at anew.
   */
  refresh(input: { readonly refreshToken: string }, options?: CallOptions): Promise<RefreshResult>;
  /** Gives the next tokens, for another tenant. When the user may not act for that one, the token stays good. */
  switchTenant(
    input: { readonly refreshToken: string; readonly tenantId: string },
    options?: CallOptions,
  ): Promise<RefreshResult>;
  /** Reads a session, also one that is over; null when there is none. */
  get(sessionId: string, options?: CallOptions): Promise<Session | null>;
  /** Lists the sessions of a user that are not over, the newest first. */
  list(userId: string, options?: CallOptions): Promise<readonly Session[]>;
  /**
   * Ends the session of a refresh token: a log-out. What began in it, in which the user acts as another, ends with it,
   * here and wherever a session ends. False when it was over, or there is none.
   */
  logOut(input: { readonly refreshToken: string }, options?: CallOptions): Promise<boolean>;
  /** Ends one session of a user; its access tokens are refused from then on. False when it was over, or is not the user's. */
  end(input: { readonly userId: string; readonly sessionId: string }, options?: ActOptions): Promise<boolean>;
  /** Ends all sessions of a user, or all but one, or those that act for one tenant; gives how many. */
  endAll(
    input: { readonly userId: string; readonly except?: string; readonly tenantId?: string },
    options?: ActOptions,
  ): Promise<number>;
}

/** Sessions as other parts of the module use them. */
export interface SessionsInside extends Sessions {
  /** Starts a session within a transaction; its tokens are signed afterwards. */
  readonly startWithin: (input: StartInput, tx: AnyDatabase) => Promise<Started | Extract<StartResult, { ok: false }>>;
  readonly signed: (
    started: Started | Extract<StartResult, { ok: false }>,
    options: CallOptions | undefined,
  ) => Promise<StartResult>;
  readonly endWithin: (which: SessionsOf, reason: SessionEnd, tx: AnyDatabase, options?: ActOptions) => Promise<number>;
}

/** A session that was started, before its tokens are signed. */
export interface Started {
  readonly ok: true;
  readonly session: Session;
  readonly subject: Subject;
  readonly refresh: ReturnType<TokenIssuer['newRefresh']>;
}

/** What a session begins with. */
export interface StartInput extends SessionOrigin {
  readonly userId: string;
  readonly tenantId?: string | undefined;
  /** Milliseconds after which it ends, whatever happens. */
  readonly lifetime?: number;
  readonly impersonator?: Session['impersonator'];
  /** The impersonator's own session, with which it ends. */
  readonly beganIn?: string;
}

/** Makes the sessions. */
export function createSessions(
  toolbox: Toolbox,
  tenancy: AuthTenancy | undefined,
  issuer: TokenIssuer,
  hooks: Pick<SessionsOptions, 'onTokenReused'>,
): SessionsInside {
  const { db, clock, ids, changing, publish } = toolbox;

  const startWithin: SessionsInside['startWithin'] = async (input, tx) => {
    const { userId, tenantId = null, ip, userAgent, impersonator = null, beganIn = null } = input;
    const { lifetime = issuer.lifetimes.session } = input;
    const acting = await actingOf(toolbox, tenancy, { userId, tenantId }, { db: tx });
    if (typeof acting === 'string') return { ok: false, reason: acting };
    const now = clock();
    const expiresAt = new Date(now.getTime() + lifetime);
    const refresh = issuer.newRefresh(now, expiresAt);
    const session = await insertSession(tx, {
      sessionId: ids(),
      userId,
      tenantId: acting.tenantId,
      expiresAt,
      ip: shortened(ip, 64),
      userAgent: shortened(userAgent, 512),
      impersonator,
      beganIn,
      digest: refresh.digest,
      refreshExpiresAt: refresh.expiresAt,
      now,
    });
    if (session === null) return { ok: false, reason: 'user_suspended' };
    const { sessionId } = session;
    const subject = {
      userId,
      sessionId,
      ...acting,
      impersonator: impersonator === null ? null : { userId: impersonator.userId },
    };
    if (impersonator === null) {
      await publish(acting.tenantId, { name: 'session.started', data: { userId, sessionId } }, tx, { userId });
    }
    return { ok: true, session, subject, refresh };
  };

  const signed: SessionsInside['signed'] = async (started, options) => {
    if (!started.ok) return started;
    const { session, subject, refresh } = started;
    return { ok: true, session, tokens: await issuer.pair(subject, refresh, session.expiresAt, options) };
  };

  const endWithin: SessionsInside['endWithin'] = async (which, reason, tx, options) => {
    const ended = await endSessions(tx, which, reason, clock());
    for (const { sessionId, userId, tenantId } of ended) {
      await publish(tenantId, { name: 'session.ended', data: { userId, sessionId, reason } }, tx, options?.by);
    }
    return ended.length;
  };

  const refresh = createRefresh(toolbox, tenancy, issuer, { ...hooks, endWithin });

  return {
    startWithin,
    signed,
    endWithin,

    async start({ userId, ...input }, options) {
      const user = opaqueId('userId', userId);
      return signed(await changing(options, (tx) => startWithin({ ...input, userId: user }, tx)), options);
    },

    refresh: ({ refreshToken }, options) => refresh(refreshToken, undefined, options),
    switchTenant: ({ refreshToken, tenantId }, options) => refresh(refreshToken, tenantId, options),

    get: async (sessionId, options) => (isUuid(sessionId) ? findSession(options?.db ?? db, sessionId) : null),

    list: async (userId, options) => listSessions(options?.db ?? db, opaqueId('userId', userId), clock()),

    async logOut({ refreshToken }, options) {
      const digest = issuer.digestOf(refreshToken);
      if (digest === null) return false;
      return changing(options, async (tx) => {
        const found = await findByRefresh(tx, digest);
        if (found === null) return false;
        const by = { userId: found.impersonatorId ?? found.userId };
        return (await endWithin({ sessionId: found.sessionId }, 'logout', tx, { by })) > 0;
      });
    },

    async end({ userId, sessionId }, options) {
      const user = opaqueId('userId', userId);
      if (!isUuid(sessionId)) return false;
      return changing(options, async (tx) => {
        return (await endWithin({ userId: user, sessionId }, 'revoked', tx, options)) > 0;
      });
    },

    async endAll({ userId, except, tenantId }, options) {
      const user = opaqueId('userId', userId);
      if (tenantId !== undefined && !isUuid(tenantId)) return 0;
      const which = {
        userId: user,
        ...(isUuid(except) && { except }),
        ...(tenantId !== undefined && { tenantId }),
      };
      return changing(options, (tx) => endWithin(which, 'revoked', tx, options));
    },
  };
}

/** What a client says of itself, as far as it can be stored. */
function shortened(text: string | undefined, most: number): string | null {
  if (typeof text !== 'string') return null;
  const plain = text.replaceAll(/[\p{Cc}\p{Surrogate}]/gu, ' ').trim();
  return plain === '' ? null : [...plain].slice(0, most).join('');
}
