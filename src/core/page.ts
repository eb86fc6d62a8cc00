import { strangeCursor } from './cursor.ts';
import { TenantryError } from './errors.ts';
import { isUuid } from './ids.ts';

/** Which part of a list is wanted. */
export interface PageOptions {
  /** The `nextCursor` of the part before. */
  readonly cursor?: string | null;
  /** How many items at most, 1 to 1,000; 100 when absent. */
  readonly limit?: number;
}

/** A part of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** Hand it in for the next part; null at the end. */
  readonly nextCursor: string | null;
}

/** Returns how many items a part of a list has at most. @throws TenantryError `amount_invalid`. */
export function readLimit(limit = 100): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return limit;
  const problem = 'must be a whole number from 1 to 1000';
  throw new TenantryError('amount_invalid', { amount: String(limit), problem });
}

/**
 * Returns which part of a list is wanted whose cursor is the id that the part before ended with.
 *
 * @throws TenantryError `amount_invalid`, `name_invalid` for a cursor.
 */
export function readPage({ cursor = null, limit }: PageOptions): { after: string | null; limit: number } {
  const most = readLimit(limit);
  if (cursor !== null && !isUuid(cursor)) throw strangeCursor();
  return { after: cursor, limit: most };
}

/** Cuts what was read, one more than the limit, to a part of a list. */
export function pageOf<Item>(found: readonly Item[], limit: number, cursor: (last: Item) => string): Page<Item> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: found.length > limit && last !== undefined ? cursor(last) : null };
}
