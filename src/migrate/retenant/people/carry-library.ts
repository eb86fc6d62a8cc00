import type { AnyDatabase } from '../../../database/index.ts';
import type { LibraryNote } from '../rows/decide-library.ts';
import { lockRows } from '../rows/decide-rows.ts';
import { type DecideContext, decideUnits } from '../rows/decide-units.ts';
import { filledTables } from '../rows/filled-tables.ts';
import { proveUnits } from '../rows/prove-unit.ts';
import { ledger } from '../rows/row-sql.ts';
import type { RowModel } from '../rows/table.ts';
import { writeBaselines, writeRows } from '../rows/write-rows.ts';
import type { RetenantingUnit } from '../units.ts';
import { refusePeople } from './carry-people.ts';
import { countHeldSeats } from './held-seats.ts';
import { libraryConflicts } from './library-rows.ts';

/** Moves the library's other rows of units whose people are where they go. The application's rows are left alone. */
export async function carryLibrary(
  tx: AnyDatabase,
  whole: RowModel,
  units: readonly RetenantingUnit[],
  context: DecideContext,
): Promise<readonly LibraryNote[]> {
  const names = units.map(({ unit }) => unit);
  const model = await filledTables(tx, whole, units);
  await lockRows(
    tx,
    model,
    units.map(({ oldTenantId }) => oldTenantId),
  );
  await writeBaselines(tx, model, [whole.name, names]);
  const decided = await decideUnits(tx, model, ledger, units, context);
  refusePeople(whole.name, libraryConflicts(decided));
  await writeRows(tx, model, [whole.name, names]);
  await countHeldSeats(tx, units, context.now);
  await proveUnits(tx, model, names);
  return decided.notes;
}
