import { changeItems, type ItemChange } from '../billing/change-items.ts';
import { draftInvoice } from '../billing/draft-invoice.ts';
import { attemptPayment, finalizeInvoice } from '../billing/pay-invoice.ts';
import { redeem } from '../billing/redeem.ts';
import { openPeriods } from '../billing/renew.ts';
import { ended } from '../billing/settle.ts';
import type { Params } from '../params.ts';
import { invalid } from '../refusal.ts';
import type { SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { readDiscounts } from './coupons.ts';
import { readChangedItems } from './read-items.ts';
import { checkMethod, oneCancelParameter, settingsOf, trialBehaviorOf } from './subscription-input.ts';

/** Changes a subscription as a request asks, and tells of it once. */
export function updateSubscription(world: World, row: SubscriptionRow, params: Params): void {
  if (ended(row)) {
    const allowed = ['metadata', 'cancellation_details'];
    const other = params.names.find((name) => !allowed.includes(name));
    if (other !== undefined) {
      throw invalid('A canceled subscription can only update its cancellation_details and metadata.', { param: other });
    }
  }
  const wanted = params.hashes('discounts');
  const discounts = wanted === undefined ? undefined : readDiscounts(world, wanted, row);
  const customer = world.customers.get(row.customer);
  const method = params.textOrNull('default_payment_method');
  if (method != null && customer !== undefined) checkMethod(world, customer, method, 'default_payment_method');
  const cancels = cancelOf(world, row, params);
  const list = params.hashes('items');
  const items = list === undefined ? undefined : readChangedItems(world, row, list);
  if (items !== undefined && row.status === 'incomplete') {
    throw invalid('Items of an incomplete subscription cannot be changed.', { param: 'items' });
  }
  const trialEnd = trialEndOf(world, row, params);
  const anchor = params.hash('billing_cycle_anchor')?.text('type');

  world.change('customer.subscription.updated', row, (kept) => {
    if (items !== undefined || anchor === 'now') {
      changeItems(world, kept, items?.items ?? kept.items, changeOf(params, items?.clear));
    }
    if (trialEnd !== undefined) moveTrial(world, kept, trialEnd, params.text('payment_behavior'));
    if (cancels !== undefined) Object.assign(kept, cancels);
    kept.metadata = params.metadata(kept.metadata);
    if (method !== undefined) kept.default_payment_method = method;
    const description = params.textOrNull('description');
    if (description !== undefined) kept.description = description;
    const collection = params.text('collection_method');
    if (collection === 'send_invoice' || collection === 'charge_automatically') kept.collection_method = collection;
    kept.days_until_due = params.number('days_until_due') ?? kept.days_until_due;
    kept.automatic_tax = params.hash('automatic_tax')?.flag('enabled') ?? kept.automatic_tax;
    kept.trial_end_behavior = trialBehaviorOf(params) ?? kept.trial_end_behavior;
    if (params.has('payment_settings')) kept.payment_settings = settingsOf(params);
    if (discounts !== undefined) {
      kept.discounts = redeem(world, discounts, { customer: kept.customer, subscription: kept.id });
    }
    pauseCollection(kept, params);
    const details = params.hash('cancellation_details');
    if (details !== undefined) {
      const { comment, feedback, reason } = kept.cancellation_details;
      kept.cancellation_details = {
        comment: details.text('comment') ?? comment,
        feedback: details.text('feedback') ?? feedback,
        reason,
      };
    }
  });
}

/** How items are to change, as a request says. */
export function changeOf(params: Params, clear: ReadonlySet<string> | undefined): ItemChange {
  const proration = params.text('proration_behavior');
  const date = params.number('proration_date');
  const anchor = params.hash('billing_cycle_anchor')?.text('type');
  const behavior = params.text('payment_behavior');
  return {
    proration: proration === 'always_invoice' || proration === 'none' ? proration : 'create_prorations',
    ...(date === undefined ? {} : { prorationDate: date }),
    ...(anchor === 'now' || anchor === 'unchanged' ? { anchor } : {}),
    ...(behavior === undefined ? {} : { paymentBehavior: behavior }),
    ...(clear === undefined ? {} : { clearUsage: clear }),
  };
}

type CancelFields = Pick<
  SubscriptionRow,
  'cancel_at' | 'cancel_at_period_end' | 'canceled_at' | 'cancellation_details'
>;

function cancelOf(world: World, row: SubscriptionRow, params: Params): CancelFields | undefined {
  const at = params.raw('cancel_at');
  const atEnd = params.flag('cancel_at_period_end');
  if (at !== undefined && atEnd !== undefined) throw oneCancelParameter();
  if (at === undefined && atEnd === undefined) return undefined;
  if (row.schedule !== null) {
    throw invalid(
      'The subscription is managed by the subscription schedule `' +
        row.schedule +
        '`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead.',
    );
  }
  const ends = row.items.map((item) => item.current_period_end);
  const time =
    atEnd === true || at === 'min_period_end'
      ? Math.min(...ends)
      : at === 'max_period_end' || at === 'max_billed_until'
        ? Math.max(...ends)
        : typeof at === 'number'
          ? at
          : null;
  if (typeof at === 'number' && at <= world.now) {
    throw invalid('The `cancel_at` timestamp must be in the future.', { param: 'cancel_at' });
  }
  const { comment, feedback } = row.cancellation_details;
  return {
    cancel_at: time,
    cancel_at_period_end: atEnd ?? false,
    canceled_at: time === null ? null : (row.canceled_at ?? world.now),
    cancellation_details: { comment, feedback, reason: time === null ? null : 'cancellation_requested' },
  };
}

function trialEndOf(world: World, row: SubscriptionRow, params: Params): number | 'now' | undefined {
  const end = params.raw('trial_end');
  if (end === undefined || end === null) return undefined;
  if (end === 'now') return row.status === 'trialing' ? 'now' : undefined;
  if (typeof end !== 'number' || end <= world.now) {
    throw invalid('Invalid timestamp: must be an integer Unix timestamp in the future.', { param: 'trial_end' });
  }
  return end;
}

/** Lets a trial end at another time, or at once. */
export function moveTrial(world: World, row: SubscriptionRow, end: number | 'now', behavior: string | undefined): void {
  const at = end === 'now' ? world.now : end;
  row.trial_start ??= world.now;
  row.trial_end = at;
  row.billing_cycle_anchor = at;
  row.own.trialWillEndTold = false;
  if (end !== 'now') {
    row.status = 'trialing';
    for (const item of row.items) item.current_period_end = at;
    return;
  }
  for (const item of row.items) item.current_period_end = world.now;
  const { lines, metered, period } = openPeriods(world, row);
  row.status = 'active';
  const invoice = draftInvoice(world, {
    customer: row.customer,
    currency: row.currency,
    subscription: row,
    reason: 'subscription_update',
    lines,
    metered,
    period,
  });
  finalizeInvoice(world, invoice);
  if (
    invoice.status === 'open' &&
    row.collection_method === 'charge_automatically' &&
    behavior !== 'default_incomplete'
  ) {
    attemptPayment(world, invoice);
  }
}

function pauseCollection(row: SubscriptionRow, params: Params): void {
  if (!params.has('pause_collection')) return;
  const pause = params.hash('pause_collection');
  row.pause_collection =
    pause === undefined
      ? null
      : { behavior: pause.text('behavior') ?? 'void', resumes_at: pause.number('resumes_at') ?? null };
}
