import { periodOf } from '../../core/period-of.ts';
import type { ProviderInvoiceLine } from '../provider/document.ts';
import type { InvoiceDraft, ManualCoupon, ManualItem, ManualSubscription } from './manual-state.ts';

/** A subscription as it stands at a moment, and the invoices that came due on the way there. */
export interface Advanced {
  readonly subscription: ManualSubscription;
  readonly invoices: readonly InvoiceDraft[];
}

/**
 * Brings a subscription to a moment: each period that ended is billed for what was used in it, each that began for what is
 * paid beforehand; a change or an end that was to come happens. Periods are counted from the anchor, so an anchor on the
 * 31st gives the last day of shorter months. Brought to the same moment again nothing happens.
 */
export function advance(given: ManualSubscription, now: Date): Advanced {
  let subscription = given;
  const invoices: InvoiceDraft[] = [];
  while (subscription.endedAt === null) {
    const { endsAt, periodEnd, pausedUntil } = subscription;
    if (pausedUntil !== null && pausedUntil <= now && pausedUntil <= periodEnd) {
      subscription = { ...subscription, pausedAt: null, pausedUntil: null };
      continue;
    }
    if (endsAt !== null && endsAt <= now && endsAt <= periodEnd) {
      const last = endOf(subscription, endsAt);
      invoices.push(...last.invoices);
      subscription = last.subscription;
      continue;
    }
    if (periodEnd > now) break;
    const next = renew(subscription);
    invoices.push(...next.invoices);
    subscription = next.subscription;
  }
  return { subscription, invoices };
}

/** The first invoice of a subscription that begins without a trial. */
export function begin(subscription: ManualSubscription): Advanced {
  return bill(subscription, subscription.periodStart, 'subscription_create', licensedLines(subscription));
}

/** Ends a subscription at a moment: what was used is billed, what was paid beforehand is not given back. */
export function endOf(subscription: ManualSubscription, at: Date): Advanced {
  const ended = { ...subscription, endsAt: at, endedAt: at, scheduled: null, scheduledItems: null };
  return bill(ended, at, 'subscription_cycle', [...usageLines(subscription), ...subscription.pending]);
}

function renew(before: ManualSubscription): Advanced {
  const { anchorAt, periodStart, periodEnd, scheduled, scheduledItems } = before;
  const changes = scheduled !== null && scheduledItems !== null && scheduled.at <= periodEnd;
  const items = changes ? scheduledItems : before.items;
  const [first] = items;
  const period = periodOf(anchorAt, first?.interval ?? 'month', periodEnd, { every: first?.intervalCount ?? 1 });
  const used = usageLines(before);
  const after: ManualSubscription = {
    ...before,
    items,
    ...(changes && { scheduled: null, scheduledItems: null }),
    periodStart: periodEnd,
    periodEnd: period.end ?? periodEnd,
  };
  // While it stands still nothing is asked for, and nothing is caught up later.
  if (before.pausedAt !== null && before.pausedAt <= periodStart) return { subscription: after, invoices: [] };
  const lines = [...used, ...licensedLines(after), ...before.pending];
  return bill(after, periodEnd, 'subscription_cycle', lines);
}

function bill(
  subscription: ManualSubscription,
  issuedAt: Date,
  reason: string,
  lines: readonly ProviderInvoiceLine[],
): Advanced {
  const { coupon, currency, periodStart, periodEnd, daysUntilDue } = subscription;
  const settled = { ...subscription, pending: [], usage: {} };
  if (lines.length === 0) return { subscription: settled, invoices: [] };
  const reduction = reductionOf(coupon, lines, { issuedAt, periodStart, periodEnd });
  const dueAt = new Date(issuedAt.getTime() + daysUntilDue * 86_400_000);
  const draft = { reason, currency, lines: [...lines, ...reduction], issuedAt, dueAt, periodStart, periodEnd };
  return { subscription: { ...settled, coupon: couponAfter(coupon, issuedAt) }, invoices: [draft] };
}

function licensedLines({ items, periodStart, periodEnd }: ManualSubscription): ProviderInvoiceLine[] {
  return items.flatMap(({ name, quantity, unitAmount, priceId }) => {
    if (quantity === null || quantity === 0) return [];
    const amount = Math.round(Number(unitAmount) * quantity);
    return [{ description: name, amount, quantity, priceId, proration: false, periodStart, periodEnd }];
  });
}

function usageLines({ items, usage, periodStart, periodEnd }: ManualSubscription): ProviderInvoiceLine[] {
  return items.flatMap(({ name, meter, unitAmount, priceId }) => {
    const quantity = meter === null ? 0 : (usage[meter] ?? 0);
    if (quantity === 0) return [];
    const amount = Math.round(Number(unitAmount) * quantity);
    return [{ description: name, amount, quantity, priceId, proration: false, periodStart, periodEnd }];
  });
}

function reductionOf(
  coupon: ManualCoupon | null,
  lines: readonly ProviderInvoiceLine[],
  {
    issuedAt,
    periodStart,
    periodEnd,
  }: { readonly issuedAt: Date; readonly periodStart: Date; readonly periodEnd: Date },
): ProviderInvoiceLine[] {
  if (coupon === null || !holds(coupon, issuedAt)) return [];
  const sum = lines.reduce((total, { amount }) => total + amount, 0);
  const off = coupon.amountOff ?? Math.round((sum * (coupon.percentOff ?? 0)) / 100);
  const amount = -Math.max(0, Math.min(sum, off));
  if (amount === 0) return [];
  const description = `Coupon ${coupon.id}`;
  return [{ description, amount, quantity: null, priceId: null, proration: false, periodStart, periodEnd }];
}

function couponAfter(coupon: ManualCoupon | null, at: Date): ManualCoupon | null {
  if (coupon === null || !holds(coupon, at)) return null;
  return coupon.invoicesLeft === null ? coupon : { ...coupon, invoicesLeft: coupon.invoicesLeft - 1 };
}

/** Whether a reduction still takes something off. */
export function holds({ invoicesLeft, until }: ManualCoupon, at: Date): boolean {
  return (invoicesLeft === null || invoicesLeft > 0) && (until === null || at < until);
}

/**
 * What a change of items costs for the rest of the running period, to the second: what was paid beforehand comes back,
 * what is new is paid.
 */
export function prorationLines(
  { items: before, periodStart, periodEnd, trialEndsAt }: ManualSubscription,
  after: readonly ManualItem[],
  at: Date,
): readonly ProviderInvoiceLine[] {
  if (trialEndsAt !== null && at < trialEndsAt) return [];
  const length = periodEnd.getTime() - periodStart.getTime();
  const part = length <= 0 ? 0 : Math.min(1, Math.max(0, (periodEnd.getTime() - at.getTime()) / length));
  const lineOf = (item: ManualItem, sign: 1 | -1): ProviderInvoiceLine[] => {
    const amount = sign * Math.round(Number(item.unitAmount) * (item.quantity ?? 0) * part);
    if (amount === 0) return [];
    const description = `${sign < 0 ? 'Unused time on' : 'Remaining time on'} ${item.name}`;
    const { quantity, priceId } = item;
    return [{ description, amount, quantity, priceId, proration: true, periodStart: at, periodEnd }];
  };
  const same = (a: ManualItem, b: ManualItem): boolean => a.priceId === b.priceId && a.quantity === b.quantity;
  return [
    ...before.filter((item) => !after.some((other) => same(item, other))).flatMap((item) => lineOf(item, -1)),
    ...after.filter((item) => !before.some((other) => same(item, other))).flatMap((item) => lineOf(item, 1)),
  ];
}
