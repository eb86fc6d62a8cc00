import { TenantryError } from './errors.ts';

/** Makes a cursor of the texts that the last item of a part is found by. */
export function cursorOf(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** Returns the texts of a cursor; null: the beginning. @throws TenantryError `name_invalid` for what no list gave. */
export function readCursor(cursor: unknown, count: number): readonly string[] | null {
  if (cursor === undefined || cursor === null) return null;
  const parts: unknown = typeof cursor === 'string' && cursor.length <= 4096 ? parse(cursor) : null;
  if (!Array.isArray(parts) || parts.length !== count) throw strangeCursor();
  return parts.map((part) => {
    if (typeof part !== 'string' || part.includes('\u0000')) throw strangeCursor();
    return part;
  });
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return null;
  }
}

/** The error for a cursor that no list gave. */
export function strangeCursor(): TenantryError {
  return new TenantryError('name_invalid', { field: 'cursor', problem: 'is not one that a list gave' });
}
