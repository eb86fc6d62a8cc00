import { createHash } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';

/**
 * The text of an entry that its hash covers, over the columns of `e`: JSON as PostgreSQL writes jsonb, with the keys of
 * every object by length and then by bytes, and with all digits of numbers, which a driver might round. What the database
 * itself writes is compared, so nothing that is stored escapes the hash.
 */
export const canonicalSql: RawBuilder<string> = sql<string>`jsonb_build_object(
  'action', e.action, 'actor_id', e.actor_id, 'actor_metadata', e.actor_metadata, 'actor_type', e.actor_type,
  'changes', e.changes, 'commitments', e.commitments, 'context', e.context, 'id', e.id, 'metadata', e.metadata,
  'occurred_at', to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  'targets', e.targets, 'tenant_id', e.tenant_id, 'version', e.version)::text`;

/** The hash before the first entry of a chain: 32 zero bytes. */
export const firstPrevious = '0'.repeat(64);

/**
 * The hash of an entry: SHA-256 over the 32 bytes of the hash before (zeros before the first), the sequence in 8 bytes
 * with the highest first, and the canonical JSON in UTF-8. Hashes are written in hexadecimal.
 *
 * @example
 * ```ts
 * import { auditHash } from 'tenantry/audit';
 *
 * auditHash({ previous: '0'.repeat(64), sequence: 1, canonical: '{"id": "…"}' }).length; // 64
 * ```
 */
export function auditHash({
  previous,
  sequence,
  canonical,
}: {
  readonly previous: string;
  readonly sequence: number;
  readonly canonical: string;
}): string {
  const place = Buffer.alloc(8);
  place.writeBigUInt64BE(BigInt(sequence));
  return createHash('sha256').update(previous, 'hex').update(place).update(canonical, 'utf8').digest('hex');
}
