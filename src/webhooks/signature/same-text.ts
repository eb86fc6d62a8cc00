import { timingSafeEqual } from 'node:crypto';

interface Pair {
  readonly one: Buffer;
  readonly other: Buffer;
}

/** A pair of buffers for each length that signatures have, used over and over. */
const base64 = pairOf(44);
const hex = pairOf(64);

function pairOf(length: number): Pair {
  return { one: Buffer.alloc(length), other: Buffer.alloc(length) };
}

/**
 * Compares two ASCII texts in a time that depends on their length alone. Signatures are compared as they are written:
 * decoding first would take texts for equal that differ, as in the unused bits of the last base64 letter.
 */
export function sameText(expected: string, given: string): boolean {
  const { length } = expected;
  if (given.length !== length) return false;
  const { one, other } = length === 44 ? base64 : length === 64 ? hex : pairOf(length);
  // Letters beyond ASCII take several bytes: what does not fit is not written, and an earlier text would show through.
  if (one.write(expected, 'latin1') !== length || other.write(given, 'utf8') !== length) return false;
  return timingSafeEqual(one, other);
}
