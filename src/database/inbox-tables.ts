import type { ColumnType, Generated } from 'kysely';

/** `tenantry.webhook_inbox`: messages that came in. */
export interface WebhookInboxTable {
  source: string;
  message_id: string;
  received_at: Date;
  /** NULL: worked on in the transaction that added it. */
  state: ColumnType<'waiting' | 'done' | 'dead' | null, 'waiting' | null | undefined, 'waiting' | 'done' | 'dead'>;
  /** What it says, reduced to what the work needs; a secret or a person's data never. */
  signal: ColumnType<Record<string, unknown> | null, string | null | undefined, string | null>;
  attempts: Generated<number>;
  /** When it is worked on next; while it is claimed, until when nobody else may. */
  due_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  /** Who works on it. */
  claim: ColumnType<string | null, undefined, string | null>;
  /** Why it failed last. */
  error: ColumnType<string | null, undefined, string | null>;
}

/** The inbox as Kysely sees it. */
export interface InboxDatabase {
  'tenantry.webhook_inbox': WebhookInboxTable;
}
