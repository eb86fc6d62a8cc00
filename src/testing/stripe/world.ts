import { present } from './present.ts';
import type { Random } from './random.ts';
import type {
  BalanceTransactionRow,
  ChargeRow,
  CheckoutSessionRow,
  CouponRow,
  CreditNoteRow,
  CustomerRow,
  DiscountRow,
  EventRow,
  FeatureRow,
  InvoiceItemRow,
  InvoicePaymentRow,
  InvoiceRow,
  MeterRow,
  PaymentIntentRow,
  PaymentMethodRow,
  PortalConfigurationRow,
  PortalSessionRow,
  PriceRow,
  ProductRow,
  PromotionCodeRow,
  RefundRow,
  Row,
  ScheduleRow,
  SubscriptionItemRow,
  SubscriptionRow,
  TaxIdRow,
  UsageRow,
  WebhookEndpointRow,
} from './rows.ts';
import type { Value, Wire } from './wire.ts';

type Table<Kept> = Map<string, Kept>;

/** Everything the fake knows, and the means to change it. */
export interface World {
  readonly livemode: boolean;
  readonly random: Random;
  readonly settings: BillingSettings;
  readonly apiVersion: string;
  /** Seconds since 1970, as Stripe counts time. */
  now: number;
  /** The request that is worked on, for the events it causes. */
  request: { readonly id: string | null; readonly idempotency_key: string | null };

  readonly customers: Table<CustomerRow>;
  readonly paymentMethods: Table<PaymentMethodRow>;
  readonly taxIds: Table<TaxIdRow>;
  readonly products: Table<ProductRow>;
  readonly prices: Table<PriceRow>;
  readonly coupons: Table<CouponRow>;
  readonly promotionCodes: Table<PromotionCodeRow>;
  readonly discounts: Table<DiscountRow>;
  readonly subscriptions: Table<SubscriptionRow>;
  readonly schedules: Table<ScheduleRow>;
  readonly invoices: Table<InvoiceRow>;
  readonly invoiceItems: Table<InvoiceItemRow>;
  readonly invoicePayments: Table<InvoicePaymentRow>;
  readonly paymentIntents: Table<PaymentIntentRow>;
  readonly charges: Table<ChargeRow>;
  readonly refunds: Table<RefundRow>;
  readonly creditNotes: Table<CreditNoteRow>;
  readonly balanceTransactions: Table<BalanceTransactionRow>;
  readonly sessions: Table<CheckoutSessionRow>;
  readonly portalSessions: Table<PortalSessionRow>;
  readonly portalConfigurations: Table<PortalConfigurationRow>;
  readonly meters: Table<MeterRow>;
  readonly usage: Table<UsageRow>;
  readonly features: Table<FeatureRow>;
  readonly webhookEndpoints: Table<WebhookEndpointRow>;
  readonly events: Table<EventRow>;
  /** Customers that were deleted; Stripe goes on answering that they were. */
  readonly deletedCustomers: Set<string>;
  /** Fields of objects that no request could set. */
  readonly planted: Map<string, Wire>;

  /** How many ids were made: it grows with everything that is made or told. */
  readonly made: number;
  /** A new id, the same in every run with the same seed. */
  id(prefix: string): string;
  /** The object of an id, of whatever kind. */
  find(id: string): Row | SubscriptionItemRow | undefined;
  /** Records an event and hands it to whoever listens. */
  tell(type: string, object: Row, previous?: Wire): void;
  /** Changes an object and tells of it, where anything changed. */
  change<Kept extends Row>(type: string, object: Kept, change: (object: Kept) => void): void;
  /** Hands events out as they happen. */
  readonly listeners: Set<(event: EventRow) => void>;
}

/** How this account bills. */
export interface BillingSettings {
  /** Days after the failure when a payment is tried again. */
  readonly retryDays: readonly number[];
  /** What becomes of a subscription when the last try failed. */
  readonly afterRetries: 'cancel' | 'unpaid' | 'past_due';
  /** The tax on top, in percent, of who is taxed automatically. */
  readonly taxPercent: number;
  /** Seconds until a change is found by search. */
  readonly searchLag: number;
}

/** Makes an empty world. */
export function createWorld(options: {
  readonly livemode: boolean;
  readonly random: Random;
  readonly settings: BillingSettings;
  readonly apiVersion: string;
  readonly now: number;
}): World {
  let count = 0;
  const world: World = {
    ...options,
    request: { id: null, idempotency_key: null },
    customers: new Map(),
    paymentMethods: new Map(),
    taxIds: new Map(),
    products: new Map(),
    prices: new Map(),
    coupons: new Map(),
    promotionCodes: new Map(),
    discounts: new Map(),
    subscriptions: new Map(),
    schedules: new Map(),
    invoices: new Map(),
    invoiceItems: new Map(),
    invoicePayments: new Map(),
    paymentIntents: new Map(),
    charges: new Map(),
    refunds: new Map(),
    creditNotes: new Map(),
    balanceTransactions: new Map(),
    sessions: new Map(),
    portalSessions: new Map(),
    portalConfigurations: new Map(),
    meters: new Map(),
    usage: new Map(),
    features: new Map(),
    webhookEndpoints: new Map(),
    events: new Map(),
    deletedCustomers: new Set(),
    planted: new Map(),
    listeners: new Set(),
    get made() {
      return count;
    },
    id(prefix) {
      count += 1;
      return `${prefix}_${base62(Math.floor(options.random.next() * 62 ** 8), 8)}${base62(count, 6)}`;
    },
    find(id) {
      for (const table of tablesOf(world)) {
        const row = table.get(id);
        if (row !== undefined) return row;
      }
      if (!id.startsWith('si_')) return undefined;
      for (const { items } of world.subscriptions.values()) {
        const item = items.find((candidate) => candidate.id === id);
        if (item !== undefined) return item;
      }
      return undefined;
    },
    tell(type, object, previous) {
      const data = previous === undefined ? {} : { previous_attributes: previous };
      const snapshot: Value = JSON.parse(JSON.stringify({ object: present(world, object), ...data }));
      const id = world.id('evt');
      const event: EventRow = { id, object: 'event', created: world.now, type, data: snapshot, request: world.request };
      world.events.set(id, event);
      for (const listener of world.listeners) listener(event);
    },
    change(type, object, change) {
      const before = JSON.parse(JSON.stringify(present(world, object)));
      change(object);
      const after = present(world, object);
      const previous: Record<string, unknown> = {};
      for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
        if (JSON.stringify(before[name]) !== JSON.stringify(after[name])) previous[name] = before[name] ?? null;
      }
      if (Object.keys(previous).length > 0) world.tell(type, object, previous);
    },
  };
  return world;
}

/** Every table that holds objects with an id. */
export function tablesOf(world: World): readonly Table<Row>[] {
  return [
    world.customers,
    world.paymentMethods,
    world.taxIds,
    world.products,
    world.prices,
    world.coupons,
    world.promotionCodes,
    world.discounts,
    world.subscriptions,
    world.schedules,
    world.invoices,
    world.invoiceItems,
    world.invoicePayments,
    world.paymentIntents,
    world.charges,
    world.refunds,
    world.creditNotes,
    world.balanceTransactions,
    world.sessions,
    world.portalSessions,
    world.portalConfigurations,
    world.meters,
    world.webhookEndpoints,
    world.events,
  ].map((table): Table<Row> => table);
}

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function base62(number: number, length: number): string {
  let rest = number;
  let text = '';
  for (let place = 0; place < length; place += 1) {
    text = (digits[rest % 62] ?? '0') + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}
