import type Stripe from 'stripe';
import { type Clock, isTenantryError, TenantryError } from '../../core/index.ts';
import type {
  NewSubscription,
  Proration,
  ProviderSubscription,
  ProviderSubscriptions,
  WantedItem,
} from '../provider/subscription.ts';
import { sameItems } from '../wanted-items.ts';
import { createAmountIn } from './amount-in.ts';
import type { StripeCalls } from './call-stripe.ts';
import { previewOf } from './read-preview.ts';
import { owes, readSubscription } from './read-subscription.ts';
import type { StripeClient } from './stripe-client.ts';
import { idOf, metadataNames, secondsOf, timeOf } from './stripe-ids.ts';
import { createStripeSchedules } from './stripe-schedules.ts';

/** How Stripe names what a change of the running period costs. */
const prorations = { create: 'create_prorations', invoice: 'always_invoice', none: 'none' } as const satisfies {
  [Choice in Proration]: string;
};

/** The subscriptions of Stripe. */
export function createStripeSubscriptions(
  stripe: StripeClient,
  calls: StripeCalls,
  clock: Clock,
): ProviderSubscriptions {
  const schedules = createStripeSchedules(stripe, calls);
  const amountIn = createAmountIn(stripe, calls);

  async function complete(subscription: Stripe.Subscription): Promise<ProviderSubscription> {
    if (subscription.items.data.some(({ current_period_end: end }) => typeof end !== 'number')) {
      // Where it was before 2025 says an older version of the API.
      const problem = 'items have no period: leave apiVersion of the client to the package stripe';
      throw new TenantryError('provider_answer_invalid', { provider: 'stripe', operation: 'subscriptions', problem });
    }
    const scheduleId = idOf(subscription.schedule);
    const [schedule, owed, amounts] = await Promise.all([
      scheduleId === null ? null : schedules.read(scheduleId),
      owes(subscription) ? owedBy(subscription) : [],
      amountsOf(subscription),
    ]);
    return readSubscription(subscription, { schedule, owed, amounts });
  }

  async function amountsOf({ currency, items }: Stripe.Subscription): Promise<ReadonlyMap<string, string | null>> {
    const foreign = items.data.filter(({ price }) => price.currency !== currency).map(({ price }) => price.id);
    return new Map(await Promise.all(foreign.map(async (id) => [id, await amountIn(id, currency)] as const)));
  }

  async function owedBy({ id, latest_invoice }: Stripe.Subscription): Promise<readonly Stripe.Invoice[]> {
    const open = await calls.all('invoices.list', 'invoice', (after) =>
      stripe.invoices.list({
        subscription: id,
        status: 'open',
        limit: 100,
        ...(after !== undefined && { starting_after: after }),
      }),
    );
    const latest = idOf(latest_invoice);
    if (open.length > 0 || latest === null) return open;
    const found = await calls.maybe('invoices.retrieve', 'invoice', () => stripe.invoices.retrieve(latest));
    return found === null ? [] : [found];
  }

  const one = async (operation: string, call: () => Promise<Stripe.Subscription>): Promise<ProviderSubscription> =>
    complete(await calls.one(operation, 'subscription', call));

  async function found(id: string): Promise<Stripe.Subscription> {
    return calls.one('subscriptions.retrieve', 'subscription', () => stripe.subscriptions.retrieve(id));
  }

  async function withDiscounts(id: string): Promise<Stripe.Subscription> {
    return calls.one('subscriptions.retrieve', 'subscription', () =>
      stripe.subscriptions.retrieve(id, { expand: ['discounts'] }),
    );
  }

  /** One that it has goes on: given again it would begin anew. */
  function hasCoupon({ discounts }: Stripe.Subscription, coupon: string): boolean {
    return discounts.some(
      (discount) =>
        typeof discount === 'object' &&
        idOf(discount.source?.coupon) === coupon &&
        (discount.end === null || timeOf(discount.end) > clock()),
    );
  }

  /**
   * What was used is billed, which Stripe does by itself only at the end of a period. The end may come without an answer, and
   * who asks again is told that there is no such subscription.
   */
  async function cancelNow(id: string): Promise<ProviderSubscription> {
    try {
      const { items } = await found(id);
      const metered = items.data.some(({ price }) => price.recurring?.usage_type === 'metered');
      return await one('subscriptions.cancel', () =>
        stripe.subscriptions.cancel(id, metered ? { invoice_now: true } : {}),
      );
    } catch (error) {
      const subscription = await found(id).catch(() => undefined);
      if (subscription?.status !== 'canceled') throw error;
      return complete(subscription);
    }
  }

  return {
    async list(customerId) {
      try {
        const all = await calls.all('subscriptions.list', 'subscription', (after) =>
          stripe.subscriptions.list({
            customer: customerId,
            status: 'all',
            limit: 100,
            ...(after !== undefined && { starting_after: after }),
          }),
        );
        return Promise.all(all.map(complete));
      } catch (error) {
        // A customer who was deleted has none that could be asked for.
        if (isTenantryError(error, 'provider_refused') && error.details.reason === 'resource_missing') return [];
        throw error;
      }
    },

    async read(id) {
      const subscription = await calls.maybe('subscriptions.retrieve', 'subscription', () =>
        stripe.subscriptions.retrieve(id),
      );
      return subscription === null ? null : complete(subscription);
    },

    create: (input, { idempotencyKey }) =>
      one('subscriptions.create', () => stripe.subscriptions.create(newParams(input), { idempotencyKey })),

    async preview(id, { items, proration, prorationDate, coupon }) {
      const at = prorationDate ?? clock();
      const subscription = await withDiscounts(id);
      const invoice = await calls.one('invoices.createPreview', 'invoice', () =>
        stripe.invoices.createPreview({
          subscription: id,
          ...(coupon !== undefined && !hasCoupon(subscription, coupon) && { discounts: [{ coupon }] }),
          subscription_details: {
            items: itemChanges(subscription, items),
            proration_behavior: prorations[proration],
            proration_date: secondsOf(at),
          },
        }),
      );
      return previewOf(invoice, timeOf(secondsOf(at)));
    },

    async change(id, { items, proration, prorationDate, coupon }, { idempotencyKey }) {
      const subscription = await withDiscounts(id);
      const has = coupon !== undefined && hasCoupon(subscription, coupon);
      if (coupon !== undefined && (has || subscription.metadata[metadataNames.coupon] === coupon)) {
        const there = await complete(subscription);
        if (sameItems(items, there.items)) return there;
      }
      const params = {
        items: itemChanges(subscription, items),
        proration_behavior: prorations[proration],
        ...(prorationDate !== undefined && { proration_date: secondsOf(prorationDate) }),
        // Also noted, since one that was used up is not among the discounts any more.
        ...(coupon !== undefined && !has && { discounts: [{ coupon }], metadata: { [metadataNames.coupon]: coupon } }),
        // A change that cannot be paid is not made: nobody has what they did not pay.
        ...(proration === 'invoice' && { payment_behavior: 'error_if_incomplete' as const }),
      };
      return one('subscriptions.update', () => stripe.subscriptions.update(id, params, { idempotencyKey }));
    },

    async changeAtPeriodEnd(id, items, { idempotencyKey }) {
      await schedules.changeAtPeriodEnd(await found(id), items, idempotencyKey);
      return complete(await found(id));
    },

    async releaseScheduled(id, { idempotencyKey }) {
      const scheduleId = idOf((await found(id)).schedule);
      if (scheduleId !== null) await schedules.release(scheduleId, idempotencyKey);
      return complete(await found(id));
    },

    cancel(id, when, { idempotencyKey }) {
      if (when === 'now') return cancelNow(id);
      // One of the two parameters: both together are refused.
      const params = when === 'period-end' ? { cancel_at_period_end: true } : { cancel_at: secondsOf(when) };
      return one('subscriptions.update', () => stripe.subscriptions.update(id, params, { idempotencyKey }));
    },

    async keep(id, { idempotencyKey }) {
      const params: Stripe.SubscriptionUpdateParams = (await found(id)).cancel_at_period_end
        ? { cancel_at_period_end: false }
        : { cancel_at: '' };
      return one('subscriptions.update', () => stripe.subscriptions.update(id, params, { idempotencyKey }));
    },

    pause(id, until, { idempotencyKey }) {
      const pause = { behavior: 'void' as const, ...(until !== null && { resumes_at: secondsOf(until) }) };
      return one('subscriptions.update', () =>
        stripe.subscriptions.update(id, { pause_collection: pause }, { idempotencyKey }),
      );
    },

    async unpause(id, { idempotencyKey }) {
      if ((await found(id)).status === 'paused') {
        return one('subscriptions.resume', () => stripe.subscriptions.resume(id, {}, { idempotencyKey }));
      }
      return one('subscriptions.update', () =>
        stripe.subscriptions.update(id, { pause_collection: '' }, { idempotencyKey }),
      );
    },

    async setQuantity(id, item, { idempotencyKey }) {
      const params = { quantity: item.quantity, proration_behavior: prorations[item.proration] };
      await calls.one('subscriptionItems.update', 'subscription_item', () =>
        stripe.subscriptionItems.update(item.id, params, { idempotencyKey }),
      );
      return complete(await found(id));
    },
  };
}

