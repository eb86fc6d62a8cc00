import type { AnyDatabase } from '../../../database/index.ts';
import { decideNeededCopies, decideRows } from './decide-rows.ts';
import type { Ledger } from './row-sql.ts';
import { type CrossingReference, rewriteReferences, settleCrossings } from './settle-references.ts';
import { settleUniques, type UniqueConflict } from './settle-uniques.ts';
import type { RowModel } from './table.ts';

/** What was decided of the rows of units. */
export interface DecidedRows {
  readonly rows: number;
  readonly uniques: readonly UniqueConflict[];
  readonly crossings: readonly CrossingReference[];
}

/**
 * Decides what becomes of every row of units and writes it down: where it goes, which rows are copied, which lose or win
 * against the target's, and how references follow. Nothing of the application is written. Plan and run decide by the same
 * statements.
 */
export async function decideUnits(
  tx: AnyDatabase,
  model: RowModel,
  at: Ledger,
  retenanting: string,
  units: readonly string[],
): Promise<DecidedRows> {
  const params = [retenanting, units] as const;
  let rows = 0;
  for (const table of model.tables) rows += await decideRows(tx, model, table, at, params);
  await decideNeededCopies(tx, model, at, params);
  const uniques: UniqueConflict[] = [];
  for (const table of model.tables) {
    await rewriteReferences(tx, model, table, at, params);
    uniques.push(...(await settleUniques(tx, table, at, params)));
  }
  const crossings: CrossingReference[] = [];
  for (const table of model.tables) {
    // Once more: what a table refers to itself, or to one that comes after it, has its new key only now.
    await rewriteReferences(tx, model, table, at, params);
    crossings.push(...(await settleCrossings(tx, model, table, at, params)));
  }
  return { rows, uniques, crossings };
}
