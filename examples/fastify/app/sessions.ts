import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IssuedTokens, TokenClaims } from 'tenantry/auth';
import { clearCookie, readCookie, writeCookie } from './cookies.ts';
import type { Receptionist } from './receptionist.ts';

/** Who looks at a page. */
export type Visitor = Pick<TokenClaims, 'userId' | 'tenantId' | 'impersonator'> & { readonly sessionId: string };

/** The sessions of browsers. */
export interface Sessions {
  /**
   * Finds out who comes, and hands the access token to the gate. What is over is refreshed on the way, so that a session
   * ends when it ends, and a role that was taken is gone with the next click.
   */
  open(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** Whom the request acts as: the user, or the one as whom a super admin acts. */
  visitorOf(request: FastifyRequest): Visitor | null;
  /** Who sits there, whomever they act as. */
  ownOf(request: FastifyRequest): Visitor | null;
  /** Begins a session of the visitor's own, and ends acting as somebody. */
  begin(reply: FastifyReply, tokens: IssuedTokens): void;
  /** Begins to act as somebody. */
  act(reply: FastifyReply, tokens: IssuedTokens): void;
  /** Ends acting as somebody. */
  endActing(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** Ends all of it. */
  logOut(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** Goes on for another organization; false where the visitor is no member of it. */
  switchTenant(request: FastifyRequest, reply: FastifyReply, tenantId: string): Promise<boolean>;
}

const ownCookie = 'session';
const actingCookie = 'acting';

/** Makes the sessions. Both tokens stand in one cookie each, which no script reads. */
export function createSessions({ auth }: Pick<Receptionist, 'auth'>, origin: string): Sessions {
  const secure = origin.startsWith('https:');
  const visits = new WeakMap<FastifyRequest, { readonly own: Visitor | null; readonly acting: Visitor | null }>();

  const write = (reply: FastifyReply, name: string, tokens: IssuedTokens): void =>
    writeCookie(reply, name, `${tokens.accessToken}~${tokens.refreshToken}`, {
      secure,
      expires: tokens.refreshExpiresAt,
    });

  const refreshTokenOf = (request: FastifyRequest, name: string): string | undefined =>
    readCookie(request, name)?.split('~')[1];

  /** Reads one of the two sessions. */
  async function read(request: FastifyRequest, reply: FastifyReply, name: string) {
    const [given = '', refreshToken = ''] = readCookie(request, name)?.split('~') ?? [];
    if (given === '') return null;
    let accessToken = given;
    let verified = await auth.authenticate(accessToken);
    if (!verified.ok && (verified.reason === 'expired' || verified.reason === 'membership_changed')) {
      const refreshed = await auth.sessions.refresh({ refreshToken });
      if (refreshed.ok) {
        accessToken = refreshed.tokens.accessToken;
        write(reply, name, refreshed.tokens);
        verified = await auth.authenticate(accessToken);
      }
    }
    if (!verified.ok || verified.claims.sessionId === null) {
      clearCookie(reply, name, secure);
      return null;
    }
    const { userId, sessionId, tenantId, impersonator } = verified.claims;
    return { accessToken, visitor: { userId, sessionId, tenantId, impersonator } };
  }

  return {
    async open(request, reply) {
      // Pages are opened by sessions alone: a key in a header opens the API.
      delete request.headers.authorization;
      delete request.headers['x-api-key'];
      const own = await read(request, reply, ownCookie);
      const acting = own === null ? null : await read(request, reply, actingCookie);
      visits.set(request, { own: own?.visitor ?? null, acting: acting?.visitor ?? null });
      const current = acting ?? own;
      if (current !== null) request.headers.authorization = `Bearer ${current.accessToken}`;
    },

    visitorOf: (request) => visits.get(request)?.acting ?? visits.get(request)?.own ?? null,
    ownOf: (request) => visits.get(request)?.own ?? null,

    begin(reply, tokens) {
      write(reply, ownCookie, tokens);
      clearCookie(reply, actingCookie, secure);
    },

    act: (reply, tokens) => write(reply, actingCookie, tokens),

    async endActing(request, reply) {
      const refreshToken = refreshTokenOf(request, actingCookie);
      if (refreshToken !== undefined) await auth.sessions.logOut({ refreshToken });
      clearCookie(reply, actingCookie, secure);
    },

    async logOut(request, reply) {
      for (const name of [actingCookie, ownCookie]) {
        const refreshToken = refreshTokenOf(request, name);
        if (refreshToken !== undefined) await auth.sessions.logOut({ refreshToken });
        clearCookie(reply, name, secure);
      }
    },

    async switchTenant(request, reply, tenantId) {
      const refreshToken = refreshTokenOf(request, ownCookie) ?? '';
      const switched = await auth.sessions.switchTenant({ refreshToken, tenantId });
      if (!switched.ok) return false;
      write(reply, ownCookie, switched.tokens);
      return true;
    },
  };
}
