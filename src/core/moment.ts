const [first, last] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')];

/** Tells whether a value is a date that can be stored and written: a valid one, of the years 1 to 9999. */
export function isMoment(value: unknown): value is Date {
  return value instanceof Date && value.getTime() >= first && value.getTime() <= last;
}
