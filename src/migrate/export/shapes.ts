import type { AnyDatabase } from '../../database/index.ts';
import { catalogueQuery } from '../catalogue.ts';
import type { Model } from '../model.ts';
import { execute } from '../sql-text.ts';

/** The tables of the legacy schema as a query: what the engine reads of each, and its `shape`. */
export function tablesSql(model: Model): string {
  return `select c.*, ${shapeSql('c')} as shape from ${model.text(catalogueQuery(model.schema, model.column))} as c order by c.name`;
}

/** A fingerprint that the database computes, over what the engine's own fingerprints are computed. */
function shapeSql(alias: string): string {
  return `encode(sha256(convert_to(jsonb_build_array(${alias}.columns, ${alias}."primaryKey", ${alias}."foreignKeys", ${alias}.definitions)::text, 'UTF8')), 'hex')`;
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
