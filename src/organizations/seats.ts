import { graceEnd, type SeatPolicy, seatStanding, TenantryError } from '../core/index.ts';
import type { AnyDatabase, CallOptions } from '../database/index.ts';
import { type ActOptions, readActor, requirePermission } from './authority.ts';
import { behindLock } from './decide.ts';
import { readSeats, readTenantId } from './input.ts';
import type { Seats } from './organization.ts';
import { findSeats, recountSeats, type SeatCounts, updateSeatsBought } from './seat-store.ts';
import type { Toolbox } from './toolbox.ts';

/** What may be done to seats takes this permission. */
const managesSeats = 'seats:manage';

/** Reads the policy, or throws `config_invalid`. */
export function readSeatPolicy(policy: SeatPolicy): SeatPolicy {
  const { graceDays = 0 } = policy;
  if (!['block', 'read-only', 'allow'].includes(policy.policy)) {
    throw new TenantryError('config_invalid', {
      path: 'whenSeatsExceeded.policy',
      problem: 'is block, read-only or allow',
    });
  }
  if (!(Number.isFinite(graceDays) && graceDays >= 0 && graceDays <= 3650)) {
    throw new TenantryError('config_invalid', { path: 'whenSeatsExceeded.graceDays', problem: 'is a number of days' });
  }
  return policy;
}

/** The methods that speak of seats. */
export interface SeatMethods {
  seats(tenantId: string, options?: CallOptions): Promise<Seats>;
  setSeats(tenantId: string, bought: number | null, options?: ActOptions): Promise<Seats>;
  recountSeats(tenantId: string, options?: CallOptions): Promise<Seats>;
}

/** Makes the seats of `createOrganizations`. */
export function createSeats(toolbox: Toolbox, policy: SeatPolicy): SeatMethods {
  const { db, clock, seatRule, changing, publish, authorityOf } = toolbox;

  function seatsOf({ bought, taken, held, exceededAt }: SeatCounts): Seats {
    const free = bought === null ? null : Math.max(0, bought - taken - held);
    const standing = seatStanding(policy, { bought, taken, exceededAt }, clock());
    const { graceDays = 0 } = policy;
    return {
      bought,
      taken,
      held,
      free,
      exceeded:
        standing === 'within'
          ? null
          : { since: exceededAt, graceUntil: graceDays === 0 ? null : graceEnd(policy, exceededAt), standing },
    };
  }

  function found<Counts>(counts: Counts | null, tenantId: string): Counts {
    if (counts === null) throw new TenantryError('organization_not_found', { organization: tenantId });
    return counts;
  }

  return {
    async seats(tenantId, options) {
      return seatsOf(found(await findSeats(options?.db ?? db, readTenantId(tenantId), clock()), tenantId));
    },

    async setSeats(tenantId, bought, options) {
      const wanted = readSeats(bought, 0);
      const by = readActor(options?.by);
      readTenantId(tenantId);
      const read = async (handle: AnyDatabase) => {
        const authority = await authorityOf(handle, tenantId, by);
        requirePermission(authority, managesSeats);
        return authority;
      };
      return changing(options, async (tx) => {
        const counts = found(await updateSeatsBought(tx, tenantId, read, wanted, clock()), tenantId);
        const { taken, held, previousBought } = counts;
        if (wanted !== previousBought) {
          const data = { bought: wanted, taken, held, previousBought, previousTaken: taken, previousHeld: held };
          await publish({ name: 'seats.changed', tenantId, data }, tx, by);
        }
        return seatsOf(counts);
      });
    },

    async recountSeats(tenantId, options) {
      readTenantId(tenantId);
      return changing(
        options,
        (tx) =>
          behindLock(tx, tenantId, async () => {
            const { before, after } = found(await recountSeats(tx, seatRule, tenantId, clock()), tenantId);
            const { bought, taken, held } = after;
            if (taken !== before.taken || held !== before.held) {
              const previous = { previousBought: bought, previousTaken: before.taken, previousHeld: before.held };
              const data = { bought, taken, held, ...previous };
              await publish({ name: 'seats.changed', tenantId, data }, tx, undefined);
            }
            return seatsOf(after);
          }),
        true,
      );
    },
  };
}
