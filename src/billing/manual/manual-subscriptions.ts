import { periodOf } from '../../core/period-of.ts';
import type { ProviderInvoice } from '../provider/document.ts';
import type {
  NewSubscription,
  ProviderItem,
  ProviderSubscription,
  ProviderSubscriptions,
  WantedChange,
} from '../provider/subscription.ts';
import { sameItems } from '../wanted-items.ts';
import { type Advanced, advance, begin, endOf, holds, prorationLines } from './advance.ts';
import { type Desk, issueInvoice, refused } from './ledger.ts';
import { customerOfId, manualId } from './manual-ids.ts';
import { itemsOf } from './manual-prices.ts';
import type { ManualCoupon, ManualCustomer, ManualItem, ManualSubscription } from './manual-state.ts';
import { listObjects, putObject, readObject } from './store.ts';

const day = 86_400_000;
/** Where the coupon that the last change gave is noted, since one that was used up is forgotten. */
const lastCoupon = 'tenantry_coupon';

/** Runs work on what a tenant has, found by the id of a customer or of something of its; null for ids of others. */
export type AtDesk = <Result>(id: string, work: (desk: Desk) => Promise<Result>) => Promise<Result | null>;

/** Makes the subscriptions of the provider "manual". */
export function createManualSubscriptions(atDesk: AtDesk, once: Once): ProviderSubscriptions {
  /** Changes a subscription that goes on. */
  async function changing(
    id: string,
    operation: string,
    key: string,
    work: (desk: Desk, before: ManualSubscription) => Promise<ManualSubscription>,
  ): Promise<ProviderSubscription> {
    const changed = await atDesk(id, (desk) =>
      once(desk, { kind: 'subscription', operation, key }, async () => {
        const before = await settled(desk, id);
        if (before === null) throw refused(operation, `there is no subscription "${id.slice(0, 80)}"`);
        if (before.endedAt !== null) throw refused(operation, 'the subscription is over');
        await putObject(desk.tx, desk.tenantId, 'subscription', await work(desk, before), desk.now);
        return id;
      }).then(() => shown(desk, id)),
    );
    if (changed === null) throw refused(operation, `there is no subscription "${id.slice(0, 80)}"`);
    return changed;
  }

  const wish = (desk: Desk, { customerId, currency }: ManualSubscription, operation: string) => ({
    customerId,
    currency,
    ids: desk.ids,
    operation,
  });

  async function changeItems(
    desk: Desk,
    before: ManualSubscription,
    change: WantedChange,
  ): Promise<ManualSubscription> {
    const wanted = change.coupon;
    const had = before.coupon !== null && before.coupon.id === wanted && holds(before.coupon, desk.now);
    const again = had || (wanted !== undefined && before.metadata[lastCoupon] === wanted);
    const shownItems = before.items.map((item) => itemOf(before, item));
    if (again && sameItems(change.items, shownItems)) return before;
    const items = itemsOf(desk.options, change.items, wish(desk, before, 'subscriptions.change'));
    const rest = change.proration === 'none' ? [] : prorationLines(before, items, change.prorationDate ?? desk.now);
    const given = wanted === undefined || had ? undefined : couponOf(desk, wanted, before.currency);
    const coupon = given ?? before.coupon;
    const metadata = given === undefined ? before.metadata : { ...before.metadata, [lastCoupon]: given.id };
    const [first] = items;
    const [old] = before.items;
    const sameInterval = first?.interval === old?.interval && first?.intervalCount === old?.intervalCount;
    let after: ManualSubscription = { ...before, items, coupon, metadata, pending: [...before.pending, ...rest] };
    // Another interval begins a period of its own, which is paid at once.
    if (!sameInterval) return publish(desk, restarted(after, items, desk.now), begin);
    if (change.proration !== 'invoice' || after.pending.length === 0) return after;
    const { periodStart, periodEnd, currency, customerId, id } = after;
    const issued = await issueInvoice(desk, {
      customerId,
      subscriptionId: id,
      currency,
      lines: after.pending,
      reason: 'subscription_update',
      issuedAt: desk.now,
      dueAt: new Date(desk.now.getTime() + after.daysUntilDue * day),
      periodStart,
      periodEnd,
    });
    after = { ...after, pending: [], latestInvoiceId: issued.id };
    return after;
  }

  return {
    async list(customerId) {
      const found = await atDesk(customerId, async (desk) => {
        const all = await listObjects<ManualSubscription>(desk.tx, desk.tenantId, 'subscription');
        const own = all.filter((one) => one.customerId === customerId);
        const list: ProviderSubscription[] = [];
        for (const { id } of own) {
          await settled(desk, id);
          const one = await shown(desk, id);
          if (one !== null) list.push(one);
        }
        return list;
      });
      return found ?? [];
    },

    async read(id) {
      return atDesk(id, async (desk) => ((await settled(desk, id)) === null ? null : shown(desk, id)));
    },

    async create(input, { idempotencyKey }) {
      const made = await atDesk(input.customerId, async (desk) => {
        const id = await once(
          desk,
          { kind: 'subscription', operation: 'subscriptions.create', key: idempotencyKey },
          () => createSubscription(desk, input),
        );
        return shown(desk, id);
      });
      if (made === null) throw refused('subscriptions.create', 'there is no such customer');
      return made;
    },

    async preview(id, change) {
      const previewed = await atDesk(id, async (desk) => {
        const before = await settled(desk, id);
        if (before === null) return null;
        const at = change.prorationDate ?? desk.now;
        const items = itemsOf(desk.options, change.items, wish(desk, before, 'subscriptions.preview'));
        const rest = change.proration === 'none' ? [] : prorationLines(before, items, at);
        const next = [...advance({ ...before, items, pending: [] }, before.periodEnd).invoices].at(-1)?.lines ?? [];
        const lines = change.proration === 'invoice' ? rest : [...next, ...before.pending, ...rest];
        const subtotal = lines.reduce((sum, { amount }) => sum + amount, 0);
        const tax = desk.options.tax?.({ tenantId: desk.tenantId, currency: before.currency, subtotal }) ?? 0;
        const proration = rest.reduce((sum, { amount }) => sum + amount, 0);
        return { currency: before.currency, total: subtotal + tax, proration, tax, prorationDate: at, lines };
      });
      if (previewed === null) throw refused('subscriptions.preview', `there is no subscription "${id.slice(0, 80)}"`);
      return previewed;
    },

    change: (id, change, { idempotencyKey }) =>
      changing(id, 'subscriptions.change', idempotencyKey, (desk, before) => changeItems(desk, before, change)),

    changeAtPeriodEnd: (id, items, { idempotencyKey }) =>
      changing(id, 'subscriptions.changeAtPeriodEnd', idempotencyKey, async (desk, before) => {
        const scheduledItems = itemsOf(desk.options, items, wish(desk, before, 'subscriptions.changeAtPeriodEnd'));
        const told = scheduledItems.map(({ priceId, quantity }) => ({ priceId, quantity }));
        return { ...before, scheduled: { at: before.periodEnd, items: told }, scheduledItems };
      }),

    releaseScheduled: (id, { idempotencyKey }) =>
      changing(id, 'subscriptions.releaseScheduled', idempotencyKey, async (_, before) => ({
        ...before,
        scheduled: null,
        scheduledItems: null,
      })),

    async cancel(id, when, { idempotencyKey }) {
      return changing(id, 'subscriptions.cancel', idempotencyKey, async (desk, before) => {
        if (when === 'now') return publish(desk, before, (one) => endOf(one, desk.now));
        const endsAt = when === 'period-end' ? before.periodEnd : when;
        if (endsAt <= desk.now) return publish(desk, before, (one) => endOf(one, desk.now));
        return { ...before, endsAt };
      });
    },

    keep: (id, { idempotencyKey }) =>
      changing(id, 'subscriptions.keep', idempotencyKey, async (_, before) => ({ ...before, endsAt: null })),

    pause: (id, until, { idempotencyKey }) =>
      changing(id, 'subscriptions.pause', idempotencyKey, async (desk, before) => ({
        ...before,
        pausedAt: before.pausedAt ?? desk.now,
        pausedUntil: until,
      })),

    unpause: (id, { idempotencyKey }) =>
      changing(id, 'subscriptions.unpause', idempotencyKey, async (_, before) => ({
        ...before,
        pausedAt: null,
        pausedUntil: null,
      })),

    setQuantity: (id, { id: itemId, quantity, proration }, { idempotencyKey }) =>
      changing(id, 'subscriptions.setQuantity', idempotencyKey, async (desk, before) => {
        if (!before.items.some((item) => item.id === itemId))
          throw refused('subscriptions.setQuantity', 'no such item');
        const items = before.items.map((item) => ({
          id: item.id,
          priceId: item.priceId,
          ...(item.quantity !== null && { quantity: item.id === itemId ? quantity : item.quantity }),
        }));
        return changeItems(desk, before, { items, proration });
      }),
  };
}

