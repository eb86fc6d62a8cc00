import type { Clock, HeadersLike, Ids } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import type { ProviderCall } from './provider/call.ts';
import type { NewPortal, ProviderCheckouts } from './provider/checkout.ts';
import type { ProviderCoupons } from './provider/coupon.ts';
import type { ProviderCustomers } from './provider/customer.ts';
import type { MeterEvent, MeterQuery, ProviderMoney } from './provider/document.ts';
import type { EventRequest, EventSubject, ProviderEvent } from './provider/event.ts';
import type { ProviderMade } from './provider/made.ts';
import type { ProviderPrices } from './provider/price.ts';
import type { ProviderSubscriptions } from './provider/subscription.ts';

/** What a provider can do; what it cannot is refused with `billing_unsupported` before it is asked. */
export interface ProviderCapabilities {
  /** A page of its own where a tenant subscribes. */
  readonly checkout: boolean;
  /** A page of its own where a tenant manages what it has. */
  readonly portal: boolean;
  readonly pause: boolean;
  readonly scheduledChanges: boolean;
  readonly proration: boolean;
  /** Prices by usage. */
  readonly meters: boolean;
  /** Sends events. */
  readonly events: boolean;
  readonly creditNotes: boolean;
}

/**
 * Who takes the money: the seam between billing and a provider. Amounts are minor units, ids are the provider's own, and
 * words for states are kept as they are, also those that nobody knows yet.
 *
 * Its methods throw `provider_unavailable` where the outcome is not known (no answer, a time-out, too many requests),
 * `provider_refused` where the provider said no, and `provider_answer_invalid` for an answer that is none.
 */
export interface BillingProvider {
  /** In the provider's own name: `stripe`, `manual`. It stands in rows and in the inbox. */
  readonly name: string;
  /** Whether money is real. What says otherwise is refused. */
  readonly livemode: boolean;
  readonly capabilities: ProviderCapabilities;
  readonly customers: ProviderCustomers;
  readonly subscriptions: ProviderSubscriptions;
  readonly checkouts: ProviderCheckouts;
  readonly prices: ProviderPrices;
  readonly coupons: ProviderCoupons;
  readonly money: ProviderMoney;
  /** Opens the portal and gives its address, which is a secret for a short time. */
  portal(input: NewPortal): Promise<{ readonly url: string }>;
  /** Tells of usage. */
  meter(event: MeterEvent, call: ProviderCall): Promise<void>;
  /**
   * How many units were counted under moments between two minutes. Absent where the provider never forgets what it was told.
   */
  readonly metered?: (query: MeterQuery) => Promise<number>;
  /** Lists what was made for tenants, of all or of one, whether anybody knows of it or not. */
  made(tenantId?: string): AsyncIterable<ProviderMade>;
  /**
   * Verifies an event over the bytes of its body.
   *
   * @throws TenantryError `webhook_signature_invalid`. TypeError for a body that was parsed already.
   */
  event(request: EventRequest): ProviderEvent;
  /** Finds out whom an event is about. It asks only where the event does not say it. */
  resolve(event: ProviderEvent): Promise<EventSubject>;
}

/** Verifies a webhook of Stripe and parses it: `unwrapStripeWebhook`. */
export type UnwrapStripe = (input: {
  readonly headers: HeadersLike;
  readonly body: Uint8Array | string;
  readonly secret: string | readonly string[];
  readonly clock?: Clock;
}) => { readonly id: string; readonly payload: unknown };

/** What a provider is made with: what the program has anyway. */
export interface ProviderTools {
  readonly db: AnyDatabase;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly unwrapStripe?: UnwrapStripe | undefined;
}

/** Makes a provider for a program; `stripeProvider` and `manualProvider` give one. */
export type MakeProvider = (tools: ProviderTools) => BillingProvider;
