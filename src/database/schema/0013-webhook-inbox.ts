import { appRole, librarySchema, serviceRole } from '../roles.ts';

const table = `${librarySchema}.webhook_inbox`;

/**
 * Which messages of others were worked on. They belong to no tenant: whose they are is known only from their payload, and
 * a message is unique over all. A tenant's transaction may add one, so that it stands or falls with the work, but neither
 * read nor remove any.
 */
export const webhookInboxSchema: readonly string[] = [
  `create table ${table} (
    source text collate "C" not null,
    message_id text collate "C" not null,
    received_at timestamptz not null,
    primary key (source, message_id)
  )`,
  `create index webhook_inbox_received on ${table} (received_at)`,
  `alter table ${table} enable row level security`,
  `alter table ${table} force row level security`,
  `create policy tenantry_tenant_add on ${table} for insert to ${appRole} with check (true)`,
  `create policy tenantry_service on ${table} to ${serviceRole} using (true) with check (true)`,
  `grant insert on ${table} to ${appRole}`,
  `grant select, insert, update, delete on ${table} to ${serviceRole}`,
];
