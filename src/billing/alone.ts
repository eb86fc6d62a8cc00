import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { isTenantryError, TenantryError } from '../core/index.ts';
import { checkedTenant } from './checked-tenant.ts';
import { countVersion, dropLease, renewLease, takeLease } from './customer-store.ts';
import type { Ground, Held } from './ground.ts';

const leaseMilliseconds = 120_000;
const patienceMilliseconds = 30_000;
const pollMilliseconds = [20, 50, 100, 200];

/** What {@link createAlone} is made from. */
export type AloneDeps = Pick<Ground, 'db' | 'clock' | 'ids' | 'provider'>;

/** Does work as the only one who speaks with the provider about a tenant. */
export interface Alone {
  /** Waits for its turn. */
  readonly alone: Ground['alone'];
  /** Gives null at once when it is not its turn. */
  readonly ifAlone: Ground['ifAlone'];
}

/**
 * Makes what lets one at a time speak with the provider about a tenant.
 *
 * What the provider says is old by the time it arrives, so two who ask at the same time could write in the wrong order;
 * and two who buy at the same time buy twice. A row lock would have to be held while the provider is asked, for seconds.
 * So the row of the customer has a lease: a token and a time. Who holds it asks, and writes only `where lease = token`; a
 * process that was stopped for longer than the lease finds another token there and writes nothing.
 */
export function createAlone({ db, clock, ids, provider }: AloneDeps): Alone {
  /** Callers of this process queue here and need not ask the database whether it is their turn. */
  const queues = new Map<string, Promise<unknown>>();

  function inTurn<Result>(tenantId: string, work: () => Promise<Result>): Promise<Result> {
    const turn = (queues.get(tenantId) ?? Promise.resolve()).then(work, work);
    const settled = turn.catch(() => undefined);
    queues.set(tenantId, settled);
    void settled.then(() => queues.get(tenantId) === settled && queues.delete(tenantId));
    return turn;
  }

  async function take(tenantId: string): Promise<string | null> {
    const now = clock();
    const token = ids();
    const lease = { token, until: new Date(now.getTime() + leaseMilliseconds), now };
    const taken = await takeLease(db, tenantId, lease, { provider: provider.name, livemode: provider.livemode });
    if (taken === null) throw new TenantryError('tenant_not_found', { tenant: tenantId });
    return taken ? token : null;
  }

  async function hold<Result>(tenantId: string, token: string, work: (held: Held) => Promise<Result>): Promise<Result> {
    const lost = () => new TenantryError('billing_busy', { tenantId, retryAfter: 1 });
    const renew = async (): Promise<number> => {
      const until = new Date(clock().getTime() + leaseMilliseconds);
      const version = await renewLease(db, tenantId, token, until);
      if (version === undefined) throw lost();
      return version;
    };
    const keyOf = async (operation: string, wish: unknown): Promise<string> => {
      const digest = createHash('sha256').update(JSON.stringify(wish)).digest('hex').slice(0, 32);
      return `tenantry:${operation}:${tenantId}:${await renew()}:${digest}`;
    };
    try {
      return await work({
        tenantId,
        lease: token,
        keyOf,
        async ask(operation, wish, call) {
          const idempotencyKey = await keyOf(operation, wish);
          try {
            return await call({ idempotencyKey });
          } catch (error) {
            // The provider answers the same key with the same no for a day.
            if (isAnswered(error) && !(await countVersion(db, tenantId, token))) throw lost();
            throw error;
          }
        },
      });
    } finally {
      await dropLease(db, tenantId, token).catch(() => undefined);
    }
  }

  return {
    async alone(given, work) {
      const tenantId = checkedTenant(given);
      return inTurn(tenantId, async () => {
        const begun = performance.now();
        for (let tries = 0; ; tries += 1) {
          const token = await take(tenantId);
          if (token !== null) return hold(tenantId, token, work);
          if (performance.now() - begun > patienceMilliseconds) {
            throw new TenantryError('billing_busy', { tenantId, retryAfter: 5 });
          }
          await wait(pollMilliseconds[Math.min(tries, pollMilliseconds.length - 1)]);
        }
      });
    },

    async ifAlone(given, work) {
      const tenantId = checkedTenant(given);
      if (queues.has(tenantId)) return null;
      return inTurn(tenantId, async () => {
        const token = await take(tenantId);
        return token === null ? null : { result: await hold(tenantId, token, work) };
      });
    },
  };
}

/** Whether the provider answered: a call that got no answer is sent again under the same key. */
export function isAnswered(error: unknown): boolean {
  if (isTenantryError(error, 'provider_refused')) return true;
  return isTenantryError(error, 'provider_unavailable') && error.details.reason === 'failed';
}
