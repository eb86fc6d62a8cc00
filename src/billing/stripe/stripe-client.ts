import type Stripe from 'stripe';

/** The part of Stripe's client that is used, so that one that was extended, or narrowed, fits as well. */
export type StripeClient = Pick<
  Stripe,
  | 'billing'
  | 'billingPortal'
  | 'checkout'
  | 'coupons'
  | 'creditNotes'
  | 'customers'
  | 'invoicePayments'
  | 'invoices'
  | 'prices'
  | 'products'
  | 'promotionCodes'
  | 'refunds'
  | 'subscriptionItems'
  | 'subscriptions'
  | 'subscriptionSchedules'
>;
