import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../database/isolation-sql.ts';
import type { CatalogueColumn, CatalogueForeignKey, CatalogueTable } from './catalogue.ts';
import type { AnyMigration, UnresolvedPolicy, ViaRule } from './definition.ts';
import { expressionText, qualified } from './sql-text.ts';

/** A table that tenants will own, with the one expression that tells the tenant of a row. */
export interface OwnTable {
  readonly name: string;
  /** The name as SQL, with its schema. */
  readonly sql: string;
  readonly key: readonly CatalogueColumn[];
  /** How a row finds its tenant, for people: `project_id → customer_id`. */
  readonly path: string;
  readonly unresolved: UnresolvedPolicy;
  /** The columns through which it finds its tenant, and what they are compared with; absent for the source itself. */
  readonly via?: {
    readonly columns: readonly string[];
    readonly parent: OwnTable;
    readonly parentKey: readonly string[];
  };
  /** Foreign keys to other tables that tenants own. */
  readonly references: readonly { readonly key: CatalogueForeignKey; readonly parent: string }[];
  readonly table: CatalogueTable;
}

/** A definition held against a live catalogue: everything resolved that the SQL is written from. */
export interface Model {
  readonly definition: AnyMigration;
  readonly name: string;
  readonly schema: string;
  /** The tenant column. */
  readonly column: string;
  readonly source: OwnTable;
  /** The tables that tenants will own, parents before children; the source is first. */
  readonly own: readonly OwnTable[];
  readonly shared: readonly string[];
  /** The SQL of a part of the definition, over the columns of the source table under its own name. */
  readonly text: (expression: string | AnyMigration['tenants']['name']) => string;
}

/**
 * Holds a definition against the catalogue.
 *
 * @throws TenantryError `migration_tables_unclassified`, `migration_definition_invalid`.
 */
export function buildModel(db: AnyDatabase, definition: AnyMigration, catalogue: readonly CatalogueTable[]): Model {
  const { name, schema = 'public', column = 'tenant_id' } = definition;
  const invalid = (path: string, problem: string): TenantryError =>
    new TenantryError('migration_definition_invalid', { migration: name, path, problem });
  const byName = new Map(catalogue.map((table) => [table.name, table]));
  const sourceName = definition.tenants.source;

  const unclassified = [...byName.keys()].filter(
    (table) => table !== sourceName && !Object.hasOwn(definition.tables, table),
  );
  if (unclassified.length > 0)
    throw new TenantryError('migration_tables_unclassified', { migration: name, tables: unclassified });
  for (const table of [sourceName, ...Object.keys(definition.tables)]) {
    if (!byName.has(table)) throw invalid(`tables.${table}`, `there is no table "${schema}"."${table}"`);
  }
  const isOwn = (table: string): boolean => table === sourceName || definition.tables[table]?.kind === 'via';

  const built = new Map<string, OwnTable>();
  function build(table: string, above: readonly string[]): OwnTable {
    const known = built.get(table);
    if (known !== undefined) return known;
    const found = byName.get(table);
    if (found === undefined) throw invalid(`tables.${table}`, `there is no table "${schema}"."${table}"`);
    if (above.includes(table)) throw invalid(`tables.${table}`, `leads in a circle: ${[...above, table].join(' → ')}`);
    const rule = table === sourceName ? undefined : definition.tables[table];
    if (rule !== undefined && rule.kind !== 'via') {
      throw invalid(`tables.${above.at(-1)}`, `leads to "${table}", which is ${rule.kind} and has no tenant`);
    }
    const key = found.primaryKey.map((part) => columnOf(found, part, invalid));
    if (key.length === 0) throw invalid(`tables.${table}`, 'has no primary key, by which rows are told apart');
    const via = rule === undefined ? undefined : parentOf(found, rule, [...above, table]);
    const own: OwnTable = {
      name: table,
      sql: qualified(schema, table),
      key,
      path: via === undefined ? 'itself' : pathOf(via.columns, via.parent),
      unresolved: rule?.unresolved ?? { kind: 'fail' },
      ...(via === undefined ? {} : { via }),
      references: found.foreignKeys
        .map((foreign) => ({ key: foreign, parent: foreign.target.slice(schema.length + 1) }))
        .filter(({ key: foreign, parent }) => foreign.target.startsWith(`${schema}.`) && isOwn(parent)),
      table: found,
    };
    built.set(table, own);
    return own;
  }

  function parentOf(table: CatalogueTable, rule: ViaRule, above: readonly string[]): NonNullable<OwnTable['via']> {
    const path = `tables.${table.name}`;
    const columns = typeof rule.column === 'string' ? [rule.column] : rule.column;
    for (const column of columns) columnOf(table, column, invalid);
    const foreign = table.foreignKeys.find((key) => sameColumns(key.columns, columns));
    const target = rule.to ?? foreign?.target.slice(foreign.target.indexOf('.') + 1) ?? sourceName;
    const parent = build(target, above);
    const parentKey = typeof rule.key === 'string' ? [rule.key] : (rule.key ?? parent.table.primaryKey);
    if (columns.length === 0 || parentKey.length !== columns.length) {
      throw invalid(
        path,
        `${columns.length} columns lead to ${parentKey.length} of "${target}": name them with { key }`,
      );
    }
    for (const column of parentKey) columnOf(parent.table, column, invalid);
    return { columns, parent, parentKey };
  }

  const source = build(sourceName, []);
  for (const table of Object.keys(definition.tables)) if (isOwn(table)) build(table, []);
  return {
    definition,
    name,
    schema,
    column,
    source,
    own: parentsFirst([...built.values()]),
    shared: Object.keys(definition.tables).filter((table) => definition.tables[table]?.kind === 'shared'),
    text: (expression) => expressionText(db, expression, sourceName),
  };
}

