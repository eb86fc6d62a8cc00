import { TenantryError } from '../core/index.ts';
import { quoteIdentifier, quoteLiteral } from '../database/isolation-sql.ts';
import type { CatalogueTable } from './catalogue.ts';
import type { AnyMigration, DerivedTable } from './definition.ts';
import type { Model, OwnTable } from './model.ts';
import type { Step } from './plan.ts';
import { qualified } from './sql-text.ts';
import { byApplication, functionSql, objectName } from './trigger-sql.ts';

/** What a derived table is made from, with its SELECT as text. */
export interface Derivation extends Omit<DerivedTable, 'select'> {
  readonly select: string;
}

/**
 * Derived tables as the catalogue will have them.
 *
 * @throws TenantryError `migration_definition_invalid`.
 */
export function derivedTables(definition: AnyMigration, catalogue: readonly CatalogueTable[]): CatalogueTable[] {
  return Object.entries(definition.derived ?? {}).map(([name, { columns, key, follows }]) => {
    const invalid = (path: string, problem: string): TenantryError =>
      new TenantryError('migration_definition_invalid', {
        migration: definition.name,
        path: `derived.${name}.${path}`,
        problem,
      });
    if (Object.hasOwn(definition.tables, name)) throw invalid('', 'is in `tables` too: a derived table is made here');
    if (key.length === 0) throw invalid('key', 'must name at least one column');
    for (const column of key) if (columns[column] === undefined) throw invalid('key', `there is no column "${column}"`);
    if (Object.keys(follows).length === 0) throw invalid('follows', 'must name the tables that the SELECT reads');
    for (const [table, tie] of Object.entries(follows)) {
      const followed = catalogue.find((candidate) => candidate.name === table);
      if (followed === undefined) throw invalid('follows', `there is no table "${table}"`);
      if (Object.keys(tie).length === 0) throw invalid(`follows.${table}`, 'must tie at least one column');
      for (const [own, output] of Object.entries(tie)) {
        if (!followed.columns.some((column) => column.name === own)) {
          throw invalid(`follows.${table}`, `there is no column "${own}"`);
        }
        if (columns[output] === undefined) throw invalid(`follows.${table}`, `"${output}" is none of the columns`);
      }
    }
    return {
      name,
      partitioned: false,
      rowSecurity: false,
      owned: true,
      tenantColumn: false,
      columns: Object.entries(columns).map(([column, type]) => ({
        name: column,
        type,
        notNull: key.includes(column),
        generated: false,
      })),
      primaryKey: key,
      uniqueKeys: [],
      foreignKeys: [],
      definitions: [],
      updateTriggers: [],
      deleteTriggers: [],
      policies: [],
      uniques: [],
      alwaysTriggers: [],
      forcedRowSecurity: false,
      publishedWithoutIdentity: false,
      readers: [],
    };
  });
}

/** Rows of a table as they are, or as they would be where the migration has yet to make the table. */
export function rowsOf({ sql, derivation }: OwnTable): string {
  return derivation === undefined ? sql : `(${derivation.select})`;
}

/** Makes the table itself. */
export function createDerivedSql(model: Model, { sql, table }: OwnTable): string {
  const columns = table.columns.map(
    ({ name, type, notNull }) => `${quoteIdentifier(name)} ${type}${notNull ? ' not null' : ''}`,
  );
  const key = table.primaryKey.map(quoteIdentifier).join(', ');
  return `create table ${sql} (${[...columns, `${quoteIdentifier(model.column)} uuid`, `primary key (${key})`].join(', ')})`;
}

/** Takes the table away. What the new application wrote there is remembered, and kept when the tenants go. */
export function dropDerivedSql(table: OwnTable): string[] {
  if (table.derivation === undefined) return [];
  return [`drop table ${table.sql}`];
}

/**
 * Fills the table. Writers of the tables that it is made from wait meanwhile: one whose row is gone by the time that this
 * statement is whole would leave a derived row behind.
 */
