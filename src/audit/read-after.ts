import { readCursor, strangeCursor } from '../core/cursor.ts';
import { isUuid } from '../core/index.ts';
import type { AfterEntry } from './store.ts';

const momentForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/**
 * Reads a cursor that a list gave.
 *
 * @throws TenantryError `name_invalid`.
 */
export function readAfter(cursor: unknown): AfterEntry | null {
  const parts = readCursor(cursor, 2);
  if (parts === null) return null;
  const [moment = '', id = ''] = parts;
  if (momentForm.test(moment) && !Number.isNaN(Date.parse(moment)) && isUuid(id)) return { moment, id };
  throw strangeCursor();
}
