import { digestOfSecretToken, makeSecretToken } from '../../core/secret-token.ts';
import type { CallOptions } from '../../database/index.ts';
import type { JsonWebKey } from '../tokens/json-web-key.ts';
import type { KeyRing } from '../tokens/key-ring.ts';
import { signToken } from '../tokens/sign-token.ts';
import type { TokenClaims } from '../tokens/token-claims.ts';
import type { Toolbox } from '../toolbox.ts';
import type { IssuedTokens } from './session.ts';

/** How long sessions and tokens are good. */
export interface SessionsOptions {
  /** Minutes of an access token; 5 when absent. */
  readonly accessMinutes?: number;
  /** Days after which a session ends, whatever happens; 30 when absent. */
  readonly days?: number;
  /** Days after which a session ends that is not used; 14 when absent. */
  readonly idleDays?: number;
  /** Seconds within which a refresh token may be shown again, as when an answer was lost; 10 when absent. */
  readonly graceSeconds?: number;
  /**
   * Further claims of access tokens, such as those by which the application before a migration names the tenant. None of
   * the module's own is replaced. Nothing secret: whoever holds the token reads it.
   */
  readonly extraClaims?: (claims: Omit<TokenClaims, 'legacy'>) => JsonWebKey | Promise<JsonWebKey>;
  /** Hears of a refresh token that was shown again after its grace, after the session was ended. */
  readonly onTokenReused?: (session: {
    readonly sessionId: string;
    readonly userId: string;
    readonly tenantId: string | null;
  }) => void | Promise<void>;
}

/** Of whom tokens tell: all but when they end. */
export type Subject = Omit<TokenClaims, 'legacy' | 'expiresAt'>;

/** Makes tokens. */
export interface TokenIssuer {
  readonly lifetimes: {
    readonly access: number;
    readonly session: number;
    readonly idle: number;
    readonly grace: number;
  };
  /** A new refresh token, and when it ends, which is never later than its session. */
  newRefresh(
    now: Date,
    sessionEnd: Date,
  ): { readonly token: string; readonly digest: string; readonly expiresAt: Date };
  /** The digest of a refresh token; null for what has not the form of one. */
  digestOf(token: unknown): string | null;
  /** Signs the access token that goes with a refresh token. */
  pair(
    subject: Subject,
    refresh: { readonly token: string; readonly expiresAt: Date },
    sessionEnd: Date,
    options: CallOptions | undefined,
  ): Promise<IssuedTokens>;
}

const prefix = 'rt';
const [second, day] = [1000, 86_400_000];

/** The milliseconds of an access token. */
export function accessLifetime({ accessMinutes = 5 }: SessionsOptions): number {
  return accessMinutes * 60 * second;
}

/** Makes what makes tokens. */
export function createTokenIssuer(
  { clock, ids }: Pick<Toolbox, 'clock' | 'ids'>,
  { issuer, audience, ring }: { readonly issuer: string; readonly audience: string; readonly ring: KeyRing },
  options: SessionsOptions,
): TokenIssuer {
  const { days = 30, idleDays = 14, graceSeconds = 10, extraClaims } = options;
  const lifetimes = {
    access: accessLifetime(options),
    session: days * day,
    idle: idleDays * day,
    grace: graceSeconds * second,
  };
  const digestOf = (token: unknown): string | null => digestOfSecretToken(prefix, token);

  return {
    lifetimes,
    digestOf,

    newRefresh(now, sessionEnd) {
      const token = makeSecretToken(prefix);
      const expiresAt = new Date(Math.min(now.getTime() + lifetimes.idle, sessionEnd.getTime()));
      return { token, digest: digestOf(token) ?? '', expiresAt };
    },

    async pair(subject, refresh, sessionEnd, call) {
      const now = clock();
      const end = Math.min(now.getTime() + lifetimes.access, sessionEnd.getTime());
      // Tokens count whole seconds.
      const claims = { ...subject, expiresAt: new Date(Math.floor(end / second) * second) };
      const extra = (await extraClaims?.(claims)) ?? {};
      const signing = { issuer, audience, claims, tokenId: ids(), issuedAt: now, extra };
      const accessToken = await signToken(await ring.signer(call), signing);
      return {
        accessToken,
        accessExpiresAt: claims.expiresAt,
        refreshToken: refresh.token,
        refreshExpiresAt: refresh.expiresAt,
      };
    },
  };
}
