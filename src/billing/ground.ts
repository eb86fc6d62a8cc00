import type { Clock, Ids } from '../core/index.ts';
import type { AnyDatabase, CallOptions } from '../database/index.ts';
import type { AddOnTerms } from './add-ons/apply-add-ons.ts';
import type { BillingRules } from './billing-rules.ts';
import type { DocumentMirror } from './document-mirror.ts';
import type { BillingEvent } from './events.ts';
import type { PriceBook } from './price-book.ts';
import type { PriceIndex } from './price-index.ts';
import type { ProviderCall } from './provider/call.ts';
import type { BillingProvider } from './provider.ts';

/** Puts a tenant on a plan within a transaction: `tenancy.setPlan`. */
export type SetPlan = (
  tenantId: string,
  plan: string,
  options: { readonly db: AnyDatabase; readonly subscriptionStatus?: string | null; readonly anchorAt?: Date },
) => Promise<unknown>;

/** An event before it has its id and time. */
export type Unstamped<Event> = Event extends unknown ? Omit<Event, 'id' | 'occurredAt' | 'actor'> : never;

/** What all parts of the module share. */
export interface Ground {
  readonly db: AnyDatabase;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly provider: BillingProvider;
  readonly prices: PriceBook;
  readonly priceIndex: PriceIndex;
  readonly rules: BillingRules;
  readonly setPlan: SetPlan;
  /** Sets the add-ons of a tenant: `plans.terms`. They are left alone when absent. */
  readonly terms?: AddOnTerms | undefined;
  /** For how many days a plan may be tried; undefined where it cannot. */
  readonly trialDaysOf: (plan: string) => number | undefined;
  /** What people are known by for a trial: what the call says, and what the program's hook does. */
  readonly fingerprintsOf: (
    trial: { readonly tenantId: string; readonly plan: string },
    given?: readonly string[],
  ) => Promise<readonly string[]>;
  /** Keeps the copies of documents. */
  readonly documents: DocumentMirror;
  /** Hands an event to the sink, stamped with id and time, in the transaction of what it tells of. */
  readonly publish: (tx: AnyDatabase, event: Unstamped<BillingEvent>) => Promise<void>;
  /** Runs work in the caller's transaction where there is one, in a new one otherwise. */
  readonly inTransaction: <Result>(
    options: CallOptions | undefined,
    work: (tx: AnyDatabase) => Promise<Result>,
  ) => Promise<Result>;
  /**
   * Does work as the only one who speaks with the provider about a tenant. No row is locked meanwhile: the row of the
   * customer says until when, and whoever is late writes nothing (`lease` is compared in each of its statements).
   *
   * @throws TenantryError `billing_busy` when others held it for too long.
   */
  readonly alone: <Result>(tenantId: string, work: (held: Held) => Promise<Result>) => Promise<Result>;
  /** The same, or null at once while somebody else is. */
  readonly ifAlone: <Result>(
    tenantId: string,
    work: (held: Held) => Promise<Result>,
  ) => Promise<{ readonly result: Result } | null>;
}

/** What whoever is alone with a tenant has. */
export interface Held {
  readonly tenantId: string;
  /** Stands in `billing_customers.lease` while it is held. */
  readonly lease: string;
  /** An idempotency key for a wish: the same until the tenant's state at the provider changes or the wish is refused. */
  readonly keyOf: (operation: string, wish: unknown) => Promise<string>;
  /** Asks the provider for a change under such a key. After a no the next wish has another key. */
  readonly ask: <Result>(
    operation: string,
    wish: unknown,
    call: (call: ProviderCall) => Promise<Result>,
  ) => Promise<Result>;
}
