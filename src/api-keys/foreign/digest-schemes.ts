import { invalid } from '../key-input.ts';

/**
 * How the system that issued a key wrote its 32-byte digest, be it a SHA-256 of the secret, of the secret with a pepper,
 * or an HMAC-SHA-256.
 */
export type DigestScheme = 'sha256-hex' | 'sha256-base64' | 'sha256-base64url';

const forms: { readonly [Scheme in DigestScheme]: RegExp } = {
  'sha256-hex': /^[0-9a-f]{64}$/i,
  'sha256-base64': /^[A-Za-z0-9+/]{43}=?$/,
  'sha256-base64url': /^[A-Za-z0-9_-]{43}=?$/,
};

/**
 * Reads a digest of another system as 64 lower-case hexadecimal characters.
 *
 * @throws TenantryError `api_key_invalid` when it is none.
 */
export function readDigest(digest: string, scheme: DigestScheme, path: string): string {
  const form = Object.hasOwn(forms, scheme) ? forms[scheme] : undefined;
  const text = typeof digest === 'string' ? digest.trim() : '';
  if (form?.test(text) !== true) throw invalid(`${path} is not a digest in ${String(scheme)}`);
  return scheme === 'sha256-hex' ? text.toLowerCase() : Buffer.from(text, 'base64').toString('hex');
}
