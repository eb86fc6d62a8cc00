import { describe, expect, it } from 'vitest';
import type { BillingRules } from './billing-rules.ts';
import { standingOf } from './standing.ts';
import type { SubscriptionRecord } from './subscription-record.ts';

const day = 86_400_000;
const now = new Date('2026-06-15T00:00:00Z');
const ago = (days: number): Date => new Date(now.getTime() - days * day);
const rules: BillingRules = {
  fallbackPlan: 'free',
  pastDue: { graceDays: 14, afterGrace: 'fall-back' },
  whilePaused: 'fall-back',
  anchor: 'follow',
};
const nothing = { subscriptionId: null, plan: null };

function record(fields: Partial<SubscriptionRecord>): SubscriptionRecord {
  return {
    id: 'sub_1',
    customerId: 'cus_1',
    status: 'active',
    plan: 'pro',
    currency: 'usd',
    interval: 'month',
    seats: null,
    periodStart: ago(10),
    periodEnd: ago(-20),
    trialEndsAt: null,
    endsAt: null,
    endedAt: null,
    paused: false,
    scheduleId: null,
    scheduledAt: null,
    scheduledPlan: null,
    latestInvoiceId: null,
    anchorAt: ago(10),
    pastDueSince: null,
    metadata: {},
    createdAt: ago(10),
    goneAt: null,
    items: [],
    changesAt: null,
    ...fields,
  };
}

const planWith = (fields: Partial<SubscriptionRecord>, more: Partial<BillingRules> = {}) =>
  standingOf([record(fields)], { ...rules, ...more }, nothing, now).plan;

describe('the plan', () => {
  it('follows the state of the subscription', () => {
    expect(planWith({})).toBe('pro');
    expect(planWith({ status: 'trialing' })).toBe('pro');
    expect(planWith({ status: 'incomplete' })).toBe('free');
    expect(planWith({ status: 'incomplete_expired' })).toBe('free');
    expect(planWith({ status: 'canceled' })).toBe('free');
    expect(planWith({ goneAt: now })).toBe('free');
  });

  it('stays for the days of grace, to the moment', () => {
    expect(planWith({ status: 'past_due', pastDueSince: ago(13.999) })).toBe('pro');
    expect(planWith({ status: 'past_due', pastDueSince: ago(14) })).toBe('free');
    expect(planWith({ status: 'unpaid', pastDueSince: ago(20) })).toBe('free');
    expect(
      planWith({ status: 'unpaid', pastDueSince: ago(20) }, { pastDue: { graceDays: 0, afterGrace: 'keep' } }),
    ).toBe('pro');
  });

  it('goes while it is paused, unless it is said to stay', () => {
    expect(planWith({ paused: true })).toBe('free');
    expect(planWith({ status: 'paused' }, { whilePaused: 'keep' })).toBe('pro');
  });

  it('stays in a state that nobody knows, for who had it', () => {
    const unknown = [record({ status: 'limbo' })];
    expect(standingOf(unknown, rules, { subscriptionId: 'sub_1', plan: 'pro' }, now).plan).toBe('pro');
    expect(standingOf(unknown, rules, nothing, now).plan).toBe('free');
  });

  it('is none of billing without a subscription to a plan', () => {
    expect(standingOf([], rules, nothing, now)).toMatchObject({ plan: null, status: null, subscriptionId: null });
    expect(planWith({ plan: null })).toBeNull();
  });
});

describe('of several subscriptions', () => {
  it('the oldest counts that gives a plan, in whatever order they come', () => {
    const old = record({ id: 'sub_old', createdAt: ago(30), status: 'canceled' });
    const paying = record({ id: 'sub_paying', createdAt: ago(20) });
    const twice = record({ id: 'sub_twice', createdAt: ago(5), plan: 'team' });
    for (const all of [
      [old, paying, twice],
      [twice, paying, old],
    ]) {
      expect(standingOf(all, rules, nothing, now)).toMatchObject({
        subscriptionId: 'sub_paying',
        plan: 'pro',
        duplicates: ['sub_twice'],
      });
    }
  });
});

describe('the next look', () => {
  it('comes when something changes by itself, and again when it did not', () => {
    const due = (fields: Partial<SubscriptionRecord>) => standingOf([record(fields)], rules, nothing, now).dueAt;
    expect(due({ endsAt: ago(-3) })).toEqual(ago(-3));
    expect(due({ status: 'past_due', pastDueSince: ago(10) })).toEqual(ago(-1));
    expect(due({ status: 'past_due', pastDueSince: ago(13.5) })).toEqual(ago(-0.5));
    expect(due({ endsAt: ago(1) })).toEqual(new Date(now.getTime() + 3_600_000));
    expect(due({ status: 'canceled', endsAt: ago(1), periodEnd: ago(1) })).toBeNull();
  });
});