/** Does a wish once: whoever sends it again gets what came of it. */
export type Once = (
  desk: Desk,
  wish: { readonly kind: 'subscription'; readonly operation: string; readonly key: string },
  work: () => Promise<string>,
) => Promise<string>;

async function createSubscription(desk: Desk, input: NewSubscription): Promise<string> {
  const { tx, tenantId, now, ids, options } = desk;
  const operation = 'subscriptions.create';
  const {
    customerId,
    currency,
    plan,
    trialDays = 0,
    paidUntil,
    coupon,
    daysUntilDue = options.daysUntilDue ?? 14,
  } = input;
  const customer = await readObject<ManualCustomer>(tx, tenantId, 'customer', customerId);
  if (customer === null) throw refused(operation, 'there is no such customer');
  const items = itemsOf(options, input.items, { customerId, currency, ids, operation });
  const trialEndsAt = paidUntil ?? (trialDays > 0 ? new Date(now.getTime() + trialDays * day) : null);
  const anchorAt = trialEndsAt ?? now;
  const subscription: ManualSubscription = {
    id: manualId('subscription', customerId, ids()),
    customerId,
    currency,
    items,
    createdAt: now,
    anchorAt,
    periodStart: now,
    periodEnd: trialEndsAt ?? endOfFirst(items, now),
    trialEndsAt,
    endsAt: null,
    endedAt: null,
    pausedAt: null,
    pausedUntil: null,
    scheduled: null,
    scheduledItems: null,
    pending: [],
    usage: {},
    daysUntilDue,
    coupon: coupon === undefined ? null : couponOf(desk, coupon, currency),
    latestInvoiceId: null,
    metadata: { tenantry_tenant_id: tenantId, tenantry_plan: plan },
  };
  const begun = trialEndsAt === null ? await publish(desk, subscription, begin) : subscription;
  await putObject(tx, tenantId, 'subscription', begun, now);
  return begun.id;
}

