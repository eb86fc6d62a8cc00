import type { SubscriptionItemRow, SubscriptionRow } from '../rows.ts';
import type { Wire } from '../wire.ts';
import type { World } from '../world.ts';
import { presentPlan, presentPrice } from './catalogue.ts';
import { listOf } from './list.ts';

export function presentSubscription(world: World, row: SubscriptionRow): Wire {
  const { own: _, items, paused, trial_end_behavior: atTrialEnd, automatic_tax: tax, pending_update, ...fields } = row;
  return {
    ...fields,
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: tax, liability: tax ? { type: 'self' } : null },
    billing_cycle_anchor_config: null,
    billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible' },
    billing_schedules: [],
    billing_thresholds: null,
    cancellation_details: { ...row.cancellation_details, feedback_option: null },
    customer_account: null,
    default_source: null,
    default_tax_rates: [],
    invoice_settings: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: { type: 'self' },
    },
    items: listOf(
      items.map((item) => presentSubscriptionItem(world, item)),
      `/v1/subscription_items?subscription=${row.id}`,
    ),
    livemode: world.livemode,
    managed_payments: null,
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update:
      pending_update === null
        ? null
        : {
            billing_cycle_anchor: null,
            cancel_at_period_end: null,
            discount: null,
            discounts: null,
            expires_at: pending_update.expires_at,
            metadata: null,
            subscription_items: pending_update.items.map((item) => presentSubscriptionItem(world, item)),
            trial_end: null,
            trial_from_plan: null,
          },
    test_clock: null,
    transfer_data: null,
    trial_settings: { end_behavior: { billing_cycle_anchor: null, missing_payment_method: atTrialEnd } },
    ...(paused === null
      ? {}
      : {
          status_details: {
            paused: { subscription: { type: paused.type }, transitioned_at: paused.at, type: 'subscription' },
          },
        }),
  };
}

export function presentSubscriptionItem(world: World, row: SubscriptionItemRow): Wire {
  const { quantity, price: id, ...fields } = row;
  const price = world.prices.get(id);
  return {
    ...fields,
    billing_thresholds: null,
    current_trial: null,
    plan: price === undefined ? { id, object: 'plan' } : presentPlan(world, price),
    price: price === undefined ? { id, object: 'price' } : presentPrice(world, price),
    ...(quantity === null ? {} : { quantity }),
    tax_rates: [],
  };
}
