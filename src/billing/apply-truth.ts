import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { applyAddOns } from './add-ons/apply-add-ons.ts';
import { updateCheckout } from './checkout-store.ts';
import { addCustomerId, hasMoved, removeCustomerIds, writeStanding } from './customer-store.ts';
import type { Ground, Held } from './ground.ts';
import { noteRevenue } from './revenue/note-revenue.ts';
import { isOver, type Standing, standingOf } from './standing.ts';
import { eventsBetween } from './subscription-events.ts';
import { type SubscriptionRecord, textOfRecord } from './subscription-record.ts';
import { readSubscriptions, writeSubscription } from './subscription-store.ts';
import { noteTrial } from './trial-store.ts';
import type { Truth } from './truth.ts';

/** What our copies will be once the truth is written over them. */
export interface Outcome {
  readonly subscriptions: readonly SubscriptionRecord[];
  readonly changed: readonly {
    readonly before: SubscriptionRecord | undefined;
    readonly after: SubscriptionRecord;
  }[];
  readonly standing: Standing;
  readonly providerId: string | null;
}

/** Computes what is to be written. What we have and the provider has no more is kept, as gone. */
export function outcomeOf(
  { row, customers, gone, subscriptions }: Truth,
  before: readonly SubscriptionRecord[],
  { rules, clock }: Pick<Ground, 'rules' | 'clock'>,
): Outcome {
  const now = clock();
  const asked = new Set([...customers.map(({ id }) => id), ...gone]);
  const found = new Set(subscriptions.map(({ id }) => id));
  const missing = before
    .filter((record) => asked.has(record.customerId) && !found.has(record.id) && record.goneAt === null)
    .map((record) => ({ ...record, goneAt: now }));
  const written = [...subscriptions, ...missing];
  const writtenIds = new Set(written.map(({ id }) => id));
  const after = [...written, ...before.filter(({ id }) => !writtenIds.has(id))];
  const known = new Map(before.map((record) => [record.id, record]));
  const standing = standingOf(after, rules, { subscriptionId: row.subscription_id, plan: row.plan }, now);
  const counting = after.find(({ id }) => id === standing.subscriptionId);
  const alive = customers.map(({ id }) => id);
  const providerId =
    counting !== undefined && !isOver(counting) && alive.includes(counting.customerId)
      ? counting.customerId
      : row.provider_id !== null && alive.includes(row.provider_id)
        ? row.provider_id
        : (alive[0] ?? null);
  return {
    subscriptions: after,
    changed: written.flatMap((record) => {
      const old = known.get(record.id);
      return old !== undefined && textOfRecord(old) === textOfRecord(record) ? [] : [{ before: old, after: record }];
    }),
    standing,
    providerId,
  };
}

/** Writes the truth over our copies, in one transaction with what follows from it. */
export async function applyTruth(
  ground: Ground,
  tx: AnyDatabase,
  { tenantId, lease }: Pick<Held, 'tenantId' | 'lease'>,
  truth: Truth,
): Promise<Outcome> {
  const { clock, publish, provider, rules, setPlan, documents } = ground;
  const { row, customers, gone, checkout } = truth;
  const now = clock();
  const outcome = outcomeOf(truth, await readSubscriptions(tx, tenantId), ground);
  const { standing, providerId, changed } = outcome;
  const lostCustomer = row.provider_id !== null && gone.includes(row.provider_id);
  const patch = {
    providerId,
    email: customers.find(({ id }) => id === providerId)?.email ?? null,
    gone: lostCustomer,
    balance: customers.find(({ id }) => id === providerId)?.balance ?? {},
    changed: changed.length > 0,
  };
  if (!(await writeStanding(tx, tenantId, lease, patch, standing, now))) {
    throw new TenantryError('billing_busy', { tenantId, retryAfter: 1 });
  }
  if (providerId !== null) await addCustomerId(tx, tenantId, providerId);
  await removeCustomerIds(tx, tenantId, gone);
  for (const { after } of changed) {
    await writeSubscription(tx, tenantId, after, now);
    if (after.trialEndsAt !== null) {
      const trial = { plan: after.plan ?? '', subscriptionId: after.id, startedAt: after.createdAt };
      await noteTrial(tx, tenantId, { ...trial, endsAt: after.trialEndsAt });
    }
  }
  const moved = await hasMoved(tx, tenantId);
  if (standing.plan !== null && !moved) {
    await setPlan(tenantId, standing.plan, {
      db: tx,
      subscriptionStatus: standing.status,
      ...(rules.anchor === 'follow' && standing.anchorAt !== null && { anchorAt: standing.anchorAt }),
    });
  }
  if (ground.terms !== undefined && !moved) {
    const counting = outcome.subscriptions.find(({ id }) => id === standing.subscriptionId);
    await applyAddOns({ prices: ground.prices, terms: ground.terms }, tx, tenantId, counting);
  }
  if (checkout !== null) await closeCheckout(tx, tenantId, checkout, now);
  await documents.store(tx, tenantId, truth.documents);
  if (changed.length > 0) await noteRevenue(ground, tx, tenantId);
  if (lostCustomer && row.provider_id !== null) {
    const data = { customerId: row.provider_id, provider: provider.name };
    await publish(tx, { name: 'customer.gone', tenantId, data });
  }
  for (const { before, after } of changed) {
    for (const event of eventsBetween(tenantId, before, after, standing)) await publish(tx, event);
  }
  if (standing.duplicates.length > row.duplicates && standing.subscriptionId !== null) {
    const data = { subscriptionId: standing.subscriptionId, others: standing.duplicates };
    await publish(tx, { name: 'subscription.duplicated', tenantId, data });
  }
  return outcome;
}

async function closeCheckout(
  tx: AnyDatabase,
  tenantId: string,
  { row, found }: NonNullable<Truth['checkout']>,
  now: Date,
): Promise<void> {
  if (found?.status === 'open') return;
  const status = found?.status === 'complete' ? 'complete' : 'expired';
  await updateCheckout(tx, tenantId, row.id, { status }, now);
}
