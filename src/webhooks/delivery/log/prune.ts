import type { AnyDatabase } from '../../../database/handle.ts';
import { run } from '../toolbox.ts';

/** What {@link Webhooks.prune} deleted. */
export interface Pruned {
  /** Messages, with what is logged of them. */
  readonly messages: number;
  /** Endpoints that were removed before. */
  readonly endpoints: number;
}

/** Deliveries go before their message, so that what is interrupted is found again by it. */
const pruneText = `
  with old as materialized (
    select m.tenant_id, m.id from tenantry.webhook_messages m
    where m.created_at < $1::timestamptz and m.deliver_at < $1::timestamptz
      and ($2::uuid is null or m.tenant_id = $2::uuid)
      and not exists (
        select from tenantry.webhook_endpoints e join tenantry.webhook_deliveries d
          on d.tenant_id = e.tenant_id and d.endpoint_id = e.id and d.message_id = m.id
        where e.tenant_id = m.tenant_id and d.due_at is not null)
    limit $3::integer for update of m skip locked
  ), deliveries as (
    delete from tenantry.webhook_deliveries d using old o, tenantry.webhook_endpoints e
    where e.tenant_id = o.tenant_id and d.tenant_id = o.tenant_id and d.endpoint_id = e.id and d.message_id = o.id
  )
  delete from tenantry.webhook_messages m using old o where m.tenant_id = o.tenant_id and m.id = o.id returning 1`;

const endpointsText = `
  delete from tenantry.webhook_endpoints e
  where e.status = 'removed' and e.disabled_at < $1::timestamptz and ($2::uuid is null or e.tenant_id = $2::uuid)
    and not exists (
      select from tenantry.webhook_deliveries d where d.tenant_id = e.tenant_id and d.endpoint_id = e.id)
  returning 1`;

const atOnce = 1000;

/** Deletes messages that were published before a time and are open nowhere, a thousand at a time. */
export async function pruneMessages(db: AnyDatabase, before: Date, tenantId: string | null): Promise<Pruned> {
  let messages = 0;
  for (;;) {
    const deleted = (await run(db, pruneText, [before, tenantId, atOnce])).length;
    messages += deleted;
    if (deleted < atOnce) break;
  }
  const endpoints = (await run(db, endpointsText, [before, tenantId])).length;
  return { messages, endpoints };
}
