import type { Value } from '../wire.ts';
import type { Kept, Metadata } from './kept.ts';

export interface ProductRow extends Kept<'product'> {
  active: boolean;
  default_price: string | null;
  description: string | null;
  images: readonly string[];
  marketing_features: Value;
  name: string;
  shippable: boolean | null;
  statement_descriptor: string | null;
  tax_code: string | null;
  unit_label: string | null;
  updated: number;
  url: string | null;
}

export interface Tier {
  readonly up_to: number | null;
  readonly unit_amount: number | null;
  readonly unit_amount_decimal: string | null;
  readonly flat_amount: number | null;
  readonly flat_amount_decimal: string | null;
}

export interface CurrencyOption {
  unit_amount: number | null;
  unit_amount_decimal: string | null;
  tax_behavior: string | null;
  tiers: readonly Tier[] | null;
}

export interface Recurring {
  readonly interval: 'day' | 'week' | 'month' | 'year';
  readonly interval_count: number;
  readonly meter: string | null;
  readonly usage_type: 'licensed' | 'metered';
}

export interface PriceRow extends Kept<'price'> {
  active: boolean;
  readonly billing_scheme: 'per_unit' | 'tiered';
  readonly currency: string;
  currency_options: Record<string, CurrencyOption>;
  lookup_key: string | null;
  nickname: string | null;
  readonly product: string;
  readonly recurring: Recurring | null;
  tax_behavior: string;
  readonly tiers_mode: string | null;
  readonly transform_quantity: { divide_by: number; round: string } | null;
  readonly type: 'one_time' | 'recurring';
}

export interface CouponRow extends Kept<'coupon'> {
  readonly amount_off: number | null;
  readonly currency: string | null;
  /** What it takes off in each currency. */
  readonly amounts_off: Readonly<Record<string, number>>;
  readonly percent_off: number | null;
  readonly duration: 'forever' | 'once' | 'repeating';
  readonly duration_in_months: number | null;
  readonly max_redemptions: number | null;
  readonly redeem_by: number | null;
  readonly applies_to: readonly string[] | null;
  name: string | null;
  times_redeemed: number;
  deleted: boolean;
}

export interface PromotionCodeRow extends Kept<'promotion_code'> {
  active: boolean;
  readonly code: string;
  readonly coupon: string;
  readonly customer: string | null;
  readonly expires_at: number | null;
  readonly max_redemptions: number | null;
  readonly first_time_transaction: boolean;
  times_redeemed: number;
}

export interface DiscountRow {
  readonly id: string;
  readonly object: 'discount';
  readonly coupon: string;
  readonly promotion_code: string | null;
  readonly customer: string | null;
  readonly subscription: string | null;
  readonly checkout_session: string | null;
  readonly start: number;
  readonly end: number | null;
  /** Whether a coupon of duration `once` has been taken off an invoice. */
  readonly own: { used: boolean };
}

export interface MeterRow extends Kept<'billing.meter'> {
  readonly customer_key: string;
  display_name: string;
  readonly event_name: string;
  readonly event_time_window: string | null;
  readonly formula: 'count' | 'last' | 'sum';
  status: 'active' | 'inactive';
  deactivated_at: number | null;
  updated: number;
  readonly value_key: string;
}

export interface UsageRow {
  readonly id: string;
  readonly object: 'billing.meter_event';
  readonly created: number;
  readonly event_name: string;
  readonly payload: Readonly<Record<string, string>>;
  readonly timestamp: number;
  readonly customer: string;
  readonly value: number;
  canceled: boolean;
}

/** A feature that products bring; `products` maps a product to the id of its link. */
export interface FeatureRow {
  readonly id: string;
  readonly object: 'entitlements.feature';
  active: boolean;
  readonly lookup_key: string;
  metadata: Metadata;
  name: string;
  readonly products: Map<string, string>;
}
