import type { AnyDatabase } from '../../database/index.ts';
import { execute } from '../sql-text.ts';
import { releaseTenants, tenantsOfUnit } from './hold-tenants.ts';
import type { KeptRow } from './people/index.ts';
import { forgetJournal, writeKept } from './people/journal.ts';
import { lockPeople } from './people/load-people.ts';
import { bringPeopleBack, endPeopleBack } from './people/return-people.ts';
import { returnRows } from './rows/return-rows.ts';
import type { RowModel } from './rows/table.ts';
import { readUnit, setUnit } from './store.ts';
import type { RetenantingUnit } from './units.ts';

/** Returns a unit, in one transaction: its people, then its rows, and then what they leave ends. One that was interrupted half-way is returned too. */
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
  const stored = await readUnit(tx, model.name, unit);
  if (stored !== undefined && stored.stage !== 'done' && stored.stage !== 'written') {
    // What won of the application's rows has not taken anything over yet.
    await execute(
      tx,
      `delete from tenantry.retenant_rows where retenanting = $1 and unit = $2 and action = 'change' and old_tenant_id::text <> unit
  and not starts_with(table_name, 'tenantry.')`,
      [model.name, unit],
    );
  }
  const back = await bringPeopleBack(tx, { ...named, now, halfway: stored !== undefined && stored.stage !== 'done' });
  if (back === undefined) {
    await setUnit(tx, model.name, given, { stage: 'returned' });
    return { rows: 0, kept: [] };
  }
  const { rows, kept } = await returnRows(tx, model, { ...named, ...back });
  await releaseTenants(tx, stored?.progress.statuses ?? {});
  const rest = await endPeopleBack(tx, model, back, now);
  const all = [...kept, ...back.kept, ...rest];
  await writeKept(tx, named, all);
  await forgetJournal(tx, named);
  await execute(tx, 'delete from tenantry.retenant_rows where retenanting = $1 and unit = $2', [model.name, unit]);
  await setUnit(tx, model.name, given, { stage: 'returned' });
  return { rows, kept: all };
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
