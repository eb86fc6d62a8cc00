import { expect, it } from 'vitest';
import { definePlans } from './define-plans.ts';
import { evaluateEntitlement } from './evaluate-entitlement.ts';

const plans = definePlans({
  free: { limits: { bots: 1 }, quotas: { calls: { amount: 50, per: 'month' } } },
  team: {
    limits: { bots: { amount: 3, perSeat: true } },
    quotas: { calls: { amount: 100, per: 'day', perSeat: true, overage: 'bill' }, exports: { amount: 5, per: 'once' } },
  },
  all: { limits: { bots: 'unlimited' }, quotas: { calls: { amount: 'unlimited', per: 'month' } } },
});
const of = (plan: string, meter: string, seatsBought: number | null = null): unknown =>
  evaluateEntitlement(plans, { plan, seatsBought }, meter);

it('gives what the plan says', () => {
  expect(of('free', 'bots')).toMatchObject({ kind: 'limit', amount: 1, per: 'none', overage: 'refuse' });
  expect(of('free', 'calls', 9)).toMatchObject({ kind: 'quota', amount: 50, per: 'month', overage: 'refuse' });
  expect(of('all', 'bots')).toMatchObject({ amount: 'unlimited' });
  expect(of('all', 'calls')).toMatchObject({ amount: 'unlimited', per: 'month' });
});

it('multiplies by the seats that were bought, and counts one where no number was', () => {
  expect(of('team', 'bots', 4)).toMatchObject({ amount: 12 });
  expect(of('team', 'calls', 4)).toMatchObject({ kind: 'quota', amount: 400, per: 'day', overage: 'bill' });
  expect(of('team', 'calls', 0)).toMatchObject({ amount: 0 });
  expect(of('team', 'calls', null)).toMatchObject({ amount: 100 });
});

it('stays exact where amount times seats would not', () => {
  const large = definePlans({ p: { limits: { rows: { amount: 2 ** 52, perSeat: true } } } });
  expect(evaluateEntitlement(large, { plan: 'p', seatsBought: 1000 }, 'rows').amount).toBe(Number.MAX_SAFE_INTEGER);
});

it('grants nothing of a meter that only other plans name', () => {
  expect(of('free', 'exports')).toMatchObject({ kind: 'quota', amount: 0, per: 'once', overage: 'refuse' });
});

it('knows no plan and no meter but its own, whatever an object inherits', () => {
  expect(() => of('gold', 'calls')).toThrow(expect.objectContaining({ code: 'plan_unknown' }));
  expect(() => of('constructor', 'calls')).toThrow(expect.objectContaining({ code: 'plan_unknown' }));
  expect(() => of('free', 'cals')).toThrow(expect.objectContaining({ code: 'meter_unknown' }));
  expect(() => of('free', 'toString')).toThrow(expect.objectContaining({ code: 'meter_unknown' }));
});
