import type { PriceBook } from '../price-book.ts';

/** What a number is given to. */
export interface NumberedDocument {
  readonly kind: 'invoice' | 'credit-note';
  readonly issuedAt: Date;
}

/** How billing by hand is done. */
export interface ManualOptions {
  /** What is sold: what `definePrices` gives. Without it there are invoices, but no subscriptions. */
  readonly prices?: PriceBook;
  /** Whether the money is real; true when absent. */
  readonly livemode?: boolean;
  /** How long an invoice may be open, in days, where nothing else is said; 14 when absent. */
  readonly daysUntilDue?: number;
  /**
   * The series in which a document is numbered; each counts from 1 without gaps, for each tenant. `invoice` and
   * `credit-note` when absent; `({ issuedAt }) => String(issuedAt.getUTCFullYear())` begins anew each year.
   */
  readonly series?: (document: NumberedDocument) => string;
  /** The number as it is printed; `INV-0001` and `CN-0001` when absent. */
  readonly number?: (document: NumberedDocument & { readonly series: string; readonly sequence: number }) => string;
  /** The tax of an invoice in minor units, as you compute it; none when absent. */
  readonly tax?: (invoice: {
    readonly tenantId: string;
    readonly currency: string;
    readonly subtotal: number;
  }) => number;
}
