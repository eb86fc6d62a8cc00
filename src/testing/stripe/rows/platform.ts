import type { Value } from '../wire.ts';
import type { Kept } from './kept.ts';

export interface WebhookEndpointRow extends Kept<'webhook_endpoint'> {
  description: string | null;
  enabled_events: readonly string[];
  status: string;
  url: string;
}

export interface EventRow {
  readonly id: string;
  readonly object: 'event';
  readonly created: number;
  readonly type: string;
  readonly data: Value;
  readonly request: { readonly id: string | null; readonly idempotency_key: string | null };
}
