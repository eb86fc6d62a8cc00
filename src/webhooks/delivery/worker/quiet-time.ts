/**
 * How long an endpoint may have been sent nothing, in milliseconds, for a further failure to count as of the same time of
 * failing: two days of five. Between the notice after three days and the end after five there is then always an attempt, so
 * that no endpoint is disabled whose tenant was not told, and none for two failures with a silent week between them.
 */
export function quietTime(disableAfterMilliseconds: number): number {
  return disableAfterMilliseconds * 0.4;
}
