/** What the fake keeps of each object. Fields have Stripe's own names; what only the fake knows stands under `own`. */
import type {
  CouponRow,
  DiscountRow,
  MeterRow,
  PriceRow,
  ProductRow,
  PromotionCodeRow,
  UsageRow,
} from './rows/catalogue.ts';
import type { CheckoutSessionRow, PortalConfigurationRow, PortalSessionRow } from './rows/checkout.ts';
import type { BalanceTransactionRow, CustomerRow, PaymentMethodRow, TaxIdRow } from './rows/customers.ts';
import type {
  ChargeRow,
  CreditNoteRow,
  InvoiceItemRow,
  InvoicePaymentRow,
  InvoiceRow,
  PaymentIntentRow,
  RefundRow,
} from './rows/invoices.ts';
import type { EventRow, WebhookEndpointRow } from './rows/platform.ts';
import type { ScheduleRow, SubscriptionItemRow, SubscriptionRow } from './rows/subscriptions.ts';

export type {
  CouponRow,
  CurrencyOption,
  DiscountRow,
  FeatureRow,
  MeterRow,
  PriceRow,
  ProductRow,
  PromotionCodeRow,
  Recurring,
  Tier,
  UsageRow,
} from './rows/catalogue.ts';
export type { CheckoutSessionRow, PortalConfigurationRow, PortalSessionRow, SessionItem } from './rows/checkout.ts';
export type {
  BalanceTransactionRow,
  CardBehaviour,
  CustomerRow,
  PaymentMethodRow,
  TaxIdRow,
} from './rows/customers.ts';
export type {
  ChargeRow,
  CreditNoteLine,
  CreditNoteRow,
  InvoiceItemRow,
  InvoicePaymentRow,
  InvoiceRow,
  LineRow,
  PaymentIntentRow,
  RefundRow,
} from './rows/invoices.ts';
export type { EventRow, WebhookEndpointRow } from './rows/platform.ts';
export type { Phase, PhaseItem, ScheduleRow, SubscriptionItemRow, SubscriptionRow } from './rows/subscriptions.ts';

/** Any object the fake keeps. */
export type Row =
  | CustomerRow
  | PaymentMethodRow
  | BalanceTransactionRow
  | TaxIdRow
  | ProductRow
  | PriceRow
  | CouponRow
  | PromotionCodeRow
  | DiscountRow
  | MeterRow
  | UsageRow
  | SubscriptionItemRow
  | SubscriptionRow
  | ScheduleRow
  | InvoiceItemRow
  | InvoiceRow
  | InvoicePaymentRow
  | PaymentIntentRow
  | ChargeRow
  | RefundRow
  | CreditNoteRow
  | CheckoutSessionRow
  | PortalSessionRow
  | PortalConfigurationRow
  | WebhookEndpointRow
  | EventRow;
