import type { SubscriptionRecord } from '../subscription-record.ts';

/**
 * What of a subscription was paid beforehand for the rest of its running period, in whole minor units, rounded down. What is
 * paid by use is paid afterwards, so nothing of it is left.
 */
export function unusedOf(
  { items, periodStart, periodEnd }: Pick<SubscriptionRecord, 'items' | 'periodStart' | 'periodEnd'>,
  now: Date,
): number {
  if (periodStart === null || periodEnd === null || periodEnd <= now) return 0;
  const length = periodEnd.getTime() - periodStart.getTime();
  const part = length <= 0 ? 0 : Math.min(1, (periodEnd.getTime() - now.getTime()) / length);
  const paid = items.reduce(
    (sum, item) => sum + (item.kind === 'licensed' ? Number(item.unitAmount ?? 0) * item.quantity : 0),
    0,
  );
  return Math.floor(paid * part);
}
