import { readCursor, strangeCursor } from '../../core/cursor.ts';
import { isUuid } from '../../core/index.ts';
import { type PageOptions, readLimit } from '../../core/page.ts';

/** Behind which key a part begins, and how long it is. */
export interface AfterKey {
  /** The values of the key, the tenant first; null at the beginning. */
  readonly after: readonly string[] | null;
  readonly limit: number;
}

/**
 * Reads which part of a view is wanted.
 *
 * @param length How many values the key has.
 * @throws TenantryError `amount_invalid` for a limit, `name_invalid` for a cursor.
 */
export function readAfter({ cursor, limit }: PageOptions, length: number): AfterKey {
  const most = readLimit(limit);
  const after = readCursor(cursor, length);
  if (after === null) return { after, limit: most };
  const [tenantId, memberId, , start = ''] = after;
  const isKey = isUuid(tenantId) && (length !== 2 || isUuid(memberId)) && (length !== 4 || isDate(start));
  if (isKey) return { after, limit: most };
  throw strangeCursor();
}

function isDate(text: string): boolean {
  return !Number.isNaN(Date.parse(text));
}
