import { periodOf } from '../../../core/period-of.ts';
import { cancelSubscription } from '../billing/cancel.ts';
import { applyPhase } from '../billing/schedule-phases.ts';
import { ended } from '../billing/settle.ts';
import { atPath, named } from '../look-up.ts';
import { inRange, pageOf, pageParams } from '../paginate.ts';
import type { Params } from '../params.ts';
import { present } from '../present.ts';
import { invalid } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { Phase, PhaseItem, ScheduleRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { readDiscounts } from './coupons.ts';
import { customerOf } from './customers.ts';
import { priceOf, quantityOf } from './read-items.ts';
import { moveTrial } from './update-subscription.ts';

export const scheduleRoutes: Routes = {
  SubscriptionSchedules_create: {
    takes: 'billing_mode customer end_behavior from_subscription metadata phases start_date',
    run({ world, params }) {
      const from = params.text('from_subscription');
      const row = from === undefined ? freshSchedule(world, params) : scheduleFrom(world, from, params);
      world.schedules.set(row.id, row);
      world.tell('subscription_schedule.created', row);
      return present(world, row);
    },
  },
  SubscriptionSchedules_retrieve: {
    takes: '',
    run: ({ world, id }) => present(world, atPath(world.schedules, id(), 'subscription_schedule')),
  },
  SubscriptionSchedules_update: {
    takes: 'end_behavior metadata phases proration_behavior',
    run({ world, params, id }) {
      const row = living(atPath(world.schedules, id(), 'subscription_schedule'));
      const list = params.hashes('phases');
      const phases =
        list === undefined ? undefined : readPhases(world, row, list, row.phases[0]?.start_date ?? world.now);
      const subscription = row.subscription === null ? undefined : world.subscriptions.get(row.subscription);
      world.change('subscription_schedule.updated', row, (kept) => {
        kept.metadata = params.metadata(kept.metadata);
        kept.end_behavior = endBehaviorOf(params) ?? kept.end_behavior;
        if (phases === undefined) return;
        kept.phases = phases;
        kept.own.phase = Math.max(
          0,
          phases.findIndex((phase) => phase.end_date > world.now),
        );
      });
      const current = row.phases[row.own.phase];
      if (phases !== undefined && subscription !== undefined && current !== undefined) {
        const phase = { ...current, proration_behavior: prorationOf(params) ?? current.proration_behavior };
        world.change('customer.subscription.updated', subscription, (kept) => {
          applyPhase(world, kept, phase);
          // A phase that says nothing of a trial has none.
          if (kept.status === 'trialing' && phase.trial_end === null) moveTrial(world, kept, 'now', undefined);
        });
      }
      return present(world, row);
    },
  },
  SubscriptionSchedules_cancel: {
    takes: 'invoice_now prorate',
    run({ world, id }) {
      const row = living(atPath(world.schedules, id(), 'subscription_schedule'));
      const subscription = row.subscription === null ? undefined : world.subscriptions.get(row.subscription);
      if (subscription !== undefined) cancelSubscription(world, subscription, { reason: 'cancellation_requested' });
      if (row.status !== 'canceled') {
        world.change('subscription_schedule.canceled', row, (kept) => {
          kept.status = 'canceled';
          kept.canceled_at = world.now;
        });
      }
      return present(world, row);
    },
  },
  SubscriptionSchedules_release: {
    takes: 'preserve_cancel_date',
    run({ world, params, id }) {
      const row = living(atPath(world.schedules, id(), 'subscription_schedule'));
      const subscription = row.subscription === null ? undefined : world.subscriptions.get(row.subscription);
      if (subscription !== undefined) {
        world.change('customer.subscription.updated', subscription, (kept) => {
          kept.schedule = null;
          if (params.flag('preserve_cancel_date') !== true && row.end_behavior === 'cancel') kept.cancel_at = null;
        });
      }
      world.change('subscription_schedule.released', row, (kept) => {
        kept.status = 'released';
        kept.released_at = world.now;
        kept.released_subscription = kept.subscription;
        kept.subscription = null;
      });
      return present(world, row);
    },
  },
  SubscriptionSchedules_list: {
    takes: `${pageParams} canceled_at completed_at created customer released_at scheduled`,
    run({ world, params }) {
      const customer = params.text('customer');
      const scheduled = params.flag('scheduled');
      const rows = [...world.schedules.values()].filter(
        (row) =>
          (customer === undefined || row.customer === customer) &&
          (scheduled === undefined || (row.status === 'not_started') === scheduled) &&
          inRange(params, 'canceled_at', row.canceled_at) &&
          inRange(params, 'completed_at', row.completed_at) &&
          inRange(params, 'released_at', row.released_at),
      );
      return pageOf(world, params, '/v1/subscription_schedules', rows);
    },
  },
};

function scheduleFrom(world: World, id: string, params: Params): ScheduleRow {
  if (params.has('phases') || params.has('customer') || params.has('start_date')) {
    throw invalid('You cannot set `phases`, `customer` or `start_date` if `from_subscription` is set.', {
      param: 'from_subscription',
    });
  }
  const subscription = named(world.subscriptions, id, 'subscription', 'from_subscription');
  if (ended(subscription)) throw invalid('The subscription is canceled.', { param: 'from_subscription' });
  if (subscription.schedule !== null) {
    throw invalid(`The subscription is already attached to the schedule \`${subscription.schedule}\`.`, {
      param: 'from_subscription',
    });
  }
  const row: ScheduleRow = {
    ...blank(world, params, subscription.customer, subscription.currency),
    phases: [phaseOf(subscription)],
    status: 'active',
    subscription: subscription.id,
  };
  world.change('customer.subscription.updated', subscription, (kept) => {
    kept.schedule = row.id;
  });
  return row;
}

function phaseOf(subscription: SubscriptionRow): Phase {
  return {
    start_date: Math.min(...subscription.items.map((item) => item.current_period_start)),
    end_date: Math.min(...subscription.items.map((item) => item.current_period_end)),
    items: subscription.items.map(({ price, quantity, metadata }) => ({ price, quantity, metadata: { ...metadata } })),
    metadata: {},
    proration_behavior: 'create_prorations',
    discounts: subscription.discounts.map((discount) => ({ coupon: null, discount, promotion_code: null })),
    trial_end: subscription.status === 'trialing' ? subscription.trial_end : null,
    billing_cycle_anchor: null,
    description: null,
  };
}

function freshSchedule(world: World, params: Params): ScheduleRow {
  const customer = customerOf(world, params.need('customer'));
  const start = params.number('start_date') ?? world.now;
  const list = params.hashes('phases');
  if (list === undefined || list.length === 0) {
    throw invalid('Missing required param: phases.', { code: 'parameter_missing', param: 'phases' });
  }
  const [first] = list;
  const item = first?.hashes('items')?.[0];
  const currency =
    first?.text('currency') ?? (item === undefined ? 'usd' : priceOf(world, item, 'phases[0][items][0]').currency);
  const row = blank(world, params, customer.id, currency);
  return { ...row, phases: readPhases(world, row, list, start) };
}

function blank(world: World, params: Params, customer: string, currency: string): ScheduleRow {
  return {
    id: world.id('sub_sched'),
    object: 'subscription_schedule',
    created: world.now,
    metadata: params.metadata(),
    canceled_at: null,
    completed_at: null,
    customer,
    end_behavior: endBehaviorOf(params) ?? 'release',
    phases: [],
    released_at: null,
    released_subscription: null,
    status: 'not_started',
    subscription: null,
    currency,
    own: { phase: 0 },
  };
}

function readPhases(world: World, row: ScheduleRow, list: readonly Params[], begin: number): readonly Phase[] {
  let start = begin;
  return list.map((entry, index): Phase => {
    const given = entry.raw('start_date');
    start = given === 'now' ? world.now : typeof given === 'number' ? given : start;
    const items = (entry.hashes('items') ?? []).map((item, place): PhaseItem => {
      const path = `phases[${index}][items][${place}]`;
      const price = priceOf(world, item, path);
      return { price: price.id, quantity: quantityOf(item, price, path, 1), metadata: item.metadata() };
    });
    const end = endOf(world, entry, items, start, index);
    if (end <= start) throw invalid('A phase must end after it starts.', { param: `phases[${index}][end_date]` });
    const trialEnd = entry.raw('trial_end');
    const discounts = readDiscounts(world, entry.hashes('discounts'), row);
    const phase: Phase = {
      start_date: start,
      end_date: end,
      items,
      metadata: entry.metadata(),
      proration_behavior: prorationOf(entry) ?? 'create_prorations',
      discounts: discounts.map(({ coupon, promotion, kept = null }) => ({
        coupon: kept === null && promotion === null ? coupon : null,
        discount: kept,
        promotion_code: kept === null ? promotion : null,
      })),
      trial_end: entry.flag('trial') === true ? end : typeof trialEnd === 'number' ? trialEnd : null,
      billing_cycle_anchor: entry.text('billing_cycle_anchor') ?? null,
      description: entry.text('description') ?? null,
    };
    start = end;
    return phase;
  });
}

/** When a phase ends: at a date, after a duration, or after one period of its first price. */
function endOf(world: World, entry: Params, items: readonly PhaseItem[], start: number, index: number): number {
  const date = entry.raw('end_date');
  if (typeof date === 'number') return date;
  if (date === 'now') return world.now;
  const duration = entry.hash('duration');
  const recurring = world.prices.get(items[0]?.price ?? '')?.recurring;
  const interval = duration?.text('interval') ?? recurring?.interval;
  const every = duration === undefined ? (recurring?.interval_count ?? 1) : (duration.number('interval_count') ?? 1);
  if (interval !== 'day' && interval !== 'week' && interval !== 'month' && interval !== 'year') {
    throw invalid('A phase needs an end.', { param: `phases[${index}][end_date]` });
  }
  const from = new Date(start * 1000);
  const { end } = periodOf(from, interval, from, { every });
  return Math.floor((end ?? from).getTime() / 1000);
}

function endBehaviorOf(params: Params): ScheduleRow['end_behavior'] | undefined {
  const behavior = params.text('end_behavior');
  return behavior === 'cancel' || behavior === 'release' || behavior === 'none' || behavior === 'renew'
    ? behavior
    : undefined;
}

function prorationOf(params: Params): Phase['proration_behavior'] | undefined {
  const proration = params.text('proration_behavior');
  return proration === 'none' || proration === 'always_invoice' || proration === 'create_prorations'
    ? proration
    : undefined;
}

function living(row: ScheduleRow): ScheduleRow {
  if (row.status === 'active' || row.status === 'not_started') return row;
  throw invalid(`You cannot change a subscription schedule with the status \`${row.status}\`.`);
}
