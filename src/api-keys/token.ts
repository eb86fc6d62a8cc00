import { hash, randomFillSync } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Whether a key is for real use or for tests; the library treats both alike. */
export type KeyEnvironment = 'live' | 'test';

/** The parts of a key's secret: `<prefix>_<environment>_<30 random characters><6 of checksum>`. */
export interface Token {
  readonly prefix: string;
  readonly environment: KeyEnvironment;
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const randomLength = 30;
const checksumLength = 6;
const shownLength = 4;

/** Words of letters and digits, parted by single underscores. */
const prefixPattern = /^(?=.{1,32}$)[a-z0-9]+(?:_[a-z0-9]+)*$/i;

/** Tells whether a text can be the prefix of keys: letters, digits and single underscores within, at most 32. */
export function isPrefix(text: string): boolean {
  return prefixPattern.test(text);
}

/** Makes a new secret: 30 characters of base62, which are 178 bits, behind the prefix and before the checksum. */
export function makeToken({ prefix, environment }: Token): string {
  const body = `${prefix}_${environment}_${randomBase62(randomLength)}`;
  return body + checksumOf(body);
}

/**
 * Parses a secret from the right, because a prefix may hold underscores; `undefined` when it does not have the form of a
 * key or its checksum is wrong. It needs no hash and no database.
 */
export function parseToken(text: string): Token | undefined {
  const end = text.length - checksumLength;
  const bodyStart = end - randomLength;
  const body = text.slice(0, end);
  if (bodyStart < 1 || text.charAt(bodyStart - 1) !== '_' || text.slice(end) !== checksumOf(body)) return undefined;
  const head = text.slice(0, bodyStart - 1);
  const parting = head.lastIndexOf('_');
  const prefix = head.slice(0, Math.max(parting, 0));
  const environment = head.slice(parting + 1);
  if (environment !== 'live' && environment !== 'test') return undefined;
  return isPrefix(prefix) && /^[0-9A-Za-z]+$/.test(text.slice(bodyStart)) ? { prefix, environment } : undefined;
}

/** The part of a secret that may be shown for ever: prefix, environment and 4 random characters. */
export function startOf(token: string): string {
  return token.slice(0, token.length - randomLength - checksumLength + shownLength);
}

/** The SHA-256 of a secret, as 64 lower-case hexadecimal characters. A slow hash adds nothing to 178 random bits. */
export function digestOf(secret: string): string {
  return hash('sha256', secret);
}

/** CRC32 of the text as 6 characters of base62; it finds typing errors and keys of another form, and proves nothing. */
function checksumOf(text: string): string {
  let rest = crc32(text);
  let result = '';
  for (let count = 0; count < checksumLength; count += 1) {
    result = alphabet.charAt(rest % 62) + result;
    rest = Math.floor(rest / 62);
  }
  return result;
}

/** 248 is the largest multiple of 62 in a byte; bytes from there on are thrown away, so that no character is favoured. */
function randomBase62(length: number): string {
  let result = '';
  while (result.length < length) {
    for (const byte of randomFillSync(new Uint8Array(length + 8))) {
      if (byte < 248 && result.length < length) result += alphabet.charAt(byte % 62);
    }
  }
  return result;
}
