import type { SessionEnd } from '../events.ts';

/** Where a user is logged in: one family of refresh tokens. */
export interface Session {
  readonly sessionId: string;
  readonly userId: string;
  /** The tenant that it acts for now; null: none yet. */
  readonly tenantId: string | null;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  /** It ends then, whatever happens. */
  readonly expiresAt: Date;
  readonly endedAt: Date | null;
  readonly endedReason: SessionEnd | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** Who really acts, and why; null: the user. */
  readonly impersonator: { readonly userId: string; readonly reason: string } | null;
}

/** What a client is given: an access token for each request, and a refresh token that is good for the next pair. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly accessExpiresAt: Date;
  /** Good once. */
  readonly refreshToken: string;
  /** When it ends if it is not used. */
  readonly refreshExpiresAt: Date;
}

/** Where a session comes from, as the user is shown it. */
export interface SessionOrigin {
  readonly ip?: string;
  readonly userAgent?: string;
}
