import { periodOf } from '../../../core/period-of.ts';
import type { Recurring } from '../rows.ts';

/** A stretch of time in seconds; the end is not part of it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The period of a recurring price that holds a moment, counted from the anchor: month ends do not creep. */
export function periodAt(anchor: number, recurring: Recurring, at: number): Span {
  const { start, end } = periodOf(new Date(anchor * 1000), recurring.interval, new Date(at * 1000), {
    every: recurring.interval_count,
  });
  return { start: seconds(start), end: seconds(end ?? start) };
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

/** Lengths in seconds. */
export const hour = 3600;
export const day = 86_400;
