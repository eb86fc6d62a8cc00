import type { Value } from '../wire.ts';
import type { Kept, Metadata } from './kept.ts';

export interface SubscriptionItemRow extends Kept<'subscription_item'> {
  current_period_start: number;
  current_period_end: number;
  discounts: readonly string[];
  price: string;
  quantity: number | null;
  readonly subscription: string;
}

export interface SubscriptionRow extends Kept<'subscription'> {
  automatic_tax: boolean;
  billing_cycle_anchor: number;
  cancel_at: number | null;
  cancel_at_period_end: boolean;
  canceled_at: number | null;
  cancellation_details: { comment: string | null; feedback: string | null; reason: string | null };
  collection_method: 'charge_automatically' | 'send_invoice';
  readonly currency: string;
  readonly customer: string;
  days_until_due: number | null;
  default_payment_method: string | null;
  description: string | null;
  discounts: readonly string[];
  ended_at: number | null;
  items: SubscriptionItemRow[];
  latest_invoice: string | null;
  pause_collection: { behavior: string; resumes_at: number | null } | null;
  payment_settings: Value;
  pending_update: { expires_at: number; items: SubscriptionItemRow[] } | null;
  schedule: string | null;
  readonly start_date: number;
  status: string;
  paused: { type: string; at: number } | null;
  trial_end: number | null;
  trial_end_behavior: 'cancel' | 'create_invoice' | 'pause';
  trial_start: number | null;
  readonly own: { trialWillEndTold: boolean };
}

export interface PhaseItem {
  readonly price: string;
  readonly quantity: number | null;
  readonly metadata: Metadata;
}

export interface Phase {
  readonly start_date: number;
  readonly end_date: number;
  readonly items: readonly PhaseItem[];
  readonly metadata: Metadata;
  readonly proration_behavior: 'always_invoice' | 'create_prorations' | 'none';
  /** Each has one of the three; `discount` is one that the subscription has. */
  readonly discounts: readonly {
    readonly coupon: string | null;
    readonly discount: string | null;
    readonly promotion_code: string | null;
  }[];
  readonly trial_end: number | null;
  readonly billing_cycle_anchor: string | null;
  readonly description: string | null;
}

export interface ScheduleRow extends Kept<'subscription_schedule'> {
  canceled_at: number | null;
  completed_at: number | null;
  readonly customer: string;
  end_behavior: 'release' | 'cancel' | 'none' | 'renew';
  phases: readonly Phase[];
  released_at: number | null;
  released_subscription: string | null;
  status: string;
  subscription: string | null;
  readonly currency: string;
  readonly own: { phase: number };
}
