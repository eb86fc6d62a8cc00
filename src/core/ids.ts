import { randomFillSync } from 'node:crypto';

/** Makes a new identifier, a UUID in its text form. */
export type Ids = () => string;

const pool = new Uint8Array(16 * 256);
let used = pool.length;
let lastMillisecond = 0;
let sequence = 0;

/** The two digits of each byte. */
const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
let shownMillisecond = -1;
let shown = '';

/**
 * Makes a UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then 12 bits that count up within one millisecond of this
 * process, then 62 random bits. Identifiers of one process therefore sort in the order in which they were made, also
 * when the clock steps back.
 *
 * @param now Unix milliseconds, a whole number below 2^48.
 *
 * @example
 * ```ts
 * import { uuidv7 } from 'tenantry/core';
 *
 * const id = uuidv7(); // '0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90'
 * ```
 */
export function uuidv7(now: number = Date.now()): string {
  if (!Number.isInteger(now) || now >= 2 ** 48) throw new RangeError('a UUIDv7 takes whole milliseconds below 2^48');
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const at = used;
  used += 16;
  if (now > lastMillisecond) {
    lastMillisecond = now;
    sequence = ((pool[at + 6] ?? 0) & 0x07) << 8;
  } else {
    sequence += 1;
    if (sequence > 0xfff) {
      lastMillisecond += 1;
      sequence = 0;
    }
  }
  if (shownMillisecond !== lastMillisecond) {
    const milliseconds = lastMillisecond.toString(16).padStart(12, '0');
    shown = `${milliseconds.slice(0, 8)}-${milliseconds.slice(8)}-7`;
    shownMillisecond = lastMillisecond;
  }
  const byte = (index: number): string => digits[pool[at + index] ?? 0] ?? '';
  const counter = `${(sequence >> 8).toString(16)}${digits[sequence & 0xff]}`;
  const variant = digits[((pool[at + 8] ?? 0) & 0x3f) | 0x80];
  return `${shown}${counter}-${variant}${byte(9)}-${byte(10)}${byte(11)}${byte(12)}${byte(13)}${byte(14)}${byte(15)}`;
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Tells whether a value is a UUID in its text form.
 *
 * @example
 * ```ts
 * import { isUuid } from 'tenantry/core';
 *
 * isUuid('0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90'); // true
 * isUuid('acme'); // false
 * ```
 */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && uuidPattern.test(value);
}
