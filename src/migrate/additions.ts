import { TenantryError } from '../core/index.ts';
import { isolateTable, quoteIdentifier, quoteLiteral, unisolateTable } from '../database/isolation-sql.ts';
import { addedColumns } from './added-columns.ts';
import type { CatalogueTable } from './catalogue.ts';
import type { Addition, AnyMigration } from './definition.ts';
import type { Model } from './model.ts';
import type { StageName, Step } from './plan.ts';
import { keepRows } from './quarantine-sql.ts';
import { qualified } from './sql-text.ts';
import { archiveSchema } from './stages/archive-schema.ts';
import { objectName } from './trigger-sql.ts';

/** An addition with its statements as text. */
export interface ModelAddition extends Omit<Addition, 'sql' | 'undo'> {
  readonly sql: readonly string[];
  readonly undo: readonly string[];
}

/** The tables that the additions and the derived tables of a definition make. */
export function madeTables({ additions = [], derived = {} }: AnyMigration): string[] {
  return [...additions.flatMap(({ creates = {} }) => Object.keys(creates)), ...Object.keys(derived)];
}

/**
 * The catalogue as the legacy application knows it: without the tables and columns that a migration adds, so that neither
 * is drift, and nothing that is conserved.
 */
export function withoutAdded(definition: AnyMigration, catalogue: readonly CatalogueTable[]): CatalogueTable[] {
  const made = madeTables(definition);
  const added = addedColumns(definition);
  return catalogue
    .filter(({ name }) => !made.includes(name))
    .map((table) => {
      const own = added.get(table.name);
      if (own === undefined) return table;
      return {
        ...table,
        columns: table.columns.filter(({ name }) => !own.includes(name)),
        foreignKeys: table.foreignKeys.filter(({ columns }) => !columns.some((column) => own.includes(column))),
        definitions: [],
      };
    });
}

/**
 * Refuses additions that cannot be.
 *
 * @throws TenantryError `migration_definition_invalid`.
 */
export function refuseAdditions(definition: AnyMigration): void {
  const names = new Set<string>();
  const made = new Set<string>();
  for (const { name, creates = {} } of definition.additions ?? []) {
    const invalid = (problem: string): TenantryError =>
      new TenantryError('migration_definition_invalid', {
        migration: definition.name,
        path: `additions.${name}`,
        problem,
      });
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) throw invalid('the name must be 1 to 63 characters of a-z, 0-9 and -');
    if (names.has(name)) throw invalid('two additions have this name');
    names.add(name);
    for (const table of Object.keys(creates)) {
      const taken = made.has(table) || Object.hasOwn(definition.derived ?? {}, table);
      if (taken) throw invalid(`makes "${table}", and so does another`);
      if (Object.hasOwn(definition.tables, table) || table === definition.tenants.source) {
        throw invalid(`makes "${table}", of which the definition says that it is there already`);
      }
      made.add(table);
    }
  }
}

/** The legacy tables that additions changed, of those whose steps are done. */
export function changedTables({ additions }: Model, done: ReadonlySet<string>): string[] {
  return additions.filter((addition) => done.has(stepOf(addition))).flatMap(({ changes = [] }) => changes);
}

/** The step that runs an addition. */
export function stepOf({ name, stage }: ModelAddition): string {
  return `${stage}:addition:${name}`;
}

/** The application's own statements of one stage, each addition a step. */
export function additionSteps(model: Model, stage: StageName): Step[] {
  return model.additions
    .filter((addition) => addition.stage === stage)
    .map((addition) => ({
      id: stepOf(addition),
      stage,
      table: null,
      kind: 'transaction',
      sql: addition.sql,
      undo: [...keepMade(model, addition), ...keepAdded(model, addition), ...addition.undo],
      lock: 'access exclusive',
    }));
}

/** Row-level security on the tables of tenants that additions made before. */
export function madeIsolationSteps(model: Model): Step[] {
  const before = ['expand', 'backfill', 'enforce'];
  const own = model.additions
    .filter(({ stage }) => before.includes(stage))
    .flatMap(({ creates = {} }) => Object.keys(creates).filter((table) => creates[table] === 'own'));
  return own.map((table) => ({
    id: `enforce:${table}:isolation`,
    stage: 'enforce',
    table,
    kind: 'transaction',
    sql: isolateTable({ schema: model.schema, table, column: model.column }),
    undo: unisolateTable({ schema: model.schema, table }),
    lock: 'access exclusive',
  }));
}

/** What stands in the tables that an addition made has no place without them. */
function keepMade(model: Model, { creates = {} }: ModelAddition): string[] {
  return Object.keys(creates).map((table) =>
    keepRows(model, { table, rows: qualified(model.schema, table), key: 'gen_random_uuid()::text' }),
  );
}

/** What stands in added columns goes to the archive, by the key of its row or, where it has none, with the whole row. */
function keepAdded(model: Model, { name, adds = {} }: ModelAddition): string[] {
  return Object.entries(adds).flatMap(([table, columns]) => {
    const legacy = model.catalogue.find((candidate) => candidate.name === table);
    if (columns.length === 0 || legacy === undefined) return [];
    const key =
      [legacy.primaryKey, ...legacy.uniqueKeys, legacy.columns.map((column) => column.name)].find(
        (each) => each.length > 0,
      ) ?? [];
    const archive = qualified(archiveSchema, objectName(model, `${table}.${name}`, `${table.slice(0, 40)}_columns`));
    const list = [...key, ...columns].map(quoteIdentifier).join(', ');
    const some = columns.map((column) => `${quoteIdentifier(column)} is not null`).join(' or ');
    return [
      `create schema if not exists ${archiveSchema}`,
      `drop table if exists ${archive}`,
      `create table ${archive} as select ${list} from ${qualified(model.schema, table)} where ${some}`,
      `comment on table ${archive} is ${quoteLiteral(`columns that the migration ${model.name} had added to ${table}, as they were when it was taken back`)}`,
    ];
  });
}
