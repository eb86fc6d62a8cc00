import { describe, expect, it } from 'vitest';
import { definePlans } from './define-plans.ts';

describe('definePlans', () => {
  it('lists the meters and features of all plans', () => {
    const plans = definePlans({
      free: { limits: { bots: 1 }, quotas: { calls: { amount: 50, per: 'month' } } },
      pro: { limits: { bots: 'unlimited', seats: { amount: 2, perSeat: true } }, features: ['webhooks', 'sso'] },
      old: { features: ['sso'] },
      none: {},
    });
    expect(plans.meters).toEqual({ bots: 'limit', calls: 'quota', seats: 'limit' });
    expect(plans.features).toEqual(['webhooks', 'sso']);
  });

  it('cannot be changed afterwards, and leaves what it was made from alone', () => {
    const definitions = { free: { quotas: { calls: { amount: 50, per: 'month' as const } }, features: ['a'] } };
    const plans = definePlans(definitions);
    definitions.free.quotas.calls.amount = 1_000_000;
    expect(plans.plans.free.quotas.calls.amount).toBe(50);
    expect(Object.isFrozen(definitions.free)).toBe(false);
    for (const part of [plans, plans.plans, plans.plans.free.quotas.calls, plans.plans.free.features, plans.meters]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  const wrong: [title: string, definitions: unknown, path: string][] = [
    ['nothing', undefined, 'plans'],
    ['a list', [], 'plans'],
    ['no plan', {}, 'plans'],
    ['a plan that is no object', { free: 5 }, 'plans.free'],
    ['a name with a space', { 'free plan': {} }, 'plans.free plan'],
    ['an unknown part', { free: { limit: {} } }, 'plans.free.limit'],
    ['a negative limit', { free: { limits: { bots: -1 } } }, 'plans.free.limits.bots'],
    ['a fractional limit', { free: { limits: { bots: 1.5 } } }, 'plans.free.limits.bots'],
    ['a limit that is not a number', { free: { limits: { bots: Number.NaN } } }, 'plans.free.limits.bots'],
    ['an infinite limit', { free: { limits: { bots: Number.POSITIVE_INFINITY } } }, 'plans.free.limits.bots'],
    ['an inexact limit', { free: { limits: { bots: 2 ** 53 } } }, 'plans.free.limits.bots'],
    ['a limit as text', { free: { limits: { bots: '5' } } }, 'plans.free.limits.bots'],
    ['a limit of null', { free: { limits: { bots: null } } }, 'plans.free.limits.bots'],
    ['a limit without an amount', { free: { limits: { bots: { perSeat: true } } } }, 'plans.free.limits.bots.amount'],
    ['a limit with a period', { free: { limits: { bots: { amount: 1, per: 'day' } } } }, 'plans.free.limits.bots.per'],
    ['a quota as a number', { free: { quotas: { calls: 5 } } }, 'plans.free.quotas.calls'],
    ['a quota without a period', { free: { quotas: { calls: { amount: 5 } } } }, 'plans.free.quotas.calls.per'],
    ['an unknown period', { free: { quotas: { calls: { amount: 5, per: 'minute' } } } }, 'plans.free.quotas.calls.per'],
    [
      'an unknown overage',
      { free: { quotas: { calls: { amount: 5, per: 'day', overage: 'charge' } } } },
      'plans.free.quotas.calls.overage',
    ],
    [
      'seats times unlimited',
      { free: { quotas: { calls: { amount: 'unlimited', per: 'day', perSeat: true } } } },
      'plans.free.quotas.calls.perSeat',
    ],
    ['seats as a number', { free: { limits: { bots: { amount: 5, perSeat: 2 } } } }, 'plans.free.limits.bots.perSeat'],
    ['features as a text', { free: { features: 'sso' } }, 'plans.free.features'],
    ['a feature twice', { free: { features: ['sso', 'sso'] } }, 'plans.free.features[1]'],
    ['a feature that is no text', { free: { features: [1] } }, 'plans.free.features[0]'],
    [
      'a name that is a limit in one plan and a quota in another',
      { free: { limits: { calls: 1 } }, pro: { quotas: { calls: { amount: 1, per: 'day' } } } },
      'plans.pro.quotas.calls',
    ],
    [
      'three windows',
      {
        free: {
          quotas: {
            calls: { amount: 5, per: 'month', within: ['hour', 'day', 'week'].map((per) => ({ amount: 1, per })) },
          },
        },
      },
      'plans.free.quotas.calls.within',
    ],
    [
      'a window twice',
      {
        free: {
          quotas: {
            calls: {
              amount: 5,
              per: 'month',
              within: [
                { amount: 1, per: 'hour' },
                { amount: 2, per: 'hour' },
              ],
            },
          },
        },
      },
      'plans.free.quotas.calls.within[1]',
    ],
    [
      'an endless window',
      { free: { quotas: { calls: { amount: 5, per: 'month', within: [{ amount: 1, per: 'once' }] } } } },
      'plans.free.quotas.calls.within[0].per',
    ],
    [
      'no period at a time',
      { free: { quotas: { calls: { amount: 5, per: 'month', every: 0 } } } },
      'plans.free.quotas.calls.every',
    ],
    [
      'every of once',
      { free: { quotas: { calls: { amount: 5, per: 'once', every: 2 } } } },
      'plans.free.quotas.calls.every',
    ],
    [
      'an unknown start',
      { free: { quotas: { calls: { amount: 5, per: 'day', from: 'noon' } } } },
      'plans.free.quotas.calls.from',
    ],
    [
      'a cap of what is refused',
      { free: { quotas: { calls: { amount: 5, per: 'day', overageAtMost: 1 } } } },
      'plans.free.quotas.calls.overageAtMost',
    ],
    ['an alert at 0', { free: { limits: { bots: { amount: 5, alerts: [0] } } } }, 'plans.free.limits.bots.alerts[0]'],
    ['an unknown order', { free: { limits: { bots: { amount: 5, freeze: 'all' } } } }, 'plans.free.limits.bots.freeze'],
    [
      'a billed limit',
      { free: { limits: { bots: { amount: 5, overage: 'bill' } } } },
      'plans.free.limits.bots.overage',
    ],
    ['a value that is an object', { free: { values: { days: {} } } }, 'plans.free.values.days'],
    ['half a day of trial', { free: { trialDays: 0.5 } }, 'plans.free.trialDays'],
    ['an earlier version without an end', { free: { earlier: [{ limits: {} }] } }, 'plans.free.earlier[0].until'],
    [
      'earlier versions in no order',
      { free: { earlier: [{ until: '2026-02-01' }, { until: '2026-01-01' }] } },
      'plans.free.earlier[1].until',
    ],
    [
      'a mistake in an earlier version',
      { free: { earlier: [{ until: '2026-02-01', limits: { bots: -1 } }] } },
      'plans.free.earlier[0].limits.bots',
    ],
    ['a name of the prototype', JSON.parse('{"__proto__": {}}'), 'plans.__proto__'],
  ];
  it.each(wrong)('refuses %s, and says where', (_title, definitions, path) => {
    const define = (): unknown => Reflect.apply(definePlans, undefined, [definitions]);
    expect(define).toThrow(
      expect.objectContaining({ code: 'config_invalid', details: { path, problem: expect.any(String) } }),
    );
  });

  it.each([
    ['of no meter', { more: { limits: { bats: 1 } } }, 'addOns.more.limits.bats'],
    ['of a meter of the other kind', { more: { quotas: { bots: 1 } } }, 'addOns.more.quotas.bots'],
    ['of half a unit', { more: { limits: { bots: 0.5 } } }, 'addOns.more.limits.bots'],
    ['with an unknown part', { more: { values: {} } }, 'addOns.more.values'],
  ])('refuses an add-on %s, and says where', (_title, addOns, path) => {
    const define = (): unknown => Reflect.apply(definePlans, undefined, [{ free: { limits: { bots: 1 } } }, addOns]);
    expect(define).toThrow(
      expect.objectContaining({ code: 'config_invalid', details: { path, problem: expect.any(String) } }),
    );
  });
});
