/** In which order an endpoint is sent its messages. */
export type EndpointOrdering = 'none' | 'endpoint' | 'key';

/** How messages are signed: `v1` is HMAC-SHA256, `v1a` Ed25519. */
export type SignatureKind = 'v1' | 'v1a';

/** Where a tenant wants to be told. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly tenantId: string;
  readonly url: string;
  readonly description: string | null;
  readonly status: 'active' | 'disabled';
  /** Why it is disabled: `failing`, `gone` (it answered 410), or what `disable` was told. */
  readonly disabledReason: string | null;
  readonly disabledAt: Date | null;
  /** Which types of events it is sent: patterns such as `order.*`. */
  readonly filters: readonly string[];
  /** The version of payloads; null: the newest. */
  readonly version: string | null;
  /** The names of its own headers. Their values are sealed, as they may be credentials. */
  readonly headerNames: readonly string[];
  /** `none`: as fast as it can. `endpoint`: one after the other. `key`: one after the other for each `orderingKey`. */
  readonly ordering: EndpointOrdering;
  /** The application's own facts of the endpoint. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A secret of an endpoint, without the secret. */
export interface EndpointSecret {
  readonly id: string;
  readonly kind: SignatureKind;
  /** `whpk_…`, to verify with; null for `v1`. */
  readonly publicKey: string | null;
  readonly createdAt: Date;
  /** When it signs no more; null: no end. */
  readonly expiresAt: Date | null;
}

/** A secret that was just made. It is shown this once. */
export interface ShownSecret extends EndpointSecret {
  /** What the receiver verifies with: `whsec_…`, or the public key of `v1a`. */
  readonly verifyWith: string;
}

/** How an endpoint is doing. */
export interface EndpointHealth {
  /** `healthy`; `failing` since the last success; `paused` by the circuit breaker; `disabled`. */
  readonly state: 'healthy' | 'failing' | 'paused' | 'disabled';
  /** Failed attempts since the last success. */
  readonly failures: number;
  /** The first of them. */
  readonly failingSince: Date | null;
  /** When it is disabled unless something arrives; null where nothing was tried for so long that the days begin anew. */
  readonly disabledAt: Date | null;
  readonly pausedUntil: Date | null;
  readonly lastSuccessAt: Date | null;
  readonly lastFailureAt: Date | null;
  /** Why the last failed attempt failed. */
  readonly lastReason: string | null;
  /** Deliveries that wait; counted up to 10,000. */
  readonly waiting: number;
  /** The time at which the first of them was due. */
  readonly dueSince: Date | null;
}
