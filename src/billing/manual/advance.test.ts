import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, begin, endOf, prorationLines } from './advance.ts';
import type { ManualItem, ManualSubscription } from './manual-state.ts';

const at = (text: string): Date => new Date(text);

const item = (priceId: string, unitAmount: string, quantity: number | null = 1): ManualItem => ({
  id: priceId,
  priceId,
  lookupKey: priceId,
  name: priceId,
  quantity,
  meter: quantity === null ? priceId : null,
  unitAmount,
  interval: 'month',
  intervalCount: 1,
});

const subscription = (changes: Partial<ManualSubscription> = {}): ManualSubscription => ({
  id: 's',
  customerId: 'c',
  currency: 'usd',
  items: [item('base', '2000'), item('seat', '500', 3)],
  createdAt: at('2026-01-31T00:00:00Z'),
  anchorAt: at('2026-01-31T00:00:00Z'),
  periodStart: at('2026-01-31T00:00:00Z'),
  periodEnd: at('2026-02-28T00:00:00Z'),
  trialEndsAt: null,
  endsAt: null,
  endedAt: null,
  pausedAt: null,
  pausedUntil: null,
  scheduled: null,
  scheduledItems: null,
  pending: [],
  usage: {},
  daysUntilDue: 14,
  coupon: null,
  latestInvoiceId: null,
  metadata: {},
  ...changes,
});

const totals = (drafts: readonly { lines: readonly { amount: number }[] }[]): number[] =>
  drafts.map(({ lines }) => lines.reduce((sum, { amount }) => sum + amount, 0));

describe('a subscription that is billed by hand', () => {
  it('renews at the ends of months, counted from its anchor', () => {
    const { subscription: after, invoices } = advance(subscription(), at('2026-05-01T00:00:00Z'));
    expect(invoices.map(({ periodStart }) => periodStart.toISOString().slice(0, 10))).toEqual([
      '2026-02-28',
      '2026-03-31',
      '2026-04-30',
    ]);
    expect(totals(invoices)).toEqual([3_500, 3_500, 3_500]);
    expect(after.periodEnd).toEqual(at('2026-05-31T00:00:00Z'));
    expect(invoices[0]?.dueAt).toEqual(at('2026-03-14T00:00:00Z'));
  });

  it('asks for what was used when the period is over, and only once', () => {
    const metered = subscription({
      items: [item('base', '2000'), item('calls', '0.5', null)],
      usage: { calls: 1_001 },
    });
    const { subscription: after, invoices } = advance(metered, at('2026-04-01T00:00:00Z'));
    expect(totals(invoices)).toEqual([2_501, 2_000]);
    expect(after.usage).toEqual({});
  });

  it('gives the reduction of a coupon for as long as it holds', () => {
    const coupon = { id: 'x', percentOff: 50, amountOff: null, invoicesLeft: 1, until: null };
    expect(totals(advance(subscription({ coupon }), at('2026-04-01T00:00:00Z')).invoices)).toEqual([1_750, 3_500]);
    const until = { ...coupon, invoicesLeft: null, until: at('2026-03-31T00:00:00Z') };
    expect(totals(advance(subscription({ coupon: until }), at('2026-05-01T00:00:00Z')).invoices)).toEqual([
      1_750, 3_500, 3_500,
    ]);
    const much = { ...coupon, percentOff: null, amountOff: 9_000 };
    expect(totals(begin(subscription({ coupon: much })).invoices)).toEqual([0]);
  });

  it('ends when it is to end, changes when it is to change, and stands still while it is paused', () => {
    const ends = advance(subscription({ endsAt: at('2026-03-31T00:00:00Z') }), at('2026-06-01T00:00:00Z'));
    expect(ends.subscription.endedAt).toEqual(at('2026-03-31T00:00:00Z'));
    expect(totals(ends.invoices)).toEqual([3_500]);

    const scheduledItems = [item('base', '9000')];
    const scheduled = { at: at('2026-02-28T00:00:00Z'), items: [] };
    const changed = advance(subscription({ scheduled, scheduledItems }), at('2026-03-01T00:00:00Z'));
    expect(totals(changed.invoices)).toEqual([9_000]);
    expect(changed.subscription).toMatchObject({ scheduled: null, scheduledItems: null });

    const pausedAt = at('2026-01-31T00:00:00Z');
    const paused = advance(
      subscription({ pausedAt, pausedUntil: at('2026-04-10T00:00:00Z') }),
      at('2026-05-01T00:00:00Z'),
    );
    expect(totals(paused.invoices)).toEqual([3_500]);
    expect(paused.subscription.pausedAt).toBeNull();
  });

  it('asks for what was used when it ends at once', () => {
    const metered = subscription({ items: [item('calls', '2', null)], usage: { calls: 7 } });
    const { subscription: after, invoices } = endOf(metered, at('2026-02-10T00:00:00Z'));
    expect(totals(invoices)).toEqual([14]);
    expect(after.endedAt).toEqual(at('2026-02-10T00:00:00Z'));
  });

  it('counts the rest of a period to the second, and what it costs comes back when it is taken back', () => {
    const before = subscription({ items: [item('seat', '500', 3)] });
    const half = at('2026-02-14T00:00:00Z');
    const five = [item('seat', '500', 5)];
    expect(prorationLines(before, five, half).map(({ amount }) => amount)).toEqual([-750, 1_250]);
    expect(prorationLines(before, before.items, half)).toEqual([]);
    expect(prorationLines(before, five, at('2027-01-01T00:00:00Z'))).toEqual([]);
    const sum = (lines: readonly { amount: number }[]): number => lines.reduce((all, { amount }) => all + amount, 0);
    const there = sum(prorationLines(before, five, half));
    expect(there + sum(prorationLines({ ...before, items: five }, before.items, half))).toBe(0);
  });

  it('comes to the same end in one step or in many', () => {
    const moments = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 12 });
    fc.assert(
      fc.property(moments, (days) => {
        const start = subscription({ usage: { seat: 1 } });
        const end = at('2027-03-08T00:00:00Z');
        const path = days.sort((a, b) => a - b).map((day) => new Date(start.createdAt.getTime() + day * 86_400_000));
        let now = start;
        const invoices = [];
        for (const moment of [...path, end]) {
          const next = advance(now, moment);
          now = next.subscription;
          invoices.push(...next.invoices);
        }
        expect({ now, invoices }).toEqual({
          now: advance(start, end).subscription,
          invoices: advance(start, end).invoices,
        });
      }),
    );
  });
});
