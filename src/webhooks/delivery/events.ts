import type { DomainEvent } from '../../core/index.ts';

/** What every event of an endpoint tells. */
export interface EndpointData {
  readonly endpointId: string;
  readonly url: string;
}

/** What happens to endpoints. */
export type WebhookEvent =
  | DomainEvent<'webhook_endpoint.created', EndpointData & { readonly filters: readonly string[] }>
  | DomainEvent<'webhook_endpoint.updated', EndpointData & { readonly changed: readonly string[] }>
  | DomainEvent<'webhook_endpoint.removed', EndpointData>
  | DomainEvent<'webhook_endpoint.enabled', EndpointData>
  | DomainEvent<'webhook_endpoint.disabled', EndpointData & { readonly reason: string }>
  /** The old secrets sign until `until`. */
  | DomainEvent<'webhook_endpoint.secret_rotated', EndpointData & { readonly secretId: string; readonly until: Date }>
  /** Nothing arrived since `since`; unless something does, it is disabled at `disabledAt`. */
  | DomainEvent<
      'webhook_endpoint.failing',
      EndpointData & { readonly since: Date; readonly disabledAt: Date; readonly lastReason: string }
    >
  | DomainEvent<'webhook_endpoint.recovered', EndpointData>;
