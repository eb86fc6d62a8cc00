import type Stripe from 'stripe';
import type { WantedItem } from '../provider/subscription.ts';
import type { StripeCalls } from './call-stripe.ts';
import type { StripeClient } from './stripe-client.ts';
import { idOf, metadataNames } from './stripe-ids.ts';

/** What is to become of subscriptions later. */
export interface StripeSchedules {
  read(id: string): Promise<Stripe.SubscriptionSchedule | null>;
  changeAtPeriodEnd(subscription: Stripe.Subscription, items: readonly WantedItem[], key: string): Promise<void>;
  release(id: string, key: string): Promise<void>;
}

/** The schedules of Stripe. */
export function createStripeSchedules(stripe: StripeClient, calls: StripeCalls): StripeSchedules {
  async function scheduleOf(subscription: Stripe.Subscription, key: string): Promise<Stripe.SubscriptionSchedule> {
    const known = idOf(subscription.schedule);
    if (known !== null) {
      return calls.one('subscriptionSchedules.retrieve', 'subscription_schedule', () =>
        stripe.subscriptionSchedules.retrieve(known),
      );
    }
    return calls.one('subscriptionSchedules.create', 'subscription_schedule', () =>
      stripe.subscriptionSchedules.create({ from_subscription: subscription.id }, { idempotencyKey: `${key}:make` }),
    );
  }

  return {
    read: (id) =>
      calls.maybe('subscriptionSchedules.retrieve', 'subscription_schedule', () =>
        stripe.subscriptionSchedules.retrieve(id),
      ),

    async changeAtPeriodEnd(subscription, items, key) {
      const schedule = await scheduleOf(subscription, key);
      const current = schedule.current_phase;
      const start = current?.start_date ?? subscription.billing_cycle_anchor;
      const end = Math.min(...subscription.items.data.map(({ current_period_end }) => current_period_end));
      const running = subscription.items.data.map((item) => ({
        price: item.price.id,
        ...(item.price.recurring?.usage_type !== 'metered' && { quantity: item.quantity ?? 1 }),
        ...keptDiscounts(item.discounts),
      }));
      // What a phase does not name ends with its beginning: reductions, and the trial that is running.
      const kept = keptDiscounts(subscription.discounts);
      const trialEnd = subscription.status === 'trialing' ? subscription.trial_end : null;
      const discountsOf = (id: string | undefined) =>
        keptDiscounts(subscription.items.data.find((item) => item.id === id)?.discounts ?? []);
      const metadata = { [metadataNames.tenant]: subscription.metadata[metadataNames.tenant] ?? '' };
      const params: Stripe.SubscriptionScheduleUpdateParams = {
        end_behavior: 'release',
        proration_behavior: 'none',
        metadata,
        phases: [
          {
            items: running,
            start_date: start,
            end_date: end,
            ...kept,
            ...(trialEnd !== null && { trial_end: trialEnd }),
          },
          {
            items: items.map(({ id, priceId, quantity }) => ({
              price: priceId,
              ...(quantity !== undefined && { quantity }),
              ...discountsOf(id),
            })),
            ...kept,
            start_date: end,
            proration_behavior: 'none',
            duration: { interval: intervalOf(subscription), interval_count: 1 },
          },
        ],
      };
      await calls.one('subscriptionSchedules.update', 'subscription_schedule', () =>
        stripe.subscriptionSchedules.update(schedule.id, params, { idempotencyKey: `${key}:set` }),
      );
    },

    async release(id, key) {
      await calls.one('subscriptionSchedules.release', 'subscription_schedule', () =>
        stripe.subscriptionSchedules.release(id, {}, { idempotencyKey: key }),
      );
    },
  };
}

/** The same discounts as before: a coupon that was given anew would begin anew. */
function keptDiscounts(discounts: readonly (string | { readonly id: string })[]): {
  readonly discounts?: { discount: string }[];
} {
  const ids = discounts.flatMap((discount) => idOf(discount) ?? []);
  return ids.length === 0 ? {} : { discounts: ids.map((discount) => ({ discount })) };
}

const intervals = ['day', 'week', 'month', 'year'] as const;

/** The last phase lasts one period; then the subscription goes on by itself. */
function intervalOf(subscription: Stripe.Subscription): (typeof intervals)[number] {
  const interval = subscription.items.data[0]?.price.recurring?.interval;
  return intervals.find((one) => one === interval) ?? 'month';
}
