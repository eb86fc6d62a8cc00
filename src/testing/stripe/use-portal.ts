import { cancelSubscription } from './billing/cancel.ts';
import { changeItems } from './billing/change-items.ts';
import { invalid, missing } from './refusal.ts';
import type { PortalSessionRow, SubscriptionRow } from './rows.ts';
import { setCard } from './set-card.ts';
import { isHash, type Value } from './wire.ts';
import type { World } from './world.ts';

/** What a customer does in the portal. */
export type PortalAct =
  | { readonly do: 'cancel'; readonly subscription: string }
  | { readonly do: 'keep'; readonly subscription: string }
  | { readonly do: 'card'; readonly card?: 'ok' | 'declines' }
  | {
      readonly do: 'change';
      readonly subscription: string;
      readonly items: readonly { readonly id: string; readonly price?: string; readonly quantity?: number }[];
    };

/** Does in a portal session what its configuration allows; the deep link of the session when no act is named. */
export function usePortal(world: World, id: string, act?: PortalAct): void {
  const session = world.portalSessions.get(id);
  if (session === undefined) throw missing('billing_portal.session', id, 'session');
  const done = act ?? actOf(session);
  if (done.do === 'card') {
    setCard(world, session.customer, done.card ?? 'ok');
    return;
  }
  const subscription = world.subscriptions.get(done.subscription);
  if (subscription?.customer !== session.customer) throw missing('subscription', done.subscription, 'subscription');
  if (done.do === 'change') change(world, session, subscription, done.items);
  else if (done.do === 'keep') setEnd(world, subscription, null);
  else cancel(world, session, subscription);
}

function actOf({ flow }: PortalSessionRow): PortalAct {
  const type = isHash(flow) ? flow.type : undefined;
  const details = isHash(flow) && typeof type === 'string' ? flow[type] : undefined;
  const subscription = isHash(details) && typeof details.subscription === 'string' ? details.subscription : '';
  if (type === 'subscription_cancel') return { do: 'cancel', subscription };
  if (type === 'payment_method_update') return { do: 'card' };
  if (type === 'subscription_update_confirm' && isHash(details) && Array.isArray(details.items)) {
    return { do: 'change', subscription, items: details.items.filter(isHash).map(itemOf) };
  }
  throw invalid('The session has no deep link that says what to do.');
}

function itemOf(item: { readonly [field: string]: Value }): { id: string; price?: string; quantity?: number } {
  return {
    id: String(item.id),
    ...(typeof item.price === 'string' ? { price: item.price } : {}),
    ...(typeof item.quantity === 'number' ? { quantity: item.quantity } : {}),
  };
}

/** At the end of the period the portal sets `cancel_at` alone, as it does for subscriptions in flexible billing mode. */
function cancel(world: World, session: PortalSessionRow, subscription: SubscriptionRow): void {
  const { enabled, mode } = feature(world, session, 'subscription_cancel');
  if (enabled !== true) throw invalid('The configuration does not let customers cancel.');
  if (mode === 'immediately') {
    cancelSubscription(world, subscription, { reason: 'cancellation_requested' });
    return;
  }
  setEnd(world, subscription, Math.min(...subscription.items.map((item) => item.current_period_end)));
}

function setEnd(world: World, subscription: SubscriptionRow, at: number | null): void {
  world.change('customer.subscription.updated', subscription, (kept) => {
    kept.cancel_at = at;
    kept.cancel_at_period_end = false;
    kept.canceled_at = at === null ? null : world.now;
    kept.cancellation_details = {
      ...kept.cancellation_details,
      reason: at === null ? null : 'cancellation_requested',
    };
  });
}

function change(
  world: World,
  session: PortalSessionRow,
  subscription: SubscriptionRow,
  items: readonly { readonly id: string; readonly price?: string; readonly quantity?: number }[],
): void {
  const {
    enabled,
    default_allowed_updates: allowed,
    proration_behavior,
  } = feature(world, session, 'subscription_update');
  const may = (what: string): boolean => enabled === true && Array.isArray(allowed) && allowed.includes(what);
  for (const item of items) {
    if (item.quantity !== undefined && !may('quantity'))
      throw invalid('The configuration does not let quantities change.');
    if (item.price !== undefined && !may('price')) throw invalid('The configuration does not let prices change.');
  }
  const proration =
    proration_behavior === 'always_invoice' || proration_behavior === 'create_prorations' ? proration_behavior : 'none';
  world.change('customer.subscription.updated', subscription, (kept) => {
    const after = kept.items.map((old) => {
      const wanted = items.find(({ id }) => id === old.id);
      return { ...old, price: wanted?.price ?? old.price, quantity: wanted?.quantity ?? old.quantity };
    });
    changeItems(world, kept, after, { proration });
  });
}

function feature(world: World, session: PortalSessionRow, name: string): { readonly [field: string]: Value } {
  const found = world.portalConfigurations.get(session.configuration)?.features[name];
  return found !== undefined && isHash(found) ? found : {};
}
