import type { EventRow } from './rows.ts';
import { isHash, type Wire } from './wire.ts';

/** Where each kind of object is found. */
const places: Readonly<Record<string, string>> = {
  customer: '/v1/customers/',
  subscription: '/v1/subscriptions/',
  subscription_schedule: '/v1/subscription_schedules/',
  invoice: '/v1/invoices/',
  invoiceitem: '/v1/invoiceitems/',
  invoice_payment: '/v1/invoice_payments/',
  payment_intent: '/v1/payment_intents/',
  payment_method: '/v1/payment_methods/',
  charge: '/v1/charges/',
  refund: '/v1/refunds/',
  credit_note: '/v1/credit_notes/',
  product: '/v1/products/',
  price: '/v1/prices/',
  coupon: '/v1/coupons/',
  promotion_code: '/v1/promotion_codes/',
  'checkout.session': '/v1/checkout/sessions/',
  'billing_portal.configuration': '/v1/billing_portal/configurations/',
  'billing.meter': '/v1/billing/meters/',
};

/** What a thin event says of the object it is about. */
function relatedObject({ data }: EventRow): Wire | null {
  const object = isHash(data) ? data.object : null;
  if (object === undefined || !isHash(object)) return null;
  const { id, object: type } = object;
  const place = typeof type === 'string' ? places[type] : undefined;
  return place === undefined || typeof id !== 'string' ? null : { id, type, url: `${place}${id}` };
}

/** An event without its object: what thin webhooks carry, and what the second version of the API answers. */
export function thinEvent(event: EventRow, livemode: boolean): Wire {
  const related = relatedObject(event);
  return {
    id: event.id,
    object: 'v2.core.event',
    type: `v1.${event.type}`,
    livemode,
    created: new Date(event.created * 1000).toISOString(),
    snapshot_event: event.id,
    ...(related === null ? {} : { related_object: related }),
  };
}
