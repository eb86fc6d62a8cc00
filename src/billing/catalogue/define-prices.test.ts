import { describe, expect, it } from 'vitest';
import { isTenantryError } from '../../core/index.ts';
import { definePlans } from '../../plans/index.ts';
import { definePrices } from './define-prices.ts';
import type { PriceDefinitions } from './price-definitions.ts';

const plans = definePlans(
  {
    free: { quotas: { calls: { amount: 50, per: 'month' } } },
    team: { quotas: { calls: { amount: 5_000, per: 'month', overage: 'bill' } }, trialDays: 14 },
    pro: { quotas: { calls: { amount: 9_000, per: 'month' } } },
  },
  { bots: { quotas: { calls: 10 } } },
);

function pathOf(definitions: PriceDefinitions): unknown {
  try {
    return definePrices(plans, definitions as never);
  } catch (error) {
    return isTenantryError(error, 'config_invalid') ? error.details.path : error;
  }
}

describe('definePrices', () => {
  it('gives each part of a plan a lookup key, and metered use no quantity', () => {
    const prices = definePrices(plans, {
      plans: {
        team: {
          month: { base: 2_000, seat: { amount: 500, included: 1 }, metered: { calls: '0.50' } },
          year: { base: 20_000, seat: 5_000 },
        },
      },
      addOns: { bots: { month: 1_000 } },
    });
    expect(prices.prices.map(({ lookupKey, amounts, per, included }) => [lookupKey, amounts, per, included])).toEqual([
      ['tenantry.team.base.month', { usd: '2000' }, 'tenant', 0],
      ['tenantry.team.seat.month', { usd: '500' }, 'seat', 1],
      ['tenantry.team.metered.calls.month', { usd: '0.5' }, 'usage', 0],
      ['tenantry.team.base.year', { usd: '20000' }, 'tenant', 0],
      ['tenantry.team.seat.year', { usd: '5000' }, 'seat', 0],
      ['tenantry.add-on.bots.month', { usd: '1000' }, 'tenant', 0],
    ]);
    expect(prices.offers.map(({ plan, interval, trialDays }) => [plan, interval, trialDays])).toEqual([
      ['team', 'month', 14],
      ['team', 'year', 14],
    ]);
    // Each part is a product of its own, the same at each interval.
    expect(new Set(prices.prices.map(({ productId }) => productId)).size).toBe(4);
    expect(prices.prices[2]).toMatchObject({ quota: 'calls', meter: 'tenantry_calls' });
  });

  it('takes several currencies, the own one first', () => {
    const prices = definePrices(plans, {
      currency: 'EUR',
      plans: { pro: { month: { base: { usd: 9_900, eur: 9_500, jpy: 15_000 } } } },
    });
    expect(Object.keys(prices.prices[0]?.amounts ?? {})).toEqual(['eur', 'usd', 'jpy']);
    expect(prices.offers[0]?.currencies).toEqual(['eur', 'usd', 'jpy']);
    expect(prices.currencies).toEqual(['eur', 'usd', 'jpy']);
  });

  it('refuses what cannot be, with the path', () => {
    const team = (month: NonNullable<PriceDefinitions['plans'][string]>['month']): PriceDefinitions => ({
      plans: { team: { month } as never },
    });
    expect(pathOf({ plans: { gold: { month: { base: 1 } } } })).toBe('prices.plans.gold');
    expect(pathOf({ plans: { team: {} } })).toBe('prices.plans.team');
    expect(pathOf({ plans: { team: { hour: { base: 1 } } as never } })).toBe('prices.plans.team.hour');
    expect(pathOf(team({}))).toBe('prices.plans.team.month');
    expect(pathOf(team({ base: 9.5 }))).toBe('prices.plans.team.month.base');
    expect(pathOf(team({ base: -1 }))).toBe('prices.plans.team.month.base');
    expect(pathOf(team({ base: { dollars: 5 } }))).toBe('prices.plans.team.month.base');
    expect(pathOf(team({ base: { ugx: 50 } }))).toBe('prices.plans.team.month.base');
    expect(pathOf(team({ base: { usd: 5, eur: 5 }, seat: 5 }))).toBe('prices.plans.team.month');
    expect(pathOf(team({ seat: 5, metered: { calls: { usd: '1', eur: '1' } } }))).toBe('prices.plans.team.month');
    expect(pathOf(team({ metered: { cals: 1 } }))).toBe('prices.plans.team.month.metered.cals');
    expect(pathOf(team({ metered: { calls: '1e3' } }))).toBe('prices.plans.team.month.metered.calls');
    expect(pathOf({ plans: { pro: { month: { metered: { calls: 1 } } } } })).toBe(
      'prices.plans.pro.month.metered.calls',
    );
    expect(pathOf({ plans: {}, addOns: { seats: { month: 1 } } })).toBe('prices.addOns.seats');
    expect(pathOf({ plans: {}, currency: 'usdollar' })).toBe('prices.currency');
    expect(pathOf({ plans: {}, prefix: 'a b' })).toBe('prices.prefix');
    expect(pathOf({ plans: {}, coupons: { x: { duration: 'once' } } })).toBe('prices.coupons.x');
    expect(pathOf({ plans: {}, coupons: { x: { percentOff: 101, duration: 'once' } } })).toBe(
      'prices.coupons.x.percentOff',
    );
    expect(pathOf({ plans: {}, coupons: { x: { percentOff: 10, duration: 'repeating' } } })).toBe(
      'prices.coupons.x.months',
    );
    const ten = { percentOff: 10, duration: 'once' } as const;
    expect(pathOf({ plans: {}, coupons: { x: { ...ten, amountOff: 5 } } })).toBe('prices.coupons.x');
    expect(pathOf({ plans: {}, coupons: { x: { amountOff: 0, duration: 'once' } } })).toBe(
      'prices.coupons.x.amountOff',
    );
    expect(pathOf({ plans: {}, coupons: { x: { amountOff: { euro: 5 }, duration: 'once' } } })).toBe(
      'prices.coupons.x.amountOff',
    );
    expect(pathOf({ plans: {}, coupons: { x: { ...ten, name: 'x'.repeat(41) } } })).toBe('prices.coupons.x.name');
    expect(pathOf({ plans: {}, coupons: { x: { ...ten, redeemBy: new Date(Number.NaN) } } })).toBe(
      'prices.coupons.x.redeemBy',
    );
    expect(pathOf({ plans: {}, coupons: { x: { ...ten, codes: { 'A B': {} } } } })).toBe('prices.coupons.x.codes.A B');
    expect(pathOf({ plans: {}, coupons: { x: { ...ten, codes: { A: { maxRedemptions: 0 } } } } })).toBe(
      'prices.coupons.x.codes.A.maxRedemptions',
    );
    const twice = { x: { ...ten, codes: { SUMMER: {} } }, y: { ...ten, codes: { summer: {} } } };
    expect(pathOf({ plans: {}, coupons: twice })).toBe('prices.coupons.y.codes.summer');
  });
});
