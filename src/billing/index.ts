/**
 * Billing: subscriptions, invoices, payments and seats, behind a seam for providers.
 *
 * @packageDocumentation
 */

export type { AddOnTerms } from './add-ons/apply-add-ons.ts';
export type { Billing, BillingOptions, BillingRuleOptions } from './billing.ts';
export { createBilling } from './billing.ts';
export type {
  BillingState,
  CheckoutInput,
  CheckoutResult,
  DeadEvent,
  ReceivedEvent,
  SubscribeInput,
  SubscriptionBilling,
  SwapInput,
  WorkOptions,
  WorkResult,
} from './billing-interface.ts';
export type { BillingRules, PastDueRule } from './billing-rules.ts';
export type { BillingPage } from './books/billing-page.ts';
export type {
  BillingDocuments,
  CreditInput,
  CreditNote,
  DocumentPage,
  Invoice,
  InvoiceDetails,
  Payment,
  Refund,
  RefundInput,
} from './books/documents-interface.ts';
export { applyCatalogueSync } from './catalogue/apply-catalogue-sync.ts';
export { checkCatalogue, requireCatalogue } from './catalogue/check-catalogue.ts';
export type { PriceProblem } from './catalogue/compare-price.ts';
export { definePrices } from './catalogue/define-prices.ts';
export type { CatalogueStep, CatalogueSync } from './catalogue/plan-catalogue-sync.ts';
export { planCatalogueSync } from './catalogue/plan-catalogue-sync.ts';
export type { CouponStep } from './catalogue/plan-coupon-sync.ts';
export type {
  ByInterval,
  CouponDefinition,
  CouponItem,
  Offer,
  OfferDefinition,
  PriceAmount,
  PriceCatalogue,
  PriceDefinitions,
  PriceItem,
  PromotionCodeDefinition,
  SeatCount,
  SeatPriceDefinition,
  UnitPrice,
} from './catalogue/price-definitions.ts';
export type { DocumentEvent, InvoiceData, PaymentData } from './documents/events.ts';
export type { Payer } from './ensure-customer.ts';
export type { BillingEvent, CustomerEvent, SubscriptionEvent, SubscriptionFacts } from './events.ts';
export type { Stray } from './find-strays.ts';
export type { SetPlan } from './ground.ts';
export type {
  IssueInvoiceInput,
  ManualBooks,
  RecordPaymentInput,
  SettlePaymentInput,
} from './manual/manual-books.ts';
export type { ManualOptions, NumberedDocument } from './manual/manual-options.ts';
export { manualProvider } from './manual/manual-provider.ts';
export type { CurrencyRule } from './money/currency.ts';
export { currencyRule } from './money/currency.ts';
export type { Money } from './money/money.ts';
export { decimalOf, formatMoney, moneyOf } from './money/money.ts';
export type { BookPrice, PriceBook } from './price-book.ts';
export type { ProviderCall } from './provider/call.ts';
export type {
  NewCheckout,
  NewPortal,
  PortalPlace,
  ProviderCheckout,
  ProviderCheckouts,
} from './provider/checkout.ts';
export type {
  NewCoupon,
  NewPromotionCode,
  ProviderCoupon,
  ProviderCoupons,
  ProviderPromotionCode,
} from './provider/coupon.ts';
export type { NewCustomer, ProviderCustomer, ProviderCustomers } from './provider/customer.ts';
export type {
  CreditWish,
  DocumentQuery,
  MeterEvent,
  MeterQuery,
  ProviderCreditNote,
  ProviderDocuments,
  ProviderInvoice,
  ProviderInvoiceLine,
  ProviderMoney,
  ProviderPayment,
  ProviderRefund,
  RefundWish,
} from './provider/document.ts';
export type { EventRequest, EventSubject, ProviderEvent } from './provider/event.ts';
export type { ProviderMade } from './provider/made.ts';
export type { NewPrice, ProviderMeter, ProviderPrice, ProviderPrices, ProviderProduct } from './provider/price.ts';
export type {
  CancelWhen,
  ChangePreview,
  Interval,
  LicensedItem,
  MeteredItem,
  NewSubscription,
  Proration,
  ProviderItem,
  ProviderSubscription,
  ProviderSubscriptions,
  ScheduledChange,
  WantedChange,
  WantedItem,
} from './provider/subscription.ts';
export type {
  BillingProvider,
  MakeProvider,
  ProviderCapabilities,
  ProviderTools,
  UnwrapStripe,
} from './provider.ts';
export type { Drift, ReconcileInput, ReconcileReport } from './reconcile.ts';
export type { RevenueReport } from './revenue/read-revenue.ts';
export { readRevenue } from './revenue/read-revenue.ts';
export type { Revenue } from './revenue/revenue-of.ts';
export type { AnyEvent, SeatSync } from './seats/create-seat-sync.ts';
export type { SeatFigures } from './seats/seat-quantity.ts';
export type { StripeClient } from './stripe/stripe-client.ts';
export type { StripeProviderOptions } from './stripe/stripe-provider.ts';
export { stripeProvider } from './stripe/stripe-provider.ts';
export type { SubscriptionRecord } from './subscription-record.ts';
export { describeTransition } from './transitions/describe-transition.ts';
export type {
  TransitionInput,
  TransitionPlan,
  TransitionResult,
  TransitionStep,
  TransitionTenant,
} from './transitions/transition.ts';
