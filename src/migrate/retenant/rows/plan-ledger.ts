import type { AnyDatabase } from '../../../database/index.ts';
import { execute } from '../../sql-text.ts';
import type { Ledger } from './row-sql.ts';

/** Makes the ledger of a plan: tables of its own that go when its transaction ends. */
export async function planLedger(tx: AnyDatabase): Promise<Ledger> {
  const tables = { rows: 'retenant_rows', units: 'retenant_units', ways: 'retenant_ways' };
  for (const table of Object.values(tables)) {
    await execute(
      tx,
      `create temporary table ${table} (like tenantry.${table} including defaults including indexes) on commit drop`,
    );
  }
  return { rows: `pg_temp.${tables.rows}`, units: `pg_temp.${tables.units}`, ways: `pg_temp.${tables.ways}` };
}
