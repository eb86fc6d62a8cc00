import type { HeadersLike } from '../core/index.ts';
import type { CallOptions } from '../database/index.ts';
import type { Payer } from './ensure-customer.ts';
import type { PortalPlace } from './provider/checkout.ts';
import type { CancelWhen, ChangePreview, Interval, Proration } from './provider/subscription.ts';
import type { ReconcileInput, ReconcileReport } from './reconcile.ts';
import type { SubscriptionRecord } from './subscription-record.ts';

/** How a tenant stands, from our own rows. */
export interface BillingState {
  readonly tenantId: string;
  /** The customer at the provider; null where there is none. */
  readonly customerId: string | null;
  /** The plan that the tenant has by its subscription; null where billing has no say. */
  readonly plan: string | null;
  /** The state of the subscription that counts, in the provider's word. */
  readonly status: string | null;
  /** The subscription that counts. */
  readonly subscription: SubscriptionRecord | null;
  /** All that there are or were, the oldest first. */
  readonly subscriptions: readonly SubscriptionRecord[];
  readonly endsAt: Date | null;
  readonly pastDueSince: Date | null;
  /** Until when the plan is kept though nothing is paid. */
  readonly graceUntil: Date | null;
  /** How many subscriptions are paid for beside the one that counts. */
  readonly duplicates: number;
  /** What the provider owes (negative) or is owed (positive), by currency, in minor units. */
  readonly balance: { readonly [currency: string]: number };
  readonly syncedAt: Date | null;
}

/** A checkout to be opened. */
export interface CheckoutInput<Plan extends string = string> {
  readonly tenantId: string;
  readonly plan: Plan;
  /** `month` when absent. */
  readonly interval?: Interval;
  /** ISO 4217, in lower case; the first one in which the plan is sold when absent. */
  readonly currency?: string;
  /** How many of each add-on. */
  readonly addOns?: { readonly [name: string]: number };
  readonly successUrl: string;
  readonly cancelUrl: string;
  /** The name and address that the customer is made with. */
  readonly payer?: Payer;
  /** False begins without the trial that the plan has. Each tenant has one trial, whatever is said here. */
  readonly trial?: boolean;
  /** True begins a trial without a means of payment; the subscription ends with it when none was given by then. */
  readonly trialWithoutCard?: boolean;
  /** What people are known by, as digests: who tried once under another tenant has no second trial. */
  readonly fingerprints?: readonly string[];
  /** The provider's id of a coupon. */
  readonly coupon?: string;
  /** True lets the payer type in a code, where no `coupon` is given: Stripe has one of the two. */
  readonly promotionCodes?: boolean;
  /** True has the provider compute taxes. */
  readonly automaticTax?: boolean;
  readonly locale?: string;
}

/** An open checkout. */
export interface CheckoutResult {
  readonly sessionId: string;
  /** Where the payer goes. */
  readonly url: string;
  readonly expiresAt: Date | null;
  /** How long the trial is that comes with it; null: there is none. */
  readonly trialDays: number | null;
  /** False where it was open already. */
  readonly created: boolean;
}

/** A subscription to be made without a page. */
export interface SubscribeInput<Plan extends string = string>
  extends Pick<
    CheckoutInput<Plan>,
    'tenantId' | 'plan' | 'interval' | 'currency' | 'addOns' | 'payer' | 'trial' | 'fingerprints' | 'coupon'
  > {
  /** Within how many days an invoice is to be paid; the means of payment on file is charged when absent. */
  readonly daysUntilDue?: number;
  /** What was agreed with the tenant for a plan whose base is `'agreed'`, in minor units per interval. */
  readonly agreed?: number;
}

/** Another plan for a tenant that has one. */
export interface SwapInput<Plan extends string = string> {
  readonly tenantId: string;
  readonly plan: Plan;
  /** The one that it has when absent. */
  readonly interval?: Interval;
  /** How many of each add-on; those that it has when absent. */
  readonly addOns?: { readonly [name: string]: number };
  /** `now` when absent. */
  readonly when?: 'now' | 'period-end';
  /** How the rest of the period is paid: on the next invoice (`create`, the default), at once, or not. */
  readonly proration?: Proration;
  /** That of a preview, so that the change costs the same. */
  readonly prorationDate?: Date;
  /**
   * The provider's id of a coupon: it takes the place of what the subscription is given off now. One that it has goes on and
   * is not given again, and the same swap again gives nothing.
   */
  readonly coupon?: string;
  /** What was agreed with the tenant for a plan whose base is `'agreed'`, in minor units per interval. */
  readonly agreed?: number;
}

/** What came of an event that was received. */
export interface ReceivedEvent {
  /** What to answer with: it is stored. */
  readonly status: 200;
  readonly id: string;
  readonly type: string;
  /** True where it was received before. */
  readonly repeated: boolean;
}

/** An event that was given up. */
export interface DeadEvent {
  readonly id: string;
  readonly type: string;
  readonly attempts: number;
  readonly receivedAt: Date;
  /** The code of the error, and what it said. */
  readonly error: string | null;
}

/** What one pass of the worker did. */
export interface WorkResult {
  /** Events that were worked on, put off, and given up. */
  readonly events: { readonly done: number; readonly retried: number; readonly dead: number };
  /** Tenants that were looked at because something was due. */
  readonly customers: { readonly done: number; readonly failed: number };
  readonly seats: { readonly done: number; readonly failed: number };
  readonly usage: { readonly done: number; readonly failed: number };
}

