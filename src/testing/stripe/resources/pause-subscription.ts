import { cardOf } from '../billing/charge.ts';
import { draftInvoice } from '../billing/draft-invoice.ts';
import { itemLine } from '../billing/lines.ts';
import { attemptPayment, finalizeInvoice } from '../billing/pay-invoice.ts';
import { periodAt } from '../billing/periods.ts';
import { keepUsage, prorate } from '../billing/prorations.ts';
import { atPath } from '../look-up.ts';
import { present } from '../present.ts';
import { invalid } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';

export const pauseRoutes: Routes = {
  Subscriptions_pause: {
    takes: 'bill_for invoicing_behavior type',
    run({ world, params, id }) {
      const row = atPath(world.subscriptions, id(), 'subscription');
      if (!['active', 'trialing', 'past_due'].includes(row.status)) {
        throw invalid(`A subscription with the status \`${row.status}\` cannot be paused.`);
      }
      const bill = params.hash('bill_for');
      if (bill?.hash('unused_time_from')?.text('type') === 'now') prorate(world, row, row.items, [], world.now);
      if (bill?.hash('outstanding_usage_through')?.text('type') === 'now') {
        for (const item of row.items) keepUsage(world, row, item);
      }
      if (params.text('invoicing_behavior') === 'invoice') invoicePending(world, row);
      world.change('customer.subscription.paused', row, (kept) => {
        kept.status = 'paused';
        kept.paused = { type: 'pause_requested', at: world.now };
      });
      return present(world, row);
    },
  },
  Subscriptions_resume: {
    takes: 'billing_cycle_anchor payment_behavior proration_behavior proration_date',
    run({ world, params, id }) {
      const row = atPath(world.subscriptions, id(), 'subscription');
      if (row.status !== 'paused') {
        throw invalid(`A subscription with the status \`${row.status}\` cannot be resumed; it must be \`paused\`.`);
      }
      const anew = params.hash('billing_cycle_anchor')?.text('type') !== 'unchanged';
      const onSuccess = params.text('payment_behavior') !== 'resume_on_payment_attempt';
      const card = cardOf(world, row);
      if (anew && onSuccess && row.collection_method === 'charge_automatically' && card?.own.behaviour !== 'ok') {
        throw invalid('The subscription stays paused: its customer has no payment method that can be charged.', {
          code: 'resource_missing',
        });
      }
      resume(world, row, anew);
      return present(world, row);
    },
  },
};

function resume(world: World, row: SubscriptionRow, anew: boolean): void {
  world.change('customer.subscription.resumed', row, (kept) => {
    kept.status = 'active';
    kept.paused = null;
    if (anew) kept.billing_cycle_anchor = world.now;
    kept.trial_end = kept.trial_end !== null && kept.trial_end > world.now ? world.now : kept.trial_end;
    for (const item of kept.items) {
      const recurring = world.prices.get(item.price)?.recurring;
      if (recurring == null) continue;
      const period = periodAt(kept.billing_cycle_anchor, recurring, world.now);
      item.current_period_start = period.start;
      item.current_period_end = period.end;
    }
  });
  if (!anew) return;
  const lines = row.items
    .filter(({ price }) => world.prices.get(price)?.recurring?.usage_type !== 'metered')
    .map((item) => itemLine(world, row, item, { start: item.current_period_start, end: item.current_period_end }));
  invoiceNow(world, row, lines);
}

function invoicePending(world: World, row: SubscriptionRow): void {
  const pending = [...world.invoiceItems.values()].some(
    (item) => item.subscription === row.id && item.invoice === null,
  );
  if (pending) invoiceNow(world, row, []);
}

function invoiceNow(world: World, row: SubscriptionRow, lines: Parameters<typeof draftInvoice>[1]['lines']): void {
  const { customer, currency } = row;
  const invoice = draftInvoice(world, { customer, currency, subscription: row, reason: 'subscription_update', lines });
  finalizeInvoice(world, invoice);
  if (invoice.status === 'open' && row.collection_method === 'charge_automatically') attemptPayment(world, invoice);
}
