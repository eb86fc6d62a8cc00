import type { AnyDatabase } from '../../database/index.ts';
import { execute } from '../sql-text.ts';
import type { Ledger } from './rows/row-sql.ts';
import { mainOf, type RetenantingUnit, staysOf } from './units.ts';

/** Writes units down behind those that are known. */
export async function storeUnits(
  tx: AnyDatabase,
  retenanting: string,
  units: readonly RetenantingUnit[],
  { units: unitsTable, ways: waysTable }: Pick<Ledger, 'units' | 'ways'>,
): Promise<void> {
  const rows = units.map((unit) => ({
    unit: unit.unit,
    old_tenant_id: unit.oldTenantId,
    main_tenant_id: mainOf(unit),
    targets: unit.targets.length,
    stays: staysOf(unit),
    chosen: unit.chosen,
    people: { ...unit, ways: [] },
  }));
  await execute(
    tx,
    `insert into ${unitsTable} (retenanting, unit, position, old_tenant_id, main_tenant_id, targets, stays, chosen, people, stage)
select $1, r.unit, n.last + row_number() over (order by r.place), r.old_tenant_id, r.main_tenant_id, r.targets, r.stays, r.chosen, r.people, 'planned'
from rows from (jsonb_to_recordset($2::jsonb) as (unit text, old_tenant_id uuid, main_tenant_id uuid, targets integer, stays boolean, chosen boolean, people jsonb))
  with ordinality as r (unit, old_tenant_id, main_tenant_id, targets, stays, chosen, people, place),
  (select coalesce(max(position), 0) as last from ${unitsTable} where retenanting = $1) as n`,
    [retenanting, JSON.stringify(rows)],
  );
  const ways = units.flatMap(({ unit, ways: known }) =>
    known.map(({ kind, value, tenantId }) => ({ unit, kind, value, tenant_id: tenantId })),
  );
  if (ways.length === 0) return;
  await execute(
    tx,
    `insert into ${waysTable} (retenanting, unit, kind, value, tenant_id)
select $1, r.unit, r.kind, r.value, r.tenant_id from jsonb_to_recordset($2::jsonb) as r (unit text, kind text, value text, tenant_id uuid)
on conflict do nothing`,
    [retenanting, JSON.stringify(ways)],
  );
}
