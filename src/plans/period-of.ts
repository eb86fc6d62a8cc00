import { isMoment } from '../core/moment.ts';
import { periodOf as countPeriod, type Per, type Period, type PeriodOptions } from '../core/period-of.ts';
import { isTimeZone } from '../core/zone-time.ts';
import { oneOf, refuse, whole } from './check-shape.ts';

/**
 * The period that holds `now`, counted from the anchor. Months and years are computed from the anchor itself and never
 * from the period before, so an anchor on the 31st gives 28 or 29 February and then 31 March again. Every moment, also
 * before the anchor, lies in exactly one period. In a time zone, days and longer ones begin at the anchor's time of day as
 * the clocks there show it, in summer and winter.
 *
 * @throws TenantryError `config_invalid` for a date that is none, another kind of period, an `every` that is no whole
 * number from 1 to 1,000, or a time zone that the platform does not know.
 *
 * @example
 * ```ts
 * import { periodOf } from 'tenantry/plans';
 *
 * const { start, end } = periodOf(new Date('2026-01-31T09:00:00Z'), 'month', new Date('2026-03-01T00:00:00Z'));
 * start.toISOString(); // '2026-02-28T09:00:00.000Z'
 * end?.toISOString(); // '2026-03-31T09:00:00.000Z'
 * ```
 */
export function periodOf(anchor: Date, per: Per, now: Date, options: PeriodOptions = {}): Period {
  for (const [path, date] of [['anchor', anchor] as const, ['now', now] as const]) {
    if (!isMoment(date)) refuse(path, 'must be a date of the years 1 to 9999');
  }
  oneOf('per', per, ['hour', 'day', 'week', 'month', 'year', 'once']);
  const { every = 1, zone } = options;
  whole('every', every, 1, 1000);
  if (zone !== undefined && !isTimeZone(zone)) {
    refuse('zone', 'is no time zone that the platform knows, such as Europe/Berlin');
  }
  return countPeriod(anchor, per, now, { every, zone });
}
