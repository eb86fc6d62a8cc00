import type { BillingEvent } from './events.ts';
import type { Unstamped } from './ground.ts';
import { isLive, isOver, type Standing } from './standing.ts';
import type { SubscriptionRecord } from './subscription-record.ts';

const owing = new Set(['past_due', 'unpaid']);

/** Tells what happened to a subscription between two looks at it. */
export function eventsBetween(
  tenantId: string,
  before: SubscriptionRecord | undefined,
  after: SubscriptionRecord,
  standing: Standing,
): readonly Unstamped<BillingEvent>[] {
  const { id: subscriptionId, plan, status, endsAt, endedAt, seats } = after;
  const facts = { subscriptionId, plan, status };
  const was = before !== undefined && isLive(before);
  if (!was) {
    if (isLive(after)) return [{ name: 'subscription.started', tenantId, data: { ...facts, endsAt } }];
    // One that began and ended while nobody looked.
    return before === undefined && isOver(after) && after.status === 'canceled'
      ? [{ name: 'subscription.ended', tenantId, data: { ...facts, endedAt } }]
      : [];
  }
  if (!isLive(after)) {
    return [{ name: 'subscription.ended', tenantId, data: { ...facts, endedAt: endedAt ?? after.goneAt } }];
  }
  const events: Unstamped<BillingEvent>[] = [];
  if (owing.has(status) && !owing.has(before.status)) {
    const graceUntil = standing.subscriptionId === subscriptionId ? standing.graceUntil : null;
    events.push({ name: 'subscription.past_due', tenantId, data: { ...facts, graceUntil } });
  }
  if (!owing.has(status) && owing.has(before.status)) {
    events.push({ name: 'subscription.recovered', tenantId, data: facts });
  }
  const same =
    before.plan === plan &&
    before.status === status &&
    before.seats === seats &&
    before.endsAt?.getTime() === endsAt?.getTime() &&
    before.paused === after.paused;
  if (!same) {
    const data = {
      ...facts,
      previousPlan: before.plan,
      previousStatus: before.status,
      seats,
      previousSeats: before.seats,
      endsAt,
      previousEndsAt: before.endsAt,
      paused: after.paused,
      previousPaused: before.paused,
    };
    events.push({ name: 'subscription.changed', tenantId, data });
  }
  return events;
}
