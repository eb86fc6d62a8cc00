import { lineAmount } from '../amounts.ts';
import type { InvoiceItemRow, LineRow, PriceRow, SubscriptionItemRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import type { Span } from './periods.ts';
import { usageOf } from './usage.ts';

/** The line of an item for a period to come. */
export function itemLine(
  world: World,
  subscription: SubscriptionRow,
  item: SubscriptionItemRow,
  period: Span,
  options: { readonly trial?: boolean; readonly part?: number } = {},
): LineRow {
  const price = world.prices.get(item.price);
  const full = price === undefined ? 0 : lineAmount(price, subscription.currency, item.quantity ?? 0);
  const amount = options.trial === true ? 0 : Math.round(full * (options.part ?? 1));
  const name = price === undefined ? item.price : nameOf(world, price);
  const description = options.trial === true ? `Trial period for ${name}` : `${item.quantity ?? 0} × ${name}`;
  return lineOf(world, subscription, item, { amount, description, period, quantity: item.quantity ?? 0 });
}

/** The line of a metered item for a period that is over. */
export function usageLine(
  world: World,
  subscription: SubscriptionRow,
  item: SubscriptionItemRow,
  period: Span,
): LineRow {
  const price = world.prices.get(item.price);
  const quantity = price === undefined ? 0 : usageOf(world, price, subscription.customer, period.start, period.end);
  const amount = price === undefined ? 0 : lineAmount(price, subscription.currency, quantity);
  const description = `${quantity} × ${price === undefined ? item.price : nameOf(world, price)}`;
  return lineOf(world, subscription, item, { amount, description, period, quantity });
}

/** The line of something that was pending on the customer. */
export function pendingLine(world: World, pending: InvoiceItemRow): LineRow {
  return {
    id: world.id('il'),
    object: 'line_item',
    amount: pending.amount,
    currency: pending.currency,
    description: pending.description,
    discount_amounts: [],
    discountable: pending.discountable,
    invoice_item: pending.id,
    metadata: pending.metadata,
    period: pending.period,
    price: pending.price,
    proration: pending.proration,
    quantity: pending.quantity,
    subscription: pending.subscription,
    subscription_item: pending.subscription_item,
    tax: 0,
  };
}

/** The name of what a price sells. */
export function nameOf(world: World, price: PriceRow): string {
  return price.nickname ?? world.products.get(price.product)?.name ?? price.id;
}

function lineOf(
  world: World,
  subscription: SubscriptionRow,
  item: SubscriptionItemRow,
  line: Pick<LineRow, 'amount' | 'description' | 'period' | 'quantity'>,
): LineRow {
  return {
    id: world.id('il'),
    object: 'line_item',
    ...line,
    currency: subscription.currency,
    discount_amounts: [],
    discountable: true,
    invoice_item: null,
    metadata: { ...item.metadata },
    price: item.price,
    proration: false,
    subscription: subscription.id,
    subscription_item: item.id,
    tax: 0,
  };
}
