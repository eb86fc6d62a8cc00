import { type Clock, isUuid, systemClock, TenantryError } from '../../core/index.ts';
import { joseDenial } from './jose-denial.ts';
import { createLegacyVerifier, type LegacyTokens } from './legacy-tokens.ts';
import { loadJose } from './load-jose.ts';
import { createPublicKeys, type FindKey, type PublicKeysOptions } from './public-keys.ts';
import type { TokenClaims, TokenVerification } from './token-claims.ts';
import { readTokenHeader } from './token-header.ts';

/** Whose tokens are taken, and for whom they must be. */
export interface TokenVerifierOptions {
  /** `iss` of the tokens: the address of the service that signs them. */
  readonly issuer: string;
  /** `aud` of the tokens: for whom they are. */
  readonly audience: string;
  /** Where the public keys come from. */
  readonly keys: PublicKeysOptions;
  /** Tokens of other issuers that are taken for a time. */
  readonly legacy?: readonly LegacyTokens[];
  /** How many seconds the clocks of two machines may differ; 5 when absent, 300 at most. */
  readonly tolerance?: number;
  readonly clock?: Clock;
}

/** Verifies access tokens by their form and signature alone; what became of the session since is not looked at. */
export type VerifyToken = (token: unknown) => Promise<TokenVerification>;

export const tokenType = 'at+jwt';
export const tokenAlgorithm = 'EdDSA';

/** Clocks that differ by more are to be mended, and a token would be good for twice as long as it says. */
const mostTolerance = 300;

/**
 * Makes what verifies access tokens (RFC 9068): EdDSA alone, of one issuer, for one audience, of type `at+jwt`, under a key
 * that the issuer publishes. It needs no database, so other services can use it.
 *
 * @throws TenantryError `config_invalid`.
 *
 * @example
 * ```ts
 * import { createTokenVerifier } from 'tenantry/auth';
 *
 * const verify = createTokenVerifier({
 *   issuer: 'https://auth.acme.example',
 *   audience: 'https://api.acme.example',
 *   keys: { load: async () => (await fetch('https://auth.acme.example/.well-known/jwks.json')).json() },
 * });
 * const result = await verify('not a token'); // { ok: false, reason: 'malformed' }
 * ```
 */
export function createTokenVerifier({ clock = systemClock, keys, ...options }: TokenVerifierOptions): VerifyToken {
  return verifierOf({ ...options, clock, findKey: createPublicKeys(keys, clock) });
}

/** Makes what verifies tokens, with keys that are found by a function. */
export function verifierOf({
  issuer,
  audience,
  legacy = [],
  tolerance = 5,
  clock,
  findKey,
}: Omit<TokenVerifierOptions, 'keys' | 'clock'> & { readonly clock: Clock; readonly findKey: FindKey }): VerifyToken {
  for (const [path, text] of Object.entries({ issuer, audience })) {
    if (typeof text === 'string' && text !== '') continue;
    throw new TenantryError('config_invalid', { path: `auth.${path}`, problem: 'must be a text' });
  }
  if (!(tolerance >= 0 && tolerance <= mostTolerance)) {
    const problem = `must be from 0 to ${mostTolerance} seconds`;
    throw new TenantryError('config_invalid', { path: 'auth.tolerance', problem });
  }
  const others = legacy.map((one, index) =>
    createLegacyVerifier(`auth.legacy[${index}]`, one, { issuer, clock, tolerance }),
  );

  async function verifyOwn(token: string, kid: string): Promise<TokenVerification> {
    const key = await findKey(kid);
    if (key === null) return { ok: false, reason: 'key_unknown' };
    const { jwtVerify } = await loadJose();
    try {
      const { payload } = await jwtVerify(token, key, {
        issuer,
        audience,
        typ: tokenType,
        algorithms: [tokenAlgorithm],
        clockTolerance: tolerance,
        currentDate: clock(),
        requiredClaims: ['exp', 'iat', 'sub', 'sid'],
      });
      const claims = claimsOf(payload);
      return claims === null ? { ok: false, reason: 'claims_invalid' } : { ok: true, claims };
    } catch (error) {
      const reason = joseDenial(error);
      if (reason === undefined) throw error;
      return { ok: false, reason };
    }
  }

  return async (token) => {
    const header = readTokenHeader(token);
    if (typeof header === 'string' || typeof token !== 'string') {
      return { ok: false, reason: typeof header === 'string' ? header : 'malformed' };
    }
    const isOwn = header.iss === issuer && header.typ === tokenType;
    const other = isOwn ? undefined : others.find((one) => one.fits(header));
    if (other !== undefined) return other.verify(token, header);
    if (header.alg !== tokenAlgorithm) return { ok: false, reason: 'algorithm_refused' };
    if (header.typ !== tokenType) return { ok: false, reason: 'type_refused' };
    if (header.kid === undefined) return { ok: false, reason: 'key_unknown' };
    return verifyOwn(token, header.kid);
  };
}

/** Reads what a token says that was proved to be ours; null when it says it in another shape. */
function claimsOf(payload: Readonly<Record<string, unknown>>): TokenClaims | null {
  const { sub, sid, tid = null, role = null, mid = null, mv = null, act = null, exp } = payload;
  if (typeof sub !== 'string' || sub === '' || !isUuid(sid) || typeof exp !== 'number') return null;
  if (tid !== null && !isUuid(tid)) return null;
  if (role !== null && typeof role !== 'string') return null;
  const member = isUuid(mid) && typeof mv === 'number' && Number.isSafeInteger(mv) ? { id: mid, version: mv } : null;
  if (member === null && mid !== null) return null;
  const actor = act === null ? null : Object(act).sub;
  if (actor !== null && (typeof actor !== 'string' || actor === '')) return null;
  return {
    userId: sub,
    sessionId: sid,
    tenantId: tid,
    role,
    member,
    impersonator: actor === null ? null : { userId: actor },
    expiresAt: new Date(exp * 1000),
    legacy: false,
  };
}
