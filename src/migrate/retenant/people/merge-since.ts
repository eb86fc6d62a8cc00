import type { Records, TableName } from './rows.ts';

const counted: Readonly<Record<string, boolean>> = { used: true, exported: true, seats_bought: true };
/** What says whose a row is, or is counted anew, is never taken over. */
const own: Readonly<Record<string, boolean>> = {
  tenant_id: true,
  id: true,
  member_id: true,
  seats_taken: true,
  seats_held: true,
  seats_exceeded_at: true,
  entitlement_revision: true,
};

/** A row as it was, with what was written to it since, and the names of the columns that were. */
export interface Merged<Table extends TableName> {
  readonly row: Records[Table];
  readonly since: readonly string[];
}

/**
 * The row that was there before a unit, with every column that was written since: three rows are compared, the one
 * before, what the unit made of it, and what it is now. Of amounts it is the difference that counts.
 */
export function mergeSince<Table extends TableName>(
  before: Records[Table],
  after: Records[Table],
  current: Records[Table],
): Merged<Table> {
  const since: string[] = [];
  const changes: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(current)) {
    const made: unknown = Reflect.get(after, column);
    // A row that the unit made has what the database gives it in columns of which nothing was said.
    if (made === undefined) continue;
    if (own[column] === true || JSON.stringify(value) === JSON.stringify(made)) continue;
    const was: unknown = Reflect.get(before, column);
    changes[column] = counted[column] === true ? difference(was, made, value) : value;
    if (column !== 'updated_at' && column !== 'revision') since.push(column);
  }
  return { row: { ...before, ...changes }, since };
}

function difference(was: unknown, made: unknown, is: unknown): unknown {
  if (typeof was !== 'number' || typeof made !== 'number' || typeof is !== 'number') return is;
  return Math.max(0, was + is - made);
}
