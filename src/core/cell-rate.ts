/** How often something may be done: so many times in a second, minute, hour or day. */
export interface RateLimit {
  /** A whole number from 1; at most 10,000 for each second. */
  readonly limit: number;
  readonly per: 'second' | 'minute' | 'hour' | 'day';
  /** How many may come at once after a pause; `limit` when absent. */
  readonly burst?: number;
}

/**
 * A rate limit as the generic cell rate algorithm counts it, in microseconds. It equals a bucket of `room / step` tokens
 * into which one falls each `step`, and needs one number to be kept: the theoretical arrival time.
 */
export interface CellRate {
  readonly step: number;
  readonly room: number;
}

/** What a client is told of a rate limit. */
export interface RateState {
  readonly limit: number;
  readonly per: RateLimit['per'];
  /** How many calls may follow at once. */
  readonly remaining: number;
  /** When all of them may come again. */
  readonly resetsAt: Date;
}

const lengths = { second: 1e6, minute: 60e6, hour: 3600e6, day: 86_400e6 } as const;
const mostInSecond = 10_000;

/** What is wrong with a rate limit, and where; undefined when nothing is. */
export function rateProblem(value: RateLimit): { readonly field: string; readonly problem: string } | undefined {
  const { limit, per, burst = limit } = value;
  const length = Object.hasOwn(lengths, per) ? lengths[per] : undefined;
  if (length === undefined) return { field: 'per', problem: 'must be second, minute, hour or day' };
  for (const [field, number] of Object.entries({ limit, burst })) {
    if (!Number.isSafeInteger(number) || number < 1) return { field, problem: 'must be a whole number from 1' };
  }
  if (limit > (length / 1e6) * mostInSecond) {
    return { field: 'limit', problem: `is at most ${mostInSecond} for each second` };
  }
  return burst > 1e9 ? { field: 'burst', problem: 'is at most 1000000000' } : undefined;
}

/** The rate limit in the terms of the algorithm. A step is rounded up: in the long run never more than the limit. */
export function cellRateOf({ limit, per, burst = limit }: RateLimit): CellRate {
  const step = Math.ceil(lengths[per] / limit);
  return { step, room: step * burst };
}

/** The state that a theoretical arrival time makes at a moment; both in microseconds. */
export function rateStateOf({ limit, per, burst = limit }: RateLimit, tat: number, now: number): RateState {
  const { step, room } = cellRateOf({ limit, per, burst });
  const ahead = Math.min(Math.max(tat, now), now + room);
  return {
    limit,
    per,
    remaining: Math.floor((now + room - ahead) / step),
    resetsAt: new Date(Math.ceil(ahead / 1000)),
  };
}

/** When so many calls more will fit, in microseconds. */
export function freeAt(rate: CellRate, tat: number, calls = 1): number {
  return tat + rate.step * calls - rate.room;
}
