import type { AnyDatabase } from '../../database/index.ts';
import { execute } from '../sql-text.ts';
import type { AnyRetenanting } from './definition.ts';
import { movePeople, type PeopleDecision } from './people/index.ts';
import { lockPeople } from './people/load-people.ts';
import { peopleUnits, refuseConflicts, rowConflicts } from './plan-retenanting.ts';
import { lockRows } from './rows/decide-rows.ts';
import { decideUnits } from './rows/decide-units.ts';
import { proveUnit } from './rows/prove-unit.ts';
import { ledger } from './rows/row-sql.ts';
import type { RowModel } from './rows/table.ts';
import { writeBaselines, writeRows } from './rows/write-rows.ts';
import { setUnit } from './store.ts';
import type { RetenantingUnit } from './units.ts';

/** Does a unit as a whole, in one transaction: its people, and then its rows. Gives how many rows moved. */
export async function applyUnit(
  tx: AnyDatabase,
  definition: AnyRetenanting,
  model: RowModel,
  unit: RetenantingUnit,
  now: Date,
): Promise<{ readonly rows: number; readonly decisions: readonly PeopleDecision[] }> {
  const { decisions } = await beginUnit(tx, definition, model, unit, now);
  await decideUnit(tx, model, unit);
  const rows = await writeRows(tx, model, [definition.name, [unit.unit]]);
  await setUnit(tx, definition.name, unit, { stage: 'done', rows });
  await proveUnit(tx, model, unit.unit);
  return { rows, decisions };
}

/** Keeps writers of the unit's tenants out, and moves its people. */
export async function beginUnit(
  tx: AnyDatabase,
  definition: AnyRetenanting,
  model: RowModel,
  unit: RetenantingUnit,
  now: Date,
  { rows = true }: { readonly rows?: boolean } = {},
): Promise<{ readonly decisions: readonly PeopleDecision[] }> {
  const tenantIds = [unit.oldTenantId, ...unit.targets.map(({ tenantId }) => tenantId)];
  await lockPeople(tx, tenantIds, [unit.oldTenantId]);
  if (rows) await lockRows(tx, model, [unit.oldTenantId]);
  const [people] = peopleUnits(definition, [unit], now);
  if (people === undefined) throw new TypeError('a unit has people');
  return movePeople(tx, people);
}

/** Decides what becomes of the unit's rows, on rows that nobody else writes. */
export async function decideUnit(tx: AnyDatabase, model: RowModel, given: RetenantingUnit): Promise<void> {
  const { unit } = given;
  await execute(tx, 'delete from tenantry.retenant_rows where retenanting = $1 and unit = $2', [model.name, unit]);
  await writeBaselines(tx, model, [model.name, [unit]]);
  refuseConflicts(model.name, rowConflicts(await decideUnits(tx, model, ledger, [given])));
}
