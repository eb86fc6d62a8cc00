/** What JSON writes for characters that PostgreSQL does not store: NUL, and half of a surrogate pair. */
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i;

/**
 * Writes the application's own facts, an object, as JSON that PostgreSQL stores, of so many bytes at most; throws what
 * `wrong` makes of a problem.
 */
export function storableJson(facts: unknown, mostBytes: number, wrong: (problem: string) => Error): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(facts);
  } catch {
    throw wrong('cannot be written as JSON');
  }
  if (json?.startsWith('{') !== true) throw wrong('must be an object');
  if (Buffer.byteLength(json) > mostBytes) throw wrong(`must have at most ${mostBytes} bytes as JSON`);
  if (unstorable.test(json)) throw wrong('holds a character that cannot be stored');
  return json;
}
