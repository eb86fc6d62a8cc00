/** What of an item its monthly amount is made of. */
export interface MonthlyItem {
  readonly kind: 'licensed' | 'metered';
  /** Null for metered items alone. */
  readonly quantity: number | null;
  /** Minor units as a decimal text; null: tiers. */
  readonly unitAmount: string | null;
  readonly interval: string | null;
  readonly intervalCount: number;
}

/** How many of an interval a year has. */
const perYear: Readonly<Record<string, number>> = { day: 365, week: 52, month: 12, year: 1 };

/**
 * What the items of a subscription bring per month, in whole minor units: the base, the seats and the add-ons, each
 * brought to a year and divided by twelve, rounded once. Metered use is not in it, since nobody knows it beforehand; nor are
 * prices in tiers.
 */
export function monthlyOf(items: readonly MonthlyItem[]): number {
  const yearly = items.reduce((sum, { kind, unitAmount, interval, intervalCount, quantity }) => {
    const times = perYear[interval ?? ''];
    if (kind === 'metered' || unitAmount === null || times === undefined) return sum;
    return sum + (Number(unitAmount) * (quantity ?? 0) * times) / intervalCount;
  }, 0);
  return Math.round(yearly / 12);
}

/** Whether a subscription in a state brings anything: while it is tried, stands still or is over, it does not. */
export function bringsRevenue(status: string): boolean {
  return status === 'active' || status === 'past_due';
}
