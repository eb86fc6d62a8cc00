import type { ProviderCall } from './call.ts';
import type { WantedItem } from './subscription.ts';

/** A checkout to be opened. Everything in it is kept, so that it can be sent again word for word. */
export interface NewCheckout {
  readonly customerId: string;
  readonly tenantId: string;
  readonly plan: string;
  readonly items: readonly WantedItem[];
  readonly currency: string;
  readonly successUrl: string;
  readonly cancelUrl: string;
  readonly trialDays?: number | undefined;
  /** Whether a trial begins without a means of payment; false when absent. */
  readonly trialWithoutCard?: boolean | undefined;
  readonly coupon?: string | undefined;
  /** Whether the payer may type in a code; false when absent. */
  readonly promotionCodes?: boolean | undefined;
  /** Whether the provider computes taxes; false when absent. */
  readonly automaticTax?: boolean | undefined;
  readonly locale?: string | undefined;
}

/** A checkout as the provider has it. */
export interface ProviderCheckout {
  readonly id: string;
  readonly customerId: string | null;
  /** `open`, `complete`, `expired`, or a word of the provider's. */
  readonly status: string;
  readonly url: string | null;
  readonly expiresAt: Date | null;
  readonly subscriptionId: string | null;
}

/** The checkouts of a provider. */
export interface ProviderCheckouts {
  /** Opens a page on which somebody pays. */
  create(input: NewCheckout, call: ProviderCall): Promise<ProviderCheckout>;
  /** Reads a checkout; null when the provider does not know it. */
  read(id: string): Promise<ProviderCheckout | null>;
  /** Those of a customer that are open, whoever opened them. */
  listOpen(customerId: string): Promise<readonly ProviderCheckout[]>;
  /** Closes one that is open; gives it as it is when it is not. */
  expire(id: string, call: ProviderCall): Promise<ProviderCheckout>;
}

/** Where the portal opens: its front page, or what a deep link names. */
export type PortalPlace =
  | { readonly to: 'home' }
  | { readonly to: 'payment-method' }
  | { readonly to: 'cancel'; readonly subscriptionId: string }
  | { readonly to: 'change'; readonly subscriptionId: string };

/** A portal to be opened. */
export interface NewPortal {
  readonly customerId: string;
  readonly returnUrl: string;
  readonly place: PortalPlace;
  /** The provider's id of a configuration of the portal. */
  readonly configuration?: string | undefined;
  readonly locale?: string | undefined;
}
