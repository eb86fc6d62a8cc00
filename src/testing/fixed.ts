import type { Clock, Ids } from '../core/index.ts';

/** A clock that stands still until it is moved. */
export interface FixedClock extends Clock {
  /** Moves the clock forward, in milliseconds. */
  advance(milliseconds: number): void;
  /** Sets the clock. */
  set(time: Date | string): void;
}

/**
 * Makes a clock that stands still until it is moved.
 *
 * @example
 * ```ts
 * import { fixedClock } from 'tenantry/testing';
 *
 * const clock = fixedClock('2026-01-31T00:00:00Z');
 * clock.advance(1000);
 * clock().toISOString(); // '2026-01-31T00:00:01.000Z'
 * ```
 */
export function fixedClock(start: Date | string = '2026-01-01T00:00:00.000Z'): FixedClock {
  let now = new Date(start);
  const clock = (): Date => new Date(now);
  return Object.assign(clock, {
    advance(milliseconds: number): void {
      now = new Date(now.getTime() + milliseconds);
    },
    set(time: Date | string): void {
      now = new Date(time);
    },
  });
}

/**
 * Makes identifiers that count up, valid as UUIDv7: the same in every run.
 *
 * @example
 * ```ts
 * import { sequentialIds } from 'tenantry/testing';
 *
 * const ids = sequentialIds();
 * ids(); // '00000000-0000-7000-8000-000000000001'
 * ```
 */
export function sequentialIds(): Ids {
  let count = 0;
  return () => {
    count += 1;
    return `00000000-0000-7000-8000-${count.toString(16).padStart(12, '0')}`;
  };
}