/** Brings a subscription to now, with the invoices that came due. */
async function settled(desk: Desk, id: string): Promise<ManualSubscription | null> {
  const { tx, tenantId, now } = desk;
  const found = await readObject<ManualSubscription>(tx, tenantId, 'subscription', id);
  if (found === null) return null;
  const after = await publish(desk, found, (one) => advance(one, now));
  if (after !== found) await putObject(tx, tenantId, 'subscription', after, now);
  return after;
}

/** Issues the invoices that a step of a subscription leads to. */
async function publish(
  desk: Desk,
  before: ManualSubscription,
  step: (subscription: ManualSubscription) => Advanced,
): Promise<ManualSubscription> {
  const { subscription, invoices } = step(before);
  let latest = subscription.latestInvoiceId;
  for (const draft of invoices) {
    const { customerId, id } = subscription;
    latest = (await issueInvoice(desk, { ...draft, customerId, subscriptionId: id })).id;
  }
  return latest === subscription.latestInvoiceId ? subscription : { ...subscription, latestInvoiceId: latest };
}

/** A subscription as the seam shows it. */
async function shown({ tx, tenantId, now }: Desk, id: string): Promise<ProviderSubscription> {
  const kept = await readObject<ManualSubscription>(tx, tenantId, 'subscription', id);
  if (kept === null) throw refused('subscriptions.read', `there is no subscription "${id.slice(0, 80)}"`);
  const invoices = await listObjects<ProviderInvoice>(tx, tenantId, 'invoice');
  const open = invoices.filter((invoice) => invoice.subscriptionId === id && invoice.status === 'open');
  const due = open.flatMap(({ dueAt }) => dueAt ?? []).sort((a, b) => a.getTime() - b.getTime());
  const overdue = due.find((at) => at <= now) ?? null;
  const trialing = kept.trialEndsAt !== null && kept.trialEndsAt > now;
  const owing = overdue === null ? 'active' : 'past_due';
  const going = kept.pausedAt !== null ? 'paused' : trialing ? 'trialing' : owing;
  const ahead = [kept.periodEnd, kept.endsAt, kept.pausedUntil, due.find((at) => at > now) ?? null];
  const changes = ahead.flatMap((at) => (at === null || at <= now ? [] : at.getTime()));
  return {
    id,
    customerId: kept.customerId,
    status: kept.endedAt === null ? going : 'canceled',
    currency: kept.currency,
    items: kept.items.map((item) => itemOf(kept, item)),
    createdAt: kept.createdAt,
    anchorAt: kept.anchorAt,
    periodStart: kept.periodStart,
    periodEnd: kept.periodEnd,
    trialEndsAt: kept.trialEndsAt,
    pastDueSince: kept.endedAt === null ? overdue : null,
    endsAt: kept.endsAt,
    endedAt: kept.endedAt,
    paused: kept.pausedAt !== null,
    scheduleId: kept.scheduled === null ? null : kept.id,
    scheduled: kept.scheduled,
    latestInvoiceId: kept.latestInvoiceId,
    metadata: kept.metadata,
    changesAt: kept.endedAt !== null || changes.length === 0 ? null : new Date(Math.min(...changes)),
  };
}

