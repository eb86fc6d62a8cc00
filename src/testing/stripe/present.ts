import {
  presentCoupon,
  presentDiscount,
  presentPrice,
  presentProduct,
  presentPromotionCode,
} from './present/catalogue.ts';
import { presentCheckoutSession, presentPortalConfiguration, presentPortalSession } from './present/checkout.ts';
import { presentBalanceTransaction, presentCustomer, presentPaymentMethod, presentTaxId } from './present/customers.ts';
import { presentInvoice, presentInvoiceItem } from './present/invoices.ts';
import { presentMeter, presentUsage } from './present/meters.ts';
import {
  presentCharge,
  presentCreditNote,
  presentInvoicePayment,
  presentPaymentIntent,
  presentRefund,
} from './present/payments.ts';
import { presentEvent, presentWebhookEndpoint } from './present/platform.ts';
import { presentSchedule } from './present/schedules.ts';
import { presentSubscription, presentSubscriptionItem } from './present/subscriptions.ts';
import type { Row } from './rows.ts';
import type { Wire } from './wire.ts';
import type { World } from './world.ts';

/** An object as Stripe answers it, nothing expanded. */
export function present(world: World, row: Row): Wire {
  const planted = world.planted.get(row.id);
  return planted === undefined ? shapeOf(world, row) : { ...shapeOf(world, row), ...planted };
}

function shapeOf(world: World, row: Row): Wire {
  switch (row.object) {
    case 'customer':
      return presentCustomer(world, row);
    case 'payment_method':
      return presentPaymentMethod(world, row);
    case 'customer_balance_transaction':
      return presentBalanceTransaction(world, row);
    case 'tax_id':
      return presentTaxId(world, row);
    case 'product':
      return presentProduct(world, row);
    case 'price':
      return presentPrice(world, row);
    case 'coupon':
      return presentCoupon(world, row);
    case 'promotion_code':
      return presentPromotionCode(world, row);
    case 'discount':
      return presentDiscount(world, row);
    case 'subscription':
      return presentSubscription(world, row);
    case 'subscription_item':
      return presentSubscriptionItem(world, row);
    case 'subscription_schedule':
      return presentSchedule(world, row);
    case 'invoice':
      return presentInvoice(world, row);
    case 'invoiceitem':
      return presentInvoiceItem(world, row);
    case 'invoice_payment':
      return presentInvoicePayment(world, row);
    case 'payment_intent':
      return presentPaymentIntent(world, row);
    case 'charge':
      return presentCharge(world, row);
    case 'refund':
      return presentRefund(world, row);
    case 'credit_note':
      return presentCreditNote(world, row);
    case 'checkout.session':
      return presentCheckoutSession(world, row);
    case 'billing_portal.session':
      return presentPortalSession(world, row);
    case 'billing_portal.configuration':
      return presentPortalConfiguration(world, row);
    case 'billing.meter':
      return presentMeter(world, row);
    case 'billing.meter_event':
      return presentUsage(world, row);
    case 'webhook_endpoint':
      return presentWebhookEndpoint(world, row);
    case 'event':
      return presentEvent(world, row);
  }
}
