import { describe, expect, it } from 'vitest';
import { goesOn } from './goes-on.ts';
import type { TransitionStep } from './transition.ts';

interface Given {
  readonly stored?: typeof stored;
  readonly paying?: readonly string[];
  readonly over?: readonly string[];
}

const subscribe = (tenantId: string, plan = 'team'): TransitionStep => ({
  do: 'subscribe',
  id: `subscribe ${tenantId}`,
  tenantId,
  plan,
  interval: 'month',
  currency: 'usd',
  daysUntilDue: 14,
  paidUntil: null,
});
const end = (tenantId: string, when: 'now' | 'period-end'): TransitionStep => ({
  do: 'end',
  id: `end sub_${tenantId}`,
  tenantId,
  subscriptionId: `sub_${tenantId}`,
  when,
});
const refund = (tenantId: string): TransitionStep => ({
  do: 'refund',
  id: `refund pay_${tenantId}`,
  tenantId,
  paymentId: `pay_${tenantId}`,
  amount: 100,
  currency: 'usd',
  before: 0,
});
const stored = [subscribe('acme'), end('eve', 'period-end')].map((step, place) => ({
  step,
  refusals: 0,
  done: place === 0,
}));

const goes = (steps: readonly TransitionStep[], given: Given = {}): boolean =>
  goesOn(given.stored ?? stored, { steps, paying: given.paying ?? ['acme'] }, new Set(given.over ?? []));

describe('a plan under a name that stands', () => {
  it('goes on when it is the same, or was made anew after a part was done', () => {
    expect(goes([subscribe('acme'), end('eve', 'period-end')])).toBe(true);
    // The subscription is there by now, so what it takes the place of would end at once.
    expect(goes([end('eve', 'now'), refund('eve')])).toBe(true);
    expect(goes([], { over: ['sub_eve'] })).toBe(true);
  });

  it('is refused where it does not show what is still to be done', () => {
    expect(goes([])).toBe(false);
    expect(goes([subscribe('acme')])).toBe(false);
    const undone = [subscribe('acme'), end('eve', 'now'), refund('eve')].map((step, place) => ({
      step,
      refusals: 0,
      done: place === 1,
    }));
    // Who bought the plan meanwhile has it, and pays.
    expect(goes([], { stored: undone, over: ['sub_eve'] })).toBe(true);
    expect(goes([], { stored: undone, over: ['sub_eve'], paying: [] })).toBe(false);
    expect(goes([], { stored: undone })).toBe(false);
  });

  it('is refused for other tenants, other plans, and what was not to end', () => {
    for (const other of [[subscribe('beta')], [subscribe('acme', 'pro')], [end('acme', 'now')], [refund('beta')]]) {
      expect(goes([...other, end('eve', 'period-end')])).toBe(false);
    }
  });
});
