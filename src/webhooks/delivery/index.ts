/**
 * Outgoing webhooks: endpoints, the catalogue of events, and their delivery.
 *
 * @packageDocumentation
 */

export type { Page, PageOptions } from '../../core/page.ts';
export type {
  CatalogueEvent,
  EventCatalogue,
  EventDataOf,
  EventDefinition,
  EventDefinitions,
  EventNameOf,
  EventOptions,
  OlderEvent,
} from './catalogue/define-events.ts';
export { defineEvents } from './catalogue/define-events.ts';
export { matchesFilter } from './catalogue/event-patterns.ts';
export type { OpenApiInput, OpenApiWebhooks } from './catalogue/open-api.ts';
export type { LibraryEvent, OwnEventName } from './catalogue/own-events.ts';
export type { EventRename } from './catalogue/renames.ts';
export type { WebhookPayload } from './catalogue/render-payload.ts';
export type { InputOf, OutputOf, StandardIssue, StandardResult, StandardSchema } from './catalogue/standard-schema.ts';
export type {
  EndpointHealth,
  EndpointOrdering,
  EndpointSecret,
  ShownSecret,
  SignatureKind,
  WebhookEndpoint,
} from './endpoints/endpoint.ts';
export type { WebhookLimits } from './endpoints/endpoints.ts';
export type {
  CreateEndpointInput,
  Endpoints,
  RotateSecretInput,
  TestEndpointInput,
  UpdateEndpointInput,
} from './endpoints/endpoints-interface.ts';
export type { SecretChoice } from './endpoints/make-secret.ts';
export type { EndpointData, WebhookEvent } from './events.ts';
export type { Attempt, AttemptTrigger, Delivery, Message } from './log/attempt-log.ts';
export type { Pruned } from './log/prune.ts';
export type { Replayed, ReplayInput } from './log/replay.ts';
export type { AnyPublishInput, OwnEvent, Published } from './publish/publish.ts';
export type { EndpointRef } from './toolbox.ts';
export type { WebhooksOptions } from './webhooks.ts';
export { createWebhooks } from './webhooks.ts';
export type { DeliverDueInput, PublishInput, Webhooks } from './webhooks-interface.ts';
export type {
  AttemptMetrics,
  CircuitRules,
  DeliveryHooks,
  DeliveryOptions,
} from './worker/options.ts';
export type { RetryOptions } from './worker/retry-schedule.ts';
export type {
  DeliveryActiveSpan,
  DeliverySpan,
  DeliverySpanContext,
  DeliveryTrace,
  DeliveryTracer,
} from './worker/trace.ts';
export type { AttemptReason } from './worker/verdict.ts';
export type { DeliveryReport, DeliveryWorker } from './worker/worker.ts';
