/** Makes what a handler throws to refuse a request. `expose` says that the message is meant for the caller. */
export function refusal(status: number, message: string): Error {
  return Object.assign(new Error(message), { status, expose: true });
}

/** Gives what was found. What is not there, and what is another tenant's, is refused with the same words. */
export function found<Row>(row: Row | null | undefined, what: string): Row {
  if (row === null || row === undefined) throw refusal(404, `there is no such ${what} here`);
  return row;
}

/** Reads the number of a row out of a path; what can be no such number is not there either. */
export function numberIn(path: string, what: string): number {
  const number = /^[1-9]\d{0,14}$/.test(path) ? Number(path) : Number.NaN;
  return found(number <= 2_147_483_647 ? number : null, what);
}
