import type { ColumnType, Generated } from 'kysely';

type Bigint = ColumnType<string | number | bigint, number | bigint, number | bigint>;

type Json = ColumnType<Record<string, unknown>, string | undefined, string>;

/** `tenantry.audit_entries`: what happened in a tenant. Entries are added and never changed. */
export interface AuditEntryTable {
  tenant_id: string;
  id: string;
  /** The place in the tenant's chain; NULL until it has one, shortly after the entry was committed. */
  sequence: Bigint | null;
  /** SHA-256 over the hash before, the sequence, and the entry. */
  hash: Uint8Array | null;
  action: string;
  occurred_at: Date;
  version: Generated<number>;
  actor_type: string;
  /** The application's id of the user who did it; NULL where nobody did, or nobody knows. */
  actor_id: string | null;
  actor_metadata: Json;
  /** What it was done to: `[{ "type": "invoice", "id": "42" }]`. */
  targets: ColumnType<readonly { readonly type?: string; readonly id?: string }[], string | undefined, never>;
  /** Where it came from, such as the migration that brought it over. */
  context: ColumnType<Record<string, unknown>, string | undefined, never>;
  /** Old and new values: `{ "role": { "old": "member", "new": "admin" } }`. */
  changes: ColumnType<Record<string, unknown>, string | undefined, never>;
  metadata: ColumnType<Record<string, unknown>, string | undefined, never>;
  /** Salted hashes of what the entry tells of persons, which stands in `audit_personal`. */
  commitments: ColumnType<Record<string, string>, string | undefined, never>;
}
