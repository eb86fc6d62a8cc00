import type { SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';

/** Ends a subscription now. Its open invoices are no longer collected by themselves. */
export function cancelSubscription(
  world: World,
  subscription: SubscriptionRow,
  options: { readonly reason: string | null; readonly comment?: string | null; readonly feedback?: string | null },
): void {
  for (const invoice of world.invoices.values()) {
    if (invoice.subscription !== subscription.id || !['open', 'draft'].includes(invoice.status)) continue;
    if (!invoice.auto_advance || invoice.automatically_finalizes_at !== null) continue;
    world.change('invoice.updated', invoice, (kept) => {
      kept.auto_advance = false;
      kept.next_payment_attempt = null;
    });
  }
  const schedule = subscription.schedule === null ? undefined : world.schedules.get(subscription.schedule);
  if (schedule !== undefined && ['active', 'not_started'].includes(schedule.status)) {
    world.change('subscription_schedule.canceled', schedule, (kept) => {
      kept.status = 'canceled';
      kept.canceled_at = world.now;
    });
  }
  subscription.status = 'canceled';
  subscription.ended_at = world.now;
  subscription.canceled_at ??= world.now;
  subscription.pending_update = null;
  subscription.cancellation_details = {
    comment: options.comment ?? subscription.cancellation_details.comment,
    feedback: options.feedback ?? subscription.cancellation_details.feedback,
    reason: options.reason ?? subscription.cancellation_details.reason,
  };
  world.tell('customer.subscription.deleted', subscription);
}
