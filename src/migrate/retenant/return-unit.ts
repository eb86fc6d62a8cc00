import type { AnyDatabase } from '../../database/index.ts';
import { execute } from '../sql-text.ts';
import { releaseTenants, tenantsOfUnit } from './hold-tenants.ts';
import { type KeptRow, returnPeople } from './people/index.ts';
import { writeKept } from './people/journal.ts';
import { lockPeople } from './people/load-people.ts';
import { returnRows } from './rows/return-rows.ts';
import type { RowModel } from './rows/table.ts';
import { readUnits, setUnit } from './store.ts';
import type { RetenantingUnit } from './units.ts';

/** Returns a unit, in one transaction: its rows first, then its people. One that was interrupted half-way is returned too. */
export async function returnUnit(
  tx: AnyDatabase,
  model: RowModel,
  given: RetenantingUnit,
  now: Date,
): Promise<{ readonly rows: number; readonly kept: readonly KeptRow[] }> {
  const { unit, oldTenantId } = given;
  const named = { retenanting: model.name, unit };
  const ending = await endingOf(tx, model.name, unit);
  await lockPeople(tx, tenantsOfUnit(given), [...new Set([oldTenantId, ...ending])]);
  const stored = (await readUnits(tx, model.name)).find((one) => one.unit.unit === unit);
  if (stored !== undefined && stored.stage !== 'done' && stored.stage !== 'written') {
    // What won has not taken anything over yet.
    await execute(
      tx,
      `delete from tenantry.retenant_rows where retenanting = $1 and unit = $2 and action = 'change' and old_tenant_id::text <> unit`,
      [model.name, unit],
    );
  }
  const { rows, kept } = await returnRows(tx, model, { ...named, oldTenantId, ending });
  await releaseTenants(tx, stored?.progress.statuses ?? {});
  const people = await returnPeople(tx, { ...named, now });
  await writeKept(tx, named, kept);
  await execute(tx, 'delete from tenantry.retenant_rows where retenanting = $1 and unit = $2', [model.name, unit]);
  await setUnit(tx, model.name, given, { stage: 'returned' });
  return { rows, kept: [...kept, ...people.kept] };
}

/** The tenants that a unit made. */
async function endingOf(tx: AnyDatabase, retenanting: string, unit: string): Promise<string[]> {
  const found = await execute<{ tenant_id: string }>(
    tx,
    `select after ->> 'tenant_id' as tenant_id from tenantry.retenant_people
where retenanting = $1 and unit = $2 and table_name = 'tenants' and before is null`,
    [retenanting, unit],
  );
  return found.rows.map(({ tenant_id }) => tenant_id);
}
