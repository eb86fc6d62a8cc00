import { ended } from '../billing/settle.ts';
import { named } from '../look-up.ts';
import type { Params } from '../params.ts';
import { dangling, invalid, type Refusal } from '../refusal.ts';
import type { CustomerRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';

/** What payment settings a request asks for, with what it leaves open. */
export function settingsOf(params: Params): SubscriptionRow['payment_settings'] {
  const settings = params.hash('payment_settings');
  return {
    payment_method_options: null,
    payment_method_types: settings?.raw('payment_method_types') ?? null,
    save_default_payment_method: settings?.text('save_default_payment_method') ?? 'off',
  };
}

/** What becomes of a trial that ends without a card. */
export function trialBehaviorOf(params: Params): 'cancel' | 'create_invoice' | 'pause' | undefined {
  const behavior = params.hash('trial_settings')?.hash('end_behavior')?.text('missing_payment_method');
  return behavior === 'cancel' || behavior === 'pause' || behavior === 'create_invoice' ? behavior : undefined;
}

/** All subscriptions of a customer are in one currency. */
export function sameCurrency(world: World, customer: CustomerRow, currency: string): void {
  const other = [...world.subscriptions.values()].find(
    (row) => row.customer === customer.id && !ended(row) && row.currency !== currency,
  );
  if (other === undefined) return;
  throw invalid(
    `You cannot combine currencies on a single customer. This customer has an active subscription, subscription schedule, discount, quote, or invoice item with currency ${other.currency}`,
  );
}

/** The refusal of `cancel_at` beside `cancel_at_period_end`. */
export function oneCancelParameter(): Refusal {
  return invalid('Only one of `cancel_at` and `cancel_at_period_end` may be passed.', { param: 'cancel_at' });
}

/** A payment method that belongs to the customer. */
export function checkMethod(world: World, customer: CustomerRow, id: string, param: string): void {
  const method = named(world.paymentMethods, id, 'PaymentMethod', param);
  if (method.customer !== customer.id) throw dangling('PaymentMethod', id, param);
}
