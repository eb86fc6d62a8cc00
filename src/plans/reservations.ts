import { isUuid, TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { asUnavailable } from '../database/unavailable.ts';
import { checkAmount } from './amount.ts';
import { whole } from './check-shape.ts';
import { type Ask, groundOf, type Served } from './ground.ts';
import { readReservation, settleReservations } from './reservation-store.ts';
import type { Reservations, SettleResult } from './reservations-interface.ts';
import { serveByBurning } from './serve-by-burning.ts';
import type { Toolbox } from './toolbox.ts';

const mostSeconds = 30 * 86_400;

/** Makes what holds units. */
export function createReservations(tools: Toolbox): Reservations {
  const { db, clock, ids, history, joinedOf, checkMeter, checkTenant, assume, refresh, batchOf } = tools;

  async function settle(
    tenantId: string,
    id: string,
    amount: number | undefined,
    joined: AnyDatabase | undefined,
  ): Promise<SettleResult> {
    const handle = joined ?? db;
    const now = clock();
    const before = isUuid(id) ? await readReservation(handle, tenantId, id) : undefined;
    if (before === undefined) return { ok: false, reason: 'reservation_not_found' };
    const kept = amount ?? before.units;
    if (kept > before.units) {
      throw new TenantryError('amount_invalid', {
        amount: String(kept),
        problem: `is more than the ${before.units} held`,
      });
    }
    const outcome = { ok: true, committed: kept, returned: before.units - kept } as const;
    if (before.status === 'held') {
      const done = await settleReservations(handle, tenantId, [{ id, kept }], { now, over: false, history });
      if (done.length > 0) return outcome;
      // Its time is over: what it says of that comes first, whether or not somebody saw it yet.
      await settleReservations(handle, tenantId, [{ id, kept: null }], { now, over: true, history });
    }
    const after = await readReservation(handle, tenantId, id);
    if (after === undefined) return { ok: false, reason: 'reservation_not_found' };
    if (after.status === 'expired') return { ok: false, reason: 'reservation_expired' };
    return after.committed === kept ? outcome : { ok: false, reason: 'reservation_settled' };
  }

  async function typed<Result>(operation: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw asUnavailable(error, operation);
    }
  }

  return {
    async hold(tenantId, meter, amount, options = {}) {
      checkMeter('plans.reservations.hold', tenantId, meter);
      checkAmount(amount);
      const { seconds = 900, onExpiry = 'release', entitlement } = options;
      whole('seconds', seconds, 1, mostSeconds);
      const joined = joinedOf(options);
      const now = clock();
      const id = ids();
      const expiresAt = new Date(now.getTime() + seconds * 1000);
      const ask: Ask = { amount };
      const served = new Map<Ask, Served>();
      return typed('plans.reservations.hold', async () => {
        const assumed = assume(tenantId, [entitlement]) ?? (await refresh(tenantId, joined));
        const batch = {
          ...batchOf(tenantId, meter, now, joined),
          asks: [ask],
          assumed,
          hold: { id, expiresAt, onExpiry },
        };
        await serveByBurning(batch, groundOf(batch, assumed), [ask], served, undefined);
        const answer = served.get(ask);
        if (answer === undefined) throw new TypeError('a call was not served');
        if ('error' in answer) throw answer.error;
        const { result } = answer;
        return result.ok ? { ...result, reservationId: id, expiresAt } : result;
      });
    },

    async commit(tenantId, reservationId, amount, options = {}) {
      checkTenant('plans.reservations.commit', tenantId);
      if (amount !== undefined && amount !== 0) checkAmount(amount);
      return typed('plans.reservations.commit', () => settle(tenantId, reservationId, amount, joinedOf(options)));
    },

    async release(tenantId, reservationId, options = {}) {
      checkTenant('plans.reservations.release', tenantId);
      return typed('plans.reservations.release', () => settle(tenantId, reservationId, 0, joinedOf(options)));
    },
  };
}
