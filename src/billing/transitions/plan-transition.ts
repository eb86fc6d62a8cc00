import { cleanText, TenantryError } from '../../core/index.ts';
import { readInvoices, readPayments } from '../books/store.ts';
import { defaultCurrency } from '../checkout.ts';
import type { Ground } from '../ground.ts';
import { isLive } from '../standing.ts';
import { readState } from '../state.ts';
import type { SubscriptionRecord } from '../subscription-record.ts';
import { syncHeld } from '../sync.ts';
import type { TransitionInput, TransitionPlan, TransitionStep, TransitionTenant } from './transition.ts';
import { unusedOf } from './unused-of.ts';

interface Owned {
  readonly tenantId: string;
  readonly record: SubscriptionRecord;
}

/** Plans what is asked of the provider. It looks at the provider first, so that it plans on what is true. */
export async function planTransition(ground: Ground, input: TransitionInput): Promise<TransitionPlan> {
  const name = cleanText('name', input.name, 80);
  const all = new Map<string, readonly SubscriptionRecord[]>();
  const liveOf = async (tenantId: string): Promise<readonly Owned[]> => {
    const known = all.get(tenantId) ?? (await look(ground, tenantId));
    all.set(tenantId, known);
    return known.filter(isLive).map((record) => ({ tenantId, record }));
  };
  const kept = new Set<string>();
  for (const { tenantId, plan } of input.tenants) {
    const [first] = plan === null ? [] : await liveOf(tenantId);
    if (first !== undefined) kept.add(first.record.id);
  }
  const steps: TransitionStep[] = [];
  const ends = new Map<string, TransitionStep[]>();
  for (const tenant of input.tenants) {
    const own = await liveOf(tenant.tenantId);
    if (tenant.plan === null) {
      for (const one of own) ends.set(one.record.id, [end(one, 'period-end')]);
      continue;
    }
    const others: Owned[] = own.filter(({ record }) => !kept.has(record.id));
    for (const id of tenant.inPlaceOf ?? []) if (id !== tenant.tenantId) others.push(...(await liveOf(id)));
    const keep = own.find(({ record }) => kept.has(record.id));
    const gone = others.filter(({ record }) => !kept.has(record.id));
    if (keep === undefined) {
      steps.push(subscribe(ground, tenant, others));
      // What is paid is used up; it does not begin anew.
      for (const one of gone) if (!ends.has(one.record.id)) ends.set(one.record.id, [end(one, 'period-end')]);
      continue;
    }
    // Whose paid time others use up as well keeps its price for that long.
    const shared = input.tenants.some(
      ({ tenantId, inPlaceOf }) => tenantId !== tenant.tenantId && inPlaceOf?.includes(tenant.tenantId) === true,
    );
    const change = changeOf(tenant, keep.record, shared);
    if (change !== null) steps.push(change);
    for (const one of gone) ends.set(one.record.id, [end(one, 'now'), ...(await refunds(ground, one))]);
  }
  const paying = input.tenants.flatMap(({ tenantId, plan }) => (plan === null ? [] : [tenantId]));
  return { name, steps: [...steps, ...[...ends.values()].flat()], paying };
}

/** Looks at the provider, also for a tenant that is no more. */
async function look(ground: Ground, tenantId: string): Promise<readonly SubscriptionRecord[]> {
  const { db, alone } = ground;
  const { customerId, subscriptions } = await readState(db, tenantId);
  if (customerId === null && subscriptions.length === 0) return subscriptions;
  const outcome = await alone(tenantId, (held) => syncHeld(ground, held, { documents: 'all' }));
  const { subscriptionId } = outcome.standing;
  // The one that counts comes first.
  return outcome.subscriptions.toSorted((a, b) => Number(b.id === subscriptionId) - Number(a.id === subscriptionId));
}

function changeOf(
  { tenantId, plan, interval = 'month' }: TransitionTenant,
  record: SubscriptionRecord,
  shared: boolean,
): TransitionStep | null {
  if (plan === null || (record.plan === plan && record.interval === interval)) return null;
  const { id: subscriptionId, currency } = record;
  const proration = shared ? 'none' : 'create';
  return {
    do: 'change',
    id: `change ${subscriptionId}`,
    tenantId,
    subscriptionId,
    plan,
    interval,
    currency,
    proration,
  };
}

function subscribe(ground: Ground, tenant: TransitionTenant, others: readonly Owned[]): TransitionStep {
  const { tenantId, plan, interval = 'month', daysUntilDue = 14 } = tenant;
  const named = plan ?? '';
  const paid = others.map(({ record }) => record).filter(({ status }) => status === 'active' || status === 'trialing');
  const until = paid.flatMap(({ periodEnd }) => periodEnd ?? []).sort((a, b) => b.getTime() - a.getTime())[0];
  const currency = tenant.currency ?? paid[0]?.currency ?? defaultCurrency(ground, named, interval);
  const sold = ground.prices.prices.some((price) => price.plan === named && price.interval === interval);
  if (!sold) throw new TenantryError('plan_not_sold', { plan: named, interval, currency });
  const later = until !== undefined && until > ground.clock() ? until.toISOString() : null;
  const id = `subscribe ${tenantId}`;
  return { do: 'subscribe', id, tenantId, plan: named, interval, currency, daysUntilDue, paidUntil: later };
}

function end({ tenantId, record: { id } }: Owned, when: 'now' | 'period-end'): TransitionStep {
  return { do: 'end', id: `end ${id}`, tenantId, subscriptionId: id, when };
}

/** What they paid for the time to come, whichever invoices that was on, less what they were credited for it. */
async function refunds({ db, clock }: Ground, { tenantId, record }: Owned): Promise<TransitionStep[]> {
  const all = { after: undefined, limit: 1000 };
  const invoices = (await readInvoices(db, tenantId, { ...all, status: 'paid' })).flatMap((invoice) =>
    invoice.subscriptionId === record.id ? [{ id: invoice.id, unused: unusedOf(invoice, clock()) }] : [],
  );
  let left = invoices.reduce((sum, { unused }) => sum + unused, 0);
  const steps: TransitionStep[] = [];
  for (const { id: invoiceId, unused } of invoices) {
    if (unused <= 0) continue;
    const payments = await readPayments(db, tenantId, { ...all, invoiceId, status: 'succeeded' });
    let ofInvoice = unused;
    for (const { id: paymentId, amount, amountRefunded: before, currency } of payments) {
      const back = Math.min(left, ofInvoice, amount - before);
      if (back <= 0) continue;
      left -= back;
      ofInvoice -= back;
      steps.push({ do: 'refund', id: `refund ${paymentId}`, tenantId, paymentId, amount: back, currency, before });
    }
  }
  return steps;
}
