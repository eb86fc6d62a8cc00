import { describe, expect, it } from 'vitest';
import { goesOn } from './goes-on.ts';
import type { TransitionStep } from './transition.ts';

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

describe('a plan under a name that stands', () => {
  it('goes on when it is the same, or was made anew after a part was done', () => {
    expect(goesOn(stored, [subscribe('acme'), end('eve', 'period-end')])).toBe(true);
    // The subscription is there by now, so what it takes the place of would end at once.
    expect(goesOn(stored, [end('eve', 'now'), refund('eve')])).toBe(true);
    expect(goesOn(stored, [])).toBe(true);
  });

  it('is refused for other tenants, other plans, and what was not to end', () => {
    for (const other of [subscribe('beta'), subscribe('acme', 'pro'), end('acme', 'now'), refund('beta')]) {
      expect(goesOn(stored, [other])).toBe(false);
    }
  });
});
