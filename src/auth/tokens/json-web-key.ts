import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { TenantryError } from '../../core/index.ts';

/** A key as JSON (RFC 7517). */
export type JsonWebKey = Readonly<Record<string, unknown>>;

/** Public keys as services publish them at `/.well-known/jwks.json`. */
export interface JsonWebKeySet {
  readonly keys: readonly JsonWebKey[];
}

/** A key pair that signs access tokens. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  /** As it is published. */
  readonly publicJwk: JsonWebKey;
}

/**
 * Makes a new key pair on Ed25519, as a private JSON Web Key. Keep it out of the database, or sealed.
 *
 * @example
 * ```ts
 * import { createSigningKey } from 'tenantry/auth';
 *
 * const { kty, crv } = await createSigningKey(); // 'OKP', 'Ed25519'
 * ```
 */
export async function createSigningKey(): Promise<JsonWebKey> {
  const { privateKey } = await promisify(generateKeyPair)('ed25519');
  return { ...privateKey.export({ format: 'jwk' }) };
}

/**
 * Reads a private key. Its `kid` is the thumbprint of the public one (RFC 7638), so that no two keys share one.
 *
 * @throws TenantryError `config_invalid` for what is no private key on Ed25519; the key is not told.
 */
export function readSigningKey(path: string, jwk: JsonWebKey): SigningKey {
  const { kty, crv, x, d } = Object(jwk);
  const problem = 'must be a private JSON Web Key on Ed25519, as createSigningKey makes';
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string' || typeof d !== 'string') {
    throw new TenantryError('config_invalid', { path, problem });
  }
  try {
    const privateKey = createPrivateKey({ key: { kty, crv, x, d }, format: 'jwk' });
    const published = createPublicKey(privateKey).export({ format: 'jwk' });
    const kid = thumbprint(String(published.x));
    return { kid, privateKey, publicJwk: { kty, crv, x: published.x, kid, alg: 'EdDSA', use: 'sig' } };
  } catch {
    // What the parser says may hold the key.
    throw new TenantryError('config_invalid', { path, problem });
  }
}

/** Reads a public key on Ed25519 out of a set; null for any other. */
export function readPublicKey(jwk: unknown): { readonly kid: string; readonly key: KeyObject } | null {
  const { kty, crv, x, kid, use, alg } = Object(jwk);
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string' || typeof kid !== 'string') return null;
  if ((use !== undefined && use !== 'sig') || (alg !== undefined && alg !== 'EdDSA' && alg !== 'Ed25519')) return null;
  try {
    return { kid, key: createPublicKey({ key: { kty, crv, x }, format: 'jwk' }) };
  } catch {
    return null;
  }
}

function thumbprint(x: string): string {
  return createHash('sha256')
    .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
    .digest('base64url');
}
