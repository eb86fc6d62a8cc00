import { createHash } from 'node:crypto';
import { isTenantryError, TenantryError } from '../core/index.ts';
import { isAnswered } from './alone.ts';
import type { BillingState, CheckoutInput, CheckoutResult, SubscriptionBilling } from './billing-interface.ts';
import { checkFingerprints, checkUrl, checkWish } from './check-input.ts';
import { type CheckoutRow, insertCheckout, openCheckout, requestOf, updateCheckout } from './checkout-store.ts';
import { ensureCustomer } from './ensure-customer.ts';
import type { Ground, Held } from './ground.ts';
import type { NewCheckout, ProviderCheckout } from './provider/checkout.ts';
import { readSeatState } from './seats/store.ts';
import { isLive } from './standing.ts';
import { readState } from './state.ts';
import { syncHeld } from './sync.ts';
import { takeTrial } from './trial-store.ts';
import { requireSold, wantedItems } from './wanted-items.ts';

/** For so long the provider remembers a key; after that a checkout that was never answered is over. */
export const keyMilliseconds = 23 * 3_600_000;
/** A session that ends so soon is of no use to whoever opens it now. */
const usefulMilliseconds = 120_000;

/** Closes the checkout of a tenant that is open. @throws TenantryError `subscription_exists` where it was paid meanwhile. */
export type CloseOpen = (held: Held) => Promise<void>;

/**
 * Makes what opens checkouts: at most one of a tenant is open at any time.
 *
 * What is going to be asked for is written down first, under an id that is also the key of the call. Whoever comes after a
 * process that ended in between asks word for word the same, gets the same session, and goes on from there.
 */
