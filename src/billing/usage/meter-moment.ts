/** For how long after a period the provider's invoice is a draft that takes further usage. */
const draftMilliseconds = 3_600_000;

/**
 * The moment under which usage is told, which decides on which invoice it comes: within the billing period in which it
 * happened as long as that period's invoice is open, and now when it is too late for that. So late usage comes on the next
 * invoice, and none is lost or billed twice.
 */
export function meterMoment({
  usedIn,
  billingStart,
  now,
}: {
  /** When the period of the quota began in which it was used. */
  readonly usedIn: Date;
  /** When the running billing period began; null where nobody knows. */
  readonly billingStart: Date | null;
  readonly now: Date;
}): Date {
  if (billingStart === null || usedIn >= billingStart) return now;
  const since = now.getTime() - billingStart.getTime();
  return since >= 0 && since < draftMilliseconds ? new Date(billingStart.getTime() - 1000) : now;
}
