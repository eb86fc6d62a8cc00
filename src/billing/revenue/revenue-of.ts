/** What a tenant's subscriptions brought at the beginning and at the end of a stretch of time, in one currency. */
export interface RevenueSpan {
  readonly tenantId: string;
  /** The plan at the end, or the last one before it ended; null: of no plan. */
  readonly plan: string | null;
  readonly currency: string;
  /** Minor units per month. */
  readonly before: number;
  readonly after: number;
}

/** What subscriptions bring per month, and how that changed. Amounts are minor units per month. */
export interface Revenue {
  readonly currency: string;
  /** Monthly recurring revenue at the end. */
  readonly mrr: number;
  /** What it was at the beginning. */
  readonly previousMrr: number;
  /** From tenants that brought nothing at the beginning. */
  readonly gained: number;
  /** From tenants that bring more. */
  readonly expanded: number;
  /** From tenants that bring less. */
  readonly contracted: number;
  /** From tenants that bring nothing any more. `mrr` is `previousMrr + gained + expanded - contracted - churned`. */
  readonly churned: number;
  /** Tenants that pay at the end, that paid at the beginning, and that paid then and do not now. */
  readonly tenants: { readonly paying: number; readonly previous: number; readonly churned: number };
  /** The part of the tenants of the beginning that is gone, from 0 to 1; null where there were none. */
  readonly tenantChurn: number | null;
  /** The part of the revenue of the beginning that is gone, with what contracted; null where there was none. */
  readonly revenueChurn: number | null;
  readonly byPlan: readonly { readonly plan: string | null; readonly mrr: number; readonly tenants: number }[];
}

/** Sums what tenants bring, by currency, in the order of the currencies. */
export function revenueOf(spans: readonly RevenueSpan[]): readonly Revenue[] {
  const currencies = [...new Set(spans.map(({ currency }) => currency))].sort();
  return currencies.map((currency) =>
    sumOf(
      currency,
      spans.filter((span) => span.currency === currency),
    ),
  );
}

function sumOf(currency: string, spans: readonly RevenueSpan[]): Revenue {
  const sum = (of: (span: RevenueSpan) => number): number => spans.reduce((total, span) => total + of(span), 0);
  const count = (is: (span: RevenueSpan) => boolean): number => spans.filter(is).length;
  const previousMrr = sum(({ before }) => before);
  const contracted = sum(({ before, after }) => (after > 0 && after < before ? before - after : 0));
  const churned = sum(({ before, after }) => (before > 0 && after <= 0 ? before - after : 0));
  const previous = count(({ before }) => before > 0);
  const gone = count(({ before, after }) => before > 0 && after <= 0);
  const plans = new Map<string | null, { mrr: number; tenants: number }>();
  for (const { plan, after } of spans) {
    if (after <= 0) continue;
    const { mrr, tenants } = plans.get(plan) ?? { mrr: 0, tenants: 0 };
    plans.set(plan, { mrr: mrr + after, tenants: tenants + 1 });
  }
  return {
    currency,
    mrr: sum(({ after }) => after),
    previousMrr,
    gained: sum(({ before, after }) => (before <= 0 && after > 0 ? after - before : 0)),
    expanded: sum(({ before, after }) => (before > 0 && after > before ? after - before : 0)),
    contracted,
    churned,
    tenants: { paying: count(({ after }) => after > 0), previous, churned: gone },
    tenantChurn: previous === 0 ? null : gone / previous,
    revenueChurn: previousMrr <= 0 ? null : (churned + contracted) / previousMrr,
    byPlan: [...plans]
      .map(([plan, figures]) => ({ plan, ...figures }))
      .sort((a, b) => b.mrr - a.mrr || ((a.plan ?? '') < (b.plan ?? '') ? -1 : 1)),
  };
}
