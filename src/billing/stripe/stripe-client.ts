import type Stripe from 'stripe';

/** The part of Stripe's client that is used, so that one that was extended, or narrowed, fits as well. */
export type StripeClient = Pick<
  Stripe,
  | 'billing'
  | 'billingPortal'
  | 'checkout'
  | 'creditNotes'
  | 'customers'
  | 'Decimal'
  | 'invoicePayments'
  | 'invoices'
  | 'prices'
  | 'products'
  | 'refunds'
  | 'subscriptionItems'
  | 'subscriptions'
  | 'subscriptionSchedules'
>;
