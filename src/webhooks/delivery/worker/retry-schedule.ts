/** When a delivery is tried again. */
export interface RetryOptions {
  /** Seconds between one attempt and the next; 5 s, 5 m, 30 m, 2 h, 5 h, 10 h and 10 h when absent. */
  readonly steps?: readonly number[];
  /** Seconds that are waited at least after an answer 429 and after a timeout; 60 when absent. */
  readonly afterOverload?: number;
}

/** The schedule of Svix: 8 attempts in about 28 hours. */
export const defaultSteps: readonly number[] = [5, 300, 1800, 7200, 18_000, 36_000, 36_000];

/** What is known when an attempt failed. */
export interface FailedTry {
  /** How many attempts there were in this round, this one with them. */
  readonly tries: number;
  /** Whether the endpoint had too much to do. */
  readonly overload: boolean;
  /** The seconds that it asked for; null when it did not. */
  readonly retryAfter: number | null;
  /** Names the delivery, so that each has delays of its own. */
  readonly key: string;
}

/**
 * The seconds until the next attempt, 20 % more or less, so that what failed together does not come back together; null
 * when there is none. What the endpoint asked for holds between once and twice the step, which after an overload is
 * `afterOverload` at least.
 */
export function retryDelay(
  { tries, overload, retryAfter, key }: FailedTry,
  { steps = defaultSteps, afterOverload = 60 }: RetryOptions = {},
): number | null {
  const step = steps[tries - 1];
  if (step === undefined) return null;
  const least = overload ? Math.max(step, afterOverload) : step;
  if (retryAfter !== null) return Math.min(Math.max(retryAfter, least), 2 * least);
  const spread = step * (0.8 + 0.4 * fractionOf(`${key} ${tries}`));
  return overload ? Math.max(spread, afterOverload) : spread;
}

/** A number from 0 to 1 that a text always gives (FNV-1a, mixed): the schedule of a delivery can be computed again. */
export function fractionOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  hash = Math.imul(hash ^ (hash >>> 13), 0x45d9f3b);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** Reads a `retry-after`: seconds, or a date (RFC 9110). Null when there is none, or it cannot be read. */
export function readRetryAfter(value: string | null, now: Date): number | null {
  if (value === null) return null;
  const text = value.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const date = /^[A-Za-z]{3}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, (date - now.getTime()) / 1000);
}
