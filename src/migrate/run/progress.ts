import type { MigrationHold } from './hold.ts';

/** What a runner tells while it works. */
export interface MigrationProgress {
  readonly stage: string;
  readonly step: string;
  readonly table: string | null;
  /** Rows done in this step so far. */
  readonly rows: number;
  /** Rows that the step has in all, as estimated when it began; 0 where a step has no rows. */
  readonly total: number;
  readonly rowsPerSecond: number;
  /** Seconds left in this step, as far as can be told; null when it cannot. */
  readonly secondsLeft: number | null;
  /** Steps done, this one included when `finished`. */
  readonly stepsDone: number;
  readonly stepsTotal: number;
  readonly finished: boolean;
  /** Why it does not go on at this moment; absent while it does. */
  readonly hold?: MigrationHold;
}

/** Receives progress. It is called often and must return at once. */
export type OnProgress = (progress: MigrationProgress) => void;

/** Computes rate and time left from what was done since a start, in milliseconds. */
export function paceOf(
  rows: number,
  total: number,
  milliseconds: number,
): { rowsPerSecond: number; secondsLeft: number | null } {
  if (milliseconds <= 0 || rows <= 0) return { rowsPerSecond: 0, secondsLeft: null };
  const rowsPerSecond = (rows * 1000) / milliseconds;
  return { rowsPerSecond: Math.round(rowsPerSecond), secondsLeft: total > rows ? (total - rows) / rowsPerSecond : 0 };
}
