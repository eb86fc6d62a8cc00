import { quoteLiteral } from '../database/isolation-sql.ts';
import type { Model } from './model.ts';

/** Why a row that only the new shape has is kept when that shape is taken back. */
export const noPlace = 'made in the new shape; the old one has no place for it';

/**
 * A statement that keeps rows in quarantine before their table or their tenant is taken away.
 *
 * @param what.rows - A relation, whose rows are read as `n`.
 * @param what.key - SQL of what names a row.
 */
export function keepRows(
  model: Model,
  what: {
    readonly table: string;
    readonly rows: string;
    readonly key: string;
    readonly where?: string;
    readonly reason?: string;
  },
): string {
  const where = what.where === undefined ? '' : ` where ${what.where}`;
  return `insert into tenantry.migration_quarantine (migration, table_name, row_key, row_data, reason)
  select ${quoteLiteral(model.name)}, ${quoteLiteral(what.table)}, ${what.key}, row_to_json(n), ${quoteLiteral(what.reason ?? noPlace)}
  from ${what.rows} as n${where}
  on conflict (migration, table_name, row_key) do update set row_data = excluded.row_data, reason = excluded.reason`;
}

/** What an earlier rollback kept, and counted as returned, makes room for what this run of the migration sets aside. */
export function putKeptAwayStatements(model: Model): string[] {
  const migration = `migration = ${quoteLiteral(model.name)}`;
  return [
    `with away as (delete from tenantry.migration_quarantine where ${migration} returning *)
  insert into tenantry.migration_kept (migration, rollback, table_name, row_key, row_data, reason)
  select a.migration, 1 + coalesce((select max(k.rollback) from tenantry.migration_kept k where k.${migration}), 0),
    a.table_name, a.row_key, a.row_data, a.reason from away as a`,
    `delete from tenantry.migration_returned where ${migration}`,
  ];
}
