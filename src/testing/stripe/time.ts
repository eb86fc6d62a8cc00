import type { Clock } from '../../core/index.ts';
import type { FixedClock } from '../fixed.ts';

/** The time at the fake. */
export interface Time {
  readonly clock: Clock;
  /** Whole seconds since 1970. */
  seconds(): number;
  /** Moves to a time in seconds. */
  set(seconds: number): void;
}

/** Makes a time from a clock: one that can be set is set, another is left as it is and counted on from. */
export function createTime(given: Clock | FixedClock): Time {
  let ahead = 0;
  const clock: Clock = 'set' in given ? given : () => new Date(given().getTime() + ahead);
  return {
    clock,
    seconds: () => Math.floor(clock().getTime() / 1000),
    set(seconds) {
      const to = seconds * 1000;
      if (to <= clock().getTime()) return;
      if ('set' in given) given.set(new Date(to));
      else ahead += to - clock().getTime();
    },
  };
}
