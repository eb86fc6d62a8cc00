import {
  ColumnNode,
  createQueryId,
  type KyselyPlugin,
  type QueryExecutor,
  ReferenceNode,
  type RootOperationNode,
  SelectionNode,
  SelectQueryNode,
  TableNode,
} from 'kysely';
import { TenantryError } from '../../core/index.ts';
import { librarySchema } from '../../database/index.ts';
import type { TableDeclaration, TableDeclarations } from '../tables.ts';
import { isScopePlugin } from './plugin-mark.ts';

/** Tells whose rows a table holds. */
export interface TableRules {
  /** @throws TenantryError `table_unknown`. */
  ruleOf(table: TableNode): TableDeclaration;
  /** What was declared, by the names that the database has. */
  readonly declared: ReadonlyMap<string, TableDeclaration>;
}

const everyTableOwn: TableDeclaration = { kind: 'own', column: 'tenant_id' };
/** PostgreSQL keeps schemas whose names begin so for itself. */
const systemSchema = /^pg_/;

function isReserved(schema: string | undefined): boolean {
  return (
    schema !== undefined && (schema === librarySchema || schema === 'information_schema' || systemSchema.test(schema))
  );
}

/** The key of a table in the rules: `name` or `schema.name`. */
export function tableKey(table: TableNode): string {
  const { schema, identifier } = table.table;
  return schema === undefined ? identifier.name : `${schema.name}.${identifier.name}`;
}

/** Without declarations every table is a tenant's own: PostgreSQL then refuses one that has no such column. */
const defaultRules: TableRules = {
  ruleOf(table) {
    if (isReserved(table.table.schema?.name)) throw unknown(table, []);
    return everyTableOwn;
  },
  declared: new Map(),
};

function unknown(table: TableNode, known: readonly string[]): TenantryError {
  return new TenantryError('table_unknown', { table: tableKey(table), known });
}

/** What renames: the handle's plugins without those of scopes. */
function renamers(executor: QueryExecutor): readonly KyselyPlugin[] {
  return executor.plugins.length === 0 ? executor.plugins : executor.plugins.filter((plugin) => !isScopePlugin(plugin));
}

interface Resolved {
  readonly plugins: readonly KyselyPlugin[];
  readonly rules: TableRules;
}
const cache = new WeakMap<TableDeclarations, Resolved[]>();
/** Handles with other plugins than these are rare; `db.withSchema(…)` in every request would make one each time. */
const cachedLists = 8;

/**
 * Gives the rules of declarations, the same object for the same declarations and plugins. Names are declared as the
 * application's types have them; where the database handle carries plugins that rename (camel case, a schema), each name
 * is sent through them once, so that the rules speak of the names that reach the database.
 *
 * @throws TenantryError `config_invalid` when a declaration cannot hold.
 */
export function tableRules(declarations: TableDeclarations | undefined, executor: QueryExecutor): TableRules {
  if (declarations === undefined) return defaultRules;
  const plugins = renamers(executor);
  let known = cache.get(declarations);
  if (known === undefined) {
    known = [];
    cache.set(declarations, known);
  }
  for (const entry of known) {
    if (entry.plugins.length === plugins.length && entry.plugins.every((plugin, at) => plugin === plugins[at])) {
      return entry.rules;
    }
  }
  const rules = resolve(declarations, plugins);
  known.unshift({ plugins, rules });
  known.length = Math.min(known.length, cachedLists);
  return rules;
}

function resolve(declarations: TableDeclarations, plugins: readonly KyselyPlugin[]): TableRules {
  const byName = new Map<string, TableDeclaration>();
  for (const [name, declaration] of Object.entries(declarations)) {
    if (declaration === undefined) continue;
    const [first = '', second, ...more] = name.split('.');
    if (first === '' || second === '' || more.length > 0) throw invalid(name, 'is not the name of a table');
    if (declaration.kind === 'own' && declaration.column === '') throw invalid(name, 'names no column for the tenant');
    const written = second === undefined ? TableNode.create(first) : TableNode.createWithSchema(first, second);
    const { table, column } = asInDatabase(
      name,
      written,
      declaration.kind === 'own' ? declaration.column : '*',
      plugins,
    );
    if (isReserved(table.table.schema?.name)) throw invalid(name, 'is in a schema that no scope may reach');
    byName.set(tableKey(table), declaration.kind === 'own' ? { kind: 'own', column } : declaration);
  }
  const known = Object.keys(declarations);
  return {
    ruleOf(table) {
      const rule = byName.get(tableKey(table));
      if (rule === undefined) throw unknown(table, known);
      return rule;
    },
    declared: byName,
  };
}

function asInDatabase(name: string, table: TableNode, column: string, plugins: readonly KyselyPlugin[]) {
  if (plugins.length === 0) return { table, column };
  const queryId = createQueryId();
  let probe: RootOperationNode = SelectQueryNode.cloneWithSelections(SelectQueryNode.createFrom([table]), [
    SelectionNode.create(ReferenceNode.create(ColumnNode.create(column))),
  ]);
  for (const plugin of plugins) probe = plugin.transformQuery({ node: probe, queryId });
  const from = SelectQueryNode.is(probe) ? probe.from?.froms[0] : undefined;
  const selected = SelectQueryNode.is(probe) ? probe.selections?.[0]?.selection : undefined;
  const renamed = selected !== undefined && ReferenceNode.is(selected) ? selected.column : undefined;
  if (from === undefined || !TableNode.is(from) || renamed === undefined || !ColumnNode.is(renamed)) {
    throw invalid(name, 'is rewritten by a plugin of the database handle in a way that is not understood');
  }
  return { table: from, column: renamed.column.name };
}

function invalid(name: string, problem: string): TenantryError {
  return new TenantryError('config_invalid', { path: `tables.${name}`, problem: `"${name}" ${problem}` });
}
