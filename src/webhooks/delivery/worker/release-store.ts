import type { AnyDatabase } from '../../../database/handle.ts';
import { run } from '../../../database/run.ts';
import type { ClaimedDelivery } from './claim-store.ts';

const releaseText = `
  update tenantry.webhook_deliveries d
  set fence = d.fence - 1, tries = d.tries - 1, leased_at = null, due_at = c.due_at
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::timestamptz[])
    as c (tenant_id, endpoint_id, message_id, fence, due_at)
  where d.tenant_id = c.tenant_id and d.endpoint_id = c.endpoint_id and d.message_id = c.message_id
    and d.fence = c.fence and d.leased_at = $6::timestamptz`;

/** Gives back deliveries that were claimed at a time and not begun, as if they had not been. */
export async function releaseDeliveries(
  db: AnyDatabase,
  deliveries: readonly ClaimedDelivery[],
  claimedAt: Date,
): Promise<void> {
  if (deliveries.length === 0) return;
  const column = <Value>(pick: (one: ClaimedDelivery) => Value): Value[] => deliveries.map(pick);
  await run(db, releaseText, [
    column((one) => one.tenantId),
    column((one) => one.endpointId),
    column((one) => one.messageId),
    column((one) => one.fence),
    column((one) => one.dueAt),
    claimedAt,
  ]);
}

const sweepText = `
  with closed as materialized (
    select d.tenant_id, d.endpoint_id, d.message_id, e.disabled_reason
    from tenantry.webhook_endpoints e cross join lateral (
      select d.* from tenantry.webhook_deliveries d
      where d.tenant_id = e.tenant_id and d.endpoint_id = e.id and d.due_at is not null
      order by d.due_at limit $2::integer for update skip locked) d
    where e.status <> 'active' limit $2::integer
  )
  update tenantry.webhook_deliveries d
  set status = 'canceled', due_at = null, finished_at = $1::timestamptz, last_reason = 'endpoint_closed'
  from (
    select array_agg(tenant_id) as tenants, array_agg(endpoint_id) as endpoints, array_agg(message_id) as messages
    from closed) a
    cross join lateral unnest(a.tenants, a.endpoints, a.messages) as c (tenant_id, endpoint_id, message_id)
  where d.tenant_id = c.tenant_id and d.endpoint_id = c.endpoint_id and d.message_id = c.message_id
  returning 1`;

/** Gives up deliveries to endpoints that are disabled or removed, at most so many, and gives how many. */
export async function cancelClosed(db: AnyDatabase, now: Date, limit = 1000): Promise<number> {
  return (await run(db, sweepText, [now, limit])).length;
}