function columnOf(
  table: CatalogueTable,
  name: string,
  invalid: (path: string, problem: string) => TenantryError,
): CatalogueColumn {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column === undefined) throw invalid(`tables.${table.name}`, `there is no column "${name}"`);
  return column;
}

/** Whether two lists hold the same columns in the same order. */
export function sameColumns(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((column, place) => column === b[place]);
}

function pathOf(columns: readonly string[], parent: OwnTable): string {
  const here = columns.join(', ');
  return parent.via === undefined ? here : `${here} → ${parent.path}`;
}

function parentsFirst(tables: readonly OwnTable[]): OwnTable[] {
  const depth = (table: OwnTable): number => (table.via === undefined ? 0 : 1 + depth(table.via.parent));
  return [...tables].sort((a, b) => depth(a) - depth(b) || a.name.localeCompare(b.name));
}

/** The key of a row as one text: the column itself, or a JSON array where the key has several columns. */
export function keyText(key: readonly CatalogueColumn[], alias: string): string {
  const columns = key.map((column) => `${alias}.${quoteIdentifier(column.name)}`);
  return columns.length === 1 ? `${columns[0]}::text` : `jsonb_build_array(${columns.join(', ')})::text`;
}

/** The condition that a row of the source has the key that a text holds; an index on the key serves it. */
export function keyEquals(key: readonly CatalogueColumn[], alias: string, text: string): string {
  if (key.length === 1) return `${alias}.${quoteIdentifier(key[0]?.name ?? '')} = ${text}::${key[0]?.type}`;
  return key
    .map((column, place) => `${alias}.${quoteIdentifier(column.name)} = (${text}::jsonb ->> ${place})::${column.type}`)
    .join(' and ');
}

/** The relation that maps source keys to tenants; plans use one of their own that is rolled back. */
export const mapTable = 'tenantry.migration_map';

/**
 * The one expression that tells the tenant of a row, over the columns of `alias`. The plan's counts, the backfill and
 * the triggers are all written from it, so they cannot disagree. NULL where the row leads to no tenant.
 */
export function tenantOfRow(model: Model, table: OwnTable, alias: string, map = mapTable): string {
  const inMap = (key: string): string =>
    `(select m.tenant_id from ${map} m where m.migration = ${quoteLiteral(model.name)} and m.source_key = ${key})`;
  return tenantSql(table, alias, inMap, 1);
}

function tenantSql(table: OwnTable, alias: string, inMap: (key: string) => string, level: number): string {
  const found = pathOfRow(table, alias, inMap, level);
  if (table.unresolved.kind !== 'default-tenant') return found;
  return `coalesce(${found}, ${inMap(quoteLiteral(table.unresolved.sourceKey))})`;
}

function pathOfRow(table: OwnTable, alias: string, inMap: (key: string) => string, level: number): string {
  if (table.via === undefined) return inMap(keyText(table.key, alias));
  const { columns, parent, parentKey } = table.via;
  const values = columns.map((column) => `${alias}.${quoteIdentifier(column)}`);
  const straight = parent.via === undefined && parent.key.length === 1 && parent.key[0]?.name === parentKey[0];
  if (straight) return inMap(`${values[0]}::text`);
  const above = `p${level}`;
  const rest = tenantSql(parent, above, inMap, level + 1);
  const equal = parentKey.map((column, place) => `${above}.${quoteIdentifier(column)} = ${values[place]}`);
  return `(select ${rest} from ${parent.sql} ${above} where ${equal.join(' and ')})`;
}
