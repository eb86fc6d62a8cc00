/** What reads one header by its name, such as fetch `Headers`. */
export interface HeaderReader {
  /** Gives the value, or null when the header is not there. */
  get(name: string): string | null;
}

/** Headers in any of the forms that frameworks give: fetch `Headers`, Node's record, its `rawHeaders`, or pairs. */
export type HeadersLike =
  | HeaderReader
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | readonly string[]
  | readonly (readonly [string, string])[];

/**
 * Reads one header, whatever the case of its name. Several values are joined by `, `; a header that is not there gives
 * `undefined`.
 *
 * @throws TypeError for what holds no headers, such as a request that is handed in whole.
 *
 * @example
 * ```ts
 * import { readHeader } from 'tenantry/core';
 *
 * readHeader({ Authorization: 'Bearer hc_live_…' }, 'authorization'); // 'Bearer hc_live_…'
 * ```
 */
export function readHeader(headers: HeadersLike, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) {
    throw new TypeError('headers must be those of a request: fetch Headers, a record, or a list of names and values');
  }
  if (isReader(headers)) return headers.get(name) ?? undefined;
  const wanted = name.toLowerCase();
  let found: string | undefined;
  const add = (value: string): void => {
    found = found === undefined ? value : `${found}, ${value}`;
  };
  if (isList(headers)) {
    for (const [key, value] of pairs(headers)) if (key.toLowerCase() === wanted) add(value);
    return found;
  }
  // Every request passes here several times, so nothing is made of the other headers.
  for (const key in headers) {
    if (key.length !== wanted.length || !Object.hasOwn(headers, key) || key.toLowerCase() !== wanted) continue;
    const value = headers[key];
    if (typeof value === 'string') add(value);
    else value?.forEach(add);
  }
  return found;
}

function isReader(headers: HeadersLike): headers is HeaderReader {
  return 'get' in headers && typeof headers.get === 'function';
}

function isList(headers: HeadersLike): headers is readonly string[] | readonly (readonly [string, string])[] {
  return Array.isArray(headers);
}

/** `rawHeaders` holds names and values by turns. */
function* pairs(list: readonly string[] | readonly (readonly [string, string])[]): Iterable<readonly [string, string]> {
  for (let index = 0; index < list.length; index += 1) {
    const entry = list[index];
    if (typeof entry !== 'string') {
      if (entry !== undefined) yield entry;
      continue;
    }
    index += 1;
    const value = list[index];
    if (typeof value === 'string') yield [entry, value];
  }
}
