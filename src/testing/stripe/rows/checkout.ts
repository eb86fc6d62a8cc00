import type { Value } from '../wire.ts';
import type { Kept, Metadata } from './kept.ts';

export interface SessionItem {
  readonly id: string;
  readonly price: string;
  readonly quantity: number | null;
}

export interface CheckoutSessionRow extends Kept<'checkout.session'> {
  allow_promotion_codes: boolean | null;
  automatic_tax: boolean;
  cancel_url: string | null;
  client_reference_id: string | null;
  readonly currency: string | null;
  customer: string | null;
  customer_creation: string | null;
  customer_email: string | null;
  readonly discounts: readonly { readonly coupon: string | null; readonly promotion_code: string | null }[];
  readonly expires_at: number;
  invoice: string | null;
  readonly items: readonly SessionItem[];
  readonly locale: string | null;
  readonly mode: 'subscription' | 'payment' | 'setup';
  payment_intent: string | null;
  readonly payment_method_collection: string | null;
  payment_status: string;
  setup_intent: string | null;
  status: 'open' | 'complete' | 'expired';
  subscription: string | null;
  success_url: string | null;
  readonly ui_mode: string;
  readonly own: {
    readonly subscriptionMetadata: Metadata;
    readonly description: string | null;
    readonly trialDays: number | null;
    readonly trialEnd: number | null;
    readonly trialEndBehavior: 'cancel' | 'create_invoice' | 'pause';
    readonly anchor: number | null;
    readonly proration: 'create_prorations' | 'none';
  };
}

export interface PortalSessionRow {
  readonly id: string;
  readonly object: 'billing_portal.session';
  readonly created: number;
  readonly configuration: string;
  readonly customer: string;
  readonly flow: Value;
  readonly locale: string | null;
  readonly return_url: string | null;
}

export interface PortalConfigurationRow extends Kept<'billing_portal.configuration'> {
  active: boolean;
  business_profile: Value;
  default_return_url: string | null;
  features: { readonly [name: string]: Value };
  readonly is_default: boolean;
  login_page: boolean;
  name: string | null;
  updated: number;
}
