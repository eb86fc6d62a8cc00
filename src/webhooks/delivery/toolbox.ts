import type { Clock, Ids, SecretBox } from '../../core/index.ts';
import { isUuid, TenantryError } from '../../core/index.ts';
import { type AnyDatabase, type CallOptions, inTransaction } from '../../database/handle.ts';
import type { ModuleDeps } from '../../database/index.ts';
import type { SafeFetch } from '../safe-fetch/safe-fetch.ts';
import type { EventCatalogue } from './catalogue/define-events.ts';
import type { WebhookEvent } from './events.ts';
import type { DeliveryTrace } from './worker/trace.ts';

/** An event before it has its id and time. */
export type Unstamped<Event> = Event extends unknown ? Omit<Event, 'id' | 'occurredAt' | 'actor'> : never;

/** What all parts of the module share. */
export interface Toolbox {
  readonly db: AnyDatabase;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly catalogue: EventCatalogue;
  /** Sends to endpoints, and checks their URLs. */
  readonly send: SafeFetch;
  /** Where attempts are told as spans. */
  readonly trace: DeliveryTrace | undefined;
  /** @throws TenantryError `config_invalid` where none was handed in. */
  readonly secretBox: () => SecretBox;
  /** Runs a change: in a transaction where events are written with it, or where `always` says so. */
  readonly changing: <Result>(
    options: CallOptions | undefined,
    work: (tx: AnyDatabase) => Promise<Result>,
    always?: boolean,
  ) => Promise<Result>;
  /** Hands an event to the sink, stamped with id and time. */
  readonly tell: (event: Unstamped<WebhookEvent>, tx: AnyDatabase) => Promise<void>;
}

/** Makes what all parts of the module share. */
export function createToolbox({
  db,
  clock,
  ids,
  events,
  secretBox,
  catalogue,
  send,
  trace,
}: Omit<Toolbox, 'secretBox' | 'changing' | 'tell'> & {
  readonly events: ModuleDeps<WebhookEvent>['events'] | undefined;
  readonly secretBox: SecretBox | undefined;
}): Toolbox {
  return {
    db,
    clock,
    ids,
    catalogue,
    send,
    trace,
    secretBox() {
      if (secretBox !== undefined) return secretBox;
      const problem = 'is needed for endpoints: their secrets are stored sealed (createSecretBox)';
      throw new TenantryError('config_invalid', { path: 'webhooks.secretBox', problem });
    },
    changing: (options, work, always = false) =>
      events === undefined && !always ? work(options?.db ?? db) : inTransaction(db, options?.db, work),
    tell: async (event, tx) => events?.({ id: ids(), occurredAt: clock(), ...event }, tx),
  };
}

/** Returns the id of a tenant, or throws `tenant_required` or `tenant_not_found`. */
export function readTenantId(operation: string, tenantId: unknown): string {
  if (tenantId === undefined || tenantId === null || tenantId === '') {
    throw new TenantryError('tenant_required', { operation });
  }
  if (isUuid(tenantId)) return tenantId.toLowerCase();
  throw new TenantryError('tenant_not_found', { tenant: String(tenantId).slice(0, 80) });
}

/** The error for an endpoint that is not there, or not the tenant's. */
export function noEndpoint(endpointId: unknown): TenantryError {
  return new TenantryError('webhook_endpoint_not_found', { endpoint: String(endpointId).slice(0, 80) });
}

/** The error for a message that is not there, or not the tenant's. */
export function noMessage(messageId: unknown): TenantryError {
  return new TenantryError('webhook_message_not_found', { message: String(messageId).slice(0, 80) });
}

/** Names an endpoint of a tenant. */
export interface EndpointRef {
  readonly tenantId: string;
  readonly endpointId: string;
}

/** Returns how an endpoint is named, or throws `webhook_endpoint_not_found`: what is no UUID names none. */
export function readEndpointRef(operation: string, { tenantId, endpointId }: EndpointRef): EndpointRef {
  const tenant = readTenantId(operation, tenantId);
  if (!isUuid(endpointId)) throw noEndpoint(endpointId);
  return { tenantId: tenant, endpointId: endpointId.toLowerCase() };
}
