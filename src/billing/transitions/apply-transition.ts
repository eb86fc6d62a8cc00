import { createHash } from 'node:crypto';
import { cleanText, isTenantryError, TenantryError } from '../../core/index.ts';
import { isAnswered } from '../alone.ts';
import { readPayments } from '../books/store.ts';
import type { CloseOpen } from '../checkout.ts';
import { ensureCustomer } from '../ensure-customer.ts';
import { raiseFlag } from '../flag-store.ts';
import type { Ground, Held } from '../ground.ts';
import type { ProviderCall } from '../provider/call.ts';
import { readSeatState } from '../seats/store.ts';
import { isLive, isOver } from '../standing.ts';
import { readState } from '../state.ts';
import { syncHeld } from '../sync.ts';
import { sameItems, wantedItems } from '../wanted-items.ts';
import { reasonOf } from '../work-flags.ts';
import { goesOn } from './goes-on.ts';
import { noteStep, type StoredStep, storeSteps } from './store.ts';
import type { TransitionPlan, TransitionResult, TransitionStep } from './transition.ts';

type Step<Kind extends TransitionStep['do']> = Extract<TransitionStep, { readonly do: Kind }>;

/**
 * Asks the provider for what was planned, or for what is left of it. What is asked for is written down first, and each step
 * looks whether it was done already and has one idempotency key: whoever goes on after a crash charges nobody twice. A step
 * that fails keeps back what comes after it.
 */
export async function applyTransition(
  ground: Ground,
  plan: TransitionPlan,
  { closeOpen }: { readonly closeOpen: CloseOpen },
): Promise<TransitionResult> {
  const { db, clock, inTransaction } = ground;
  const name = cleanText('name', plan.name, 80);
  const steps = await inTransaction(undefined, (tx) => storeSteps(tx, name, plan.steps, clock()));
  if (!goesOn(steps, plan, await overOf(ground, steps))) {
    throw new TenantryError('config_invalid', {
      path: 'transition.name',
      problem: 'another plan stands under this name',
    });
  }
  let done = 0;
  for (const { step, refusals, done: before } of steps) {
    if (before) continue;
    const key = createHash('sha256').update(`${name} ${step.id} ${refusals}`).digest('hex').slice(0, 40);
    try {
      await ground.alone(step.tenantId, async (held) => {
        await askFor({ ground, held, closeOpen }, step, { idempotencyKey: `tenantry:transition:${key}` });
        await syncHeld(ground, held, { documents: 'all' });
      });
      await noteStep(db, name, step, { now: clock(), error: null, refused: false });
      done += 1;
    } catch (error) {
      const reason = reasonOf(error);
      // The provider gives the same answer to the same key for a day: the next try has another one, and looks first.
      await noteStep(db, name, step, { now: clock(), error: reason, refused: isAnswered(error) });
      const left = steps.filter((one) => !one.done).length - done;
      return { name, done, left, failed: [{ id: step.id, tenantId: step.tenantId, reason }] };
    }
  }
  // Members moved without an event that would have told of their seats.
  for (const tenantId of plan.paying) await raiseFlag(db, 'seats', tenantId, clock());
  return { name, done, left: 0, failed: [] };
}

/** Which of the subscriptions that were to end are over, by our rows: planning looked at the provider. */
async function overOf({ db }: Ground, steps: readonly StoredStep[]): Promise<ReadonlySet<string>> {
  const over = new Set<string>();
  for (const { step } of steps) {
    if (step.do !== 'end') continue;
    const { subscriptions } = await readState(db, step.tenantId);
    if (subscriptions.some((record) => record.id === step.subscriptionId && isOver(record)))
      over.add(step.subscriptionId);
  }
  return over;
}

/** Who speaks with the provider, and what for. */
interface Asker {
  readonly ground: Ground;
  readonly held: Held;
  readonly closeOpen: CloseOpen;
}

async function askFor(asker: Asker, step: TransitionStep, call: ProviderCall): Promise<void> {
  const { ground, held } = asker;
  switch (step.do) {
    case 'change':
      return change(ground, held, step, call);
    case 'subscribe':
      return subscribe(asker, step, call);
    case 'end':
      return end(ground, step, call);
    case 'refund':
      return refund(ground, held, step, call);
  }
}

async function change(ground: Ground, { tenantId }: Held, step: Step<'change'>, call: ProviderCall): Promise<void> {
  const { db, prices, priceIndex, provider } = ground;
  const found = await provider.subscriptions.read(step.subscriptionId);
  if (found === null || found.endedAt !== null) return;
  const { plan, interval, currency, proration } = step;
  const seats = await readSeatState(db, tenantId);
  const items = await wantedItems(prices, priceIndex, { plan, interval, currency, seats }, found.items);
  if (sameItems(items, found.items)) return;
  await provider.subscriptions.change(step.subscriptionId, { items, proration }, call);
}

async function subscribe(
  { ground, held, closeOpen }: Asker,
  step: Step<'subscribe'>,
  call: ProviderCall,
): Promise<void> {
  const { db, clock, prices, priceIndex, provider } = ground;
  const { tenantId, plan, interval, currency, daysUntilDue, paidUntil } = step;
  const isThere = async (): Promise<boolean> => {
    const { subscriptions } = await syncHeld(ground, held);
    const live = subscriptions.filter((record) => record.plan !== null && isLive(record));
    if (live.some((record) => record.plan === plan)) return true;
    const [other] = live;
    // It was bought since this was planned: a second one would be paid beside it.
    if (other !== undefined) throw new TenantryError('subscription_exists', { tenantId, plan: other.plan ?? '' });
    return false;
  };
  if (await isThere()) return;
  try {
    await closeOpen(held);
  } catch (error) {
    // It was paid in the last moment, perhaps for what is wanted here.
    if (isTenantryError(error, 'subscription_exists') && (await isThere())) return;
    throw error;
  }
  const customerId = await ensureCustomer(ground, held, {});
  const seats = await readSeatState(db, tenantId);
  const items = await wantedItems(prices, priceIndex, { plan, interval, currency, seats });
  const until = paidUntil === null ? null : new Date(paidUntil);
  const wish = { customerId, tenantId, plan, items, currency, daysUntilDue };
  await provider.subscriptions.create(until !== null && until > clock() ? { ...wish, paidUntil: until } : wish, call);
}

async function end({ provider }: Ground, { subscriptionId, when }: Step<'end'>, call: ProviderCall): Promise<void> {
  const found = await provider.subscriptions.read(subscriptionId);
  if (found === null || found.endedAt !== null) return;
  if (when === 'period-end' && found.endsAt !== null) return;
  await provider.subscriptions.cancel(subscriptionId, when, call);
}

async function refund(
  ground: Ground,
  held: Held,
  { tenantId, paymentId, amount, before }: Step<'refund'>,
  call: ProviderCall,
): Promise<void> {
  await syncHeld(ground, held, { documents: 'all' });
  const [payment] = await readPayments(ground.db, tenantId, { id: paymentId, after: undefined, limit: 1 });
  if (payment === undefined || payment.amountRefunded >= before + amount) return;
  await ground.provider.money.refund({ paymentId, amount }, call);
}
