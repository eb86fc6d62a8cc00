import { lineAmount } from '../amounts.ts';
import { declined } from '../refusal.ts';
import type { SubscriptionItemRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { cardOf } from './charge.ts';
import { draftInvoice, pendingItems } from './draft-invoice.ts';
import { itemLine } from './lines.ts';
import { attemptPayment, finalizeInvoice } from './pay-invoice.ts';
import { periodAt } from './periods.ts';
import { keepUsage, prorate } from './prorations.ts';

/** How items change. */
export interface ItemChange {
  readonly proration: 'always_invoice' | 'create_prorations' | 'none';
  readonly prorationDate?: number;
  readonly anchor?: 'now' | 'unchanged';
  readonly paymentBehavior?: string;
  /** Items whose use is dropped and not billed. */
  readonly clearUsage?: ReadonlySet<string>;
}

/** Gives a subscription other items: prorates, bills at once where the cycle begins anew, and charges. */
export function changeItems(
  world: World,
  subscription: SubscriptionRow,
  items: readonly SubscriptionItemRow[],
  change: ItemChange,
): void {
  const before = subscription.items;
  const trialing = subscription.status === 'trialing';
  const restarts = !trialing && begins(world, subscription, items, change);
  const charges = restarts || change.proration === 'always_invoice';
  const card = cardOf(world, subscription);
  const automatic = subscription.collection_method === 'charge_automatically';
  const fails = automatic && card?.own.behaviour !== 'ok';
  if (charges && fails && change.paymentBehavior === 'error_if_incomplete' && dearer(world, subscription, items)) {
    throw declined(card?.own.decline ?? 'generic_decline');
  }
  const after = items.map((item) => placed(world, subscription, item, restarts, trialing));
  for (const old of before) {
    const stays = after.some(({ id, price }) => id === old.id && price === old.price);
    if (!trialing && (restarts || !stays) && change.clearUsage?.has(old.id) !== true)
      keepUsage(world, subscription, old);
  }
  if (!trialing && change.proration !== 'none') {
    prorate(world, subscription, before, restarts ? [] : after, change.prorationDate ?? world.now);
  }
  if (charges && fails && change.paymentBehavior === 'pending_if_incomplete') {
    subscription.pending_update = { expires_at: world.now + 23 * 3600, items: after };
  } else {
    subscription.items = after;
    if (restarts) subscription.billing_cycle_anchor = world.now;
  }
  if (charges && !trialing) bill(world, subscription, restarts ? after : [], change);
}

function bill(
  world: World,
  subscription: SubscriptionRow,
  opened: readonly SubscriptionItemRow[],
  change: ItemChange,
): void {
  const { customer, currency } = subscription;
  const lines = opened
    .filter(({ price }) => world.prices.get(price)?.recurring?.usage_type !== 'metered')
    .map((item) =>
      itemLine(world, subscription, item, { start: item.current_period_start, end: item.current_period_end }),
    );
  if (lines.length === 0 && pendingItems(world, { customer, currency, subscription }).length === 0) return;
  const invoice = draftInvoice(world, { customer, currency, subscription, reason: 'subscription_update', lines });
  finalizeInvoice(world, invoice);
  if (invoice.status !== 'open' || invoice.collection_method === 'send_invoice') return;
  if (change.paymentBehavior === 'default_incomplete') return;
  attemptPayment(world, invoice, { first: subscription.pending_update !== null });
}

/** Whether the cycle begins anew: it was asked for, an item's interval changed, or a free price became one that costs. */
function begins(
  world: World,
  subscription: SubscriptionRow,
  items: readonly SubscriptionItemRow[],
  change: ItemChange,
): boolean {
  if (change.anchor !== undefined) return change.anchor === 'now';
  const swapped = items.some((item) => {
    const old = subscription.items.find(({ id }) => id === item.id);
    return old !== undefined && intervalOf(world, old.price) !== intervalOf(world, item.price);
  });
  return swapped || (isFree(world, subscription, subscription.items) && !isFree(world, subscription, items));
}

function intervalOf(world: World, price: string): string {
  const recurring = world.prices.get(price)?.recurring;
  return `${recurring?.interval_count} ${recurring?.interval}`;
}

function isFree(world: World, { currency }: SubscriptionRow, items: readonly SubscriptionItemRow[]): boolean {
  return items.every((item) => {
    const price = world.prices.get(item.price);
    if (price === undefined) return true;
    return price.recurring?.usage_type === 'licensed' && lineAmount(price, currency, 1) === 0;
  });
}

function dearer(world: World, subscription: SubscriptionRow, items: readonly SubscriptionItemRow[]): boolean {
  const sum = (of: readonly SubscriptionItemRow[]): number =>
    of.reduce((total, item) => {
      const price = world.prices.get(item.price);
      return total + (price === undefined ? 0 : lineAmount(price, subscription.currency, item.quantity ?? 0));
    }, 0);
  return sum(items) > sum(subscription.items);
}

/** An item with the period it has after the change. */
function placed(
  world: World,
  subscription: SubscriptionRow,
  item: SubscriptionItemRow,
  restarts: boolean,
  trialing: boolean,
): SubscriptionItemRow {
  const old = subscription.items.find(({ id }) => id === item.id);
  const recurring = world.prices.get(item.price)?.recurring;
  if (recurring == null) return item;
  if (restarts) {
    const { end } = periodAt(world.now, recurring, world.now);
    return { ...item, current_period_start: world.now, current_period_end: end };
  }
  if (old !== undefined) return item;
  if (trialing && subscription.trial_end !== null) {
    return { ...item, current_period_start: world.now, current_period_end: subscription.trial_end };
  }
  const beside = subscription.items.find(({ price }) => intervalOf(world, price) === intervalOf(world, item.price));
  const period = periodAt(subscription.billing_cycle_anchor, recurring, world.now);
  return {
    ...item,
    current_period_start: beside?.current_period_start ?? period.start,
    current_period_end: beside?.current_period_end ?? period.end,
  };
}
