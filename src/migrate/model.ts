import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../database/isolation-sql.ts';
import { type ModelAddition, refuseAdditions } from './additions.ts';
import type { CatalogueColumn, CatalogueForeignKey, CatalogueTable } from './catalogue.ts';
import type { AnyMigration, LookupRule, OwnRule, TableRule, UnresolvedPolicy, ViaRule } from './definition.ts';
import { type Derivation, derivedTables } from './derived.ts';
import { expressionText, qualified, statementText, uuidOf } from './sql-text.ts';

/** A table that tenants will own, with the one expression that tells the tenant of a row. */
export interface OwnTable {
  readonly name: string;
  /** The name as SQL, with its schema. */
  readonly sql: string;
  readonly key: readonly CatalogueColumn[];
  /** How a row finds its tenant, for people: `project_id → customer_id`. */
  readonly path: string;
  readonly unresolved: UnresolvedPolicy;
  /** The columns through which it finds its tenant, and what they are compared with. */
  readonly via?: {
    readonly columns: readonly string[];
    readonly parent: OwnTable;
    readonly parentKey: readonly string[];
  };
  /** SQL of the key of the source row that a row leads to, where neither a column nor a parent says it. */
  readonly leads?: {
    /** Over the columns of a row under an alias; as the backfill and the triggers read it. */
    readonly key: (alias: string) => string;
    /** The table that is looked into. */
    readonly lookup?: LookupRule & { readonly sql: string };
  };
  /** Foreign keys to other tables that tenants own. */
  readonly references: readonly { readonly key: CatalogueForeignKey; readonly parent: string }[];
  readonly table: CatalogueTable;
  /** What it is made from, where the migration makes it. */
  readonly derivation?: Derivation;
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
  /** The legacy tables as they are without what the migration adds. */
  readonly catalogue: readonly CatalogueTable[];
  readonly additions: readonly ModelAddition[];
  /** The SQL of a part of the definition, over the columns of a table under its own name; the source's when absent. */
  readonly text: (expression: string | AnyMigration['tenants']['name'], table?: string) => string;
}

/**
 * Holds a definition against the catalogue.
 *
 * @throws TenantryError `migration_tables_unclassified`, `migration_definition_invalid`.
 */
