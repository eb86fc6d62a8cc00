import { type Clock, type HeadersLike, systemClock } from '../../core/index.ts';
import { bodyLength, type WebhookBody } from './body.ts';

/** What arrived, and how strictly it is looked at; the same for every scheme. */
export interface WebhookRequest {
  /** The headers of the request, in any form and case. */
  readonly headers: HeadersLike;
  /** The body exactly as it arrived. */
  readonly body: WebhookBody;
  readonly clock?: Clock;
  /** How far the message's time may lie in the past or in the future, in seconds; 300 when absent. */
  readonly toleranceSeconds?: number;
  /** How many bytes the body may have; 1 MiB when absent. */
  readonly maxBodyBytes?: number;
}

/**
 * Why a webhook was refused. `invalid_headers`: an id with a dot, more than 16 signatures, or more than 4 KiB of
 * headers. `no_key`: the list of secrets is empty. `invalid_payload`: verified, but no JSON (only where it is parsed).
 */
export type WebhookRefusal =
  | 'no_key'
  | 'missing_headers'
  | 'invalid_headers'
  | 'invalid_timestamp'
  | 'timestamp_out_of_tolerance'
  | 'body_too_large'
  | 'no_matching_signature'
  | 'invalid_payload';

/** A webhook that was refused, and why. */
export interface RefusedWebhook {
  readonly ok: false;
  readonly reason: WebhookRefusal;
}

/** Most signatures that are tried. */
export const mostSignatures = 16;
/** Most characters of headers that are looked at. */
export const mostHeaderCharacters = 4096;
/** How many bytes a body may have where nothing else is said. */
export const defaultMaxBodyBytes = 1_048_576;

/** A refusal as a value. */
export function refused(reason: WebhookRefusal): RefusedWebhook {
  return { ok: false, reason };
}

/** Tells whether a time, in Unix seconds, is near enough to the present one, before or after it. */
export function isTimely(
  seconds: number,
  { clock = systemClock, toleranceSeconds = 300 }: Pick<WebhookRequest, 'clock' | 'toleranceSeconds'>,
): boolean {
  if (!(toleranceSeconds >= 0)) throw new TypeError('toleranceSeconds must be a number of seconds, 0 or more');
  return Math.abs(Math.floor(clock().getTime() / 1000) - seconds) <= toleranceSeconds;
}

/** Tells whether a body has more bytes than it may. */
export function isTooLarge(
  body: string | Uint8Array,
  { maxBodyBytes = defaultMaxBodyBytes }: Pick<WebhookRequest, 'maxBodyBytes'>,
): boolean {
  return bodyLength(body) > maxBodyBytes;
}
