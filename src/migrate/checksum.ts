import { quoteIdentifier } from '../database/isolation-sql.ts';
import type { OwnTable } from './model.ts';

/**
 * SQL of a count and a checksum over all columns of a table but the tenant's, the same whatever the order of the rows.
 * Texts of values depend on settings of the session; {@link checksumSettings} fixes them.
 */
export function checksumSql(table: OwnTable): string {
  const columns = table.table.columns.map((column) => `t.${quoteIdentifier(column.name)}`).join(', ');
  return `select count(*)::bigint as row_count,
    coalesce(sum(hashtextextended(row(${columns})::text, 0)::numeric), 0)::text as checksum from ${table.sql} as t`;
}

/** Settings under which the text of a value is always the same. */
export const checksumSettings: readonly string[] = [
  `set local timezone = 'UTC'`,
  `set local datestyle = 'ISO, YMD'`,
  `set local intervalstyle = 'iso_8601'`,
  'set local extra_float_digits = 1',
  `set local bytea_output = 'hex'`,
];
