import { checkoutRoutes } from './resources/checkout.ts';
import { couponRoutes } from './resources/coupons.ts';
import { creditNoteRoutes } from './resources/credit-notes.ts';
import { customerRoutes } from './resources/customers.ts';
import { entitlementRoutes } from './resources/entitlements.ts';
import { eventRoutes } from './resources/events.ts';
import { invoiceRoutes } from './resources/invoices.ts';
import { meterRoutes } from './resources/meters.ts';
import { paymentMethodRoutes } from './resources/payment-methods.ts';
import { paymentRoutes } from './resources/payments.ts';
import { portalRoutes } from './resources/portal.ts';
import { previewRoutes } from './resources/preview.ts';
import { priceRoutes } from './resources/prices.ts';
import { productRoutes } from './resources/products.ts';
import { scheduleRoutes } from './resources/schedules.ts';
import { searchRoutes } from './resources/search.ts';
import { subscriptionItemRoutes } from './resources/subscription-items.ts';
import { subscriptionRoutes } from './resources/subscriptions.ts';
import { taxIdRoutes } from './resources/tax-ids.ts';
import { thinEventRoutes } from './resources/thin-events.ts';
import type { Routes } from './route.ts';

/** Every operation that is simulated. */
export const routes: Routes = {
  ...customerRoutes,
  ...paymentMethodRoutes,
  ...productRoutes,
  ...priceRoutes,
  ...couponRoutes,
  ...subscriptionRoutes,
  ...subscriptionItemRoutes,
  ...checkoutRoutes,
  ...invoiceRoutes,
  ...meterRoutes,
  ...paymentRoutes,
  ...creditNoteRoutes,
  ...portalRoutes,
  ...scheduleRoutes,
  ...previewRoutes,
  ...taxIdRoutes,
  ...entitlementRoutes,
  ...searchRoutes,
  ...thinEventRoutes,
  ...eventRoutes,
};
