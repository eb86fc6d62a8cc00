import { isUuid, TenantryError } from '../core/index.ts';
import { isMoment } from '../core/moment.ts';
import { refuse } from './check-shape.ts';
import { pruneRows } from './prune-store.ts';
import type { Toolbox } from './toolbox.ts';
import type { Usage } from './usage-interface.ts';

const hour = 3_600_000;
/** How many rows one statement looks at. */
const atOnce = 2000;

/** Makes what deletes of usage what nobody needs any more. */
export function createPrune(
  { db, clock, joinedOf, typed }: Pick<Toolbox, 'db' | 'clock' | 'joinedOf' | 'typed'>,
  lateHours: number,
): Usage['prune'] {
  function checkTime(path: string, time: Date, latest: number, problem: string): void {
    if (!isMoment(time)) refuse(path, 'must be a date');
    if (time.getTime() > latest) refuse(path, problem);
  }

  return async ({ before, historyBefore, tenantId }, options = {}) => {
    // A late unit bears the time at which it was used, and its key has to last as long as it may be sent again.
    const latest = clock().getTime() - (lateHours + 24) * hour;
    checkTime('before', before, latest, `must be ${lateHours + 24} hours ago or more, since late units are taken`);
    if (historyBefore !== undefined) {
      checkTime('historyBefore', historyBefore, before.getTime(), 'must not be later than `before`');
    }
    if (tenantId !== undefined && !isUuid(tenantId)) throw new TenantryError('tenant_not_found', { tenant: tenantId });
    const handle = joinedOf(options) ?? db;
    const input = { before, historyBefore: historyBefore ?? null, tenantId: tenantId ?? null, atOnce };
    return typed('plans.usage.prune', () => pruneRows(handle, input));
  };
}
