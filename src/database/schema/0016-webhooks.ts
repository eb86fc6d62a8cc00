import { isolateTable } from '../isolation-sql.ts';
import { librarySchema, serviceRole } from '../roles.ts';

const tenant = 'tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade';

const ofTenants = [
  'webhook_endpoints',
  'webhook_endpoint_secrets',
  'webhook_messages',
  'webhook_deliveries',
  'webhook_attempts',
];

/**
 * Outgoing webhooks. A message is what is told once; each endpoint that wants it has a delivery, and each try to send it
 * is an attempt. Nothing refers from deliveries to endpoints and messages: publishing would take a lock on an endpoint for
 * each of its messages, and deleting a message would look through all deliveries.
 */
export const webhooksSchema: readonly string[] = [
  `create table tenantry.webhook_endpoints (
    ${tenant},
    id uuid not null,
    url text not null,
    description text,
    status text collate "C" not null check (status in ('active', 'disabled', 'removed')),
    disabled_reason text collate "C",
    disabled_at timestamptz,
    filters text[] collate "C" not null,
    version text collate "C",
    headers text collate "C",
    header_names text[] collate "C" not null default '{}',
    ordering text collate "C" not null check (ordering in ('none', 'endpoint', 'key')),
    metadata jsonb not null default '{}',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    failures integer not null default 0,
    failing_since timestamptz,
    notices smallint not null default 0,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    last_reason text collate "C",
    paused_until timestamptz,
    pauses smallint not null default 0,
    primary key (tenant_id, id)
  ) with (fillfactor = 70)`,
  // Those whose open deliveries are to be given up: few, and looked through by the worker.
  `create index webhook_endpoints_closed on tenantry.webhook_endpoints (tenant_id, id) where status <> 'active'`,
  `create table tenantry.webhook_endpoint_secrets (
    tenant_id uuid not null,
    id uuid not null,
    endpoint_id uuid not null,
    kind text collate "C" not null check (kind in ('v1', 'v1a')),
    secret text collate "C" not null,
    public_key text collate "C",
    created_at timestamptz not null,
    expires_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, endpoint_id) references tenantry.webhook_endpoints (tenant_id, id) on delete cascade
  )`,
  'create index webhook_endpoint_secrets_endpoint on tenantry.webhook_endpoint_secrets (tenant_id, endpoint_id, id)',
  `create table tenantry.webhook_messages (
    ${tenant},
    id uuid not null,
    type text collate "C" not null,
    payload text not null,
    idempotency_key text collate "C",
    order_key text collate "C",
    trace_parent text collate "C",
    created_at timestamptz not null,
    deliver_at timestamptz not null,
    primary key (tenant_id, id)
  )`,
  // What was published since a time, to be sent again; and what is old enough to go.
  'create index webhook_messages_created on tenantry.webhook_messages (tenant_id, created_at, id)',
  // A list of one type, which may be rare.
  'create index webhook_messages_type on tenantry.webhook_messages (tenant_id, type, id)',
  `create unique index webhook_messages_key on tenantry.webhook_messages (tenant_id, type, idempotency_key)
    where idempotency_key is not null`,
  // Open as long as \`due_at\` is set: when it is to be attempted, or when the lease of the attempt under way ends.
  `create table tenantry.webhook_deliveries (
    ${tenant},
    endpoint_id uuid not null,
    message_id uuid not null,
    status text collate "C" not null check (status in ('pending', 'delivered', 'failed', 'canceled')),
    due_at timestamptz,
    leased_at timestamptz,
    fence integer not null default 0,
    tries smallint not null default 0,
    trigger text collate "C" not null,
    order_key text collate "C",
    created_at timestamptz not null,
    finished_at timestamptz,
    last_status smallint,
    last_reason text collate "C",
    primary key (tenant_id, endpoint_id, message_id),
    check ((status = 'pending') = (due_at is not null))
  ) with (fillfactor = 70)`,
  `create index webhook_deliveries_open on tenantry.webhook_deliveries (tenant_id, endpoint_id, due_at, message_id)
    where due_at is not null`,
  `create index webhook_deliveries_order on tenantry.webhook_deliveries (tenant_id, endpoint_id, order_key, message_id)
    where due_at is not null and order_key is not null`,
  // What was given up, to be sent again: few among many.
  `create index webhook_deliveries_failed on tenantry.webhook_deliveries (tenant_id, endpoint_id, created_at, message_id)
    where status in ('failed', 'canceled')`,
  `create table tenantry.webhook_attempts (
    tenant_id uuid not null,
    endpoint_id uuid not null,
    message_id uuid not null,
    number integer not null,
    trigger text collate "C" not null,
    outcome text collate "C" not null check (outcome in ('delivered', 'failed', 'interrupted')),
    reason text collate "C",
    status smallint,
    started_at timestamptz not null,
    duration_ms integer,
    response text,
    next_attempt_at timestamptz,
    primary key (tenant_id, endpoint_id, message_id, number),
    foreign key (tenant_id, endpoint_id, message_id)
      references tenantry.webhook_deliveries (tenant_id, endpoint_id, message_id) on delete cascade
  )`,
  ...ofTenants.flatMap((table) => isolateTable({ schema: librarySchema, table })),
  ...ofTenants.map((table) => `grant select, insert, update, delete on ${librarySchema}.${table} to ${serviceRole}`),
];
