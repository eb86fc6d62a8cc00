import { isUuid, TenantryError } from '../core/index.ts';
import type { AfterEntry } from './store.ts';

const momentForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** The text by which a list goes on behind an entry. */
export function cursorOf({ moment, id }: AfterEntry): string {
  return Buffer.from(`${moment} ${id}`).toString('base64url');
}

/**
 * Reads a cursor that a list gave.
 *
 * @throws TenantryError `name_invalid`.
 */
export function readCursor(cursor: string | null | undefined): AfterEntry | null {
  if (cursor === undefined || cursor === null) return null;
  const [moment = '', id = ''] = Buffer.from(String(cursor).slice(0, 200), 'base64url').toString().split(' ');
  if (momentForm.test(moment) && !Number.isNaN(Date.parse(moment)) && isUuid(id)) return { moment, id };
  throw new TenantryError('name_invalid', { field: 'cursor', problem: 'is not one that a list gave' });
}

/** Returns how many items a list may give, or throws `amount_invalid`. */
export function readLimit(limit = 100): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return limit;
  throw new TenantryError('amount_invalid', {
    amount: String(limit),
    problem: 'must be a whole number from 1 to 1000',
  });
}
