/** A source of numbers that gives the same ones on every machine. */
export interface Random {
  /** From 0 up to, not including, 1; 32 bits. */
  next(): number;
  /** A whole number from 0 up to, not including, `below`. */
  below(below: number): number;
  /** True with a probability of `share`. */
  chance(share: number): boolean;
  /** One item of a list. */
  pick<Item>(list: readonly Item[]): Item;
  /** One item of a list of pairs, each as likely as its weight. */
  weighted<Item>(list: readonly (readonly [item: Item, weight: number])[]): Item;
  /** `length` characters of an alphabet. */
  text(length: number, alphabet: string): string;
  /** A UUID of version 4. */
  uuid(): string;
}

/** Makes a source from a seed and the name of what it is for, so that one kind of row never disturbs another. */
export function createRandom(seed: number, name: string): Random {
  let state = mix(seed, name);

  /** Mulberry32, by Tommy Ettinger: 32 bits of state, whole-number arithmetic only. */
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word = (word + Math.imul(word ^ (word >>> 7), word | 61)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 4_294_967_296;
  }

  const below = (limit: number): number => Math.floor(next() * limit);
  const hex = (length: number): string => text(length, '0123456789abcdef');

  function pick<Item>(list: readonly Item[]): Item {
    const item = list[below(list.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  function weighted<Item>(list: readonly (readonly [item: Item, weight: number])[]): Item {
    let left = next() * list.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [item, weight] of list) {
      left -= weight;
      if (left < 0) return item;
    }
    return pick(list)[0];
  }

  function text(length: number, alphabet: string): string {
    let result = '';
    for (let index = 0; index < length; index += 1) result += alphabet.charAt(below(alphabet.length));
    return result;
  }

  return {
    next,
    below,
    chance: (share) => next() < share,
    pick,
    weighted,
    text,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${text(1, '89ab')}${hex(3)}-${hex(12)}`,
  };
}

function mix(seed: number, name: string): number {
  let hash = (seed ^ 0x811c9dc5) | 0;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash;
}
