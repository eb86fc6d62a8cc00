import type { Clock } from '../../core/index.ts';
import type { FixedClock } from '../fixed.ts';
import type { Purchase } from './complete-checkout.ts';
import type { FaultKind, FaultOptions } from './faults.ts';
import type { PortalAct } from './use-portal.ts';
import type { FakeWebhooks } from './webhooks.ts';
import type { Wire } from './wire.ts';

/** Options of {@link createFakeStripe}. */
export interface FakeStripeOptions {
  /** The clock to read; one that can be set is moved along. A clock of its own that begins with 2026 when absent. */
  readonly clock?: Clock | FixedClock;
  /** Decides ids and every chance: the same seed and the same calls give the same run. 1 when absent. */
  readonly seed?: number;
  /** Whether the account is live; keys must then begin with `sk_live_` or `rk_live_`. */
  readonly livemode?: boolean;
  /** Days after a failed renewal when it is tried again; `[3, 5, 7]` when absent. */
  readonly retryDays?: readonly number[];
  /** What becomes of a subscription when the last retry failed; `cancel` when absent. */
  readonly afterRetries?: 'cancel' | 'unpaid' | 'past_due';
  /** The tax on top, in percent, where `automatic_tax` is enabled; 0 when absent. */
  readonly taxPercent?: number;
  /** Seconds until something new is found by search; 60 when absent. */
  readonly searchLag?: number;
}

/** How far to move the clock. */
export interface Duration {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
}

/** One request and its answer. */
export interface FakeExchange {
  readonly method: string;
  readonly path: string;
  /** The query, without its `?`. */
  readonly query: string;
  /** The form-encoded body. */
  readonly body: string;
  /** The operation in the words of Stripe's schema; `undefined` where the path is none of Stripe's. */
  readonly operation: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** Whether the answer is one that was given before under this key. */
  readonly replayed: boolean;
  /** The fault that befell the request. */
  readonly fault: FaultKind | undefined;
  readonly status: number;
  readonly answer: Wire;
}

/** What a customer's card does from now on; `none` takes the cards away. */
export type CardNow = 'ok' | 'declines' | 'requires-action' | 'none';

/** A Stripe that runs in this process, with state, time, faults and webhooks. */
export interface FakeStripe {
  /** For `Stripe.createFetchHttpClient(fake.fetch)`. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** The same account without faults: for looking at the truth while faults are set. */
  calmFetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** The time at the fake; hand it to what is tested. */
  readonly clock: Clock;
  /** Moves the clock on, and does on the way what Stripe does: renewals, retries, ends of trials, webhooks. */
  advance(by: Duration): Promise<void>;
  /** Moves the clock to a moment, which must not lie in the past. */
  advanceTo(time: Date | string): Promise<void>;
  /** Makes requests fail; what comes back takes the fault away. */
  fail(options: FaultOptions): () => void;
  /** Takes all faults away. */
  heal(): void;
  /** Signed events on their way to a handler. */
  readonly webhooks: FakeWebhooks;
  /** Every event that happened, oldest first, as the API answers it. */
  readonly events: readonly Wire[];
  /** An object as it truly is, or `undefined`. */
  get(id: string): Wire | undefined;
  /** All objects of a kind as they truly are, oldest first: `subscription`, `invoice`, `checkout.session` … */
  list(object: string): readonly Wire[];
  /** What the buyer does at the checkout page; throws where the card is refused, and the session stays open. */
  completeCheckout(session: string, purchase?: Purchase): Wire;
  /** What the customer does in a portal session: the deep link of the session, when no act is named. */
  usePortal(session: string, act?: PortalAct): void;
  /** What the cards of a customer do from now on; a customer without one is given one. */
  setCard(customer: string, card: CardNow): void;
  /** The customer pays an open invoice at its hosted page, or passes the authentication that it waits for. */
  payInvoice(invoice: string): Wire;
  /** Sets fields of an object that no request could: a status of tomorrow, say. `event` tells of it. */
  plant(id: string, fields: Wire, options?: { readonly event?: string }): void;
  /** Takes an object away without a trace, as somebody with access to the account may. */
  remove(id: string): void;
  /** Listens to every request and answer; what comes back ends that. */
  onExchange(listener: (exchange: FakeExchange) => void): () => void;
}
