import type { SecretBox } from '../../../core/index.ts';
import type { AnyDatabase } from '../../../database/index.ts';
import { execute } from '../../sql-text.ts';
import type { RetenantingUnit } from '../units.ts';
import {
  adjustLibrary,
  decideLibrary,
  type LibraryNote,
  libraryNotes,
  type PeriodShift,
  sealAnew,
} from './decide-library.ts';
import { decideNeededCopies, decideRows } from './decide-rows.ts';
import { membersName } from './library-tables.ts';
import { type Ledger, ledger } from './row-sql.ts';
import { type CrossingReference, rewriteReferences, settleCrossings } from './settle-references.ts';
import { settleUniques, type UniqueConflict } from './settle-uniques.ts';
import type { RowModel } from './table.ts';
import { type UnknownRows, unknownRows } from './unknown-rows.ts';

/** What was decided of the rows of units. */
export interface DecidedRows {
  readonly rows: number;
  readonly uniques: readonly UniqueConflict[];
  readonly crossings: readonly CrossingReference[];
  /** Rows of the library that nobody knows how to carry. */
  readonly unknown: readonly UnknownRows[];
  readonly notes: readonly LibraryNote[];
}

/** What is known beside the tables. */
export interface DecideContext {
  readonly now: Date;
  readonly shifts: readonly PeriodShift[];
  /** What seals the secrets of webhooks. */
  readonly secrets?: SecretBox | undefined;
  /** Several of the units go to one tenant. */
  readonly together?: boolean;
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
  { now, shifts, secrets, together = false }: DecideContext,
): Promise<DecidedRows> {
  const params = [model.name, units.map(({ unit }) => unit)] as const;
  const unknown = [...(await unknownRows(tx, model, units))];
  const apart = units.some(({ targets, chosen }) => targets.length > 1 || chosen);
  let rows = 0;
  for (const table of model.tables) {
    if (table.library === null) rows += await decideRows(tx, model, table, at, params);
    else await decideLibrary(tx, model, table, at, params);
  }
  if (units.some(({ chosen }) => chosen)) await decideNeededCopies(tx, model, at, params);
  // A plan's own table has no statistics yet; the run's is read by its index.
  if (at.rows !== ledger.rows) await execute(tx, `analyze ${at.rows}`);
  const renamed = new Set([
    membersName,
    ...(apart ? model.tables.flatMap(({ name, rule }) => (rule.kind === 'copied' ? [name] : [])) : []),
  ]);
  const uniques: UniqueConflict[] = [];
  for (const table of model.tables) {
    await rewriteReferences(tx, model, table, at, params, renamed);
    if (table.library !== null)
      await adjustLibrary(tx, table, at, params, { now: now.toISOString(), shifts, anew: model.anew });
    if (table.library !== null) unknown.push(...(await sealAnew(tx, table, at, params, secrets)));
    const met = await settleUniques(tx, table, at, params, { together });
    if (met.length > 0) renamed.add(table.name);
    uniques.push(...met);
  }
  const crossings: CrossingReference[] = [];
  const keys = new Set(model.tables.flatMap(({ name }) => (renamed.has(name) ? [name] : [])));
  for (const table of model.tables) {
    // Once more: what a table refers to itself, or to one that comes after it, has its new key only now.
    await rewriteReferences(tx, model, table, at, params, keys);
    // Rows that all go to one place cannot be torn apart.
    if (apart && table.library === null) crossings.push(...(await settleCrossings(tx, model, table, at, params)));
  }
  const notes = model.tables.some(({ library }) => library !== null) ? await libraryNotes(tx, model, at, params) : [];
  return { rows, uniques, crossings, unknown, notes };
}
