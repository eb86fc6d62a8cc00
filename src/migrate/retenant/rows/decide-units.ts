import type { AnyDatabase } from '../../../database/index.ts';
import { execute } from '../../sql-text.ts';
import type { RetenantingUnit } from '../units.ts';
import { decideNeededCopies, decideRows } from './decide-rows.ts';
import { type Ledger, ledger } from './row-sql.ts';
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
  units: readonly RetenantingUnit[],
): Promise<DecidedRows> {
  const params = [model.name, units.map(({ unit }) => unit)] as const;
  const apart = units.some(({ targets, chosen }) => targets.length > 1 || chosen);
  let rows = 0;
  for (const table of model.tables) rows += await decideRows(tx, model, table, at, params);
  if (units.some(({ chosen }) => chosen)) await decideNeededCopies(tx, model, at, params);
  // A plan's own table has no statistics yet; the run's is read by its index.
  if (at.rows !== ledger.rows) await execute(tx, `analyze ${at.rows}`);
  const renamed = new Set(
    apart ? model.tables.flatMap(({ name, rule }) => (rule.kind === 'copied' ? [name] : [])) : [],
  );
  const uniques: UniqueConflict[] = [];
  for (const table of model.tables) {
    await rewriteReferences(tx, model, table, at, params, renamed);
    const met = await settleUniques(tx, table, at, params);
    if (met.length > 0) renamed.add(table.name);
    uniques.push(...met);
  }
  const crossings: CrossingReference[] = [];
  for (const table of model.tables) {
    // Once more: what a table refers to itself, or to one that comes after it, has its new key only now.
    await rewriteReferences(tx, model, table, at, params, renamed);
    // Rows that all go to one place cannot be torn apart.
    if (apart) crossings.push(...(await settleCrossings(tx, model, table, at, params)));
  }
  return { rows, uniques, crossings };
}
