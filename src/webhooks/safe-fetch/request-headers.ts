import { bodyLength } from '../signature/body.ts';

/** What steers the connection itself, or would let one request pass for two. */
const steering = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The headers of a request, with what the body needs. No compressed answer is asked for: its size would say nothing.
 *
 * @throws TypeError for a header that steers the connection.
 */
export function headersOf(
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array | undefined,
): Record<string, string> {
  const sent = new Map([
    ['user-agent', 'tenantry'],
    ['accept', '*/*'],
    ['accept-encoding', 'identity'],
  ]);
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (steering.has(lower) || lower.startsWith('proxy-')) throw new TypeError(`the header "${name}" cannot be set`);
    sent.set(lower, value);
  }
  if (body !== undefined) sent.set('content-length', String(bodyLength(body)));
  return Object.fromEntries(sent);
}