function itemOf({ currency, periodStart, periodEnd }: ManualSubscription, item: ManualItem): ProviderItem {
  const { id, priceId, lookupKey, unitAmount, interval, intervalCount, quantity } = item;
  const shared = { id, priceId, lookupKey, currency, unitAmount, interval, intervalCount, periodStart, periodEnd };
  return quantity === null ? { ...shared, kind: 'metered' } : { ...shared, kind: 'licensed', quantity };
}

function restarted(after: ManualSubscription, items: readonly ManualItem[], now: Date): ManualSubscription {
  return { ...after, anchorAt: now, periodStart: now, periodEnd: endOfFirst(items, now) };
}

function endOfFirst(items: readonly ManualItem[], from: Date): Date {
  const [first] = items;
  return periodOf(from, first?.interval ?? 'month', from, { every: first?.intervalCount ?? 1 }).end ?? from;
}

function couponOf({ options, now }: Desk, id: string, currency: string): ManualCoupon {
  const { coupons = {} } = options.prices ?? {};
  const coupon = Object.hasOwn(coupons, id) ? coupons[id] : undefined;
  if (coupon === undefined) throw refused('coupons', `there is no coupon "${id.slice(0, 80)}"`);
  const { percentOff, amountsOff, duration, months, redeemBy } = coupon;
  if (redeemBy !== null && redeemBy <= now) throw refused('coupons', `the coupon "${id}" is not given any more`);
  const amountOff = amountsOff[currency] ?? null;
  if (percentOff === null && amountOff === null) throw refused('coupons', `the coupon "${id}" has no ${currency}`);
  const until = periodOf(now, 'month', now, { every: months ?? 1 }).end;
  return {
    id,
    percentOff,
    amountOff,
    invoicesLeft: duration === 'once' ? 1 : null,
    until: duration === 'repeating' ? until : null,
  };
}

/** The customer whose object an id names. */
export function customerOf(id: string): string {
  return customerOfId(id) ?? '';
}
