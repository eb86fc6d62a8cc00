import type { AnyDatabase } from '../../database/index.ts';
import { execute } from '../sql-text.ts';
import type { AnyRetenanting } from './definition.ts';
import { carryLibrary } from './people/carry-library.ts';
import { carryPeople } from './people/carry-people.ts';
import { countHeldSeats } from './people/held-seats.ts';
import type { PeopleDecision } from './people/index.ts';
import { writeGone } from './people/write-changes.ts';
import { peopleUnits, refuseConflicts, rowConflicts } from './plan-retenanting.ts';
import { lockRows } from './rows/decide-rows.ts';
import { type DecideContext, type DecidedRows, decideUnits } from './rows/decide-units.ts';
import { filledTables } from './rows/filled-tables.ts';
import { proveUnits } from './rows/prove-unit.ts';
import { ledger } from './rows/row-sql.ts';
import { partOf, type RowModel } from './rows/table.ts';
import { rowsOfUnits, writeBaselines, writeRows } from './rows/write-rows.ts';
import { setUnit, setUnits } from './store.ts';
import type { RetenantingUnit } from './units.ts';

type UnitContext = Omit<DecideContext, 'shifts' | 'together'>;

/** What units did. */
export interface AppliedUnits {
  /** Rows of the application that moved, by unit. */
  readonly rows: ReadonlyMap<string, number>;
  readonly decisions: readonly PeopleDecision[];
}

/**
 * Does units, of which none goes to what another leaves, as a whole, in one transaction: what is new of their people, then all rows, then what is
 * left behind ends.
 *
 * @throws UnitsMeet when units that go to one tenant must be done one after another.
 */
export async function applyUnits(
  tx: AnyDatabase,
  definition: AnyRetenanting,
  whole: RowModel,
  units: readonly RetenantingUnit[],
  { now, secrets }: UnitContext,
): Promise<AppliedUnits> {
  const names = units.map(({ unit }) => unit);
  const { decided, outcome } = await carryPeople(tx, peopleUnits(definition, units, now));
  const model = await filledTables(tx, whole, units);
  await lockRows(
    tx,
    model,
    units.map(({ oldTenantId }) => oldTenantId),
  );
  const rows = await decideAndRefuse(tx, model, units, {
    now,
    secrets,
    together: shareTarget(units),
    shifts: decided.flatMap(({ shifts }) => shifts),
  });
  await writeRows(tx, model, [definition.name, names]);
  await countHeldSeats(tx, units, now);
  await writeGone(tx, outcome);
  await setUnits(tx, definition.name, names, { stage: 'done' });
  await proveUnits(tx, model, names);
  const decisions = [...decided.flatMap((one) => one.decisions), ...rows.notes];
  return { rows: await rowsOfUnits(tx, model, [definition.name, names]), decisions };
}

/** Keeps writers of the unit's tenants out, and brings its people and all of the library where they go. What they leave is still there. */
export async function beginUnit(
  tx: AnyDatabase,
  definition: AnyRetenanting,
  model: RowModel,
  unit: RetenantingUnit,
  { now, secrets }: UnitContext,
): Promise<{ readonly decisions: readonly PeopleDecision[] }> {
  const { decided } = await carryPeople(tx, peopleUnits(definition, [unit], now));
  await setUnit(tx, definition.name, unit, { stage: 'held', rows: 0 });
  const shifts = decided.flatMap((one) => one.shifts);
  const notes = await carryLibrary(tx, partOf(model, 'library'), [unit], { now, shifts, secrets });
  return { decisions: [...decided.flatMap(({ decisions }) => decisions), ...notes] };
}

/** Decides what becomes of the application's rows of a unit, on rows that nobody else writes. */
export async function decideUnit(tx: AnyDatabase, whole: RowModel, unit: RetenantingUnit, now: Date): Promise<void> {
  const model = partOf(whole, 'application');
  await execute(
    tx,
    'delete from tenantry.retenant_rows where retenanting = $1 and unit = $2 and table_name = any($3::text[])',
    [model.name, unit.unit, model.tables.map(({ name }) => name)],
  );
  await decideAndRefuse(tx, { ...model, unknown: [] }, [unit], { now, shifts: [] });
}

function shareTarget(units: readonly RetenantingUnit[]): boolean {
  const targets = units.flatMap((unit) => unit.targets.map(({ tenantId }) => tenantId));
  return new Set(targets).size < targets.length;
}

async function decideAndRefuse(
  tx: AnyDatabase,
  model: RowModel,
  units: readonly RetenantingUnit[],
  context: DecideContext,
): Promise<DecidedRows> {
  await writeBaselines(tx, model, [model.name, units.map(({ unit }) => unit)]);
  const decided = await decideUnits(tx, model, ledger, units, context);
  refuseConflicts(model.name, rowConflicts(decided));
  return decided;
}
