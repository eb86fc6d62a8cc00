import { isUuid, TenantryError } from '../../core/index.ts';

/** One part of a view. */
export interface ViewPage<Item> {
  readonly items: readonly Item[];
  /** Asks for the next part; null at the end. */
  readonly nextCursor: string | null;
}

/** Behind which key a part begins, and how long it is. */
export interface AfterKey {
  /** The values of the key, the tenant first; null at the beginning. */
  readonly after: readonly string[] | null;
  readonly limit: number;
}

/** The text by which a view goes on behind a key. */
export function writeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/**
 * Reads which part of a view is wanted.
 *
 * @param length How many values the key has.
 * @throws TenantryError `amount_invalid` for a limit, `name_invalid` for a cursor.
 */
export function readAfter(
  { cursor = null, limit = 100 }: { readonly cursor?: string | null; readonly limit?: number },
  length: number,
): AfterKey {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    const problem = 'must be a whole number from 1 to 1000';
    throw new TenantryError('amount_invalid', { amount: String(limit), problem });
  }
  if (cursor === null) return { after: null, limit };
  const key = parse(cursor);
  const isKey = key.length === length && isUuid(key[0]) && (length !== 2 || isUuid(key[1]));
  if (isKey && (length !== 4 || !Number.isNaN(Date.parse(key[3] ?? '')))) return { after: key, limit };
  throw new TenantryError('name_invalid', { field: 'cursor', problem: 'is not one that a list gave' });
}

function parse(cursor: unknown): string[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(String(cursor).slice(0, 2000), 'base64url').toString());
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string' && !one.includes('\u0000')) : [];
  } catch {
    return [];
  }
}
