import { TenantryError } from '../../../core/index.ts';
import type { AnyDatabase } from '../../../database/index.ts';
import type { AnyRetenanting, OwnRowRule, RowRule } from '../definition.ts';
import { readLibraryTables } from './library-tables.ts';
import { type FoundTable, readRowCatalogue } from './read-catalogue.ts';
import { rowTable, type TableContext } from './row-table.ts';
import type { RowModel, RowTable } from './table.ts';

/** The rule of a table that tenants own; undefined for others. */
function ownRowRule(rule: RowRule | undefined): OwnRowRule | undefined {
  return rule === undefined || rule.kind === 'shared' || rule.kind === 'untouched' ? undefined : rule;
}

/**
 * Holds a definition against the database.
 *
 * @throws TenantryError `migration_tables_unclassified` for tables with a tenant of which nothing is said;
 * `migration_definition_invalid`; `migration_right_missing`.
 */
export async function readRowModel(db: AnyDatabase, definition: AnyRetenanting): Promise<RowModel> {
  const { name: migration, schema = 'public', column: usual = 'tenant_id', tables: rules } = definition;
  const found = await readRowCatalogue(db, schema);
  const library = await readLibraryTables(db, definition);
  const unsaid = found.filter(
    ({ name, columns }) => columns.some((column) => column.name === usual) && !Object.hasOwn(rules, name),
  );
  if (unsaid.length > 0) {
    throw new TenantryError('migration_tables_unclassified', { migration, tables: unsaid.map(({ name }) => name) });
  }
  const invalid = (path: string, problem: string): TenantryError =>
    new TenantryError('migration_definition_invalid', { migration, path, problem });
  const names = Object.keys(rules).filter((name) => ownRowRule(rules[name]) !== undefined);
  const tables = names.map((name) => {
    const table = found.find((candidate) => candidate.name === name);
    const rule = ownRowRule(rules[name]);
    if (table === undefined || rule === undefined) throw invalid(`tables.${name}`, 'there is no such table');
    checkRights(migration, table);
    return rowTable(table, rule, {
      schema,
      usual,
      names,
      found,
      library: [...library.tables, ...library.people],
      tenantOf,
      invalid,
    });
  });
  function tenantOf(name: string): string {
    return ownRowRule(rules[name])?.column ?? usual;
  }
  return { ...library, name: migration, schema, tables: [...library.tables, ...parentsFirst(tables, invalid)] };
}

function checkRights(migration: string, { name: table, owned, sighted }: FoundTable): void {
  const missing = (right: string, remedy: string): TenantryError =>
    new TenantryError('migration_right_missing', { migration, table, right, remedy });
  if (!owned) throw missing('ownership, for the trigger that holds late writers', `Run it as the owner of "${table}".`);
  if (!sighted) {
    throw missing(
      'sight of all rows past its row-level security',
      `Run the statements of isolateTable for "${table}".`,
    );
  }
}

/** A table after those that it follows, and after those that it refers to as far as that can be. */
function parentsFirst(tables: readonly RowTable[], invalid: TableContext['invalid']): RowTable[] {
  const ordered: RowTable[] = [];
  const left = new Set(tables);
  const among = (name: string): boolean => [...left].some((table) => table.name === name);
  while (left.size > 0) {
    const free = [...left].filter(
      ({ name, follows }) => follows === null || follows.parent === name || !among(follows.parent),
    );
    const next =
      free.find(({ name, references }) => references.every(({ parent }) => parent === name || !among(parent))) ??
      free[0];
    if (next === undefined) {
      const circle = [...left].map(({ name }) => name).join(', ');
      throw invalid(
        'tables',
        `${circle} follow each other in a circle: say of one of them otherwise where its rows go`,
      );
    }
    left.delete(next);
    ordered.push(next);
  }
  return ordered;
}
