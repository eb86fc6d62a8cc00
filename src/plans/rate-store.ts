/** Calls that want to be counted, in order. */
export interface RateSpending {
  readonly tenantId: string;
  /** What counts together within the tenant. */
  readonly name: string;
  /** Microseconds since 1970. */
  readonly now: number;
  /** The limit, in microseconds: `step` is what one call costs, `room` how far ahead the stored time may be. */
  readonly rate: { readonly step: number; readonly room: number };
  /** What each call counts for. */
  readonly costs: readonly number[];
}

/** What was granted: so many of the calls, the first ones, and the theoretical arrival time after them. */
export interface RateSpent {
  readonly calls: number;
  /** Microseconds since 1970. */
  readonly tat: number;
}

/**
 * Where rate limits are counted: a database, a Redis, or whatever else can change one number at a time. The calls are
 * granted in order, as far as they fit; nothing is spent for those that do not.
 */
export interface RateStore {
  /** Counts calls in one step that nobody comes between. It rejects when the store cannot be reached. */
  spend(spending: RateSpending): Promise<RateSpent>;
}
