import { cleanText, TenantryError } from '../../../core/index.ts';
import { storableJson } from '../../../core/storable-json.ts';
import { type EventCatalogue, isUsefulFilter } from '../catalogue/define-events.ts';
import type { EndpointOrdering } from './endpoint.ts';

const orderings: readonly EndpointOrdering[] = ['none', 'endpoint', 'key'];

/** What steers the connection, says what was signed, or would say where a request came from. */
const closedHeaders =
  /^(?:accept-encoding|connection|content-.*|cookie2?|date|expect|forwarded|host|http2-settings|keep-alive|proxy-.*|sec-.*|set-cookie2?|svix-.*|te|trailer|transfer-encoding|upgrade|user-agent|via|webhook-.*|x-forwarded-.*|x-real-ip)$/;
const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]{1,64}$/;
const headerValue = /^[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?$/;

const mostFilters = 100;
const mostHeaders = 20;
const mostMetadata = 16_384;

function invalid(field: string, problem: string): TenantryError {
  return new TenantryError('name_invalid', { field, problem });
}

/** Returns filters, each once, or throws `name_invalid`. None is everything. */
export function readFilters(catalogue: EventCatalogue, filters: unknown): readonly string[] {
  if (filters === undefined) return ['*'];
  if (!Array.isArray(filters) || filters.length === 0 || filters.length > mostFilters) {
    throw invalid('filters', `must be a list of 1 to ${mostFilters} patterns`);
  }
  const unique = new Set<string>();
  for (const filter of filters) {
    if (!isUsefulFilter(catalogue, filter)) {
      throw invalid('filters', `"${String(filter).slice(0, 80)}" lets no known event through`);
    }
    unique.add(filter);
  }
  return [...unique];
}

/** Returns a version of the catalogue, the newest where none is given, or throws `name_invalid`. */
export function readVersion({ versions }: EventCatalogue, version: unknown): string | null {
  if (version === undefined) return versions.at(-1) ?? null;
  if (version === null) return null;
  const known = versions.find((one) => one === version);
  if (known === undefined) throw invalid('version', `must be one of ${versions.join(', ') || '(none)'}, or null`);
  return known;
}

/** Returns headers with names in lower case, or throws `name_invalid`. Values are never told again. */
export function readHeaders(headers: unknown): Readonly<Record<string, string>> {
  if (headers === undefined) return {};
  if (typeof headers !== 'object' || headers === null) throw invalid('headers', 'must be an object');
  const read = new Map<string, string>();
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase();
    if (!headerName.test(name)) throw invalid('headers', `"${given.slice(0, 64)}" is no name of a header`);
    if (closedHeaders.test(name)) throw invalid('headers', `"${name}" cannot be set`);
    if (read.has(name)) throw invalid('headers', `"${name}" is there twice`);
    if (typeof value !== 'string' || !headerValue.test(value)) {
      throw invalid('headers', `the value of "${name}" must be 1 to 1024 visible ASCII characters`);
    }
    read.set(name, value);
  }
  if (read.size > mostHeaders) throw invalid('headers', `must be at most ${mostHeaders}`);
  return Object.fromEntries(read);
}

/** Returns an ordering, or throws `name_invalid`. */
export function readOrdering(ordering: unknown): EndpointOrdering {
  const known = orderings.find((one) => one === ordering);
  if (known === undefined) throw invalid('ordering', `must be one of ${orderings.join(', ')}`);
  return known;
}

/** Returns a description, or throws `name_invalid`. */
export function readDescription(description: unknown): string | null {
  return description === null ? null : cleanText('description', description, 500);
}

/** Returns the application's own facts as JSON, or throws `name_invalid`. */
export function readMetadata(metadata: unknown): string {
  return storableJson(metadata, mostMetadata, (problem) => invalid('metadata', problem));
}
