import { createHmac, type KeyObject } from 'node:crypto';

/** Visible ASCII without the dot, which parts the signed text: with it, one signature would fit two messages. */
const idPattern = /^[\x21-\x2d\x2f-\x7e]{1,256}$/;

/** Tells whether a text can be the id of a message. */
export function isMessageId(text: string): boolean {
  return idPattern.test(text);
}

const timestampPattern = /^\d{1,12}$/;

/** Tells whether a text can be the time of a message, in Unix seconds. */
export function isTimestamp(text: string): boolean {
  return timestampPattern.test(text);
}

/** The time of a message as it is sent: a Date, or whole Unix seconds. */
export function timestampText(timestamp: Date | number): string {
  const seconds = String(typeof timestamp === 'number' ? timestamp : Math.floor(timestamp.getTime() / 1000));
  if (!isTimestamp(seconds)) throw new TypeError('the timestamp of a webhook must be a Date, or whole Unix seconds');
  return seconds;
}

/**
 * HMAC-SHA256 over `prefix` (ASCII) and the bytes of the body, which are never joined or decoded. It is asked for as a text:
 * Node makes that faster than a Buffer.
 */
export function hmacOf(
  key: KeyObject,
  prefix: string,
  body: string | Uint8Array,
  encoding: 'base64' | 'hex' = 'base64',
): string {
  return createHmac('sha256', key).update(prefix, 'latin1').update(body).digest(encoding);
}

/** `prefix` and the body in one piece, as an asymmetric signature needs them. */
export function joined(prefix: string, body: string | Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(prefix), typeof body === 'string' ? Buffer.from(body) : body]);
}
