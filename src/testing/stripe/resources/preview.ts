import { previewInvoice, previewStart } from '../billing/preview-invoice.ts';
import { named } from '../look-up.ts';
import { present } from '../present.ts';
import { invalid } from '../refusal.ts';
import type { Routes } from '../route.ts';
import { readDiscounts } from './coupons.ts';
import { customerOf } from './customers.ts';
import { currencyOf, readChangedItems, readNewItems } from './read-items.ts';
import { changeOf } from './update-subscription.ts';

export const previewRoutes: Routes = {
  Invoices_createPreview: {
    takes: 'currency customer discounts preview_mode subscription subscription_details',
    run({ world, params }) {
      const details = params.hash('subscription_details');
      const id = params.text('subscription');
      if (id === undefined) {
        const customer = customerOf(world, params.need('customer'));
        const items = readNewItems(world, details?.hashes('items'));
        const currency = currencyOf(world, items, params.text('currency'));
        const wanted = readDiscounts(world, params.hashes('discounts'), { customer: customer.id, currency });
        const trialEnd = details?.number('trial_end') ?? null;
        return present(
          world,
          previewStart(world, wanted, {
            customer: customer.id,
            currency,
            items,
            metadata: details?.metadata() ?? {},
            trialEnd,
          }),
        );
      }
      const row = named(world.subscriptions, id, 'subscription', 'subscription');
      if (row.status === 'canceled') {
        throw invalid('No upcoming invoices for a canceled subscription.', { code: 'invoice_upcoming_none' });
      }
      const discounts = params.hashes('discounts');
      const list = details?.hashes('items');
      const changed = list === undefined ? undefined : readChangedItems(world, row, list);
      const ends = row.cancel_at !== null && row.items.every((item) => item.current_period_end >= (row.cancel_at ?? 0));
      if (ends && changed === undefined && details?.flag('cancel_at_period_end') !== false) {
        throw invalid('No upcoming invoices: the subscription ends with its period.', {
          code: 'invoice_upcoming_none',
        });
      }
      const invoice = previewInvoice(world, row, {
        ...(details === undefined ? { proration: 'create_prorations' } : changeOf(details, changed?.clear)),
        ...(changed === undefined ? {} : { items: changed.items }),
        ...(discounts === undefined ? {} : { discounts: readDiscounts(world, discounts, row) }),
        cancelNow: details?.flag('cancel_now') ?? false,
      });
      return present(world, invoice);
    },
  },
};
