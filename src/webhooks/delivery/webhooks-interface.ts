import type { EventSink } from '../../core/index.ts';
import type { Page, PageOptions } from '../../core/page.ts';
import type { AnyDatabase, CallOptions } from '../../database/index.ts';
import type { EventCatalogue, EventDataOf, EventDefinitions, EventNameOf } from './catalogue/define-events.ts';
import type { OpenApiInput, OpenApiWebhooks } from './catalogue/open-api.ts';
import type { Endpoints } from './endpoints/endpoints-interface.ts';
import type { Attempt, Delivery, Message } from './log/attempt-log.ts';
import type { Pruned } from './log/prune.ts';
import type { Replayed, ReplayInput } from './log/replay.ts';
import type { AnyPublishInput, OwnEvent, Published } from './publish/publish.ts';
import type { EndpointRef } from './toolbox.ts';
import type { DeliveryReport, DeliveryWorker } from './worker/worker.ts';

/** An event that is published. */
export interface PublishInput<Definitions extends EventDefinitions, Name extends EventNameOf<Definitions>>
  extends Omit<AnyPublishInput, 'type' | 'data'> {
  readonly type: Name;
  readonly data: EventDataOf<Definitions, Name>;
}

/** How long {@link Webhooks.deliverDue} goes on. */
export interface DeliverDueInput {
  /** Begins nothing more after so many milliseconds; 50,000 when absent. */
  readonly budgetMilliseconds?: number;
  /** Begins nothing more. */
  readonly signal?: AbortSignal;
}

/** Outgoing webhooks: endpoints of tenants, and messages to them. */
export interface Webhooks<Definitions extends EventDefinitions = EventDefinitions> {
  readonly catalogue: EventCatalogue<Definitions>;
  readonly endpoints: Endpoints;
  /**
   * Publishes an event: stores a message, and a delivery for each endpoint that wants it, in one statement. With `db` it
   * joins the caller's transaction, which may be a tenant's: what was undone was never sent. It is delivered by a worker
   * (`startDelivery`, `deliverDue`), **at least once**.
   *
   * @throws TenantryError `webhook_event_invalid` for a type, data or size that is not right; `tenant_required`,
   * `tenant_not_found`; `name_invalid` for a key or time.
   */
  publish<Name extends EventNameOf<Definitions>>(
    input: PublishInput<Definitions, Name>,
    options?: CallOptions,
  ): Promise<Published>;
  /** Publishes those events of the library's own that the catalogue names: hand it as `events` to the modules. */
  readonly sink: EventSink<OwnEvent, AnyDatabase>;
  /**
   * Delivers what is due and ends when nothing is: for cron jobs and serverless functions. Many may run at once.
   *
   * @throws what the database throws, once it was tried three times.
   */
  deliverDue(input?: DeliverDueInput): Promise<DeliveryReport>;
  /** Starts a worker that delivers what is due until it is stopped. Many may run at once, in one process or in many. */
  startDelivery(): DeliveryWorker;
  /** Reads a message; null when it is not there or not the tenant's. */
  message(
    input: { readonly tenantId: string; readonly messageId: string },
    options?: CallOptions,
  ): Promise<Message | null>;
  /** Lists messages, the newest first. */
  messages(
    input: { readonly tenantId: string; readonly type?: string } & PageOptions,
    options?: CallOptions,
  ): Promise<Page<Message>>;
  /**
   * Lists deliveries: to an endpoint the newest first, or of a message.
   *
   * @throws TenantryError `name_invalid` where neither is named, and for a status that is none.
   */
  deliveries(
    input: {
      readonly tenantId: string;
      readonly endpointId?: string;
      readonly messageId?: string;
      readonly status?: Delivery['status'];
    } & PageOptions,
    options?: CallOptions,
  ): Promise<Page<Delivery>>;
  /** Lists the attempts of a delivery, in their order. */
  attempts(input: EndpointRef & { readonly messageId: string }, options?: CallOptions): Promise<readonly Attempt[]>;
  /**
   * Sends messages to an endpoint again, under the same id: one, those that failed or are missing since a time, or those
   * of some types. A worker delivers them, with a round of retries of their own.
   *
   * @throws TenantryError `webhook_endpoint_not_found`, `webhook_message_not_found`; `name_invalid` for what is none, and
   * for an endpoint that is disabled.
   */
  replay(input: ReplayInput, options?: CallOptions): Promise<Replayed>;
  /**
   * Deletes messages that were published before a time, with their log, unless they still wait somewhere.
   *
   * @throws TenantryError `name_invalid` for a time that is none.
   */
  prune(input: { readonly before: Date; readonly tenantId?: string }, options?: CallOptions): Promise<Pruned>;
  /** Seals all secrets and headers anew under the first key of the secret box, a batch at a time. */
  reencrypt(options?: CallOptions): Promise<{ readonly sealed: number; readonly skipped: number }>;
  /** The catalogue as the `webhooks` of an OpenAPI 3.1 document. */
  openApi(input?: OpenApiInput): OpenApiWebhooks;
}
