import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { type Clock, isUuid, opaqueId, TenantryError } from '../../core/index.ts';
import { joseDenial } from './jose-denial.ts';
import type { JsonWebKey } from './json-web-key.ts';
import { loadJose } from './load-jose.ts';
import type { TokenVerification } from './token-claims.ts';
import type { TokenHeader } from './token-header.ts';

/** A key of an old issuer, and the one algorithm for which it is. */
export type LegacyKey = { readonly kid?: string } & (
  | { readonly algorithm: 'HS256' | 'HS384' | 'HS512'; readonly secret: string | Uint8Array }
  | {
      readonly algorithm: 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'ES256' | 'ES384' | 'EdDSA';
      /** A public key, as PEM or as a JSON Web Key. */
      readonly publicKey: string | JsonWebKey;
    }
);

/** Tokens of another issuer, such as the application before a migration, that are taken for a time. */
export interface LegacyTokens {
  /** Whom they name as their issuer; any other than this module's, or none, when absent. */
  readonly issuer?: string;
  /** For whom they must be; not looked at when absent. */
  readonly audience?: string;
  readonly keys: readonly LegacyKey[];
  /** After this moment none is taken any more, whatever it says itself. */
  readonly until: Date;
  /**
   * Tells whose token it is, in the new tenancy; null when that is nobody. It may read a database. A tenant's id from before
   * a re-tenanting may stay as it is: it leads to where the tenant went.
   */
  readonly read: (claims: Readonly<Record<string, unknown>>) => LegacyIdentity | null | Promise<LegacyIdentity | null>;
}

/** Whose an old token is. */
export interface LegacyIdentity {
  readonly userId: string;
  /** Left out: the one tenant that the user may act for. */
  readonly tenantId?: string;
}

interface ReadyKey {
  readonly kid: string | undefined;
  readonly algorithm: string;
  readonly key: KeyObject;
}

/** What verifies tokens of one old issuer. */
export interface LegacyVerifier {
  /** Tells whether a token is of this issuer, by what it says itself. */
  fits(header: TokenHeader): boolean;
  verify(token: string, header: TokenHeader): Promise<TokenVerification>;
}

/**
 * Makes what verifies tokens of an old issuer. A key is for one algorithm, so that no public key is ever taken for the
 * secret of an HMAC.
 *
 * @throws TenantryError `config_invalid` for keys that are none; they are not told.
 */
export function createLegacyVerifier(
  path: string,
  { issuer, audience, keys, until, read }: LegacyTokens,
  own: { readonly issuer: string; readonly clock: Clock; readonly tolerance: number },
): LegacyVerifier {
  const ready = keys.map((key, index) => readyKey(`${path}.keys[${index}]`, key));
  if (ready.length === 0) throw new TenantryError('config_invalid', { path, problem: 'at least one key is needed' });
  if (!(until instanceof Date) || Number.isNaN(until.getTime())) {
    throw new TenantryError('config_invalid', { path: `${path}.until`, problem: 'must be a moment' });
  }

  return {
    fits: (header) => (issuer === undefined ? header.iss !== own.issuer : header.iss === issuer),

    async verify(token, { alg, kid }) {
      const now = own.clock();
      if (now >= until) return { ok: false, reason: 'legacy_ended' };
      const fitting = ready.filter((one) => one.algorithm === alg);
      if (fitting.length === 0) return { ok: false, reason: 'algorithm_refused' };
      const named = fitting.filter((one) => kid === undefined || one.kid === undefined || one.kid === kid);
      const { jwtVerify } = await loadJose();
      const options = {
        algorithms: [alg],
        clockTolerance: own.tolerance,
        currentDate: now,
        ...(issuer !== undefined && { issuer }),
        ...(audience !== undefined && { audience }),
      };
      let refused: TokenVerification = { ok: false, reason: 'key_unknown' };
      for (const { key } of named) {
        try {
          const { payload } = await jwtVerify(token, key, options);
          const whose = await read(payload);
          if (whose === null || !(whose.tenantId === undefined || isUuid(whose.tenantId))) {
            return { ok: false, reason: 'claims_invalid' };
          }
          const end = payload.exp === undefined ? until.getTime() : Math.min(payload.exp * 1000, until.getTime());
          const claims = {
            userId: opaqueId('userId', whose.userId),
            tenantId: whose.tenantId ?? null,
            sessionId: null,
            role: null,
            member: null,
            impersonator: null,
            expiresAt: new Date(end),
            legacy: true,
          };
          return { ok: true, claims };
        } catch (error) {
          const reason = joseDenial(error);
          if (reason === undefined) throw error;
          refused = { ok: false, reason };
          if (reason !== 'signature_invalid') return refused;
        }
      }
      return refused;
    },
  };
}

function readyKey(path: string, key: LegacyKey): ReadyKey {
  const problem = 'must be a secret of at least 16 bytes for an HMAC, and a public key for any other algorithm';
  const { kid, algorithm } = key;
  try {
    if ('secret' in key) {
      const secret = createSecretKey(typeof key.secret === 'string' ? Buffer.from(key.secret) : key.secret);
      if (/^HS(256|384|512)$/.test(algorithm) && (secret.symmetricKeySize ?? 0) >= 16) {
        return { kid, algorithm, key: secret };
      }
    } else if (/^(RS|PS|ES)\d{3}$|^EdDSA$/.test(algorithm)) {
      const { publicKey } = key;
      const input = typeof publicKey === 'string' ? publicKey : ({ key: { ...publicKey }, format: 'jwk' } as const);
      return { kid, algorithm, key: createPublicKey(input) };
    }
  } catch {
    // What the parser says may hold the key.
  }
  throw new TenantryError('config_invalid', { path, problem });
}
