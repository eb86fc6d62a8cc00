import type { ColumnType, Generated } from 'kysely';

type Json = ColumnType<Record<string, unknown>, string | undefined, string>;

/** `tenantry.webhook_endpoints`: where a tenant wants to be told. */
export interface WebhookEndpointTable {
  tenant_id: string;
  id: string;
  url: string;
  description: string | null;
  status: 'active' | 'disabled' | 'removed';
  disabled_reason: string | null;
  disabled_at: Date | null;
  /** Patterns of event types; `*` is everything. */
  filters: string[];
  /** The version of payloads; NULL: the newest. */
  version: string | null;
  /** Own headers as JSON, sealed. */
  headers: string | null;
  header_names: ColumnType<string[], string[] | undefined, string[]>;
  ordering: 'none' | 'endpoint' | 'key';
  metadata: Json;
  created_at: Date;
  updated_at: Date;
  /** Failed attempts since the last success. */
  failures: Generated<number>;
  /** The first of them; NULL: the last attempt was a success, or there was none. */
  failing_since: Date | null;
  /** How many notices of that were given. */
  notices: Generated<number>;
  last_success_at: Date | null;
  last_failure_at: Date | null;
  last_reason: string | null;
  /** Until when nothing is sent, since it failed too often. */
  paused_until: Date | null;
  pauses: Generated<number>;
}

/** `tenantry.webhook_endpoint_secrets`: what messages to an endpoint are signed with. */
export interface WebhookEndpointSecretTable {
  tenant_id: string;
  id: string;
  endpoint_id: string;
  kind: 'v1' | 'v1a';
  /** Sealed. */
  secret: string;
  /** Of `v1a`. */
  public_key: string | null;
  created_at: Date;
  /** When it is used no more; NULL: no end. */
  expires_at: Date | null;
}

/** `tenantry.webhook_messages`: what is told, once for all endpoints. */
export interface WebhookMessageTable {
  tenant_id: string;
  id: string;
  type: string;
  /** The body in the newest version, as JSON. */
  payload: string;
  idempotency_key: string | null;
  order_key: string | null;
  /** The span in which it was published, as a `traceparent` of W3C Trace Context; NULL: none. */
  trace_parent: string | null;
  created_at: Date;
  deliver_at: Date;
}

/** `tenantry.webhook_deliveries`: a message on its way to an endpoint. */
export interface WebhookDeliveryTable {
  tenant_id: string;
  endpoint_id: string;
  message_id: string;
  status: 'pending' | 'delivered' | 'failed' | 'canceled';
  /** When it is to be attempted, or the lease of the attempt under way ends; NULL: it is finished. */
  due_at: Date | null;
  /** Since when an attempt is under way. */
  leased_at: Date | null;
  /** The number of the last attempt that was begun. */
  fence: Generated<number>;
  /** Attempts in the present round of retries. */
  tries: Generated<number>;
  /** Why there is a next attempt. */
  trigger: string;
  /** Deliveries of one endpoint and key go out one after the other; NULL: in any order. */
  order_key: string | null;
  created_at: Date;
  finished_at: Date | null;
  last_status: number | null;
  last_reason: string | null;
}

/** `tenantry.webhook_attempts`: each try to send a message. */
export interface WebhookAttemptTable {
  tenant_id: string;
  endpoint_id: string;
  message_id: string;
  number: number;
  trigger: string;
  outcome: 'delivered' | 'failed' | 'interrupted';
  reason: string | null;
  status: number | null;
  started_at: Date;
  /** Milliseconds. */
  duration_ms: number | null;
  /** The beginning of the answer. */
  response: string | null;
  next_attempt_at: Date | null;
}

/** The tables of outgoing webhooks. */
export interface WebhookDatabase {
  'tenantry.webhook_endpoints': WebhookEndpointTable;
  'tenantry.webhook_endpoint_secrets': WebhookEndpointSecretTable;
  'tenantry.webhook_messages': WebhookMessageTable;
  'tenantry.webhook_deliveries': WebhookDeliveryTable;
  'tenantry.webhook_attempts': WebhookAttemptTable;
}