export function deriveStep(model: Model, table: OwnTable, derivation: Derivation): Step {
  const followed = Object.keys(derivation.follows).map((name) => qualified(model.schema, name));
  const list = columnsOf(table).join(', ');
  return {
    id: `backfill:${table.name}:derive`,
    stage: 'backfill',
    table: Object.keys(derivation.follows)[0] ?? null,
    kind: 'transaction',
    sql: [
      `lock table ${followed.join(', ')} in share row exclusive mode`,
      `insert into ${table.sql} (${list}) select ${list} from (${derivation.select}) as s on conflict do nothing`,
    ],
    undo: [],
    lock: 'share row exclusive',
  };
}

/**
 * The triggers on the tables that a derived table follows. For a row that was written they bring the derived rows that it
 * concerns up to what the SELECT gives. Two writers whose rows meet in one derived row see neither the other's: they take
 * a lock of the values that all ties have in common, or of the whole table where there is none.
 */
export function followStatements(model: Model, table: OwnTable): string[] {
  const { derivation } = table;
  if (derivation === undefined) return [];
  const list = columnsOf(table);
  const key = table.key.map(({ name }) => quoteIdentifier(name));
  const rest = list.filter((name) => !key.includes(name));
  const row = (alias: string, names: readonly string[]): string =>
    `(${names.map((name) => `${alias}.${name}`).join(', ')})`;
  const update =
    rest.length === 0
      ? 'do nothing'
      : `do update set ${rest.map((name) => `${name} = excluded.${name}`).join(', ')}
      where ${row('d', rest)} is distinct from ${row('excluded', rest)}`;
  const common = commonTie(derivation);
  return Object.entries(derivation.follows).flatMap(([followed, tie]) => {
    const name = followName(model, table, followed);
    const tied = (alias: string, at: 'NEW' | 'OLD'): string =>
      Object.entries(tie)
        .map(([own, output]) => `${alias}.${quoteIdentifier(output)} = ${at}.${quoteIdentifier(own)}`)
        .join(' and ');
    const lock = (at: 'NEW' | 'OLD'): string => {
      const values = common.map((output) => {
        const own = Object.keys(tie).find((candidate) => tie[candidate] === output) ?? '';
        return `coalesce(${at}.${quoteIdentifier(own)}::text, '')`;
      });
      return `perform pg_advisory_xact_lock(hashtextextended(${[quoteLiteral(`${model.name}:${table.name}`), ...values].join(` || ':' || `)}, 0));`;
    };
    const bring = (at: 'NEW' | 'OLD'): string => `${lock(at)}
    delete from ${table.sql} as d where ${tied('d', at)}
      and not exists (select 1 from (${derivation.select}) as s where ${row('s', key)} = ${row('d', key)});
    insert into ${table.sql} as d (${list.join(', ')}) select ${list.join(', ')} from (${derivation.select}) as s
      where ${tied('s', at)} on conflict (${key.join(', ')}) ${update};`;
    const body = `if TG_OP <> 'INSERT' then
    ${bring('OLD')}
  end if;
  if TG_OP <> 'DELETE' then
    ${bring('NEW')}
  end if;
  return null;`;
    return [
      functionSql(model, name, '', body),
      `create trigger ${quoteIdentifier(`tenantry_${name}`)} after insert or update or delete on ${qualified(model.schema, followed)}
      for each row when (${byApplication}) execute function tenantry.${name}()`,
    ];
  });
}

/** Takes away what {@link followStatements} made. */
export function dropFollowStatements(model: Model, table: OwnTable): string[] {
  return Object.keys(table.derivation?.follows ?? {}).flatMap((followed) => {
    const name = followName(model, table, followed);
    return [
      `drop trigger if exists ${quoteIdentifier(`tenantry_${name}`)} on ${qualified(model.schema, followed)}`,
      `drop function if exists tenantry.${name}()`,
    ];
  });
}

function followName(model: Model, table: OwnTable, followed: string): string {
  return objectName(model, `${table.name}:${followed}`, 'follow');
}

function columnsOf({ table }: OwnTable): string[] {
  return table.columns.map(({ name }) => quoteIdentifier(name));
}

/** The columns of the derived table that every followed table is tied to. */
function commonTie({ follows, columns }: Derivation): string[] {
  return Object.keys(columns).filter((output) =>
    Object.values(follows).every((tie) => Object.values(tie).includes(output)),
  );
}
