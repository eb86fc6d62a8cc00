import { isTenantryError } from '../core/index.ts';
import { type ClaimedMessage, claimMessages, settleMessages } from '../database/inbox-queue.ts';
import { adopt } from './adopt.ts';
import { tenantsOfCustomers } from './customer-store.ts';
import type { Ground } from './ground.ts';
import { inboxSource } from './inbox-source.ts';
import type { EventSubject, ProviderEvent } from './provider/event.ts';
import { type Signal, signalOf } from './signal.ts';
import { syncHeld } from './sync.ts';
import { reasonOf } from './work-flags.ts';

const claimMilliseconds = 180_000;
const mostAttempts = 15;
const busyMilliseconds = 500;

/** What came of the events of one pass. */
export interface EventsDone {
  readonly done: number;
  readonly retried: number;
  readonly dead: number;
}

interface Placed {
  readonly message: ClaimedMessage;
  readonly signal: Signal;
  readonly subject: EventSubject;
}

/**
 * Works on the events that are due. What an event says is not used: it names a customer, and the customer is looked at. So
 * it does not matter in which order events come, how often, or how late. Events of one tenant are worked on together, by
 * one look, and settled in the transaction that writes what was found.
 */
export async function workEvents(ground: Ground, limit: number): Promise<EventsDone> {
  const { clock, db, ids, ifAlone, provider } = ground;
  const source = inboxSource(provider);
  const token = ids();
  const now = clock();
  const until = new Date(now.getTime() + claimMilliseconds);
  const messages = await claimMessages(db, { source, token, now, until, limit });
  const count = { done: 0, retried: 0, dead: 0 };
  const named = (some: readonly ClaimedMessage[]) => ({ source, token, ids: some.map(({ id }) => id) });

  async function fail(some: readonly ClaimedMessage[], error: unknown): Promise<void> {
    const told = { error: isTenantryError(error) ? `${error.code}: ${reasonOf(error)}` : reasonOf(error) };
    for (const message of some) {
      if (message.attempts >= mostAttempts || isHopeless(error)) {
        await settleMessages(db, named([message]), { state: 'dead', ...told });
        count.dead += 1;
      } else {
        const dueAt = new Date(clock().getTime() + waitAfter(message.attempts));
        await settleMessages(db, named([message]), { state: 'waiting', dueAt, ...told });
        count.retried += 1;
      }
    }
  }

  const placed: Placed[] = [];
  const concernNobody: ClaimedMessage[] = [];
  for (const message of messages) {
    const signal = signalOf(message.signal);
    if (signal === undefined || signal.account !== null) {
      concernNobody.push(message);
      continue;
    }
    try {
      const subject = isPlaced(signal) ? signal : await provider.resolve(eventOf(message, signal));
      if (subject.customerId === null) concernNobody.push(message);
      else placed.push({ message, signal, subject });
    } catch (error) {
      await fail([message], error);
    }
  }

  const tenants = new Map(
    await tenantsOfCustomers(db, [...new Set(placed.flatMap(({ subject }) => subject.customerId ?? []))]),
  );
  const byTenant = new Map<string, Placed[]>();
  for (const one of placed) {
    const customerId = one.subject.customerId ?? '';
    let tenantId = tenants.get(customerId);
    if (tenantId === undefined && one.signal.tenantId !== null) {
      try {
        tenantId = await adopt(ground, one.signal.tenantId, customerId);
        if (tenantId !== undefined) tenants.set(customerId, tenantId);
      } catch (error) {
        await fail([one.message], error);
        continue;
      }
    }
    if (tenantId === undefined) concernNobody.push(one.message);
    else byTenant.set(tenantId, [...(byTenant.get(tenantId) ?? []), one]);
  }
  await settleMessages(db, named(concernNobody), { state: 'done', error: 'concerns no tenant' });
  count.done += concernNobody.length;

  for (const [tenantId, group] of byTenant) {
    const its = group.map(({ message }) => message);
    const invoices = [...new Set(group.flatMap(({ subject }) => subject.invoiceId ?? []))];
    try {
      const settled = await ifAlone(tenantId, (held) =>
        syncHeld(ground, held, {
          documents: invoices,
          settle: (tx) => settleMessages(tx, named(its), { state: 'done' }),
        }),
      );
      if (settled === null) {
        const dueAt = new Date(clock().getTime() + busyMilliseconds);
        await settleMessages(db, named(its), { state: 'waiting', dueAt, untried: true });
        count.retried += its.length;
      } else count.done += its.length;
    } catch (error) {
      await fail(its, error);
    }
  }
  return count;
}

/** Whether the event itself says everything: refunds and payments do not say which invoice they belong to. */
function isPlaced({ objectType, customerId, invoiceId }: Signal): boolean {
  if (customerId === null) return false;
  return invoiceId !== null || (objectType !== 'refund' && objectType !== 'payment_intent');
}

function eventOf({ id, receivedAt }: ClaimedMessage, signal: Signal): ProviderEvent {
  return { ...signal, id, createdAt: receivedAt };
}

/** What will not be otherwise the next time. */
function isHopeless(error: unknown): boolean {
  return isTenantryError(error, 'provider_mode_mismatch');
}

/** Ten seconds, and twice as long each time, up to six hours: about a day and a half in all. */
function waitAfter(attempts: number): number {
  return Math.min(10_000 * 2 ** (attempts - 1), 21_600_000);
}
