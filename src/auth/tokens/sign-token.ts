import type { JsonWebKey, SigningKey } from './json-web-key.ts';
import { loadJose } from './load-jose.ts';
import type { TokenClaims } from './token-claims.ts';
import { tokenAlgorithm, tokenType } from './token-verifier.ts';

/** What an access token is made from. */
export interface TokenToSign {
  readonly issuer: string;
  readonly audience: string;
  readonly claims: Omit<TokenClaims, 'legacy'>;
  /** The id of the token. */
  readonly tokenId: string;
  readonly issuedAt: Date;
  /** Further claims, for whoever reads tokens by other names; none of ours is replaced. */
  readonly extra: JsonWebKey;
}

/** Signs an access token (RFC 9068). It names the role and not the permissions, which may be too many for a header. */
export async function signToken(
  { kid, privateKey }: Pick<SigningKey, 'kid' | 'privateKey'>,
  { issuer, audience, claims, tokenId, issuedAt, extra }: TokenToSign,
): Promise<string> {
  const { SignJWT } = await loadJose();
  const { userId, sessionId, tenantId, role, member, impersonator, expiresAt } = claims;
  const payload = {
    ...extra,
    iss: issuer,
    aud: audience,
    sub: userId,
    sid: sessionId,
    jti: tokenId,
    iat: Math.floor(issuedAt.getTime() / 1000),
    exp: Math.floor(expiresAt.getTime() / 1000),
    // Nothing of ours may come from elsewhere, so what is not there is taken away.
    nbf: undefined,
    tid: tenantId ?? undefined,
    role: role ?? undefined,
    mid: member?.id,
    mv: member?.version,
    act: impersonator === null ? undefined : { sub: impersonator.userId },
  };
  const told = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined));
  return new SignJWT(told).setProtectedHeader({ alg: tokenAlgorithm, typ: tokenType, kid }).sign(privateKey);
}
