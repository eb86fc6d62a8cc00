import { setTimeout as wait } from 'node:timers/promises';
import type { SubscriptionBilling, WorkResult } from './billing-interface.ts';
import { checkCount } from './check-input.ts';
import { dueCustomers, putOff } from './customer-store.ts';
import type { Ground } from './ground.ts';
import { syncHeld } from './sync.ts';
import { workEvents } from './work-events.ts';

const failedMilliseconds = 300_000;

/** Takes something to the provider for tenants that wait for it. */
export type WorkDue = (options: { readonly limit: number }) => Promise<{
  readonly done: number;
  readonly failed: number;
}>;

/** Makes what works on everything that is due. */
export function createWorker(
  ground: Ground,
  others: { readonly seats: WorkDue; readonly usage: WorkDue },
): Pick<SubscriptionBilling, 'processDue' | 'work'> {
  const { clock, db, ifAlone } = ground;

  /** Looks at tenants where time alone changes something: a grace that ends, an end that nobody told. */
  async function workCustomers(limit: number): Promise<WorkResult['customers']> {
    const count = { done: 0, failed: 0 };
    for (const tenantId of await dueCustomers(db, clock(), limit)) {
      try {
        if ((await ifAlone(tenantId, (held) => syncHeld(ground, held))) !== null) count.done += 1;
      } catch {
        await putOff(db, tenantId, new Date(clock().getTime() + failedMilliseconds));
        count.failed += 1;
      }
    }
    return count;
  }

  const processDue: SubscriptionBilling['processDue'] = async ({ limit = 100 } = {}) => {
    checkCount(limit, [1, 10_000]);
    return {
      events: await workEvents(ground, limit),
      customers: await workCustomers(limit),
      seats: await others.seats({ limit }),
      usage: await others.usage({ limit }),
    };
  };

  return {
    processDue,

    async work({ signal, restMilliseconds = 2000, onError }) {
      while (!signal.aborted) {
        let busy = false;
        try {
          const { events, customers, seats, usage } = await processDue();
          busy = events.done + customers.done + seats.done + usage.done > 0;
        } catch (error) {
          onError?.(error);
        }
        if (!busy) await wait(restMilliseconds, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}
