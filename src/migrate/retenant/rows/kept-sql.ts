import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import { ofUnit, type ReturningRows, restoredColumns, usedSql } from './returning.ts';
import { keyOfRow, ledger, ofTable, rowAfterEntry } from './row-sql.ts';
import type { RowModel, RowTable } from './table.ts';

const record = (table: RowTable, value: string, alias: string): string =>
  `cross join lateral json_populate_record(null::${table.sql}, ${value}) as ${alias}`;

/** Rows whose changed columns were written since: what was written stays. */
export function keptSinceSql(table: RowTable, unit: ReturningRows): string {
  const sums = new Set(
    table.uniques.flatMap(({ policy }) => (typeof policy !== 'string' && 'sum' in policy ? policy.sum : [])),
  );
  const since = (names: readonly string[]): string => {
    const columns = names.map((name) => {
      const own = quoteIdentifier(name);
      return `case when j.after -> ${quoteLiteral(name)} is not null and x.${own}::text is distinct from a.${own}::text
        and x.${own}::text is distinct from b.${own}::text then ${quoteLiteral(name)} end`;
    });
    return columns.length === 0 ? 'null' : `nullif(concat_ws(', ', ${columns.join(', ')}), '')`;
  };
  const changed = table.columns.filter(({ name }) => !sums.has(name) && !table.key.some((part) => part.name === name));
  const select = (
    action: string,
    names: readonly string[],
  ): string => `select ${keyOfRow(table, 'x')} as key, to_jsonb(x) as row,
  'written since: ' || ${since(names)} as reason
from ${ledger.rows} j join ${table.sql} x on ${rowAfterEntry(table, 'x', 'j')} ${record(table, 'j.after', 'a')} ${record(table, 'j.before', 'b')}
where ${ofUnit('j', unit)} and ${ofTable('j', table)} and j.action = '${action}' and j.after is not null and ${since(names)} is not null`;
  return `${select('move', restoredColumns(table))} union all ${select(
    'change',
    changed.map(({ name }) => name),
  )}`;
}

/** Copies that were written since, or that somebody still needs. */
export function keptCopiesSql(model: RowModel, table: RowTable, unit: ReturningRows): string {
  return `select ${keyOfRow(table, 'x')} as key, to_jsonb(x) as row,
  case when ${usedSql(model, table)} then 'a copy that rows made since refer to: it stays' else 'a copy that was written since' end as reason
from ${ledger.rows} j join ${table.sql} x on ${rowAfterEntry(table, 'x', 'j')}
where ${ofUnit('j', unit)} and ${ofTable('j', table)} and j.action = 'copy'
  and (${usedSql(model, table)} or to_jsonb(x)::text is distinct from to_jsonb(json_populate_record(null::${table.sql}, j.after))::text)`;
}
