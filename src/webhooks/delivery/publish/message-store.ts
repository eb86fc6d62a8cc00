import { TenantryError } from '../../../core/index.ts';
import type { AnyDatabase } from '../../../database/handle.ts';
import { sqlstateOf } from '../../../database/install.ts';
import { run } from '../../../database/run.ts';

/** A message to be stored, with a delivery for each endpoint that wants it. */
export interface NewMessage {
  readonly tenantId: string;
  readonly id: string;
  readonly type: string;
  /** The body in the newest version, as JSON. */
  readonly payload: string;
  readonly idempotencyKey: string | null;
  readonly orderKey: string | null;
  readonly traceParent: string | null;
  readonly now: Date;
  readonly deliverAt: Date;
  /** The filters that let the type through. */
  readonly filters: readonly string[];
}

/** What became of a message. */
export interface StoredMessage {
  readonly id: string;
  /** The key was used before: nothing was stored, and this is the message of then. */
  readonly repeated: boolean;
  /** How many endpoints it goes to; 0 where it was repeated. */
  readonly deliveries: number;
}

const insertText = `
  with message as (
    insert into tenantry.webhook_messages
      (tenant_id, id, type, payload, idempotency_key, order_key, created_at, deliver_at, trace_parent)
    values ($1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::timestamptz, $8::timestamptz, $10::text)
    on conflict (tenant_id, type, idempotency_key) where idempotency_key is not null do nothing
    returning tenant_id, id
  ), sent as (
    insert into tenantry.webhook_deliveries
      (tenant_id, endpoint_id, message_id, status, due_at, trigger, order_key, created_at)
    select m.tenant_id, e.id, m.id, 'pending', $8::timestamptz, 'publish',
      case e.ordering when 'endpoint' then '' when 'key' then coalesce($6::text, m.id::text) end, $7::timestamptz
    from message m join tenantry.webhook_endpoints e on e.tenant_id = m.tenant_id
    where e.status = 'active' and e.filters && $9::text[] and e.tenant_id = $1::uuid
    returning 1
  )
  select m.id, false as repeated, (select count(*)::integer from sent) as deliveries from message m
  union all
  select m.id, true, 0 from tenantry.webhook_messages m
  where m.tenant_id = $1::uuid and m.type = $3::text and m.idempotency_key = $5::text
    and not exists (select from message)`;

const findText = `
  select m.id, true as repeated, 0 as deliveries from tenantry.webhook_messages m
  where m.tenant_id = $1::uuid and m.type = $2::text and m.idempotency_key = $3::text`;

/**
 * Stores a message and its deliveries, in one statement.
 *
 * @throws TenantryError `tenant_not_found`.
 */
export async function insertMessage(db: AnyDatabase, message: NewMessage): Promise<StoredMessage> {
  const { tenantId, id, type, payload, idempotencyKey, orderKey, traceParent, now, deliverAt, filters } = message;
  const told = [tenantId, id, type, payload, idempotencyKey, orderKey];
  const parameters = [...told, now, deliverAt, [...filters], traceParent];
  try {
    const [stored] = await run<StoredMessage>(db, insertText, parameters);
    if (stored !== undefined) return stored;
    // Another transaction stored the key while this one waited for it: only a later statement sees its message.
    const [found] = await run<StoredMessage>(db, findText, [tenantId, type, idempotencyKey]);
    return found ?? { id, repeated: true, deliveries: 0 };
  } catch (error) {
    throw sqlstateOf(error) === '23503' ? new TenantryError('tenant_not_found', { tenant: tenantId }) : error;
  }
}
