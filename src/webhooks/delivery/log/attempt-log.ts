import { type AnyDatabase, libraryOf } from '../../../database/handle.ts';
import { run } from '../../../database/run.ts';
import type { EndpointRef } from '../toolbox.ts';
import type { AttemptReason } from '../worker/verdict.ts';

/** Why there was an attempt. */
export type AttemptTrigger = 'publish' | 'retry' | 'replay' | 'test';

/** One try to send a message. */
export interface Attempt {
  readonly endpointId: string;
  readonly messageId: string;
  /** Counts from 1 over the life of the delivery. */
  readonly number: number;
  readonly trigger: AttemptTrigger;
  /** `interrupted`: the process ended meanwhile, and nobody knows whether it arrived. */
  readonly outcome: 'delivered' | 'failed' | 'interrupted';
  readonly reason: AttemptReason | null;
  /** The status of the answer; null when there was none. */
  readonly status: number | null;
  readonly startedAt: Date;
  readonly durationMilliseconds: number | null;
  /** The beginning of the answer, at most about 2,000 characters. */
  readonly response: string | null;
  /** When the next attempt was to be; null: there was none to come. */
  readonly nextAttemptAt: Date | null;
}

/** A message on its way to an endpoint. */
export interface Delivery {
  readonly endpointId: string;
  readonly messageId: string;
  readonly type: string;
  /** `canceled`: the endpoint was disabled or removed before. */
  readonly status: 'pending' | 'delivered' | 'failed' | 'canceled';
  /** How many attempts were begun. */
  readonly attempts: number;
  /** Since when an attempt is under way; null when none is. */
  readonly attemptingSince: Date | null;
  /** When it is attempted next; null when it is finished or an attempt is under way. */
  readonly nextAttemptAt: Date | null;
  readonly lastStatus: number | null;
  readonly lastReason: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

/** What may become of a delivery. */
export const deliveryStatuses: readonly Delivery['status'][] = ['pending', 'delivered', 'failed', 'canceled'];

/** Tells whether a value is the status of a delivery. */
export function isDeliveryStatus(value: unknown): value is Delivery['status'] {
  return deliveryStatuses.some((status) => status === value);
}

/** A message as it was published. */
export interface Message {
  readonly id: string;
  readonly tenantId: string;
  readonly type: string;
  /** The body in the newest version, as JSON. */
  readonly payload: string;
  readonly idempotencyKey: string | null;
  readonly orderingKey: string | null;
  readonly createdAt: Date;
  readonly deliverAt: Date;
}

/** Reads the attempts of a delivery, in their order. */
export async function listAttempts(
  db: AnyDatabase,
  { tenantId, endpointId, messageId }: EndpointRef & { readonly messageId: string },
): Promise<readonly Attempt[]> {
  const text = `
    select endpoint_id as "endpointId", message_id as "messageId", number, trigger, outcome, reason, status,
      started_at as "startedAt", duration_ms as "durationMilliseconds", response, next_attempt_at as "nextAttemptAt"
    from tenantry.webhook_attempts
    where tenant_id = $1::uuid and endpoint_id = $2::uuid and message_id = $3::uuid order by number`;
  return run<Attempt>(db, text, [tenantId, endpointId, messageId]);
}

/** Which deliveries are listed. */
export interface DeliveryFilter {
  readonly tenantId: string;
  readonly endpointId: string | null;
  readonly messageId: string | null;
  readonly status: Delivery['status'] | null;
  readonly after: string | null;
  readonly limit: number;
}

const deliveriesText = `
  select d.endpoint_id as "endpointId", d.message_id as "messageId", m.type, d.status, d.fence as attempts,
    d.leased_at as "attemptingSince", case when d.leased_at is null then d.due_at end as "nextAttemptAt",
    d.last_status as "lastStatus", d.last_reason as "lastReason", d.created_at as "createdAt",
    d.finished_at as "finishedAt"
  from tenantry.webhook_deliveries d
  join tenantry.webhook_messages m on m.tenant_id = d.tenant_id and m.id = d.message_id
  where d.tenant_id = $1::uuid`;

/** By status with an index of what is open or was given up, which are few among many. */
const statusConditions: Readonly<Record<Delivery['status'], string>> = {
  pending: `and d.due_at is not null and d.status = 'pending'`,
  delivered: `and d.status = 'delivered'`,
  failed: `and d.status in ('failed', 'canceled') and d.status = 'failed'`,
  canceled: `and d.status in ('failed', 'canceled') and d.status = 'canceled'`,
};

/** Lists deliveries: of an endpoint the newest first, of a message by endpoint. */
export async function listDeliveries(db: AnyDatabase, filter: DeliveryFilter): Promise<readonly Delivery[]> {
  const { tenantId, endpointId, messageId, status, after, limit } = filter;
  const wanted = status === null ? '' : statusConditions[status];
  if (endpointId === null) {
    // By the primary key of each endpoint: a tenant has few of them, and many messages.
    const ofMessage = `${deliveriesText}
      and d.endpoint_id in (select e.id from tenantry.webhook_endpoints e where e.tenant_id = $1::uuid)
      and d.message_id = $2::uuid ${wanted} and ($3::uuid is null or d.endpoint_id > $3::uuid)
      order by d.endpoint_id limit $4`;
    return run<Delivery>(db, ofMessage, [tenantId, messageId, after, limit + 1]);
  }
  const ofEndpoint = `${deliveriesText}
    and d.endpoint_id = $2::uuid and ($3::uuid is null or d.message_id = $3::uuid) ${wanted}
    and ($4::uuid is null or d.message_id < $4::uuid)
    order by d.message_id desc limit $5`;
  return run<Delivery>(db, ofEndpoint, [tenantId, endpointId, messageId, after, limit + 1]);
}

const messageColumns = [
  'id',
  'tenant_id as tenantId',
  'type',
  'payload',
  'idempotency_key as idempotencyKey',
  'order_key as orderingKey',
  'created_at as createdAt',
  'deliver_at as deliverAt',
] as const;

/** Reads a message. */
export async function findMessage(db: AnyDatabase, tenantId: string, id: string): Promise<Message | null> {
  const found = await libraryOf(db)
    .selectFrom('tenantry.webhook_messages')
    .select(messageColumns)
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
  return found ?? null;
}

/** Lists the messages of a tenant, the newest first. */
export async function listMessages(
  db: AnyDatabase,
  tenantId: string,
  { type, after, limit }: { readonly type: string | null; readonly after: string | null; readonly limit: number },
): Promise<readonly Message[]> {
  let query = libraryOf(db)
    .selectFrom('tenantry.webhook_messages')
    .select(messageColumns)
    .where('tenant_id', '=', tenantId);
  if (type !== null) query = query.where('type', '=', type);
  if (after !== null) query = query.where('id', '<', after);
  return query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
}
