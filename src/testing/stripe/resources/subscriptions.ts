import { cancelSubscription } from '../billing/cancel.ts';
import { cardOf } from '../billing/charge.ts';
import { day } from '../billing/periods.ts';
import { prorate } from '../billing/prorations.ts';
import { redeem } from '../billing/redeem.ts';
import { advanceInvoice, finalInvoice } from '../billing/renew.ts';
import { ended } from '../billing/settle.ts';
import { startSubscription } from '../billing/start-subscription.ts';
import { atPath } from '../look-up.ts';
import { inRange, pageOf, pageParams } from '../paginate.ts';
import type { Params } from '../params.ts';
import { presentDeletedDiscount } from '../present/catalogue.ts';
import { present } from '../present.ts';
import { declined, invalid, missing } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { CustomerRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { readDiscounts } from './coupons.ts';
import { customerOf } from './customers.ts';
import { pauseRoutes } from './pause-subscription.ts';
import { currencyOf, readNewItems } from './read-items.ts';
import { checkMethod, oneCancelParameter, sameCurrency, settingsOf, trialBehaviorOf } from './subscription-input.ts';
import { updateSubscription } from './update-subscription.ts';

export const subscriptionRoutes: Routes = {
  Subscriptions_create: {
    takes:
      'automatic_tax billing_cycle_anchor billing_mode cancel_at cancel_at_period_end collection_method currency customer days_until_due default_payment_method description discounts items metadata off_session payment_behavior payment_settings proration_behavior trial_end trial_period_days trial_settings',
    run: ({ world, params }) => present(world, createSubscription(world, params)),
  },
  Subscriptions_retrieve: {
    takes: '',
    run: ({ world, id }) => present(world, atPath(world.subscriptions, id(), 'subscription')),
  },
  Subscriptions_update: {
    takes:
      'automatic_tax billing_cycle_anchor cancel_at cancel_at_period_end cancellation_details collection_method days_until_due default_payment_method description discounts items metadata off_session pause_collection payment_behavior payment_settings proration_behavior proration_date trial_end trial_settings',
    run({ world, params, id }) {
      const row = atPath(world.subscriptions, id(), 'subscription');
      updateSubscription(world, row, params);
      return present(world, row);
    },
  },
  Subscriptions_cancel: {
    takes: 'cancellation_details invoice_now prorate',
    run({ world, params, id }) {
      const row = atPath(world.subscriptions, id(), 'subscription');
      if (ended(row)) throw missing('subscription', row.id);
      cancelNow(world, row, params);
      return present(world, row);
    },
  },
  Subscriptions_list: {
    takes: `${pageParams} collection_method created current_period_end current_period_start customer price status`,
    run({ world, params }) {
      const customer = params.text('customer');
      if (customer !== undefined && !world.deletedCustomers.has(customer)) customerOf(world, customer);
      const price = params.text('price');
      const collection = params.text('collection_method');
      const status = params.text('status');
      const rows = [...world.subscriptions.values()].filter(
        (row) =>
          hasStatus(row, status) &&
          (customer === undefined || row.customer === customer) &&
          (collection === undefined || row.collection_method === collection) &&
          (price === undefined || row.items.some((item) => item.price === price)) &&
          row.items.some((item) => inRange(params, 'current_period_end', item.current_period_end)) &&
          row.items.some((item) => inRange(params, 'current_period_start', item.current_period_start)),
      );
      return pageOf(world, params, '/v1/subscriptions', rows);
    },
  },
  Subscriptions_deleteDiscount: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.subscriptions, id(), 'subscription');
      const [discount] = row.discounts;
      const kept = discount === undefined ? undefined : world.discounts.get(discount);
      if (kept === undefined) throw missing('discount', row.id);
      world.change('customer.subscription.updated', row, (each) => {
        each.discounts = [];
      });
      world.tell('customer.discount.deleted', kept);
      return presentDeletedDiscount(world, kept);
    },
  },
  ...pauseRoutes,
};

/** Ends a subscription at once, as a request asks. */
function cancelNow(world: World, row: SubscriptionRow, params: Params): void {
  if (params.flag('prorate') === true && row.status !== 'trialing') prorate(world, row, row.items, [], world.now);
  const invoice = params.flag('invoice_now') === true ? finalInvoice(world, row) : undefined;
  const details = params.hash('cancellation_details');
  cancelSubscription(world, row, {
    reason: 'cancellation_requested',
    comment: details?.text('comment') ?? null,
    feedback: details?.text('feedback') ?? null,
  });
  if (invoice !== undefined) advanceInvoice(world, invoice);
}

