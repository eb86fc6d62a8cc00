import { instantOf, wallOf } from './zone-time.ts';

/**
 * How often something begins anew. Periods are counted from an anchor; `once` never begins anew.
 */
export type Per = 'hour' | 'day' | 'week' | 'month' | 'year' | 'once';

/** A stretch of time; the end is not part of it. */
export interface Period {
  readonly start: Date;
  /** When the next period begins; `null` where none ever does. */
  readonly end: Date | null;
}

/** How periods are counted, beyond their kind. */
export interface PeriodOptions {
  /** How many of them make one: `every: 3` and `month` are quarters. A whole number from 1; 1 when absent. */
  readonly every?: number;
  /** The time zone whose clocks decide when a day, week, month or year begins; UTC when absent. */
  readonly zone?: string | undefined;
}

/** Since when a time zone counts. */
export interface ZoneChange {
  readonly zone: string;
  readonly at: Date;
}

const lengths = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 } as const;

/** A Monday, the first of a month, and the first of a year: where periods of the calendar are counted from. */
const calendarStart = Date.UTC(2018, 0, 1);

/**
 * The period that holds `now`, counted from the anchor. Months and years are computed from the anchor itself and never
 * from the period before, so an anchor on the 31st gives 28 or 29 February and then 31 March again. Every moment, also
 * before the anchor, lies in exactly one period. In a time zone, days and longer ones begin at the anchor's time of day as
 * the clocks there show it, in summer and winter.
 */
export function periodOf(anchor: Date, per: Per, now: Date, { every = 1, zone }: PeriodOptions = {}): Period {
  if (per === 'once') return { start: new Date(0), end: null };
  if (per === 'hour' || zone === undefined || zone === 'UTC') {
    const border = borders(anchor.getTime(), per, every);
    return between(border, countBefore(anchor.getTime(), per, every, now.getTime()), now.getTime());
  }
  const wall = wallOf(anchor.getTime(), zone);
  const border = borders(wall, per, every);
  const count = countBefore(wall, per, every, wallOf(now.getTime(), zone));
  return between((index) => instantOf(border(index), zone), count, now.getTime());
}

/**
 * The period that holds `now` where the time zone was changed: the period of the moment of a change ends as it would have
 * ended, and from there on the borders are those of the new zone. So a change is no way to a fresh period, and periods
 * still follow one another without gap or overlap.
 *
 * @param changes In the order of time; the first counts from ever.
 */
export function periodInZones(
  anchor: Date | 'calendar',
  per: Per,
  now: Date,
  { every = 1, changes }: { readonly every?: number; readonly changes: readonly ZoneChange[] },
): Period {
  const periodIn = ({ zone, since }: Reign, moment: number): Period => {
    const from = anchor === 'calendar' ? new Date(instantOf(calendarStart, zone)) : anchor;
    const { start, end } = periodOf(from, per, new Date(moment), { every, zone });
    return { start: new Date(Math.max(start.getTime(), since)), end };
  };
  const [first, ...later] = changes;
  const reigns: [Reign, ...Reign[]] = [{ zone: first?.zone ?? 'UTC', since: Number.NEGATIVE_INFINITY }];
  let last = reigns[0];
  for (const { zone, at } of later) {
    const time = at.getTime();
    // A second change within one period takes the place of the first, which never came to count.
    const since = time < last.since ? last.since : (periodIn(last, time).end?.getTime() ?? Number.POSITIVE_INFINITY);
    last = { zone, since };
    reigns.push(last);
  }
  return periodIn(reigns.findLast(({ since }) => since <= now.getTime()) ?? reigns[0], now.getTime());
}

/** From when on the clocks of a zone count. */
interface Reign {
  readonly zone: string;
  readonly since: number;
}

/** The borders of periods by their number, 0 at the anchor. */
function borders(anchor: number, per: Exclude<Per, 'once'>, every: number): (count: number) => number {
  if (per === 'month' || per === 'year') {
    const months = every * (per === 'month' ? 1 : 12);
    return (count) => addMonths(anchor, count * months);
  }
  return (count) => anchor + count * every * lengths[per];
}

/** About how many periods lie between the anchor and a moment. */
function countBefore(anchor: number, per: Exclude<Per, 'once'>, every: number, now: number): number {
  if (per !== 'month' && per !== 'year') return Math.floor((now - anchor) / (every * lengths[per]));
  const [from, to] = [new Date(anchor), new Date(now)];
  const apart = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
  return Math.floor(apart / (every * (per === 'month' ? 1 : 12)));
}

/** The period of which `count` is about the number: near a border the day, the time and the clocks decide. */
function between(border: (count: number) => number, count: number, now: number): Period {
  let index = count;
  let start = border(index);
  while (start > now) {
    index -= 1;
    start = border(index);
  }
  let end = border(index + 1);
  while (end <= now) {
    index += 1;
    start = end;
    end = border(index + 1);
  }
  return { start: new Date(start), end: new Date(end) };
}

/** The same day and time so many months later, or the month's last day where it is shorter. */
function addMonths(time: number, months: number): number {
  const date = new Date(time);
  const moved = new Date(time);
  moved.setUTCDate(1);
  moved.setUTCMonth(date.getUTCMonth() + months);
  const lastDay = new Date(Date.UTC(moved.getUTCFullYear(), moved.getUTCMonth() + 1, 0)).getUTCDate();
  return moved.setUTCDate(Math.min(date.getUTCDate(), lastDay));
}
