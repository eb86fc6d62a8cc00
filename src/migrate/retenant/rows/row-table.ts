import type { TenantryError } from '../../../core/index.ts';
import { quoteIdentifier } from '../../../database/isolation-sql.ts';
import { qualified } from '../../sql-text.ts';
import type { OwnRowRule } from '../definition.ts';
import type { FoundTable, FoundUnique } from './read-catalogue.ts';
import type { RowColumn, RowReference, RowTable, RowUnique } from './table.ts';

/** What a table is held against. */
export interface TableContext {
  readonly schema: string;
  readonly usual: string;
  readonly names: readonly string[];
  readonly found: readonly FoundTable[];
  /** Tables of the library that rows may refer to. */
  readonly library: readonly RowTable[];
  readonly tenantOf: (table: string) => string;
  readonly invalid: (path: string, problem: string) => TenantryError;
}

/** One table as its rule and the database have it. */
export function rowTable(table: FoundTable, rule: OwnRowRule, context: TableContext): RowTable {
  const { schema, usual, invalid } = context;
  const path = `tables.${table.name}`;
  const column = rule.column ?? usual;
  if (!table.columns.some(({ name }) => name === column)) throw invalid(path, `has no column "${column}"`);
  const columns = table.columns.filter(({ name }) => name !== column);
  const named = (name: string): RowColumn => {
    const one = columns.find((candidate) => candidate.name === name);
    if (one === undefined) throw invalid(path, `has no column "${name}"`);
    return one;
  };
  const primary = table.uniques.find((unique) => unique.primary);
  const keyNames = rule.key ?? primary?.columns.flatMap((name) => (name === null || name === column ? [] : [name]));
  if (keyNames === undefined || keyNames.length === 0) {
    const alone = primary !== undefined && rule.key === undefined;
    throw invalid(
      path,
      alone
        ? 'has the tenant alone as its primary key: add a column that tells a row apart wherever it goes, such as an id with a default, and name it with { key }'
        : 'has no primary key: name one with { key }',
    );
  }
  const key = keyNames.map(named);
  const within = (names: readonly (string | null)[]): boolean =>
    names.every((name) => name !== null && keyNames.includes(name));
  const references = referencesOf(table, rule, column, context);
  const follows =
    rule.kind !== 'follows'
      ? null
      : (references.find(
          (one) => same(one.columns, rule.columns) && (rule.to === undefined || one.parent === rule.to),
        ) ?? null);
  if (rule.kind === 'follows' && follows === null) {
    throw invalid(
      path,
      `no foreign key of (${rule.columns.join(', ')}) leads to a table of tenants: name one with { to }`,
    );
  }
  return {
    name: table.name,
    sql: qualified(schema, table.name),
    column: quoteIdentifier(column),
    key,
    globalKey: table.uniques.some(({ columns: parts, condition }) => condition === null && within(parts)),
    columns,
    uniques: uniquesOf(table, rule, column, invalid),
    references,
    rule,
    follows,
    triggers: table.triggers,
    library: null,
  };
}

function uniquesOf(table: FoundTable, rule: OwnRowRule, column: string, invalid: TableContext['invalid']): RowUnique[] {
  const policies = rule.uniques ?? {};
  const used = new Set<string>();
  const nameOf = ({ name, columns }: FoundUnique): string => {
    const listed = columns.filter((one) => one !== column);
    return listed.includes(null) ? name : listed.join(', ');
  };
  const found = table.uniques
    .filter(({ columns }) => columns.includes(column))
    .map((unique): RowUnique => {
      const name = nameOf(unique);
      const said = Object.hasOwn(policies, name) ? name : unique.name;
      used.add(said);
      return {
        name,
        index: unique.name,
        parts: unique.parts.filter((_, place) => unique.columns[place] !== column),
        condition: unique.condition,
        nullsEqual: unique.nullsEqual,
        policy: policies[said] ?? 'fail',
      };
    })
    // One row for each tenant is a unique key too; columns that say the same twice are looked at once.
    .filter((unique, place, all) => all.findIndex((other) => other.name === unique.name) === place);
  const unknown = Object.keys(policies).find((name) => !used.has(name));
  if (unknown !== undefined) {
    const known = found.map(({ name }) => `"${name}"`).join(', ');
    throw invalid(
      `tables.${table.name}.uniques`,
      `there is no unique key "${unknown}" of a tenant; there are ${known || 'none'}`,
    );
  }
  for (const { policy } of found) {
    for (const name of columnsOf(policy)) {
      if (!table.columns.some((one) => one.name === name))
        throw invalid(`tables.${table.name}`, `has no column "${name}"`);
    }
  }
  return found;
}

function columnsOf(policy: RowUnique['policy']): readonly string[] {
  if (typeof policy === 'string') return [];
  if ('sum' in policy) return policy.sum;
  if ('suffix' in policy) return [policy.suffix];
  if ('prefer' in policy) return [];
  return 'renumber' in policy ? [policy.renumber] : [policy.keepNewest];
}

/** References between tables of tenants. The tenant's own column is left out of them: it is what changes. */
function referencesOf(table: FoundTable, rule: OwnRowRule, column: string, context: TableContext): RowReference[] {
  const { names, found, library, tenantOf } = context;
  const told = rule.references ?? {};
  const make = (columns: readonly string[], parent: string, parentColumns: readonly string[]): RowReference => ({
    columns,
    parent,
    parentColumns,
    nullable: columns.some((name) => table.columns.some((one) => one.name === name && !one.notNull)),
    crossing: told[columns.join(', ')] ?? 'fail',
  });
  const references = table.foreignKeys.flatMap(({ columns, target, targetColumns }) => {
    const inLibrary = library.some(({ name }) => name === target);
    if (target === null || (!inLibrary && !names.includes(target))) return [];
    const pairs = columns.flatMap((name, place) => {
      const to = targetColumns[place] ?? '';
      return name === column && to === (inLibrary ? 'tenant_id' : tenantOf(target)) ? [] : [{ name, to }];
    });
    if (pairs.length === 0) return [];
    return [
      make(
        pairs.map(({ name }) => name),
        target,
        pairs.map(({ to }) => to),
      ),
    ];
  });
  if (rule.kind === 'follows' && rule.to !== undefined && !references.some((one) => same(one.columns, rule.columns))) {
    const parent = found.find(({ name }) => name === rule.to);
    const primary = parent?.uniques.find((unique) => unique.primary)?.columns ?? [];
    const key = primary.flatMap((name) => (name === null || name === tenantOf(rule.to ?? '') ? [] : [name]));
    if (!names.includes(rule.to) || key.length !== rule.columns.length) {
      throw context.invalid(`tables.${table.name}`, `(${rule.columns.join(', ')}) cannot lead to "${rule.to}"`);
    }
    references.push(make(rule.columns, rule.to, key));
  }
  return references.filter(
    (one, place) =>
      references.findIndex((other) => other.parent === one.parent && same(other.columns, one.columns)) === place,
  );
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name) => other.includes(name));
}
