import { isUuid, TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { checkAmount } from './amount.ts';
import { oneOf, whole } from './check-shape.ts';
import { readReservation, settleReservations } from './reservation-store.ts';
import type { Reservations, SettleResult } from './reservations-interface.ts';
import { burnAlone } from './serve-by-burning.ts';
import type { Toolbox } from './toolbox.ts';

const mostSeconds = 30 * 86_400;

/** Makes what holds units. */
export function createReservations(tools: Toolbox): Reservations {
  const { db, clock, ids, history, joinedOf, checkMeter, checkTenant, checkPack, assume, batchOf, typed } = tools;

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
      if (done.length > 0) {
        await tools.notice(tenantId, before.meter, joined);
        return outcome;
      }
      // Its time is over: what it says of that comes first, whether or not somebody saw it yet.
      await settleReservations(handle, tenantId, [{ id, kept: null }], { now, over: true, history });
      await tools.notice(tenantId, before.meter, joined);
    }
    const after = await readReservation(handle, tenantId, id);
    if (after === undefined) return { ok: false, reason: 'reservation_not_found' };
    if (after.status === 'expired') return { ok: false, reason: 'reservation_expired' };
    return after.committed === kept ? outcome : { ok: false, reason: 'reservation_settled' };
  }

  return {
    async hold(tenantId, meter, amount, options = {}) {
      checkMeter('plans.reservations.hold', tenantId, meter);
      checkAmount(amount);
      const { seconds = 900, onExpiry = 'release', entitlement, pack } = options;
      whole('seconds', seconds, 1, mostSeconds);
      oneOf('onExpiry', onExpiry, ['release', 'commit']);
      const memberId = isUuid(options.memberId) ? options.memberId : null;
      const keyId = isUuid(options.keyId) ? options.keyId : null;
      const joined = joinedOf(options);
      const now = clock();
      const id = ids();
      const expiresAt = new Date(now.getTime() + seconds * 1000);
      if (pack !== undefined) checkPack('plans.reservations.hold', tenantId, meter, pack);
      return typed('plans.reservations.hold', async () => {
        const ask = { amount };
        const batch = {
          ...batchOf(tenantId, meter, now, joined),
          asks: [ask],
          assumed: assume(tenantId, [entitlement]),
          hold: { id, expiresAt, onExpiry, memberId, keyId },
          pack,
        };
        const answer = await burnAlone(batch, ask);
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