export function buildModel(db: AnyDatabase, definition: AnyMigration, catalogue: readonly CatalogueTable[]): Model {
  const { name, schema = 'public', column = 'tenant_id', derived = {} } = definition;
  const invalid = (path: string, problem: string): TenantryError =>
    new TenantryError('migration_definition_invalid', { migration: name, path, problem });
  const byName = new Map(catalogue.map((table) => [table.name, table]));
  const sourceName = definition.tenants.source;

  if (!byName.has(sourceName)) throw invalid('tenants.source', `there is no table "${schema}"."${sourceName}"`);
  const unclassified = [...byName.keys()].filter(
    (table) => table !== sourceName && !Object.hasOwn(definition.tables, table),
  );
  if (unclassified.length > 0)
    throw new TenantryError('migration_tables_unclassified', { migration: name, tables: unclassified });
  for (const table of [sourceName, ...Object.keys(definition.tables)]) {
    if (!byName.has(table)) throw invalid(`tables.${table}`, `there is no table "${schema}"."${table}"`);
  }
  refuseAdditions(definition);
  for (const table of derivedTables(definition, catalogue)) byName.set(table.name, table);
  const ruleOf = (table: string): TableRule | undefined => derived[table]?.tenant ?? definition.tables[table];
  const isOwn = (table: string): boolean => table === sourceName || ownRule(ruleOf(table)) !== undefined;

  const built = new Map<string, OwnTable>();
  function build(table: string, above: readonly string[]): OwnTable {
    const known = built.get(table);
    if (known !== undefined) return known;
    const found = byName.get(table);
    if (found === undefined) throw invalid(`tables.${table}`, `there is no table "${schema}"."${table}"`);
    if (above.includes(table)) throw invalid(`tables.${table}`, `leads in a circle: ${[...above, table].join(' → ')}`);
    const rule = table === sourceName ? undefined : ruleOf(table);
    const made = derived[table];
    if (made !== undefined && above.length > 0) {
      throw invalid(
        `tables.${above.at(-1)}`,
        `leads to "${table}", which the migration makes: let it lead to a legacy table`,
      );
    }
    if (rule?.kind === 'shared' || rule?.kind === 'untouched') {
      throw invalid(`tables.${above.at(-1)}`, `leads to "${table}", which is ${rule.kind} and has no tenant`);
    }
    const key = keyOf(found, table === sourceName, invalid);
    const via = rule?.kind === 'via' ? parentOf(found, rule, [...above, table]) : undefined;
    const leads = rule === undefined || rule.kind === 'via' ? undefined : leadOf(found, rule);
    const own: OwnTable = {
      name: table,
      sql: qualified(schema, table),
      key,
      path: via === undefined ? pathOfLead(rule) : pathOf(via.columns, via.parent),
      unresolved: rule?.unresolved ?? { kind: 'fail' },
      ...(via === undefined ? {} : { via }),
      ...(leads === undefined ? {} : { leads }),
      references: found.foreignKeys
        .map((foreign) => ({ key: foreign, parent: foreign.target.slice(schema.length + 1) }))
        .filter(({ key: foreign, parent }) => foreign.target.startsWith(`${schema}.`) && isOwn(parent)),
      table: found,
      ...(made === undefined ? {} : { derivation: { ...made, select: text(made.select) } }),
    };
    built.set(table, own);
    return own;
  }

  const text: Model['text'] = (expression, table = sourceName) => expressionText(db, expression, table);

  function leadOf(table: CatalogueTable, rule: Exclude<OwnRule, ViaRule>): NonNullable<OwnTable['leads']> {
    if (rule.kind === 'sql') {
      const expression = text(rule.sourceKey, table.name);
      const own = quoteIdentifier(table.name);
      return { key: (alias) => `(select (${expression})::text from (select ${alias}.*) as ${own})` };
    }
    const asked = byName.get(rule.table);
    if (asked === undefined) throw invalid(`tables.${table.name}.table`, `there is no table "${rule.table}"`);
    const [column, key, gives] = [columnOf(table, rule.column, invalid), rule.key, rule.gives].map((name) =>
      quoteIdentifier(typeof name === 'string' ? columnOf(asked, name, invalid).name : name.name),
    );
    const sql = qualified(schema, rule.table);
    return {
      key: (alias) => `(select min(l.${gives}::text) from ${sql} l where l.${key} = ${alias}.${column})`,
      lookup: { ...rule, sql },
    };
  }

  function parentOf(table: CatalogueTable, rule: ViaRule, above: readonly string[]): NonNullable<OwnTable['via']> {
    const path = `tables.${table.name}`;
    const columns = typeof rule.column === 'string' ? [rule.column] : rule.column;
    for (const column of columns) columnOf(table, column, invalid);
    const foreign = table.foreignKeys.find((key) => sameColumns(key.columns, columns));
    const target = rule.to ?? foreign?.target.slice(foreign.target.indexOf('.') + 1) ?? sourceName;
    const parent = build(target, above);
    const referred = foreign?.target === `${schema}.${target}` ? foreign.targetColumns : undefined;
    const byKey = referred ?? (hasKey(parent) ? parent.key.map((column) => column.name) : []);
    const parentKey = typeof rule.key === 'string' ? [rule.key] : (rule.key ?? byKey);
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
  for (const table of [...Object.keys(definition.tables), ...Object.keys(derived)]) if (isOwn(table)) build(table, []);
  return {
    definition,
    name,
    schema,
    column,
    source,
    own: parentsFirst([...built.values()]),
    shared: Object.keys(definition.tables).filter((table) => definition.tables[table]?.kind === 'shared'),
    catalogue,
    additions: (definition.additions ?? []).map((addition) => ({
      ...addition,
      sql: addition.sql.map((statement) => statementText(db, statement)),
      undo: addition.undo.map((statement) => statementText(db, statement)),
    })),
    text,
  };
}

/** What stands for the key of a table without one: where a row lies, which changes with every update of it. */
const place: CatalogueColumn = { name: 'ctid', type: 'tid', notNull: true, generated: true };

/** Whether the rows of a table have a key that stays; without one they are told apart by where they lie. */
export function hasKey({ key }: OwnTable): boolean {
  return key[0]?.name !== place.name;
}

/** Whether rows of a table that lead to no tenant are set aside; rows below such a row have no tenant either and go with it. */
export function setsAside({ unresolved, via }: OwnTable): boolean {
  return unresolved.kind === 'quarantine' || (via !== undefined && setsAside(via.parent));
}

function keyOf(
  table: CatalogueTable,
  isSourceTable: boolean,
  invalid: (path: string, problem: string) => TenantryError,
): readonly CatalogueColumn[] {
  const [unique = []] = table.uniqueKeys;
  const names = table.primaryKey.length > 0 ? table.primaryKey : unique;
  if (names.length > 0) return names.map((name) => columnOf(table, name, invalid));
  const none = 'has neither a primary key nor a unique index over columns that are never NULL';
  if (isSourceTable) throw invalid(`tables.${table.name}`, `${none}, by which tenants are traced to its rows`);
  if (table.partitioned) throw invalid(`tables.${table.name}`, `is partitioned and ${none}: add one`);
  return [place];
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

/** The rule of a table that tenants own; undefined for other tables. */
function ownRule(rule: TableRule | undefined): OwnRule | undefined {
  return rule === undefined || rule.kind === 'shared' || rule.kind === 'untouched' ? undefined : rule;
}

/** Whether the rows of a table are those that tenants are made from. */
export function isSource(table: OwnTable): boolean {
  return table.via === undefined && table.leads === undefined;
}

function pathOfLead(rule: TableRule | undefined): string {
  if (rule?.kind === 'lookup') return `${rule.column} → ${rule.table}.${rule.gives}`;
  return rule?.kind === 'sql' ? 'SQL' : 'itself';
}

/** Whether two lists hold the same columns in the same order. */
export function sameColumns(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((column, place) => column === b[place]);
}

function pathOf(columns: readonly string[], parent: OwnTable): string {
  const here = columns.join(', ');
  return isSource(parent) ? here : `${here} → ${parent.path}`;
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

/** What names a row that was taken out of its table, over the columns of `alias`. */
export function keptKey(table: OwnTable, alias: string): string {
  return hasKey(table) ? keyText(table.key, alias) : 'gen_random_uuid()::text';
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
  return tenantSql(model, table, alias, map, 1);
}

function inMapSql(model: Model, key: string, map: string): string {
  return `(select m.tenant_id from ${map} m where m.migration = ${quoteLiteral(model.name)} and m.source_key = ${key})`;
}

/** The tenant of rows that lead to no other, where that is the policy of their table. */
export function defaultTenantSql(model: Model, table: OwnTable, map = mapTable): string | undefined {
  if (table.unresolved.kind !== 'default-tenant') return undefined;
  const { sourceKey } = table.unresolved;
  if (sourceKey === undefined) return `${quoteLiteral(fallbackTenantId(model))}::uuid`;
  return inMapSql(model, quoteLiteral(sourceKey), map);
}

/** The identifier of the tenant of `tenants.fallback`, the same in every run. */
export function fallbackTenantId({ name }: Model): string {
  return uuidOf(`${name}:tenant`, 'fallback');
}

function tenantSql(model: Model, table: OwnTable, alias: string, map: string, level: number): string {
  const found = pathOfRow(model, table, alias, map, level);
  const otherwise = defaultTenantSql(model, table, map);
  return otherwise === undefined ? found : `coalesce(${found}, ${otherwise})`;
}

function pathOfRow(model: Model, table: OwnTable, alias: string, map: string, level: number): string {
  const inMap = (key: string): string => inMapSql(model, key, map);
  if (table.leads !== undefined) return inMap(table.leads.key(alias));
  if (table.via === undefined) return inMap(keyText(table.key, alias));
  const { columns, parent, parentKey } = table.via;
  const values = columns.map((column) => `${alias}.${quoteIdentifier(column)}`);
  const straight = isSource(parent) && parent.key.length === 1 && parent.key[0]?.name === parentKey[0];
  if (straight) return inMap(`${values[0]}::text`);
  const above = `p${level}`;
  const rest = tenantSql(model, parent, above, map, level + 1);
  const equal = parentKey.map((column, place) => `${above}.${quoteIdentifier(column)} = ${values[place]}`);
  return `(select ${rest} from ${parent.sql} ${above} where ${equal.join(' and ')})`;
}
