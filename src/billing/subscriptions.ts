import { isTenantryError, isUuid, opaqueId, TenantryError } from '../core/index.ts';
import type { BillingState, SubscriptionBilling, SwapInput } from './billing-interface.ts';
import { checkFuture, checkUrl, checkWish } from './check-input.ts';
import type { CloseOpen } from './checkout.ts';
import type { Ground, Held } from './ground.ts';
import type { WantedItem } from './provider/subscription.ts';
import type { ProviderCapabilities } from './provider.ts';
import { readSeatState } from './seats/store.ts';
import { isLive } from './standing.ts';
import { readState } from './state.ts';
import { createSubscribe } from './subscribe.ts';
import type { SubscriptionRecord } from './subscription-record.ts';
import { syncHeld } from './sync.ts';
import { sameItems, wantedItems } from './wanted-items.ts';

type Methods = Pick<
  SubscriptionBilling,
  'subscribe' | 'portal' | 'preview' | 'swap' | 'keepPlan' | 'cancel' | 'resume' | 'pause' | 'unpause' | 'sync'
>;

/** What changes of subscriptions need of other parts. */
interface SubscriptionParts {
  readonly closeOpen: CloseOpen;
  /** Tells the provider of what was used; nothing is metered when absent. */
  readonly tellUsage?: ((tenantId: string) => Promise<unknown>) | undefined;
}

/**
 * Makes what changes subscriptions. Each change is the same three steps, by whoever is alone with the tenant: look at the
 * provider, ask for the change if it is not so already, look again. So a change that was made without an answer is found,
 * and not asked for twice.
 */
