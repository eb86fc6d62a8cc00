import { createHash } from 'node:crypto';

/** The id of a tenant that a re-tenanting makes: a UUID of version 8 (RFC 9562), the same whenever it is asked for. */
export function madeId(retenanting: string, key: string): string {
  const hash = createHash('sha256').update(`retenanting:${retenanting}:${key}`).digest('hex');
  const parts = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ];
  return parts.join('-');
}
