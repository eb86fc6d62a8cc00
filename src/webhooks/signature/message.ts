import { createHmac } from 'node:crypto';
import type { WebhookKey } from './webhook-key.ts';

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

/** The v1 signature of `id.timestamp.body` (Standard Webhooks 1.0.0), as base64 of 44 characters. */
export function hmacOf(key: WebhookKey, id: string, timestamp: string, body: string | Uint8Array): string {
  return createHmac('sha256', key.key).update(`${id}.${timestamp}.`).update(body).digest('base64');
}
