import { type Insertable, type Selectable, sql } from 'kysely';
import type { BillingSubscriptionItemTable, BillingSubscriptionTable } from '../database/billing-tables.ts';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import type { ProviderItem } from './provider/subscription.ts';
import type { SubscriptionRecord } from './subscription-record.ts';

/** Reads our copies of a tenant's subscriptions, the oldest first. */
export async function readSubscriptions(db: AnyDatabase, tenantId: string): Promise<readonly SubscriptionRecord[]> {
  const library = libraryOf(db);
  const rows = await library
    .selectFrom('tenantry.billing_subscriptions')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  if (rows.length === 0) return [];
  const items = await library
    .selectFrom('tenantry.billing_subscription_items')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('id')
    .execute();
  return rows.map((row) =>
    recordOfRow(
      row,
      items.filter((item) => item.subscription_id === row.id),
    ),
  );
}

/** Writes a copy over the one that is there, with its items. */
export async function writeSubscription(
  tx: AnyDatabase,
  tenantId: string,
  record: SubscriptionRecord,
  now: Date,
): Promise<void> {
  const library = libraryOf(tx);
  const row = rowOf(tenantId, record, now);
  const { tenant_id: _t, id: _i, ...changed } = row;
  await library
    .insertInto('tenantry.billing_subscriptions')
    .values(row)
    .onConflict((conflict) => conflict.columns(['tenant_id', 'id']).doUpdateSet(changed))
    .execute();
  const kept = record.items.map(({ id }) => id);
  await sql`
    delete from tenantry.billing_subscription_items where tenant_id = ${tenantId}::uuid
      and subscription_id = ${record.id} and id <> all(${sql.val(kept)}::text[])`.execute(library);
  for (const item of record.items) {
    const values = itemRowOf(tenantId, record.id, item);
    const { tenant_id: _a, subscription_id: _b, id: _c, ...rest } = values;
    await library
      .insertInto('tenantry.billing_subscription_items')
      .values(values)
      .onConflict((conflict) => conflict.columns(['tenant_id', 'subscription_id', 'id']).doUpdateSet(rest))
      .execute();
  }
}

function recordOfRow(
  row: Selectable<BillingSubscriptionTable>,
  items: readonly Selectable<BillingSubscriptionItemTable>[],
): SubscriptionRecord {
  return {
    id: row.id,
    customerId: row.customer_id,
    status: row.status,
    plan: row.plan,
    currency: row.currency,
    interval: row.billing_interval,
    seats: row.seats,
    periodStart: row.period_start,
    periodEnd: row.period_end,
    trialEndsAt: row.trial_ends_at,
    endsAt: row.ends_at,
    endedAt: row.ended_at,
    paused: row.paused,
    scheduleId: row.schedule_id,
    scheduledAt: row.scheduled_at,
    scheduledPlan: row.scheduled_plan,
    latestInvoiceId: row.latest_invoice_id,
    anchorAt: row.anchor_at,
    pastDueSince: row.past_due_since,
    metadata: textsOf(row.metadata),
    createdAt: row.created_at,
    goneAt: row.gone_at,
    items: items.map(itemOfRow).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    changesAt: null,
  };
}

function textsOf(value: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
}

function itemOfRow(row: Selectable<BillingSubscriptionItemTable>): ProviderItem {
  const common = {
    id: row.id,
    priceId: row.price_id,
    lookupKey: row.lookup_key,
    currency: row.currency,
    unitAmount: row.unit_amount,
    interval: row.billing_interval ?? '',
    intervalCount: row.interval_count,
    periodStart: row.period_start,
    periodEnd: row.period_end,
  };
  return row.kind === 'metered'
    ? { kind: 'metered', ...common }
    : { kind: 'licensed', quantity: row.quantity ?? 0, ...common };
}

function rowOf(tenantId: string, record: SubscriptionRecord, now: Date): Insertable<BillingSubscriptionTable> {
  return {
    tenant_id: tenantId,
    id: record.id,
    customer_id: record.customerId,
    status: record.status,
    plan: record.plan,
    currency: record.currency,
    billing_interval: record.interval,
    seats: record.seats,
    period_start: record.periodStart,
    period_end: record.periodEnd,
    trial_ends_at: record.trialEndsAt,
    ends_at: record.endsAt,
    ended_at: record.endedAt,
    paused: record.paused,
    schedule_id: record.scheduleId,
    scheduled_at: record.scheduledAt,
    scheduled_plan: record.scheduledPlan,
    latest_invoice_id: record.latestInvoiceId,
    anchor_at: record.anchorAt,
    past_due_since: record.pastDueSince,
    metadata: JSON.stringify(record.metadata),
    created_at: record.createdAt,
    updated_at: now,
    gone_at: record.goneAt,
  };
}

function itemRowOf(
  tenantId: string,
  subscriptionId: string,
  item: ProviderItem,
): Insertable<BillingSubscriptionItemTable> {
  return {
    tenant_id: tenantId,
    subscription_id: subscriptionId,
    id: item.id,
    price_id: item.priceId,
    lookup_key: item.lookupKey,
    kind: item.kind,
    quantity: item.kind === 'licensed' ? item.quantity : null,
    currency: item.currency,
    unit_amount: item.unitAmount,
    billing_interval: item.interval,
    interval_count: item.intervalCount,
    period_start: item.periodStart,
    period_end: item.periodEnd,
  };
}
