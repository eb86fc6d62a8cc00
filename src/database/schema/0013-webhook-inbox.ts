import { appRole, librarySchema, serviceRole } from '../roles.ts';

const table = `${librarySchema}.webhook_inbox`;

/**
 * Which messages of others were worked on, and which wait for it (those have a `state`; one without was worked on in the
 * transaction that added it). They belong to no tenant: whose they are is known only from their payload, and
 * a message is unique over all. A tenant's transaction may add one, so that it stands or falls with the work, but neither
 * read nor remove any.
 */
export const webhookInboxSchema: readonly string[] = [
  `create table ${table} (
    source text collate "C" not null,
    message_id text collate "C" not null,
    received_at timestamptz not null,
    state text check (state in ('waiting', 'done', 'dead')),
    signal jsonb,
    attempts integer not null default 0,
    due_at timestamptz,
    claim uuid,
    error text,
    primary key (source, message_id)
  )`,
  `create index webhook_inbox_received on ${table} (received_at)`,
  `create index webhook_inbox_due on ${table} (source, due_at) where state = 'waiting'`,
  `alter table ${table} enable row level security`,
  `alter table ${table} force row level security`,
  `create policy tenantry_tenant_add on ${table} for insert to ${appRole} with check (true)`,
  `create policy tenantry_service on ${table} to ${serviceRole} using (true) with check (true)`,
  `grant insert on ${table} to ${appRole}`,
  `grant select, insert, update, delete on ${table} to ${serviceRole}`,
];