export function createSubscriptions(ground: Ground, parts: SubscriptionParts): Methods {
  const { alone, clock, db, priceIndex, prices, provider } = ground;

  function requireCapability(name: keyof ProviderCapabilities, operation: string): void {
    if (!provider.capabilities[name]) {
      throw new TenantryError('billing_unsupported', { provider: provider.name, operation });
    }
  }

  /** Changes the subscription that counts, or one that is named. */
  async function change(
    tenantId: string,
    work: (held: Held, subscription: SubscriptionRecord) => Promise<void>,
    subscriptionId?: string,
  ): Promise<BillingState> {
    return alone(tenantId, async (held) => {
      const { subscriptions, standing } = await syncHeld(ground, held);
      const wanted = subscriptionId ?? standing.subscriptionId;
      const subscription = subscriptions.find((record) => record.id === wanted && isLive(record));
      if (subscription === undefined) throw new TenantryError('subscription_not_found', { tenantId });
      await work(held, subscription);
      await syncHeld(ground, held);
      return readState(db, held.tenantId);
    });
  }

  async function itemsFor(
    input: Pick<SwapInput, 'tenantId' | 'plan' | 'interval' | 'addOns' | 'agreed'>,
    { currency, interval, items }: SubscriptionRecord,
  ): Promise<readonly WantedItem[]> {
    const wish = {
      plan: input.plan,
      interval: input.interval ?? interval ?? 'month',
      currency,
      seats: await readSeatState(db, input.tenantId),
      addOns: input.addOns,
      agreed: input.agreed,
    };
    return wantedItems(prices, priceIndex, wish, items);
  }

  return {
    subscribe: createSubscribe(ground, parts),

    async portal({ tenantId, returnUrl, to = 'home', configuration, locale }) {
      requireCapability('portal', 'portal');
      checkUrl('returnUrl', returnUrl);
      if (configuration !== undefined) opaqueId('configuration', configuration);
      checkWish({ ...(locale !== undefined && { locale }) });
      const { customerId, subscription } = await readState(db, tenantId);
      if (customerId === null) throw new TenantryError('subscription_not_found', { tenantId });
      const needed = to === 'cancel' || to === 'change';
      if (needed && (subscription === null || !isLive(subscription))) {
        throw new TenantryError('subscription_not_found', { tenantId });
      }
      const subscriptionId = subscription?.id ?? '';
      return provider.portal({
        customerId,
        returnUrl,
        place: to === 'cancel' || to === 'change' ? { to, subscriptionId } : { to },
        ...(configuration !== undefined && { configuration }),
        ...(locale !== undefined && { locale }),
      });
    },

    async preview(input) {
      requireCapability('proration', 'preview');
      checkWish(input);
      const { subscription } = await readState(db, input.tenantId);
      if (subscription === null || !isLive(subscription)) {
        throw new TenantryError('subscription_not_found', { tenantId: input.tenantId });
      }
      return provider.subscriptions.preview(subscription.id, {
        items: await itemsFor(input, subscription),
        proration: input.proration ?? 'create',
        prorationDate: input.prorationDate ?? within(subscription, clock()),
        ...(input.coupon !== undefined && { coupon: input.coupon }),
      });
    },

    async swap(input) {
      const { when = 'now', proration = 'create', prorationDate, coupon } = input;
      checkWish(input);
      if (when === 'period-end') requireCapability('scheduledChanges', 'change at the end of a period');
      return change(input.tenantId, async (held, subscription) => {
        const items = await itemsFor(input, subscription);
        const same = sameItems(items, subscription.items);
        if (when === 'period-end') {
          if (same && subscription.scheduledAt === null) return;
          if (!same && subscription.endsAt !== null) {
            // What goes on with another plan does not end.
            const { id, endsAt } = subscription;
            await held.ask('keep', [id, endsAt], (call) => provider.subscriptions.keep(id, call));
          }
          const wish = { id: subscription.id, items };
          await held.ask('change-later', wish, (call) =>
            same
              ? provider.subscriptions.releaseScheduled(subscription.id, call)
              : provider.subscriptions.changeAtPeriodEnd(subscription.id, items, call),
          );
          return;
        }
        if (subscription.scheduleId !== null) {
          // What was to come would undo the change.
          await held.ask('release', subscription.id, (call) =>
            provider.subscriptions.releaseScheduled(subscription.id, call),
          );
        }
        if (same && coupon === undefined) return;
        const wanted = {
          items,
          proration,
          ...(prorationDate !== undefined && { prorationDate }),
          ...(coupon !== undefined && { coupon }),
        };
        await held.ask('swap', { id: subscription.id, ...wanted }, (call) =>
          provider.subscriptions.change(subscription.id, wanted, call),
        );
      });
    },

    keepPlan: ({ tenantId }) =>
      change(tenantId, async (held, { id, scheduleId }) => {
        if (scheduleId === null) return;
        await held.ask('release', id, (call) => provider.subscriptions.releaseScheduled(id, call));
      }),

    async cancel({ tenantId, when, subscriptionId }) {
      if (when !== 'now' && when !== 'period-end') checkFuture('when', when, clock());
      // What was used until now belongs on the last bill; what the provider does not take keeps nobody from leaving.
      if (when === 'now' && isUuid(tenantId)) {
        await parts.tellUsage?.(tenantId).catch((error: unknown) => {
          if (isTenantryError(error, 'provider_unavailable')) throw error;
        });
      }
      return change(
        tenantId,
        async (held, { id, endsAt, periodEnd, scheduleId }) => {
          const at = when === 'period-end' ? periodEnd : when;
          if (at instanceof Date && endsAt?.getTime() === Math.floor(at.getTime() / 1000) * 1000) return;
          if (scheduleId !== null) {
            await held.ask('release', id, (call) => provider.subscriptions.releaseScheduled(id, call));
          }
          await held.ask('cancel', [id, when, endsAt], (call) => provider.subscriptions.cancel(id, when, call));
        },
        subscriptionId,
      );
    },

    resume: ({ tenantId }) =>
      change(tenantId, async (held, { id, endsAt }) => {
        if (endsAt === null) return;
        await held.ask('keep', [id, endsAt], (call) => provider.subscriptions.keep(id, call));
      }),

    async pause({ tenantId, until }) {
      requireCapability('pause', 'pause');
      if (until !== undefined) checkFuture('until', until, clock());
      return change(tenantId, async (held, { id, paused }) => {
        if (paused && until === undefined) return;
        await held.ask('pause', [id, until ?? null], (call) => provider.subscriptions.pause(id, until ?? null, call));
      });
    },

    async unpause({ tenantId }) {
      requireCapability('pause', 'pause');
      return change(tenantId, async (held, { id, paused }) => {
        if (paused) await held.ask('unpause', id, (call) => provider.subscriptions.unpause(id, call));
      });
    },

    sync: (tenantId) =>
      alone(tenantId, async (held) => {
        await syncHeld(ground, held);
        return readState(db, held.tenantId);
      }),
  };
}

/** A moment within the running period: clocks differ, and what changes outside of it is refused. */
function within({ periodStart, periodEnd }: SubscriptionRecord, now: Date): Date {
  if (periodStart !== null && now < periodStart) return periodStart;
  return periodEnd !== null && now > periodEnd ? periodEnd : now;
}
