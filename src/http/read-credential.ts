import { type HeadersLike, readHeader } from '../core/index.ts';

/** What a request shows to be let in, as it was sent. The value is a secret. */
export interface Credential {
  readonly kind: 'bearer' | 'api-key';
  readonly value: string;
}

/**
 * Reads the credential of a request: `Authorization: Bearer …` (RFC 6750), or else `X-API-Key`. `undefined` when there
 * is neither.
 *
 * @example
 * ```ts
 * import { readCredential } from 'tenantry/http';
 *
 * readCredential({ authorization: 'Bearer hc_live_…' }); // { kind: 'bearer', value: 'hc_live_…' }
 * ```
 */
export function readCredential(headers: HeadersLike): Credential | undefined {
  const bearer = /^bearer +(.+)$/i.exec(readHeader(headers, 'authorization')?.trim() ?? '')?.[1];
  if (bearer !== undefined) return { kind: 'bearer', value: bearer.trim() };
  const key = readHeader(headers, 'x-api-key')?.trim();
  return key ? { kind: 'api-key', value: key } : undefined;
}
