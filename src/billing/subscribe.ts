import { createHash } from 'node:crypto';
import { isTenantryError, TenantryError } from '../core/index.ts';
import type { BillingState, SubscribeInput } from './billing-interface.ts';
import { checkFingerprints, checkWish } from './check-input.ts';
import { type CloseOpen, defaultCurrency, keyMilliseconds } from './checkout.ts';
import { type CheckoutRow, insertCheckout, openCheckout, requestOf, updateCheckout } from './checkout-store.ts';
import { ensureCustomer } from './ensure-customer.ts';
import type { Ground, Held } from './ground.ts';
import type { NewSubscription } from './provider/subscription.ts';
import { readSeatState } from './seats/store.ts';
import { isLive } from './standing.ts';
import { readState } from './state.ts';
import { syncHeld } from './sync.ts';
import { takeTrial } from './trial-store.ts';
import { requireSold, wantedItems } from './wanted-items.ts';

/**
 * Makes what subscribes a tenant without a page. What is going to be asked for is written down first: whoever had no answer
 * and asks for the same again gets the subscription that was made, or has it made as it was asked for.
 */
export function createSubscribe(
  ground: Ground,
  { closeOpen }: { readonly closeOpen: CloseOpen },
): (input: SubscribeInput) => Promise<BillingState> {
  const { alone, clock, db, ids, priceIndex, prices, provider, trialDaysOf } = ground;

  return async (input) => {
    checkWish(input);
    const given = checkFingerprints(input.fingerprints);
    return alone(input.tenantId, async (held) => {
      const { tenantId } = held;
      const requestHash = hashOf(input, given);
      const { subscriptions } = await syncHeld(ground, held);
      const row = await unanswered(tenantId, requestHash);
      const live = subscriptions.find((record) => record.plan !== null && isLive(record));
      if (live !== undefined) {
        if (live.plan !== row?.plan)
          throw new TenantryError('subscription_exists', { tenantId, plan: live.plan ?? '' });
        await updateCheckout(db, tenantId, row.id, { status: 'complete' }, clock());
        return readState(db, tenantId);
      }
      const { plan, interval = 'month', currency = defaultCurrency(ground, plan, interval) } = input;
      requireSold(prices, { plan, interval, currency });
      const customerId = await ensureCustomer(ground, held, input.payer ?? {});
      const before = row === undefined ? undefined : requestOf<NewSubscription>(row);
      const wish =
        row !== undefined && before?.customerId === customerId && before.tenantId === tenantId
          ? { id: row.id, request: before }
          : await writeDown(held, { ...input, customerId, fingerprints: given, requestHash });
      try {
        await held.ask('subscribe', wish.id, (call) => provider.subscriptions.create(wish.request, call));
      } catch (error) {
        if (isTenantryError(error, 'provider_refused')) {
          await updateCheckout(db, tenantId, wish.id, { status: 'failed' }, clock());
        }
        throw error;
      }
      await updateCheckout(db, tenantId, wish.id, { status: 'complete' }, clock());
      await syncHeld(ground, held);
      return readState(db, tenantId);
    });
  };

  /** The same wish, where nobody knows what came of it. */
  async function unanswered(tenantId: string, requestHash: string): Promise<CheckoutRow | undefined> {
    const row = await openCheckout(db, tenantId);
    if (row?.kind !== 'direct' || row.request_hash !== requestHash) return undefined;
    return clock().getTime() - row.created_at.getTime() > keyMilliseconds ? undefined : row;
  }

  async function writeDown(
    held: Held,
    input: SubscribeInput & { readonly customerId: string; readonly requestHash: string },
  ): Promise<{ readonly id: string; readonly request: NewSubscription }> {
    const { tenantId } = held;
    const { plan, interval = 'month', currency = defaultCurrency(ground, plan, interval), addOns = {}, agreed } = input;
    // Whoever still has the page open would buy a second one.
    await closeOpen(held);
    const seats = await readSeatState(db, tenantId);
    const items = await wantedItems(prices, priceIndex, { plan, interval, currency, seats, addOns, agreed });
    const trialDays = await trialFor(input, tenantId);
    const request: NewSubscription = {
      customerId: input.customerId,
      tenantId,
      plan,
      items,
      currency,
      ...(trialDays !== undefined && { trialDays }),
      ...(input.coupon !== undefined && { coupon: input.coupon }),
      ...(input.daysUntilDue !== undefined && { daysUntilDue: input.daysUntilDue }),
    };
    const id = ids();
    const { requestHash } = input;
    const wish = { id, kind: 'direct' as const, plan, request: { ...request }, requestHash };
    await insertCheckout(db, tenantId, held.lease, { ...wish, trialDays: trialDays ?? null }, clock());
    return { id, request };
  }

  async function trialFor(input: SubscribeInput, tenantId: string): Promise<number | undefined> {
    const days = input.trial === false ? undefined : trialDaysOf(input.plan);
    if (days === undefined) return undefined;
    const fingerprints = await ground.fingerprintsOf({ tenantId, plan: input.plan }, input.fingerprints);
    return (await takeTrial(ground, tenantId, fingerprints)) ? days : undefined;
  }
}

/** Two wishes with the same one are the same, whatever the seats are by then. */
function hashOf(input: SubscribeInput, fingerprints: readonly string[]): string {
  const { plan, interval = 'month', currency = null, addOns = {}, agreed = null } = input;
  const { coupon = null, daysUntilDue = null, trial = true } = input;
  const added = Object.entries(addOns).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const wish = [plan, interval, currency, added, agreed, coupon, daysUntilDue, trial, fingerprints.toSorted()];
  return createHash('sha256').update(JSON.stringify(wish)).digest('hex');
}
