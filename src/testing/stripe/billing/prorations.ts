import { lineAmount } from '../amounts.ts';
import type { InvoiceItemRow, SubscriptionItemRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { percentLeft, standingDiscounts } from './discounts.ts';
import { nameOf } from './lines.ts';
import { usageOf } from './usage.ts';

/** Credits the unused time of what items were, and charges the remaining time of what they become. */
export function prorate(
  world: World,
  subscription: SubscriptionRow,
  before: readonly SubscriptionItemRow[],
  after: readonly SubscriptionItemRow[],
  at: number,
): void {
  for (const old of before) {
    const now = after.find(({ id }) => id === old.id);
    if (now?.price === old.price && now.quantity === old.quantity) continue;
    partOf(world, subscription, old, at, -1);
  }
  for (const now of after) {
    const old = before.find(({ id }) => id === now.id);
    if (old?.price === now.price && old.quantity === now.quantity) continue;
    partOf(world, subscription, now, at, 1);
  }
}

/** Puts what a metered item was used for aside: it is billed with the next invoice. */
export function keepUsage(world: World, subscription: SubscriptionRow, item: SubscriptionItemRow): void {
  const price = world.prices.get(item.price);
  if (price?.recurring?.usage_type !== 'metered') return;
  const quantity = usageOf(world, price, subscription.customer, item.current_period_start, world.now);
  if (quantity === 0) return;
  pend(world, subscription, item, {
    amount: lineAmount(price, subscription.currency, quantity),
    description: `${quantity} × ${nameOf(world, price)}`,
    period: { start: item.current_period_start, end: world.now },
    proration: false,
    quantity,
  });
}

function partOf(
  world: World,
  subscription: SubscriptionRow,
  item: SubscriptionItemRow,
  at: number,
  sign: 1 | -1,
): void {
  const price = world.prices.get(item.price);
  if (price === undefined || price.recurring?.usage_type === 'metered') return;
  const { current_period_start: start, current_period_end: end } = item;
  const part = Math.max(0, Math.min(1, (end - at) / (end - start)));
  const discounts = standingDiscounts(world, world.customers.get(subscription.customer), subscription);
  const full = lineAmount(price, subscription.currency, item.quantity ?? 0) * percentLeft(world, discounts);
  const amount = Math.round(full * part) * sign;
  if (amount === 0) return;
  const date = new Date(at * 1000).toISOString().slice(0, 10);
  pend(world, subscription, item, {
    amount,
    description: `${sign < 0 ? 'Unused' : 'Remaining'} time on ${item.quantity ?? 0} × ${nameOf(world, price)} after ${date}`,
    period: { start: at, end },
    proration: true,
    quantity: item.quantity ?? 0,
  });
}

function pend(
  world: World,
  subscription: SubscriptionRow,
  item: SubscriptionItemRow,
  what: Pick<InvoiceItemRow, 'amount' | 'description' | 'period' | 'proration' | 'quantity'>,
): void {
  const row: InvoiceItemRow = {
    id: world.id('ii'),
    object: 'invoiceitem',
    created: world.now,
    metadata: {},
    ...what,
    currency: subscription.currency,
    customer: subscription.customer,
    discountable: !what.proration,
    invoice: null,
    price: item.price,
    subscription: subscription.id,
    subscription_item: item.id,
  };
  world.invoiceItems.set(row.id, row);
  world.tell('invoiceitem.created', row);
}
