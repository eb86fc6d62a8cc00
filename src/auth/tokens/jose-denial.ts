import type { TokenDenial } from './token-claims.ts';

const byCode: Readonly<Record<string, TokenDenial>> = {
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'signature_invalid',
  ERR_JWT_EXPIRED: 'expired',
  ERR_JOSE_ALG_NOT_ALLOWED: 'algorithm_refused',
  ERR_JOSE_NOT_SUPPORTED: 'header_refused',
  ERR_JWS_INVALID: 'malformed',
  ERR_JWT_INVALID: 'malformed',
};

const byClaim: Readonly<Record<string, TokenDenial>> = {
  iss: 'issuer_refused',
  aud: 'audience_refused',
  typ: 'type_refused',
  nbf: 'not_yet_valid',
};

/** Tells in our words why jose refused a token; undefined for an error that is not about the token. */
export function joseDenial(error: unknown): TokenDenial | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  if (error.code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') {
    const claim = 'claim' in error && typeof error.claim === 'string' ? error.claim : '';
    return byClaim[claim] ?? 'claims_invalid';
  }
  return byCode[error.code];
}