export function createCheckout(ground: Ground): Pick<SubscriptionBilling, 'checkout' | 'closeCheckout'> & {
  readonly closeOpen: CloseOpen;
} {
  const { alone, clock, db, fingerprintsOf, ids, priceIndex, prices, provider, trialDaysOf } = ground;

  return { checkout, closeCheckout, closeOpen };

  async function checkout(input: CheckoutInput): Promise<CheckoutResult> {
    if (!provider.capabilities.checkout) {
      throw new TenantryError('billing_unsupported', { provider: provider.name, operation: 'checkout' });
    }
    checkFingerprints(input.fingerprints);
    const successUrl = checkUrl('successUrl', input.successUrl);
    const cancelUrl = checkUrl('cancelUrl', input.cancelUrl);
    checkWish(input);
    return alone(input.tenantId, async (held) => {
      const { tenantId } = held;
      const { subscriptions } = await syncHeld(ground, held);
      const live = subscriptions.find((record) => record.plan !== null && isLive(record));
      if (live !== undefined) {
        throw new TenantryError('subscription_exists', { tenantId, plan: live.plan ?? '' });
      }
      const { plan, interval = 'month', currency = defaultCurrency(ground, input.plan, interval), addOns = {} } = input;
      requireSold(prices, { plan, interval, currency });
      const customerId = await ensureCustomer(ground, held, input.payer ?? {});
      const seats = await readSeatState(db, tenantId);
      const items = await wantedItems(prices, priceIndex, { plan, interval, currency, seats, addOns });
      const trialDays = input.trial === false ? undefined : trialDaysOf(plan);
      const fingerprints = trialDays === undefined ? [] : await fingerprintsOf({ tenantId, plan }, input.fingerprints);
      const wish: Omit<NewCheckout, 'trialDays'> = {
        customerId,
        tenantId,
        plan,
        items,
        currency,
        successUrl,
        cancelUrl,
        ...(input.trialWithoutCard === true && { trialWithoutCard: true }),
        ...(input.coupon !== undefined && { coupon: input.coupon }),
        ...(input.promotionCodes === true && { promotionCodes: true }),
        ...(input.automaticTax === true && { automaticTax: true }),
        ...(input.locale !== undefined && { locale: input.locale }),
      };
      const requestHash = createHash('sha256')
        .update(JSON.stringify([wish, trialDays ?? null, fingerprints]))
        .digest('hex');
      const there = await settleOpen(held, customerId, requestHash);
      if (there !== undefined) return there;
      const trial = trialDays !== undefined && (await takeTrial(ground, tenantId, fingerprints)) ? trialDays : null;
      const request: NewCheckout = { ...wish, ...(trial !== null && { trialDays: trial }) };
      const id = ids();
      const made = { id, kind: 'page' as const, plan, request: { ...request }, requestHash, trialDays: trial };
      await insertCheckout(db, tenantId, held.lease, made, clock());
      return open(held, { id, trial_days: trial }, request);
    });
  }

  async function closeCheckout({ tenantId }: { readonly tenantId: string }): Promise<BillingState> {
    return alone(tenantId, async (held) => {
      await syncHeld(ground, held);
      await closeOpen(held).catch((error: unknown) => {
        // What was paid in the last moment is told by the state.
        if (!isTenantryError(error, 'subscription_exists')) throw error;
      });
      return readState(db, held.tenantId);
    });
  }

  async function closeOpen(held: Held): Promise<void> {
    const row = await openCheckout(db, held.tenantId);
    if (row !== undefined) await settleOpen(held, requestOf<NewCheckout>(row)?.customerId ?? '', null);
  }

  /** Gives the open session for the same wish; ends one for another, or whichever it is where nothing is wished for. */
  async function settleOpen(
    held: Held,
    customerId: string,
    requestHash: string | null,
  ): Promise<CheckoutResult | undefined> {
    const { tenantId } = held;
    const row = await openCheckout(db, tenantId);
    if (row === undefined) return undefined;
    if (row.kind === 'direct') {
      // It never was, as who comes here has looked: what was asked for without a page is a subscription at once.
      await updateCheckout(db, tenantId, row.id, { status: 'failed' }, clock());
      return undefined;
    }
    const same = row.request_hash === requestHash;
    const found =
      row.session_id === null ? await again(held, row, customerId) : await provider.checkouts.read(row.session_id);
    const now = clock();
    if (found?.status === 'open') {
      const useful = found.expiresAt === null || found.expiresAt.getTime() - now.getTime() > usefulMilliseconds;
      if (same && useful && found.url !== null) {
        await remember(tenantId, row.id, found);
        return resultOf(found, row.trial_days, false);
      }
      const ended = await provider.checkouts.expire(found.id, {
        idempotencyKey: await held.keyOf('expire', [found.id, now.getTime()]),
      });
      await remember(tenantId, row.id, ended);
      if (ended.status === 'complete') throw await paidMeanwhile(held);
      return undefined;
    }
    if (found === null) await updateCheckout(db, tenantId, row.id, { status: 'failed' }, now);
    else await remember(tenantId, row.id, found);
    if (found?.status === 'complete') throw await paidMeanwhile(held);
    return undefined;
  }

  /** Asks once more for what was asked for without an answer; null where that leads nowhere. */
  async function again(held: Held, row: CheckoutRow, customerId: string): Promise<ProviderCheckout | null> {
    const old = clock().getTime() - row.created_at.getTime() > keyMilliseconds;
    const request = requestOf<NewCheckout>(row);
    if (!old && request !== undefined && request.customerId === customerId) {
      try {
        await held.keyOf('checkout', row.id);
        return await provider.checkouts.create(request, { idempotencyKey: keyOf(row.id) });
      } catch (error) {
        // It refused or failed, and says so ever after under this key.
        if (!isAnswered(error)) throw error;
      }
    }
    // Nobody knows its id, but the provider knows what is open.
    for (const { id } of await provider.checkouts.listOpen(customerId)) {
      await provider.checkouts.expire(id, { idempotencyKey: await held.keyOf('expire', id) });
    }
    return null;
  }

  async function open(
    held: Held,
    row: Pick<CheckoutRow, 'id' | 'trial_days'>,
    request: NewCheckout,
  ): Promise<CheckoutResult> {
    const { tenantId } = held;
    try {
      const found = await provider.checkouts.create(request, { idempotencyKey: keyOf(row.id) });
      await remember(tenantId, row.id, found);
      return resultOf(found, row.trial_days, true);
    } catch (error) {
      if (isTenantryError(error, 'provider_refused')) {
        await updateCheckout(db, tenantId, row.id, { status: 'failed' }, clock());
      }
      throw error;
    }
  }

  async function remember(tenantId: string, id: string, found: ProviderCheckout): Promise<void> {
    const status = found.status === 'open' || found.status === 'complete' ? found.status : 'expired';
    const patch = { status, sessionId: found.id, url: found.url, expiresAt: found.expiresAt } as const;
    await updateCheckout(db, tenantId, id, patch, clock());
  }

  /** It was paid after we had looked: what it made is taken in before the caller is told. */
  async function paidMeanwhile(held: Held): Promise<TenantryError> {
    const { standing } = await syncHeld(ground, held);
    return new TenantryError('subscription_exists', { tenantId: held.tenantId, plan: standing.plan ?? '' });
  }
}

function keyOf(id: string): string {
  return `tenantry:checkout:${id}`;
}

function resultOf(
  { id, url, expiresAt }: ProviderCheckout,
  trialDays: number | null,
  created: boolean,
): CheckoutResult {
  return { sessionId: id, url: url ?? '', expiresAt, trialDays, created };
}

/** The currency in which the plan is sold, where there is one alone or a first one. */
export function defaultCurrency({ prices }: Pick<Ground, 'prices'>, plan: string, interval: string): string {
  const price = prices.prices.find((one) => one.plan === plan && one.interval === interval);
  return Object.keys(price?.amounts ?? {})[0] ?? 'usd';
}
