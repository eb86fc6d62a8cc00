import { type HeadersLike, readHeader } from '../../core/index.ts';
import { bodyBytes } from './body.ts';
import { isMessageId, isTimestamp } from './message.ts';
import {
  isTimely,
  isTooLarge,
  mostHeaderCharacters,
  mostSignatures,
  type RefusedWebhook,
  refused,
  type WebhookRequest,
} from './verification-rules.ts';

/** A message by Standard Webhooks of which everything but the signature was looked at. */
export interface SignedMessage {
  readonly ok: true;
  readonly id: string;
  /** The time as it was sent, in Unix seconds. */
  readonly seconds: number;
  /** What was signed before the body: `id.timestamp.` */
  readonly prefix: string;
  readonly body: string | Uint8Array;
  /** Each with its label: `v1,…` */
  readonly signatures: readonly string[];
}

/** Looks at everything that needs no key, the cheap things first. */
export function readSigned(request: WebhookRequest): SignedMessage | RefusedWebhook {
  const body = bodyBytes(request.body);
  const { headers } = request;
  const own = readFamily(headers, 'webhook-id', 'webhook-timestamp', 'webhook-signature', request, body);
  if (own.ok || own.reason !== 'missing_headers') return own;
  return readFamily(headers, 'svix-id', 'svix-timestamp', 'svix-signature', request, body);
}

/** All three headers are of one family of names; they are never mixed. */
function readFamily(
  headers: HeadersLike,
  idName: string,
  timestampName: string,
  signatureName: string,
  rules: WebhookRequest,
  body: string | Uint8Array,
): SignedMessage | RefusedWebhook {
  const id = headerOf(headers, idName);
  const timestamp = id && headerOf(headers, timestampName);
  const signature = timestamp && headerOf(headers, signatureName);
  if (!id || !timestamp || !signature) return missing;
  if (id.length + timestamp.length + signature.length > mostHeaderCharacters) return refused('invalid_headers');
  const signatures = signaturesOf(signature);
  if (signatures.length > mostSignatures || !isMessageId(id)) return refused('invalid_headers');
  if (!isTimestamp(timestamp)) return refused('invalid_timestamp');
  const seconds = Number(timestamp);
  if (!isTimely(seconds, rules)) return refused('timestamp_out_of_tolerance');
  if (isTooLarge(body, rules)) return refused('body_too_large');
  return { ok: true, id, seconds, prefix: `${id}.${timestamp}.`, body, signatures };
}

const missing = refused('missing_headers');

/** Node's own record has names in lower case: there no search is needed. */
function headerOf(headers: HeadersLike, name: string): string | undefined {
  const direct = isRecord(headers) ? headers[name] : undefined;
  return typeof direct === 'string' ? direct : readHeader(headers, name);
}

function isRecord(headers: HeadersLike): headers is Readonly<Record<string, string | readonly string[] | undefined>> {
  return typeof headers === 'object' && headers !== null && !('get' in headers) && !Array.isArray(headers);
}

/** A header that was sent several times is joined by commas, which stand at the end of a signature then. */
function signaturesOf(header: string): readonly string[] {
  if (single.test(header)) return [header];
  const texts = header.trim().split(/\s+/);
  return texts.map((text) => (text.endsWith(',') ? text.slice(0, -1) : text));
}

const single = /^[^\s,]+,[^\s,]+$/;