/** Makes a subscription from a request. */
function createSubscription(world: World, params: Params): SubscriptionRow {
  const customer = customerOf(world, params.need('customer'));
  const items = readNewItems(world, params.hashes('items'));
  const currency = currencyOf(world, items, params.text('currency'));
  sameCurrency(world, customer, currency);
  const collection = params.text('collection_method') === 'send_invoice' ? 'send_invoice' : 'charge_automatically';
  const days = params.number('days_until_due') ?? null;
  if ((collection === 'send_invoice') !== (days !== null)) {
    throw invalid('`days_until_due` is given with, and only with, `collection_method=send_invoice`.', {
      param: 'days_until_due',
    });
  }
  const trialEnd = trialEndOf(world, params);
  const method = params.text('default_payment_method') ?? null;
  if (method !== null) checkMethod(world, customer, method, 'default_payment_method');
  const behavior = params.text('payment_behavior') ?? 'allow_incomplete';
  if (collection === 'charge_automatically' && trialEnd === null && behavior !== 'default_incomplete') {
    checkCard(world, customer, method, behavior, dueNow(world, items, currency));
  }
  const cancelAt = params.number('cancel_at') ?? null;
  if (cancelAt !== null && params.flag('cancel_at_period_end') === true) throw oneCancelParameter();
  if (cancelAt !== null && cancelAt <= world.now) {
    throw invalid('The `cancel_at` timestamp must be in the future.', { param: 'cancel_at' });
  }
  const anchor = params.number('billing_cycle_anchor') ?? null;
  if (anchor !== null && anchor < world.now) {
    throw invalid('The `billing_cycle_anchor` cannot be in the past.', { param: 'billing_cycle_anchor' });
  }
  const wanted = readDiscounts(world, params.hashes('discounts'), { customer: customer.id, currency });
  return startSubscription(world, {
    customer: customer.id,
    currency,
    items,
    metadata: params.metadata(),
    description: params.text('description') ?? null,
    trialEnd,
    trialEndBehavior: trialBehaviorOf(params) ?? 'create_invoice',
    anchor,
    proration: params.text('proration_behavior') === 'none' ? 'none' : 'create_prorations',
    collection,
    daysUntilDue: days,
    defaultPaymentMethod: method,
    paymentBehavior: behavior,
    paymentSettings: settingsOf(params),
    automaticTax: params.hash('automatic_tax')?.flag('enabled') ?? false,
    cancelAt,
    cancelAtPeriodEnd: params.flag('cancel_at_period_end') ?? false,
    discounts: (subscription) => redeem(world, wanted, { customer: customer.id, subscription }),
  });
}

function trialEndOf(world: World, params: Params): number | null {
  const days = params.number('trial_period_days');
  const end = params.raw('trial_end');
  if (days !== undefined && end !== undefined) {
    throw invalid('Received both trial_end and trial_period_days. Please pass in only one.', { param: 'trial_end' });
  }
  if (days !== undefined && days > 0) return world.now + days * day;
  if (typeof end !== 'number') return null;
  if (end <= world.now) throw invalid('Invalid timestamp: must be in the future', { param: 'trial_end' });
  return end;
}

function checkCard(world: World, customer: CustomerRow, method: string | null, behavior: string, due: boolean): void {
  if (!due) return;
  const card = cardOf(world, { customer: customer.id, default_payment_method: method });
  if (card === undefined) {
    throw invalid(
      'This customer has no attached payment source or default payment method. Please consider adding a default payment method.',
      { code: 'resource_missing' },
    );
  }
  if (behavior === 'error_if_incomplete' && card.own.behaviour !== 'ok') throw declined(card.own.decline);
}

function dueNow(world: World, items: readonly { price: string; quantity: number | null }[], currency: string): boolean {
  return items.some(({ price: id, quantity }) => {
    const price = world.prices.get(id);
    if (price === undefined || price.recurring?.usage_type === 'metered' || quantity === 0) return false;
    const option = price.currency_options[currency];
    return option?.tiers != null || Number(option?.unit_amount_decimal ?? 0) > 0;
  });
}

function hasStatus(row: SubscriptionRow, status: string | undefined): boolean {
  if (status === undefined) return row.status !== 'canceled';
  if (status === 'all') return true;
  if (status === 'ended') return ended(row);
  return row.status === status;
}
