import type { HeadersLike } from '../../core/index.ts';

/** An event of the provider's, reduced to what it names: what happened is asked of the provider. */
export interface ProviderEvent {
  readonly id: string;
  readonly type: string;
  readonly createdAt: Date;
  readonly livemode: boolean;
  /** What it is about; null in events that name nothing. */
  readonly objectType: string | null;
  readonly objectId: string | null;
  /** The customer that it is about, as far as the event says. */
  readonly customerId: string | null;
  /** The tenant for which the library made the object. */
  readonly tenantId: string | null;
  /** The invoice that it is about. */
  readonly invoiceId: string | null;
  /** The account of another that it is about; null for one's own. */
  readonly account: string | null;
}

/** What came in: the bytes as they were sent. */
export interface EventRequest {
  readonly headers: HeadersLike;
  readonly body: Uint8Array | string;
}

/** Whom an event is about. */
export interface EventSubject {
  readonly customerId: string | null;
  readonly invoiceId: string | null;
}
