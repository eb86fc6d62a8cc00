import type { Phase, ScheduleRow, SubscriptionItemRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { changeItems } from './change-items.ts';
import { redeem } from './redeem.ts';
import { endSubscription } from './renew.ts';
import { startSubscription } from './start-subscription.ts';

/** Moves a schedule into the phase that now begins, or ends it. */
export function nextPhase(world: World, schedule: ScheduleRow): void {
  if (schedule.status === 'not_started') {
    begin(world, schedule);
    return;
  }
  const phase = schedule.phases[schedule.own.phase + 1];
  const subscription = schedule.subscription === null ? undefined : world.subscriptions.get(schedule.subscription);
  if (phase !== undefined && subscription !== undefined) {
    schedule.own.phase += 1;
    world.change('customer.subscription.updated', subscription, (kept) => applyPhase(world, kept, phase));
    world.tell('subscription_schedule.updated', schedule);
    return;
  }
  finish(world, schedule, subscription);
}

/** Gives a subscription the items of a phase. */
export function applyPhase(world: World, subscription: SubscriptionRow, phase: Phase): void {
  const left = [...subscription.items];
  const items = phase.items.map((wanted): SubscriptionItemRow => {
    const same = left.findIndex(({ price }) => price === wanted.price);
    const place = same >= 0 ? same : left.findIndex(({ price }) => !phase.items.some((item) => item.price === price));
    const [old] = place >= 0 ? left.splice(place, 1) : [];
    const { quantity, price } = wanted;
    if (old !== undefined) return { ...old, price, quantity };
    return {
      id: world.id('si'),
      object: 'subscription_item',
      created: world.now,
      metadata: { ...wanted.metadata },
      current_period_start: world.now,
      current_period_end: world.now,
      discounts: [],
      price,
      quantity,
      subscription: subscription.id,
    };
  });
  changeItems(world, subscription, items, {
    proration: phase.proration_behavior,
    ...(phase.billing_cycle_anchor === 'phase_start' ? { anchor: 'now' } : {}),
  });
  // A phase that names no discounts has none: those of the subscription do not go on by themselves.
  const wanted = phase.discounts.flatMap(({ coupon, discount, promotion_code: promotion }) => {
    if (discount !== null) return [{ coupon: '', promotion: null, kept: discount }];
    const id = coupon ?? (promotion === null ? undefined : world.promotionCodes.get(promotion)?.coupon);
    return id === undefined ? [] : [{ coupon: id, promotion }];
  });
  const { customer, id } = subscription;
  subscription.discounts = redeem(world, wanted, { customer, subscription: id });
  if (Object.keys(phase.metadata).length > 0) subscription.metadata = { ...subscription.metadata, ...phase.metadata };
}

function begin(world: World, schedule: ScheduleRow): void {
  const [phase] = schedule.phases;
  if (phase === undefined) return;
  const subscription = startSubscription(world, {
    customer: schedule.customer,
    currency: schedule.currency,
    items: phase.items,
    metadata: { ...phase.metadata },
    trialEnd: phase.trial_end,
  });
  world.change('subscription_schedule.updated', schedule, (kept) => {
    kept.status = 'active';
    kept.subscription = subscription.id;
  });
  subscription.schedule = schedule.id;
}

function finish(world: World, schedule: ScheduleRow, subscription: SubscriptionRow | undefined): void {
  if (schedule.end_behavior === 'cancel' && subscription !== undefined) {
    subscription.schedule = null;
    endSubscription(world, subscription);
    world.change('subscription_schedule.completed', schedule, (kept) => {
      kept.status = 'completed';
      kept.completed_at = world.now;
    });
    return;
  }
  if (subscription !== undefined) {
    world.change('customer.subscription.updated', subscription, (kept) => {
      kept.schedule = null;
    });
  }
  world.change('subscription_schedule.released', schedule, (kept) => {
    kept.status = 'released';
    kept.released_at = world.now;
    kept.released_subscription = kept.subscription;
    kept.subscription = null;
  });
}
