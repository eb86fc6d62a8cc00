import type { Page, PageOptions } from '../../../core/page.ts';
import type { CallOptions } from '../../../database/index.ts';
import type { Attempt } from '../log/attempt-log.ts';
import type { EndpointRef } from '../toolbox.ts';
import type { EndpointHealth, EndpointOrdering, EndpointSecret, ShownSecret, WebhookEndpoint } from './endpoint.ts';
import type { SecretChoice } from './make-secret.ts';

/** What an endpoint is made of. */
export interface CreateEndpointInput extends SecretChoice {
  readonly tenantId: string;
  /** `https:`, to a public address; it is looked up now and at each attempt. */
  readonly url: string;
  readonly description?: string | null;
  /**
   * Which types of events it is sent; all when absent. `*` stands for one word, and in the last place for one or more:
   * `order.*` is everything below `order`.
   */
  readonly filters?: readonly string[];
  /** The version of payloads; the newest of today when absent. Null: always the newest. */
  readonly version?: string | null;
  /** Headers to send with each message, such as `authorization`. Stored sealed. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `none` when absent. */
  readonly ordering?: EndpointOrdering;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** What is changed of an endpoint; what is absent stays. */
export interface UpdateEndpointInput
  extends EndpointRef,
    Partial<Omit<CreateEndpointInput, 'tenantId' | 'signature' | 'secret'>> {}

/** How a secret is replaced. */
export interface RotateSecretInput extends EndpointRef, SecretChoice {
  /** How long the old secrets of the same kind sign beside it, in seconds; a day when absent, 30 days at most. */
  readonly graceSeconds?: number;
}

/** What a test sends. */
export interface TestEndpointInput extends EndpointRef {
  /** The type of event of which the first example is sent; `webhook_endpoint.test` when absent. */
  readonly type?: string;
}

/** The endpoints of tenants. */
export interface Endpoints {
  /**
   * Makes an endpoint and its first secret, which is shown this once.
   *
   * @throws TenantryError `tenant_not_found`; `url_refused`; `name_invalid` for filters, version, headers, ordering,
   * description or metadata; `limit_reached`; `webhook_secret_invalid`; `config_invalid` without a secret box.
   */
  create(
    input: CreateEndpointInput,
    options?: CallOptions,
  ): Promise<{ readonly endpoint: WebhookEndpoint; readonly secret: ShownSecret }>;
  /** Reads an endpoint; null when it is not there or not the tenant's. */
  get(ref: EndpointRef, options?: CallOptions): Promise<WebhookEndpoint | null>;
  /** Lists the endpoints of a tenant, the oldest first. */
  list(input: { readonly tenantId: string } & PageOptions, options?: CallOptions): Promise<Page<WebhookEndpoint>>;
  /**
   * Changes an endpoint. Attempts that begin from now on go by it.
   *
   * @throws TenantryError `webhook_endpoint_not_found`, and as {@link Endpoints.create}.
   */
  update(input: UpdateEndpointInput, options?: CallOptions): Promise<WebhookEndpoint>;
  /** Enables an endpoint again; its count of failures begins anew. @throws TenantryError `webhook_endpoint_not_found`. */
  enable(ref: EndpointRef, options?: CallOptions): Promise<WebhookEndpoint>;
  /**
   * Disables an endpoint: nothing that begins from now on goes there, and what waits for it is canceled by the worker that
   * looks for work next. `replay` sends later what it missed.
   *
   * @throws TenantryError `webhook_endpoint_not_found`; `name_invalid` for a reason that is none.
   */
  disable(input: EndpointRef & { readonly reason?: string }, options?: CallOptions): Promise<WebhookEndpoint>;
  /** Removes an endpoint and its secrets. Its log stays until it is pruned. Gives false when there is none. */
  remove(ref: EndpointRef, options?: CallOptions): Promise<boolean>;
  /**
   * Lists the secrets that sign at the moment, without the secrets.
   *
   * @throws TenantryError `webhook_endpoint_not_found`.
   */
  secrets(ref: EndpointRef, options?: CallOptions): Promise<readonly EndpointSecret[]>;
  /**
   * Gives an endpoint a further secret, such as one of the other kind: messages are signed with each.
   *
   * @throws TenantryError `webhook_endpoint_not_found`; `limit_reached` beyond 5; `webhook_secret_invalid`.
   */
  addSecret(input: EndpointRef & SecretChoice, options?: CallOptions): Promise<ShownSecret>;
  /**
   * Gives an endpoint a new secret; those of its kind end after the grace, and sign beside it until then.
   *
   * @throws TenantryError `webhook_endpoint_not_found`; `amount_invalid` for a grace that is none;
   * `webhook_secret_invalid`.
   */
  rotateSecret(input: RotateSecretInput, options?: CallOptions): Promise<ShownSecret>;
  /** Ends a secret at once, unless it is the last. Gives false when there is none, or it is the last. */
  endSecret(input: EndpointRef & { readonly secretId: string }, options?: CallOptions): Promise<boolean>;
  /**
   * Sends a test to an endpoint, disabled or not, and waits for its answer. It is tried once, logged, and counts for
   * nothing.
   *
   * @throws TenantryError `webhook_endpoint_not_found`; `webhook_event_invalid` for a type without an example.
   */
  test(input: TestEndpointInput): Promise<Attempt>;
  /** Tells how an endpoint is doing. @throws TenantryError `webhook_endpoint_not_found`. */
  health(ref: EndpointRef, options?: CallOptions): Promise<EndpointHealth>;
}
