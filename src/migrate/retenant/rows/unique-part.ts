import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import type { RowTable } from './table.ts';

/** A part of a unique key as it will be: what was changed of a row already stands in its entry. */
export function uniquePart(table: RowTable, part: string, row: string, entry: string | null): string {
  const columns = table.columns.map(({ name, type }) => {
    const column = `${row}.${quoteIdentifier(name)}`;
    const value =
      entry === null
        ? column
        : `case when ${entry}.after -> ${quoteLiteral(name)} is null then ${column} else (${entry}.after ->> ${quoteLiteral(name)})::${type} end`;
    return { name: quoteIdentifier(name), column, value };
  });
  const plain = columns.find(({ name }) => name === part || name === `"${part}"`);
  if (plain !== undefined) return plain.value;
  return `(select (${part}) from (select ${columns.map(({ name, value }) => `${value} as ${name}`).join(', ')}) as ${quoteIdentifier(table.name)})`;
}
