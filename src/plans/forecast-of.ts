import type { MeterState } from './meter-state.ts';
import type { Forecast } from './usage-interface.ts';

const day = 86_400_000;

/** What is known of the recent past. */
export interface RecentUse {
  readonly state: Pick<MeterState, 'used' | 'remaining' | 'resetsAt'>;
  /** Units used since `since`. */
  readonly units: number;
  readonly since: Date;
  readonly now: Date;
}

/**
 * When a quota will be used up, if it goes on as it did since a moment. It needs no database.
 *
 * @example
 * ```ts
 * import { forecastOf } from 'tenantry/plans';
 *
 * forecastOf({
 *   state: { used: 300, remaining: 200, resetsAt: new Date('2026-06-01T00:00:00Z') },
 *   units: 100,
 *   since: new Date('2026-05-10T00:00:00Z'),
 *   now: new Date('2026-05-11T00:00:00Z'),
 * }); // at 100 a day it is used up on 13 May
 * ```
 */
export function forecastOf({ state, units, since, now }: RecentUse): Forecast {
  const { used, remaining, resetsAt } = state;
  // A first minute is no trend: less than an hour counts as one.
  const elapsed = Math.max(3_600_000, now.getTime() - since.getTime());
  const pace = units / elapsed;
  const left = resetsAt === null ? null : Math.max(0, resetsAt.getTime() - now.getTime());
  const emptyIn = remaining === 'unlimited' ? null : remaining === 0 ? 0 : pace > 0 ? remaining / pace : null;
  const lasts = emptyIn === null || (left !== null && emptyIn >= left) || emptyIn > 100 * 365 * day;
  return {
    used,
    remaining,
    perDay: pace * day,
    exhaustsAt: lasts ? null : new Date(now.getTime() + Math.ceil(emptyIn)),
    usedAtEnd: left === null ? null : Math.round(used + pace * left),
  };
}
