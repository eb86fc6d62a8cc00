import type { AnyDatabase } from '../../database/index.ts';
import { quoteLiteral } from '../../database/isolation-sql.ts';
import { addedColumns } from '../added-columns.ts';
import { madeTables } from '../additions.ts';
import { catalogueQuery } from '../catalogue.ts';
import type { Model } from '../model.ts';
import { execute } from '../sql-text.ts';

/**
 * The tables of the legacy schema as a query: what the engine reads of each, and its `shape`, without the tables and
 * columns that the migration adds.
 */
export function tablesSql(model: Model): string {
  const made = madeTables(model.definition).map(quoteLiteral).join(', ');
  const added = quoteLiteral(JSON.stringify(Object.fromEntries(addedColumns(model.definition))));
  return `select c.*, ${shapeSql('c', 'a.names')} as shape from ${model.text(catalogueQuery(model.schema, model.column))} as c
  cross join lateral (select ${added}::jsonb -> c.name as names) as a
  where c.name <> all (array[${made}]::text[]) order by c.name`;
}

/**
 * A fingerprint that the database computes, over what the engine's own fingerprints are computed.
 *
 * @param added - SQL of the names of the columns that are added, a JSON array or NULL.
 */
function shapeSql(alias: string, added: string): string {
  const rest = (list: string, other: string): string =>
    `(select coalesce(jsonb_agg(e), '[]') from jsonb_array_elements(${list}::jsonb) as e where not ${other})`;
  const columns = rest(`${alias}.columns`, `${added} ? (e ->> 'name')`);
  const keys = rest(`${alias}."foreignKeys"`, `${added} ?| array(select jsonb_array_elements_text(e -> 'columns'))`);
  return `encode(sha256(convert_to((case when ${added} is null
    then jsonb_build_array(${alias}.columns, ${alias}."primaryKey", ${alias}."foreignKeys", ${alias}.definitions)
    else jsonb_build_array(${columns}, ${alias}."primaryKey", ${keys}) end)::text, 'UTF8')), 'hex')`;
}

/** Whether a change of the table matters to the migration. What it leaves as it is may change. */
export function watched(model: Model, table: string): boolean {
  return model.definition.tables[table]?.kind !== 'untouched';
}

/** Reads the fingerprints of the tables that must be the same when the files run. */
export async function readShapes(db: AnyDatabase, model: Model): Promise<Record<string, string>> {
  const found = await execute<{ name: string; shape: string }>(db, tablesSql(model));
  return Object.fromEntries(
    found.rows.filter(({ name }) => watched(model, name)).map(({ name, shape }) => [name, shape]),
  );
}
