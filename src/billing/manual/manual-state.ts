import type { ProviderInvoiceLine } from '../provider/document.ts';
import type { ScheduledChange } from '../provider/subscription.ts';

/** A customer as the provider "manual" keeps it. */
export interface ManualCustomer {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  /** By currency: negative is what the customer has to its credit. */
  readonly balance: { readonly [currency: string]: number };
}

/** An item of a subscription as it is kept. */
export interface ManualItem {
  readonly id: string;
  readonly priceId: string;
  readonly lookupKey: string;
  /** What the customer reads. */
  readonly name: string;
  /** Null for what is paid by use. */
  readonly quantity: number | null;
  readonly meter: string | null;
  readonly unitAmount: string;
  readonly interval: 'day' | 'week' | 'month' | 'year';
  readonly intervalCount: number;
}

/** A reduction that a subscription has. */
export interface ManualCoupon {
  readonly id: string;
  readonly percentOff: number | null;
  readonly amountOff: number | null;
  /** How many more invoices it reduces; null: all. */
  readonly invoicesLeft: number | null;
  readonly until: Date | null;
}

/** A subscription as it is kept. Its state follows from it, its open invoices and the time. */
export interface ManualSubscription {
  readonly id: string;
  readonly customerId: string;
  readonly currency: string;
  readonly items: readonly ManualItem[];
  readonly createdAt: Date;
  readonly anchorAt: Date;
  readonly periodStart: Date;
  readonly periodEnd: Date;
  readonly trialEndsAt: Date | null;
  readonly endsAt: Date | null;
  readonly endedAt: Date | null;
  readonly pausedAt: Date | null;
  readonly pausedUntil: Date | null;
  readonly scheduled: ScheduledChange | null;
  /** The items that a change to come leads to. */
  readonly scheduledItems: readonly ManualItem[] | null;
  /** What the next invoice has beside the prices: the rest of periods that were changed. */
  readonly pending: readonly ProviderInvoiceLine[];
  /** What was used and not billed yet, by meter. */
  readonly usage: { readonly [meter: string]: number };
  readonly daysUntilDue: number;
  readonly coupon: ManualCoupon | null;
  readonly latestInvoiceId: string | null;
  readonly metadata: { readonly [name: string]: string };
}

/** An invoice that is to be issued. */
export interface InvoiceDraft {
  readonly reason: string;
  readonly currency: string;
  readonly lines: readonly ProviderInvoiceLine[];
  readonly issuedAt: Date;
  readonly dueAt: Date;
  readonly periodStart: Date;
  readonly periodEnd: Date;
}
