/** What JSON writes for characters that PostgreSQL does not store: NUL, and half of a surrogate pair. */
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i;

/** Tells whether PostgreSQL stores a text that `JSON.stringify` wrote. */
export function isStorableJson(json: string): boolean {
  return !unstorable.test(json);
}
