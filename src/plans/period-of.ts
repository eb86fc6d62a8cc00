import type { Per } from './plan-definitions.ts';

/** A stretch of time; the end is not part of it. */
export interface Period {
  readonly start: Date;
  /** When the next period begins; `null` where none ever does. */
  readonly end: Date | null;
}

const lengths = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 } as const;

/**
 * The period that holds `now`, counted in UTC from the anchor. Months and years are computed from the anchor itself and
 * never from the period before, so an anchor on the 31st gives 28 or 29 February and then 31 March again. Every moment,
 * also before the anchor, lies in exactly one period.
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
export function periodOf(anchor: Date, per: Per, now: Date): Period {
  if (per === 'once') return { start: new Date(0), end: null };
  if (per === 'month' || per === 'year') return calendarPeriod(anchor, per === 'month' ? 1 : 12, now);
  const length = lengths[per];
  const count = Math.floor((now.getTime() - anchor.getTime()) / length);
  const start = anchor.getTime() + count * length;
  return { start: new Date(start), end: new Date(start + length) };
}

function calendarPeriod(anchor: Date, months: number, now: Date): Period {
  const apart = (now.getUTCFullYear() - anchor.getUTCFullYear()) * 12 + now.getUTCMonth() - anchor.getUTCMonth();
  let count = Math.floor(apart / months);
  // In the month of a border, the day and the time decide whether that border was reached.
  if (addMonths(anchor, count * months) > now) count -= 1;
  return { start: addMonths(anchor, count * months), end: addMonths(anchor, (count + 1) * months) };
}

/** The same day and time so many months later, or the month's last day where it is shorter. */
function addMonths(date: Date, months: number): Date {
  const moved = new Date(date);
  moved.setUTCDate(1);
  moved.setUTCMonth(date.getUTCMonth() + months);
  const lastDay = new Date(Date.UTC(moved.getUTCFullYear(), moved.getUTCMonth() + 1, 0)).getUTCDate();
  moved.setUTCDate(Math.min(date.getUTCDate(), lastDay));
  return moved;
}
