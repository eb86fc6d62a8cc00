import type { AnyDatabase } from '../../database/index.ts';
import type { Usage, UsagePeriod } from '../../plans/index.ts';
import type { BillingState } from '../billing-interface.ts';
import type { Offer } from '../catalogue/price-definitions.ts';
import type { PriceBook } from '../price-book.ts';
import { type MonthlyItem, monthlyOf } from '../revenue/monthly-of.ts';
import { readSeatState } from '../seats/store.ts';
import { readState } from '../state.ts';
import type { Invoice, Payment } from './documents-interface.ts';
import { readInvoices, readPayments } from './store.ts';

/** Everything that a page about billing shows, from our own rows. */
export interface BillingPage {
  readonly state: BillingState;
  /** What the subscription that counts costs per month without metered use and tax, in minor units; null without one. */
  readonly monthly: { readonly amount: number; readonly currency: string } | null;
  /** Null for `bought`: no cap. */
  readonly seats: { readonly bought: number | null; readonly taken: number };
  /** What is owed now, by currency, in minor units. */
  readonly owed: { readonly [currency: string]: number };
  /** The twelve newest. */
  readonly invoices: readonly Invoice[];
  /** The twelve newest. */
  readonly payments: readonly Payment[];
  /** What was used, the newest periods first. */
  readonly usage: readonly UsagePeriod[];
  /** What can be had. */
  readonly offers: readonly Offer[];
}

/** Reads everything that a page about billing shows. The provider is not asked. */
export async function readPage(
  {
    db,
    prices,
    usage,
  }: {
    readonly db: AnyDatabase;
    readonly prices: PriceBook & { readonly offers?: readonly Offer[] };
    readonly usage: Pick<Usage, 'periods'> | undefined;
  },
  tenantId: string,
): Promise<BillingPage> {
  const state = await readState(db, tenantId);
  const few = { after: undefined, limit: 12 };
  const invoices = await readInvoices(db, tenantId, few);
  const open = await readInvoices(db, tenantId, { status: 'open', after: undefined, limit: 1000 });
  const payments = await readPayments(db, tenantId, few);
  const { bought, taken } = await readSeatState(db, tenantId);
  const owed: Record<string, number> = {};
  for (const { currency, amountRemaining } of open) owed[currency] = (owed[currency] ?? 0) + amountRemaining;
  const { subscription } = state;
  const goesOn = subscription !== null && subscription.endedAt === null;
  return {
    state,
    monthly: goesOn
      ? { amount: monthlyOf(subscription.items.map(monthlyItem)), currency: subscription.currency }
      : null,
    seats: { bought, taken },
    owed,
    invoices,
    payments,
    usage: usage === undefined ? [] : await usage.periods(tenantId, { db, limit: 20 }),
    offers: prices.offers ?? [],
  };
}

function monthlyItem(item: NonNullable<BillingState['subscription']>['items'][number]): MonthlyItem {
  const { kind, unitAmount, interval, intervalCount } = item;
  return { kind, unitAmount, interval, intervalCount, quantity: item.kind === 'licensed' ? item.quantity : null };
}
