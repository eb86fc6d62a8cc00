import type { ProviderCall } from './call.ts';

/** How often a price is charged. */
export type Interval = 'day' | 'week' | 'month' | 'year';

/** What of a subscription is paid by a number that we set. */
export interface LicensedItem {
  readonly kind: 'licensed';
  readonly quantity: number;
}

/** What of a subscription is paid by usage; it has no quantity. */
export interface MeteredItem {
  readonly kind: 'metered';
}

/** A part of a subscription: one price. */
export type ProviderItem = (LicensedItem | MeteredItem) & {
  readonly id: string;
  readonly priceId: string;
  /** The lookup key under which the price is or was sold. */
  readonly lookupKey: string | null;
  readonly currency: string;
  /** In minor units, as a decimal number in text, since a price may have fractions of them; null for tiers. */
  readonly unitAmount: string | null;
  readonly interval: Interval | string;
  readonly intervalCount: number;
  readonly periodStart: Date | null;
  readonly periodEnd: Date | null;
};

/** A change that the provider will make by itself. */
export interface ScheduledChange {
  readonly at: Date;
  readonly items: readonly { readonly priceId: string; readonly quantity: number | null }[];
}

/** A subscription as the provider has it. */
export interface ProviderSubscription {
  readonly id: string;
  readonly customerId: string;
  /** The provider's own word, which may be one that nobody knows yet. */
  readonly status: string;
  readonly currency: string;
  readonly items: readonly ProviderItem[];
  readonly createdAt: Date;
  /** Where its periods are counted from. */
  readonly anchorAt: Date;
  /** The running period: of its items the earliest end. */
  readonly periodStart: Date | null;
  readonly periodEnd: Date | null;
  readonly trialEndsAt: Date | null;
  /** Since when an invoice is not paid that should be; null while nothing is owed. */
  readonly pastDueSince: Date | null;
  /** When it ends or ended, however the provider says so; null while it goes on. */
  readonly endsAt: Date | null;
  /** When it was over. */
  readonly endedAt: Date | null;
  /** True while nothing is collected, or while it stands still as a whole. */
  readonly paused: boolean;
  readonly scheduleId: string | null;
  readonly scheduled: ScheduledChange | null;
  readonly latestInvoiceId: string | null;
  readonly metadata: { readonly [name: string]: string };
  /** When its state changes without an event; null where the provider tells of all changes. */
  readonly changesAt?: Date | null;
}

/** An item of a subscription to be made or changed: with `id` one that is there. */
export interface WantedItem {
  readonly id?: string;
  readonly priceId: string;
  /** Absent for what is paid by usage. */
  readonly quantity?: number;
}

/**
 * How the rest of a period is paid when something changes: on the next invoice (`create`), at once (`invoice`), or not
 * at all (`none`).
 */
export type Proration = 'create' | 'invoice' | 'none';

/** What a subscription is to become. */
export interface WantedChange {
  /** All items that it shall have then; others are removed. */
  readonly items: readonly WantedItem[];
  readonly proration: Proration;
  /** As of when the rest of the period is counted, so that a change costs what its preview said. */
  readonly prorationDate?: Date | undefined;
  /** Takes the place of what it is given off now. One that it has is not given again; nor is it for the same items. */
  readonly coupon?: string | undefined;
}

/** A subscription to be made without a checkout. */
export interface NewSubscription {
  readonly customerId: string;
  readonly tenantId: string;
  readonly plan: string;
  readonly items: readonly WantedItem[];
  readonly currency: string;
  readonly trialDays?: number | undefined;
  /** Until when it was paid otherwise: nothing is asked for before. In the place of `trialDays`. */
  readonly paidUntil?: Date | undefined;
  readonly coupon?: string | undefined;
  /** Within how many days an invoice is to be paid; taken from the payment method on file when absent. */
  readonly daysUntilDue?: number | undefined;
}

/** When a subscription is to end. */
export type CancelWhen = 'now' | 'period-end' | Date;

/** What a change would cost. */
export interface ChangePreview {
  readonly currency: string;
  /** What the next invoice would be, in minor units. */
  readonly total: number;
  /** How much of that is for the rest of the running period: negative for what comes back. */
  readonly proration: number;
  readonly tax: number;
  /** As of when it was computed: hand it in with the change, so that the change costs the same. */
  readonly prorationDate: Date;
  readonly lines: readonly {
    readonly description: string | null;
    readonly amount: number;
    readonly proration: boolean;
    readonly periodStart: Date;
    readonly periodEnd: Date;
  }[];
}

/** The subscriptions of a provider. */
export interface ProviderSubscriptions {
  /** All of a customer, those that ended too. */
  list(customerId: string): Promise<readonly ProviderSubscription[]>;
  /** Null for an id that the provider never gave. */
  read(id: string): Promise<ProviderSubscription | null>;
  /** Begins a subscription. */
  create(input: NewSubscription, call: ProviderCall): Promise<ProviderSubscription>;
  /** Tells what a change would cost, and changes nothing. */
  preview(id: string, change: WantedChange): Promise<ChangePreview>;
  /** Changes what is subscribed to. */
  change(id: string, change: WantedChange, call: ProviderCall): Promise<ProviderSubscription>;
  /** Changes its items when the running period ends. */
  changeAtPeriodEnd(id: string, items: readonly WantedItem[], call: ProviderCall): Promise<ProviderSubscription>;
  /** Takes back a change that was to come. */
  releaseScheduled(id: string, call: ProviderCall): Promise<ProviderSubscription>;
  /** Ends a subscription, now or later. */
  cancel(id: string, when: CancelWhen, call: ProviderCall): Promise<ProviderSubscription>;
  /** Takes back an end that was to come. */
  keep(id: string, call: ProviderCall): Promise<ProviderSubscription>;
  /** Pauses a subscription. */
  pause(id: string, until: Date | null, call: ProviderCall): Promise<ProviderSubscription>;
  /** Goes on with a paused subscription. */
  unpause(id: string, call: ProviderCall): Promise<ProviderSubscription>;
  /** Sets the absolute quantity of one item. */
  setQuantity(
    id: string,
    item: { readonly id: string; readonly quantity: number; readonly proration: Proration },
    call: ProviderCall,
  ): Promise<ProviderSubscription>;
}
