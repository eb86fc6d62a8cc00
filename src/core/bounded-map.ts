/** A map that keeps the entries that were used last and forgets the others. */
export interface BoundedMap<Key, Value> {
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): void;
  delete(key: Key): void;
  clear(): void;
  /** How many entries it holds, some of them perhaps twice. */
  readonly size: number;
}

/**
 * Makes a map that holds at most `max` entries. It keeps two halves: what is used moves into the young one, and when that
 * is full, it becomes the old one and what nobody used since is forgotten. A read of a young entry moves nothing.
 */
export function createBoundedMap<Key, Value>(max: number): BoundedMap<Key, Value> {
  const half = Math.max(1, Math.floor(max / 2));
  let young = new Map<Key, Value>();
  let old = new Map<Key, Value>();

  function put(key: Key, value: Value): void {
    if (young.size >= half && !young.has(key)) {
      old = max < 2 ? new Map() : young;
      young = new Map();
    }
    young.set(key, value);
  }

  return {
    get(key) {
      const value = young.get(key);
      if (value !== undefined) return value;
      const before = old.get(key);
      if (before !== undefined) put(key, before);
      return before;
    },
    set: put,
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
    clear() {
      young.clear();
      old.clear();
    },
    get size() {
      return young.size + old.size;
    },
  };
}