/** What is there and is not wanted any more is taken away; what is metered is, too, with the usage that it has. */
function itemChanges(
  subscription: Stripe.Subscription,
  items: readonly WantedItem[],
): Stripe.SubscriptionUpdateParams.Item[] {
  const kept = new Set(items.flatMap((item) => (item.id === undefined ? [] : [item.id])));
  const gone = subscription.items.data.filter((item) => !kept.has(item.id));
  return [...items.map(itemParams), ...gone.map((item) => ({ id: item.id, deleted: true }))];
}

/** Metered prices take no quantity: Stripe refuses one. */
export function itemParams({ id, priceId, quantity }: WantedItem): { id?: string; price: string; quantity?: number } {
  return { ...(id !== undefined && { id }), price: priceId, ...(quantity !== undefined && { quantity }) };
}

function newParams(input: NewSubscription): Stripe.SubscriptionCreateParams {
  const { customerId, tenantId, plan, items, currency, trialDays, paidUntil, coupon, daysUntilDue } = input;
  return {
    customer: customerId,
    items: items.map(itemParams),
    currency,
    metadata: { [metadataNames.tenant]: tenantId, [metadataNames.plan]: plan },
    ...(trialDays !== undefined && { trial_period_days: trialDays }),
    ...(paidUntil !== undefined && { trial_end: secondsOf(paidUntil) }),
    ...(coupon !== undefined && { discounts: [{ coupon }] }),
    ...(daysUntilDue !== undefined
      ? { collection_method: 'send_invoice', days_until_due: daysUntilDue }
      : { payment_behavior: 'error_if_incomplete' }),
  };
}