/** How the worker goes on. */
export interface WorkOptions {
  /** Ends it, after the pass that is under way. */
  readonly signal: AbortSignal;
  /** How long it rests when nothing is due, in milliseconds; 2,000 when absent. */
  readonly restMilliseconds?: number;
  /** Told of errors that are none of one event's: the database is away. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Billing: what tenants pay, and that their plan follows it.
 *
 * Methods that speak with the provider throw `provider_unavailable` (the same call again does it once),
 * `provider_refused`, `provider_answer_invalid` and `billing_busy`, beside what they name themselves; and
 * `tenant_not_found`. Texts, times and numbers that can be none are refused with `name_invalid` and `amount_invalid`.
 */
export interface SubscriptionBilling<Plan extends string = string> {
  /** Tells how a tenant stands, from our rows. */
  state(tenantId: string, options?: CallOptions): Promise<BillingState>;
  /**
   * Opens a checkout. There is one at most: the same wish again gives the same session, another wish closes it.
   *
   * @throws TenantryError `subscription_exists`, `plan_not_sold`, `billing_unsupported`, `name_invalid` for an address.
   */
  checkout(input: CheckoutInput<Plan>): Promise<CheckoutResult>;
  /**
   * Closes the checkout that is open, so that nobody can pay it any more; where there is none, nothing is done. One that was
   * paid in the last moment is taken in, as the state says.
   */
  closeCheckout(input: { readonly tenantId: string }): Promise<BillingState>;
  /**
   * Subscribes a tenant without a page: by invoice, or from the means of payment on file. After `provider_unavailable` the
   * same wish again gives the subscription that was made, within 23 hours.
   *
   * @throws TenantryError `subscription_exists`, `plan_not_sold`.
   */
  subscribe(input: SubscribeInput<Plan>): Promise<BillingState>;
  /**
   * Opens the provider's page where a tenant manages what it has, or what a deep link names. The address is a secret.
   *
   * @throws TenantryError `billing_unsupported`, `subscription_not_found` where there is no customer, or no subscription
   * that could be ended or changed.
   */
  portal(input: {
    readonly tenantId: string;
    readonly returnUrl: string;
    /** Its front page when absent. */
    readonly to?: PortalPlace['to'];
    readonly configuration?: string;
    readonly locale?: string;
  }): Promise<{ readonly url: string }>;
  /**
   * Tells what another plan would cost, without changing anything.
   *
   * @throws TenantryError `subscription_not_found`, `plan_not_sold`.
   */
  preview(input: Omit<SwapInput<Plan>, 'when'>): Promise<ChangePreview>;
  /**
   * Changes the plan: now, or when the period ends, which takes back an end that was to come. What is as wished already is
   * left alone.
   *
   * @throws TenantryError `subscription_not_found`, `plan_not_sold`, `billing_unsupported`.
   */
  swap(input: SwapInput<Plan>): Promise<BillingState>;
  /** Takes back a change that was to come. Throws as `swap`. */
  keepPlan(input: { readonly tenantId: string }): Promise<BillingState>;
  /**
   * Ends the subscription: now, which bills what was used, when the period ends, or at a time. Without `subscriptionId` it is
   * the one that counts.
   *
   * @throws TenantryError `subscription_not_found`.
   */
  cancel(input: {
    readonly tenantId: string;
    readonly when: CancelWhen;
    readonly subscriptionId?: string;
  }): Promise<BillingState>;
  /** Takes back an end that was to come. Throws as `cancel`. */
  resume(input: { readonly tenantId: string }): Promise<BillingState>;
  /** Pauses the subscription, until a time or until `unpause`. Throws as `cancel`. */
  pause(input: { readonly tenantId: string; readonly until?: Date }): Promise<BillingState>;
  /** Ends a pause. Throws as `cancel`. */
  unpause(input: { readonly tenantId: string }): Promise<BillingState>;
  /** Looks at the provider and takes over what it says: for the page to which a payer returns. */
  sync(tenantId: string): Promise<BillingState>;
  /**
   * Takes an event in. When this has answered, the event is stored: answer with its `status` then, and with that of the
   * error when it threw one of the two below, which are 400; with 500 when it threw anything else.
   *
   * @param body The bytes as they were sent, not parsed.
   * @throws TenantryError `webhook_signature_invalid`, `provider_mode_mismatch`. TypeError for a parsed body.
   */
  receive(body: Uint8Array | string, headers: HeadersLike): Promise<ReceivedEvent>;
  /** Works on what is due, in one pass: events, tenants, seats, usage. Any number of processes may do so at once. */
  processDue(options?: { readonly limit?: number }): Promise<WorkResult>;
  /** Works on what is due until it is told to end. */
  work(options: WorkOptions): Promise<void>;
  /** Events that were given up, and having them worked on again. */
  readonly events: {
    /** Lists those that were given up, the newest first: 100 at most, or `limit`. */
    dead(options?: { readonly limit?: number }): Promise<readonly DeadEvent[]>;
    /** Has events worked on again: those named, or all that were given up. Gives how many. */
    replay(input?: { readonly ids?: readonly string[] }): Promise<number>;
  };
  /** Compares our rows with what the provider has, of one tenant or all, and takes over what it says where told to. */
  reconcile(input?: ReconcileInput): Promise<ReconcileReport>;
  /**
   * Refuses to let go of a tenant that still pays or has an open checkout: a purge calls it within its transaction.
   *
   * @throws TenantryError `tenant_still_pays`, `billing_busy` while somebody speaks with the provider about it.
   */
  guardPurge(tenantId: string, options?: CallOptions): Promise<void>;
}
