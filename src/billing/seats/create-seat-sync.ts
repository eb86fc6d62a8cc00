import { TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { raiseFlag, readFlag, settleFlag } from '../flag-store.ts';
import type { Ground, Held } from '../ground.ts';
import type { Proration, ProviderItem, ProviderSubscription } from '../provider/subscription.ts';
import { workFlags } from '../work-flags.ts';
import { type SeatPrice, seatQuantity } from './seat-quantity.ts';
import { lookAgain, readSeatState, type SeatState } from './store.ts';

/** Any event of any module. */
export interface AnyEvent {
  readonly name: string;
  readonly tenantId: string;
}

/** How seats are taken to the provider. */
export interface SeatSyncOptions {
  /** How the rest of the period is paid when the number changes; `create` (on the next invoice) when absent. */
  readonly proration?: Proration;
  /** Looks at the tenant anew after its quantity was changed, so that our copies follow. */
  readonly refresh: (tenantId: string) => Promise<unknown>;
}

/** Takes the number of seats to the provider. */
export interface SeatSync {
  /** Notes that a tenant's seats changed, in the transaction that changed them. Every event may be handed in. */
  sink(event: AnyEvent, tx: AnyDatabase): Promise<void>;
  /** Notes it without an event: after members were changed by other means. */
  raise(tenantId: string, tx?: AnyDatabase): Promise<void>;
  /**
   * Brings the provider's quantity to what it should be now, and tells it: null where nothing is paid by the seat.
   *
   * @throws TenantryError what the provider throws; it is tried again then.
   */
  sync(tenantId: string): Promise<number | null>;
  /** Does the same for tenants that wait for it. Gives how many were done and how many failed. */
  workDue(options?: { readonly limit?: number }): Promise<{ readonly done: number; readonly failed: number }>;
}

const kind = 'seats';

/** What may change how many seats are to be paid. */
const causes: ReadonlySet<string> = new Set(['seats.changed', 'subscription.started', 'subscription.changed']);

/**
 * Makes what takes seats to the provider: a number that is set, never one that is added, by one writer per tenant, tried
 * until it holds. A change during the call raises the flag again, so that none is lost.
 */
export function createSeatSync(ground: Ground, { proration = 'create', refresh }: SeatSyncOptions): SeatSync {
  const { db, clock, provider, prices, alone } = ground;

  /** Sets the quantity if it is another; tells what it is then, and whether it was set. */
  async function bring(held: Held, state: SeatState, attempts: number, raised: number) {
    if (state.subscriptionId === null) return { quantity: null, changed: false };
    const subscription = await provider.subscriptions.read(state.subscriptionId);
    const found = subscription === null ? undefined : seatItemOf(subscription);
    if (subscription === null || found === undefined) return { quantity: null, changed: false };
    const { price, item } = found;
    const quantity = seatQuantity(price, state);
    // A change whose answer was lost left our copy behind.
    if ((item?.quantity ?? 0) === quantity) return { quantity, changed: (state.copied ?? 0) !== quantity };
    // The same number may be set again without harm; a key of its own for each try never gets an old answer.
    const wish = { item: item?.id ?? price.lookupKey, quantity, raised, attempts };
    const call = { idempotencyKey: await held.keyOf('seats', wish) };
    const after =
      item === undefined
        ? await addSeats(subscription, price, quantity, call)
        : await provider.subscriptions.setQuantity(subscription.id, { id: item.id, quantity, proration }, call);
    const now = seatItemOf(after)?.item;
    if ((now?.quantity ?? 0) !== quantity) {
      const problem = `the quantity is ${now?.quantity ?? 'missing'} instead of ${quantity}`;
      throw new TenantryError('provider_answer_invalid', { provider: provider.name, operation: 'seats', problem });
    }
    return { quantity, changed: true };
  }

  /** The item that is paid by the seat, or the price that it is missing. */
  function seatItemOf(
    subscription: ProviderSubscription,
  ): { readonly price: SeatPrice; readonly item: (ProviderItem & { kind: 'licensed' }) | undefined } | undefined {
    if (subscription.endedAt !== null) return undefined;
    for (const item of subscription.items) {
      const price = prices.prices.find(({ lookupKey, per }) => per === 'seat' && lookupKey === item.lookupKey);
      if (price !== undefined && item.kind === 'licensed') return { price, item };
    }
    const other = subscription.items.flatMap(
      ({ lookupKey }) => prices.prices.find((price) => price.lookupKey === lookupKey && price.plan !== null) ?? [],
    )[0];
    const price = prices.prices.find(
      ({ per, plan, interval, intervalCount }) =>
        per === 'seat' && plan === other?.plan && interval === other.interval && intervalCount === other.intervalCount,
    );
    return price === undefined ? undefined : { price, item: undefined };
  }

  /** A checkout takes no item of which there are 0: it comes when there is one. */
  async function addSeats(
    { id, items }: ProviderSubscription,
    { lookupKey }: SeatPrice,
    quantity: number,
    call: { readonly idempotencyKey: string },
  ): Promise<ProviderSubscription> {
    const [price] = await provider.prices.byLookupKeys([lookupKey]);
    if (price === undefined) {
      throw new TenantryError('config_invalid', { path: lookupKey, problem: 'the provider has no such price' });
    }
    const there = items.map((item) => ({
      id: item.id,
      priceId: item.priceId,
      ...(item.kind === 'licensed' && { quantity: item.quantity }),
    }));
    const wanted = [...there, { priceId: price.id, quantity }];
    return provider.subscriptions.change(id, { items: wanted, proration }, call);
  }

  const seats: SeatSync = {
    async sink({ name, tenantId }, tx) {
      if (causes.has(name)) await raiseFlag(tx, kind, tenantId, clock());
    },

    async raise(tenantId, tx = db) {
      await raiseFlag(tx, kind, tenantId, clock());
    },

    async sync(tenantId) {
      for (let round = 1; ; round += 1) {
        const { raised = 0, attempts = 0 } = (await readFlag(db, kind, tenantId)) ?? {};
        // Who has no subscription needs no provider; when one starts, that raises the flag.
        const { subscriptionId } = await readSeatState(db, tenantId);
        const { quantity, changed } =
          subscriptionId === null
            ? { quantity: null, changed: false }
            : // What is read within the lease is what whoever held it before left.
              await alone(tenantId, async (held) => bring(held, await readSeatState(db, tenantId), attempts, raised));
        await settleFlag(db, kind, tenantId, { upTo: raised, now: clock() });
        // The number holds; where our copy cannot follow now, the worker brings it along.
        if (changed) await refresh(tenantId).catch(() => lookAgain(db, tenantId, clock()));
        const after = await readFlag(db, kind, tenantId);
        // Under a storm of changes the worker goes on later.
        if (after === null || after.raised <= raised || round === 20) return quantity;
      }
    },

    workDue: ({ limit = 100 } = {}) =>
      workFlags(ground, { kind, limit }, async (tenantId) => {
        await seats.sync(tenantId);
      }),
  };
  return seats;
}
