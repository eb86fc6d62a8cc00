import { isUuid, opaqueId, platformId, TenantryError } from '../../../core/index.ts';
import { isMoment } from '../../../core/moment.ts';
import type { CallOptions } from '../../../database/index.ts';
import type { CatalogueEvent, EventCatalogue } from '../catalogue/define-events.ts';
import { filtersOf } from '../catalogue/event-patterns.ts';
import type { WebhookPayload } from '../catalogue/render-payload.ts';
import { issueText } from '../catalogue/standard-schema.ts';
import { readTenantId, type Toolbox } from '../toolbox.ts';
import { traceParentOf } from '../worker/trace.ts';
import { insertMessage, type StoredMessage } from './message-store.ts';

/** An event that is published, whatever its type. */
export interface AnyPublishInput {
  readonly tenantId: string;
  readonly type: string;
  readonly data: unknown;
  /** When it happened; now when absent. */
  readonly occurredAt?: Date;
  /** Publishing again with the same key and type does nothing, as long as the message is kept. */
  readonly idempotencyKey?: string;
  /** When it is sent at the earliest; at once when absent. */
  readonly deliverAt?: Date;
  /** Endpoints with `ordering: 'key'` are sent messages of one key one after the other. */
  readonly orderingKey?: string;
}

/** What {@link Webhooks.publish} gives. */
export interface Published {
  /** The `webhook-id`. */
  readonly id: string;
  /** The idempotency key was used before: nothing was stored, and this is the message of then. */
  readonly repeated: boolean;
  /** How many endpoints it goes to. */
  readonly deliveries: number;
  /** The message under the other name of the type, while both are sent. */
  readonly others: readonly { readonly id: string; readonly type: string }[];
}

/** Publishes an event, of any type of a catalogue. */
export type PublishAny = (input: AnyPublishInput, options?: CallOptions) => Promise<Published>;

/**
 * Makes what stores messages.
 *
 * `maxPayloadBytes`: the largest body, in bytes.
 */
export function createPublish({ db, clock, ids, catalogue, trace }: Toolbox, maxPayloadBytes: number): PublishAny {
  return async (input, options) => {
    const tenantId = readTenantId('webhooks.publish', input.tenantId);
    const now = clock();
    const { type, occurredAt = now, deliverAt = now } = input;
    const event = catalogue.events.get(type);
    if (event === undefined) throw refused(type, 'the catalogue has no such event');
    const data = await checkedData(event, input.data);
    const shared = {
      tenantId,
      idempotencyKey: input.idempotencyKey === undefined ? null : opaqueId('idempotencyKey', input.idempotencyKey),
      orderKey: input.orderingKey === undefined ? null : opaqueId('orderingKey', input.orderingKey),
      traceParent: traceParentOf(trace),
      now,
      deliverAt: readTime('deliverAt', deliverAt),
    };
    const timestamp = readTime('occurredAt', occurredAt).toISOString();
    const stored: (StoredMessage & { readonly type: string })[] = [];
    for (const name of catalogue.typesFor(type, now)) {
      const payload = payloadText({ type: name, timestamp, data }, maxPayloadBytes);
      const message = { ...shared, id: ids(), type: name, payload, filters: filtersOf(name) };
      stored.push({ ...(await insertMessage(options?.db ?? db, message)), type: name });
    }
    const [first, ...others] = stored;
    if (first === undefined) throw refused(type, 'the catalogue has no such event');
    const deliveries = stored.reduce((sum, one) => sum + one.deliveries, 0);
    const { id, repeated } = first;
    return { id, repeated, deliveries, others: others.map((other) => ({ id: other.id, type: other.type })) };
  };
}

function refused(type: string, problem: string): TenantryError {
  return new TenantryError('webhook_event_invalid', { type: String(type).slice(0, 128), problem });
}

function readTime(field: string, time: unknown): Date {
  if (isMoment(time)) return time;
  throw new TenantryError('name_invalid', { field, problem: 'must be a Date' });
}

/**
 * Data as the schema of its type gives it. What older versions are made of it is made once here too, so that what cannot
 * be made fails whoever publishes, and not a delivery later.
 */
async function checkedData({ type, schema, older }: CatalogueEvent, given: unknown): Promise<unknown> {
  const result = await schema['~standard'].validate(given);
  if (result.issues) throw refused(type, result.issues.slice(0, 3).map(issueText).join('; ').slice(0, 500));
  let data: unknown = plain(type, result.value);
  const newest = data;
  for (const { version, from } of older) {
    try {
      data = plain(type, Reflect.apply(from, undefined, [data]));
    } catch {
      throw refused(type, `no data of version ${version} can be made of it`);
    }
  }
  return newest;
}

/** What JSON makes of a value, and what a receiver will read. */
function plain(type: string, value: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    throw refused(type, 'the data cannot be written as JSON');
  }
  if (text === undefined) throw refused(type, 'the data cannot be written as JSON');
  return JSON.parse(text);
}

/** The body of a message; JSON escapes what PostgreSQL cannot store. */
export function payloadText(payload: WebhookPayload, maxBytes: number): string {
  const text = JSON.stringify(payload);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) throw refused(payload.type, `the body has ${bytes} bytes, and may have ${maxBytes}`);
  return text;
}

/** An event of a module of the library, as a sink is handed it. */
export interface OwnEvent {
  readonly id: string;
  readonly name: string;
  readonly tenantId: string;
  readonly occurredAt: Date;
  readonly data: unknown;
}

/** The input for an event of the library's own; null where it is not sent. */
export function ownInput(catalogue: EventCatalogue, event: OwnEvent): AnyPublishInput | null {
  const { own } = catalogue.events.get(event.name) ?? { own: false };
  // What is told of the platform concerns no tenant.
  if (!own || !isUuid(event.tenantId) || event.tenantId === platformId) return null;
  const { tenantId, name: type, data, occurredAt, id: idempotencyKey } = event;
  return { tenantId, type, data, occurredAt, idempotencyKey };
}
