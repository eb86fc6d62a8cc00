import { TenantryError } from '../core/index.ts';
import { type FetchRequest, readFetchBody } from '../webhooks/index.ts';

/** Options of {@link readJson}. */
export interface ReadJsonOptions {
  /** How many bytes a body may have; 100 KiB when absent. */
  readonly maxBytes?: number;
}

/**
 * Reads the JSON body of a fetch request, and no further than it may go: `request.json()` has no bound.
 *
 * @throws TenantryError `media_type_unsupported` for a body that does not say it is JSON, `body_too_large`, `body_invalid`
 * for what is no JSON in UTF-8.
 *
 * @example
 * ```ts
 * import { readJson } from 'tenantry/http';
 *
 * const headers = { 'content-type': 'application/json' };
 * const request = new Request('https://api.example.com/notes', { method: 'POST', headers, body: '{"text":"hello"}' });
 * await readJson(request); // { text: 'hello' }
 * ```
 */
export async function readJson(request: FetchRequest, { maxBytes = 102_400 }: ReadJsonOptions = {}): Promise<unknown> {
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!/^application\/(.+\+)?json$/.test(type)) {
    throw new TenantryError('media_type_unsupported', { accepts: ['application/json'] });
  }
  const bytes = await readFetchBody(request, maxBytes).catch((error: unknown) => {
    // Who read the request before is the program's to blame; all else is a caller that went away.
    if (error instanceof TypeError && request.bodyUsed) throw error;
    throw new TenantryError('body_invalid', { problem: 'it ended early' });
  });
  if (bytes === null) throw new TenantryError('body_too_large', { maxBytes });
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new TenantryError('body_invalid', { problem: 'it is no JSON in UTF-8' });
  }
}
