import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { monthlyOf } from './monthly-of.ts';
import { revenueOf } from './revenue-of.ts';

const item = (unitAmount: string | null, quantity: number | null, interval = 'month', intervalCount = 1) => ({
  kind: quantity === null ? ('metered' as const) : ('licensed' as const),
  unitAmount,
  quantity,
  interval,
  intervalCount,
});

describe('what subscriptions bring', () => {
  it('is brought to a month, rounded once, without metered use and tiers', () => {
    expect(monthlyOf([item('2000', 1), item('500', 3), item('0.5', null), item(null, 1)])).toBe(3_500);
    expect(monthlyOf([item('10000', 1, 'year'), item('10000', 1, 'year')])).toBe(1_667);
    expect(monthlyOf([item('3000', 1, 'month', 3), item('100', 1, 'week')])).toBe(1_433);
    expect(monthlyOf([item('100', 1, 'fortnight')])).toBe(0);
  });

  it('is told with what came, grew, shrank and went, by plan and currency', () => {
    const span = (tenantId: string, plan: string | null, before: number, after: number, currency = 'usd') => ({
      tenantId,
      plan,
      before,
      after,
      currency,
    });
    const [eur, usd] = revenueOf([
      span('a', 'pro', 0, 9_900),
      span('b', 'pro', 2_900, 9_900),
      span('c', 'starter', 9_900, 2_900),
      span('d', 'starter', 2_900, 0),
      span('e', 'starter', 2_900, 2_900),
      span('f', 'pro', 0, 9_500, 'eur'),
    ]);
    expect(usd).toEqual({
      currency: 'usd',
      mrr: 25_600,
      previousMrr: 18_600,
      gained: 9_900,
      expanded: 7_000,
      contracted: 7_000,
      churned: 2_900,
      tenants: { paying: 4, previous: 4, churned: 1 },
      tenantChurn: 0.25,
      revenueChurn: 9_900 / 18_600,
      byPlan: [
        { plan: 'pro', mrr: 19_800, tenants: 2 },
        { plan: 'starter', mrr: 5_800, tenants: 2 },
      ],
    });
    expect(eur).toMatchObject({ mrr: 9_500, tenantChurn: null, revenueChurn: null });
    expect(revenueOf([])).toEqual([]);
  });

  it('adds up, whatever happens', () => {
    const amount = fc.integer({ min: 0, max: 1e6 });
    const spans = fc.array(fc.record({ before: amount, after: amount, plan: fc.constantFrom('a', 'b', null) }));
    fc.assert(
      fc.property(spans, (some) => {
        const all = some.map((one, place) => ({ ...one, tenantId: String(place), currency: 'usd' }));
        for (const { mrr, previousMrr, gained, expanded, contracted, churned, byPlan } of revenueOf(all)) {
          expect(previousMrr + gained + expanded - contracted - churned).toBe(mrr);
          expect(byPlan.reduce((sum, one) => sum + one.mrr, 0)).toBe(mrr);
        }
      }),
    );
  });
});
