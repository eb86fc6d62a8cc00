import type { AnyDatabase } from '../../../database/handle.ts';
import { run } from '../../../database/run.ts';

/** What {@link Webhooks.prune} deleted. */
export interface Pruned {
  /** Messages, with what is logged of them. */
  readonly messages: number;
  /** Endpoints that were removed before. */
  readonly endpoints: number;
}

/** The next tenant with a message that is old enough: a walk from tenant to tenant, by the first message of each. */
const tenantText = `
  with recursive walk as (
    (select m.tenant_id, m.created_at from tenantry.webhook_messages m where m.tenant_id > $2::uuid
      order by m.tenant_id, m.created_at limit 1)
    union all
    select x.tenant_id, x.created_at from walk w cross join lateral (
      select m.tenant_id, m.created_at from tenantry.webhook_messages m where m.tenant_id > w.tenant_id
      order by m.tenant_id, m.created_at limit 1) x
    where w.created_at >= $1::timestamptz
  )
  select w.tenant_id as "tenantId" from walk w where w.created_at < $1::timestamptz`;

/** Deliveries go before their message, so that what is interrupted is found again by it. */
const pruneText = `
  with part as materialized (
    select m.id, m.created_at, m.deliver_at from tenantry.webhook_messages m
    where m.tenant_id = $2::uuid and m.created_at < $1::timestamptz and (m.created_at, m.id) > ($4::timestamptz, $5::uuid)
    order by m.created_at, m.id limit $3::integer for update skip locked
  ), old as materialized (
    select p.id from part p
    where p.deliver_at < $1::timestamptz and not exists (
      select from tenantry.webhook_endpoints e cross join lateral (
        select from tenantry.webhook_deliveries d
        where d.tenant_id = e.tenant_id and d.endpoint_id = e.id and d.message_id = p.id and d.due_at is not null
        offset 0) d
      where e.tenant_id = $2::uuid)
  ), whole as (
    select array_agg(id) as ids from old
  ), deliveries as (
    delete from tenantry.webhook_deliveries d
    using whole w cross join lateral unnest(w.ids) as o (id), tenantry.webhook_endpoints e
    where e.tenant_id = $2::uuid and d.tenant_id = $2::uuid and d.endpoint_id = e.id and d.message_id = o.id
  ), messages as (
    delete from tenantry.webhook_messages m using whole w cross join lateral unnest(w.ids) as o (id)
    where m.tenant_id = $2::uuid and m.id = o.id returning 1
  )
  select (select count(*)::integer from messages) as messages, p.id, p.created_at as "createdAt"
  from (select 1) one left join (select id, created_at from part order by created_at, id offset $3::integer - 1) p on true`;

const countText = `
  select count(*)::integer as endpoints from tenantry.webhook_endpoints e where e.tenant_id = $1::uuid`;

const endpointsText = `
  delete from tenantry.webhook_endpoints e
  where e.status = 'removed' and e.disabled_at < $1::timestamptz and ($2::uuid is null or e.tenant_id = $2::uuid)
    and not exists (
      select from tenantry.webhook_deliveries d where d.tenant_id = e.tenant_id and d.endpoint_id = e.id)
  returning 1`;

const nowhere = '00000000-0000-0000-0000-000000000000';
/** How many deliveries one statement deletes, about. */
const atOnce = 10_000;

/** Deletes messages that were published before a time and are open nowhere, tenant by tenant and a part at a time. */
export async function pruneMessages(db: AnyDatabase, before: Date, tenantId: string | null): Promise<Pruned> {
  let messages = 0;
  if (tenantId !== null) messages = await pruneTenant(db, before, tenantId);
  for (let place = nowhere; tenantId === null; ) {
    const [next] = await run<{ tenantId: string }>(db, tenantText, [before, place]);
    if (next === undefined) break;
    messages += await pruneTenant(db, before, next.tenantId);
    place = next.tenantId;
  }
  const endpoints = (await run(db, endpointsText, [before, tenantId])).length;
  return { messages, endpoints };
}

interface PrunedPart {
  readonly messages: number;
  /** The last message that was looked at, where there may be more. */
  readonly id: string | null;
  readonly createdAt: Date | null;
}

async function pruneTenant(db: AnyDatabase, before: Date, tenantId: string): Promise<number> {
  const [tenant] = await run<{ endpoints: number }>(db, countText, [tenantId]);
  const limit = Math.max(1, Math.min(1000, Math.floor(atOnce / Math.max(1, tenant?.endpoints ?? 1))));
  let messages = 0;
  for (let [at, id]: [Date | null, string | null] = [new Date(0), nowhere]; at !== null && id !== null; ) {
    const [part]: readonly PrunedPart[] = await run<PrunedPart>(db, pruneText, [before, tenantId, limit, at, id]);
    messages += part?.messages ?? 0;
    [at, id] = [part?.createdAt ?? null, part?.id ?? null];
  }
  return messages;
}
