import { quoteIdentifier, quoteLiteral } from '../database/isolation-sql.ts';
import { addedColumns } from './added-columns.ts';
import type { CatalogueColumn } from './catalogue.ts';
import type { Model, OwnTable } from './model.ts';

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

/** Types whose values JSON holds as they are; those of all others are kept as PostgreSQL writes them, JSON too. */
const plainTypes =
  /^(smallint|integer|bigint|boolean|text|uuid|numeric|real|double precision|date|timestamp|character varying)\b[^[]*$/;

/**
 * A row as JSON from which it comes back without a difference. An array would lose where its counting begins, a type with a
 * cast to JSON its text, and a JSON null would be the same as none.
 */
export function rowJson(
  { definition }: Model,
  { name: table, table: { columns: all } }: OwnTable,
  alias: string,
): string {
  if (all.every(({ type }) => plainTypes.test(type))) return `row_to_json(${alias})`;
  const legacy = all.map(({ name, type }) => {
    const column = `${alias}.${quoteIdentifier(name)}`;
    return plainTypes.test(type) ? column : `${column}::text as ${quoteIdentifier(name)}`;
  });
  const added = (addedColumns(definition).get(table) ?? []).map((name) => `${alias}.${quoteIdentifier(name)}`);
  const columns = [...legacy, ...added];
  return `(select row_to_json(kept) from (select ${columns.join(', ')}) as kept)`;
}

/** A column of a row that {@link rowJson} wrote, of quarantine row `q` whose row it is as `r`. */
export function keptColumn({ name, type }: CatalogueColumn): string {
  return /^jsonb?$/.test(type) ? `(q.row_data ->> ${quoteLiteral(name)})::${type}` : `r.${quoteIdentifier(name)}`;
}
