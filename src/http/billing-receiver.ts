import { type HeadersLike, TenantryError } from '../core/index.ts';

/** What takes the events of a payment provider: the billing module does. */
export interface BillingReceiver {
  /** Takes an event as it arrived, and tells the status to answer with, or that the event is stored: that is 200. */
  receive(
    rawBody: Uint8Array,
    headers: HeadersLike,
  ): Promise<number | { readonly status: number } | { readonly id: string }>;
}

/** A request whose body can be read once, up to a bound; beyond it the reader gives null. */
export interface RawRequest {
  readonly headers: HeadersLike;
  /** Reads the body; null when it has more bytes. */
  readonly read: (maxBytes: number) => Promise<Uint8Array | null>;
}

/**
 * Hands an event of a payment provider on as it arrived, and gives the status to answer with.
 *
 * @param maxBytes - The most that an event may have; 1 MiB when absent.
 * @throws TenantryError `body_too_large`.
 *
 * @example
 * ```ts
 * import { receiveBilling } from 'tenantry/http';
 *
 * const billing = { receive: async (rawBody: Uint8Array) => (rawBody.length > 0 ? 200 : 400) }; // a program has createBilling
 * const read = async () => new TextEncoder().encode('{"id":"evt_1"}');
 * await receiveBilling(billing, { headers: {}, read }); // 200
 * ```
 */
export async function receiveBilling(
  billing: BillingReceiver,
  { headers, read }: RawRequest,
  maxBytes: number = 1_048_576,
): Promise<number> {
  const body = await read(maxBytes);
  if (body === null) throw new TenantryError('body_too_large', { maxBytes });
  const answer = await billing.receive(body, headers);
  if (typeof answer === 'number') return answer;
  return 'status' in answer ? answer.status : 200;
}
