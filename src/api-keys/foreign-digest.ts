import { TenantryError } from '../core/index.ts';

/** How the system that issued a key stored its SHA-256. */
export type DigestScheme = 'sha256-hex' | 'sha256-base64';

/**
 * Reads the SHA-256 of a key from another system as 64 lower-case hexadecimal characters.
 *
 * @throws TenantryError `api_key_invalid` when it is none.
 */
export function readDigest(digest: string, scheme: DigestScheme, path: string): string {
  const hex = typeof digest === 'string' ? toHex(digest.trim(), scheme) : undefined;
  if (hex === undefined)
    throw new TenantryError('api_key_invalid', { problem: `${path} is not a digest in ${scheme}` });
  return hex;
}

function toHex(text: string, scheme: DigestScheme): string | undefined {
  if (scheme === 'sha256-hex') return /^[0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : undefined;
  if (scheme !== 'sha256-base64' || !/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined;
  return Buffer.from(text, 'base64').toString('hex');
}
