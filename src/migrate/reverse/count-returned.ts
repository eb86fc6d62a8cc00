import { quoteLiteral } from '../../database/isolation-sql.ts';
import type { Model } from '../model.ts';

/** Counts rows that a rollback brought back. `count` is SQL of a number. */
export function countReturned(model: Model, table: string, count: string): string {
  return `insert into tenantry.migration_returned as r (migration, table_name, row_count)
  select ${quoteLiteral(model.name)}, ${quoteLiteral(table)}, n from (select ${count} as n) as c where n > 0
  on conflict (migration, table_name) do update set row_count = r.row_count + excluded.row_count`;
}
