import { TenantryError } from '../core/index.ts';
import { type AnyDatabase, inTransaction } from '../database/index.ts';
import { rankSources, sourceConfidence } from './inspect/choose-source.ts';
import { classify } from './inspect/classify.ts';
import { findReferences } from './inspect/find-references.ts';
import { followPaths } from './inspect/follow-paths.ts';
import { findGroupings, findKeys } from './inspect/groupings.ts';
import type {
  InspectedReference,
  InspectedTable,
  Inspection,
  SchemaTable,
  SourceCandidate,
} from './inspect/inspection.ts';
import { countSql, measure, type Place } from './inspect/probes.ts';
import { askQuestions } from './inspect/questions.ts';
import { type Reader, type ReadTable, readDefiners, readReader, readTables, readViews } from './inspect/store.ts';
import { execute } from './sql-text.ts';

/** Options of {@link inspectDatabase}. */
export interface InspectOptions {
  /** The schema of the legacy tables; `public` when absent. */
  readonly schema?: string;
  /** The table that tenants are made from; the one that most speaks for is chosen when absent. */
  readonly source?: string;
  /** The name of the tenant column; the first of `tenant_id`, `tenant_uuid`, `tenantry_tenant_id` that is free when absent. */
  readonly column?: string;
  /** Tables with more rows than this are sampled, not read whole; 1,000,000 when absent. */
  readonly exactUpTo?: number;
}

/**
 * Reads what a database says of itself, and looks at its rows: for each table a guess whose it is, with the reason, and
 * questions where the database does not say. One read-only snapshot; nothing is written. {@link draftDefinition} makes
 * a definition of it.
 *
 * @throws TenantryError `migration_definition_invalid` when the schema or the source is missing, the schema is empty, no
 * table looks like a source, or the column is taken; `migration_right_missing` naming what cannot be read.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { hybridSeats } from 'tenantry';
 * import { draftDefinition, inspectDatabase } from 'tenantry/migrate';
 *
 * async function draft(db: Kysely<Record<string, never>>): Promise<string> {
 *   const inspection = await inspectDatabase(db);
 *   for (const { number, text } of inspection.questions) console.log(`${number}. ${text}`);
 *   return draftDefinition(inspection, { name: 'to-organizations', to: hybridSeats({ plan: 'team' }) });
 * }
 * ```
 */
export async function inspectDatabase(
  db: AnyDatabase,
  { schema = 'public', source, column, exactUpTo = 1_000_000 }: InspectOptions = {},
): Promise<Inspection> {
  return inTransaction(db, undefined, async (tx) => {
    await execute(tx, 'set transaction isolation level repeatable read read only');
    const reader = await readReader(tx, schema);
    if (reader === undefined) throw new TypeError('the database names no current role');
    refuseSchema(schema, reader);
    const read = await readTables(tx, schema);
    refuseTables(schema, read, reader);
    const tenantColumn = freeColumn(schema, read, column);
    const tables = await counted(tx, schema, withoutColumn(read, tenantColumn), exactUpTo);
    const byName = new Map(tables.map((table) => [table.name, table]));
    const place = { schema, tables: byName, exactUpTo };
    const { references, doubtful } = await findReferences(tx, { ...place, source: '' });
    const live = references.filter((reference) => leads(reference, byName));
    const candidates = rankSources(tables, live);
    const chosen = chooseSource(schema, byName, candidates, source);
    const at: Place = { ...place, source: chosen.table };
    const paths = await followPaths(tx, at, live);
    const guesses = classify({
      tables,
      references,
      source: chosen.table,
      sourceReason: chosen.reason,
      sourceConfidence: source === undefined ? sourceConfidence(candidates) : 1,
      ...paths,
    });
    const inspected = tables.flatMap((table): InspectedTable[] => {
      const guess = guesses.get(table.name);
      const mine = references.filter((reference) => reference.table === table.name);
      return guess === undefined ? [] : [{ ...table, references: mine, guess }];
    });
    const found = {
      schema,
      column: tenantColumn,
      source: chosen.table,
      candidates,
      tables: inspected,
      views: await readViews(tx, schema),
      functions: await readDefiners(tx, [...byName.keys()]),
      groupings: await findGroupings(tx, at, references),
      keys: await findKeys(tx, at),
    };
    return { ...found, questions: askQuestions({ ...found, paths, doubtful, reader }) };
  });
}

/** Whether any row of a table is led by a reference; one that all rows leave empty says nothing yet. */
function leads({ table, empty, dangling }: InspectedReference, tables: ReadonlyMap<string, SchemaTable>): boolean {
  const rows = tables.get(table)?.rows ?? 0;
  return rows === 0 || empty + dangling < rows;
}

function invalid(schema: string, path: string, problem: string): TenantryError {
  return new TenantryError('migration_definition_invalid', { migration: `inspection of "${schema}"`, path, problem });
}

function missing(schema: string, table: string, right: string, remedy: string): TenantryError {
  return new TenantryError('migration_right_missing', { migration: `inspection of "${schema}"`, table, right, remedy });
}

function refuseSchema(schema: string, { usable, role }: Reader): void {
  if (usable === null) throw invalid(schema, 'schema', `there is no schema "${schema}"`);
  if (!usable) throw missing(schema, schema, 'USAGE on the schema', `grant usage on schema "${schema}" to ${role};`);
}

function refuseTables(schema: string, tables: readonly ReadTable[], { role }: Reader): void {
  if (tables.length === 0) throw invalid(schema, 'schema', `"${schema}" has no tables`);
  for (const { name, readable, hidden } of tables) {
    if (!readable) throw missing(schema, name, 'SELECT', `grant select on "${schema}"."${name}" to ${role};`);
    if (hidden) {
      throw missing(schema, name, 'sight of all rows past its row-level security', `alter role ${role} bypassrls;`);
    }
  }
}

function freeColumn(schema: string, tables: readonly ReadTable[], wanted: string | undefined): string {
  const taken = (name: string): ReadTable | undefined =>
    tables.find((table) => !table.converted && table.columns.some((column) => column.name === name));
  const names = wanted === undefined ? ['tenant_id', 'tenant_uuid', 'tenantry_tenant_id'] : [wanted];
  const free = names.find((name) => taken(name) === undefined);
  if (free !== undefined) return free;
  const problem = `"${taken(names[0] ?? '')?.name}" has a column "${names[0]}" already; name another one with { column }`;
  throw invalid(schema, 'column', problem);
}

/** Leaves out the tenant column that a migration under way has added. */
function withoutColumn(tables: readonly ReadTable[], column: string): SchemaTable[] {
  return tables.map(({ converted: _converted, readable: _readable, hidden: _hidden, ...table }) => ({
    ...table,
    columns: table.columns.filter(({ name }) => name !== column),
  }));
}

/** Counts the tables that the server takes for small enough; of the others its estimate stays. */
async function counted(
  tx: AnyDatabase,
  schema: string,
  tables: readonly SchemaTable[],
  exactUpTo: number,
): Promise<SchemaTable[]> {
  // A table that was never analyzed has no estimate; its size says enough.
  const small = tables.filter((table) => table.rows <= exactUpTo && table.bytes <= exactUpTo * 1000);
  const counts = await measure(
    tx,
    small.map((table) => countSql({ schema }, table.name)),
  );
  return tables.map((table) => {
    const at = small.indexOf(table);
    if (at >= 0) return { ...table, rows: counts[at]?.rows ?? 0, rowsExact: true };
    return table.rows > 0 ? table : { ...table, rows: Math.round(table.bytes / 100) };
  });
}

function chooseSource(
  schema: string,
  tables: ReadonlyMap<string, SchemaTable>,
  candidates: readonly SourceCandidate[],
  wanted: string | undefined,
): SourceCandidate {
  if (wanted === undefined) {
    const best = candidates[0];
    if (best !== undefined) return best;
    throw invalid(schema, 'source', 'no table looks like one that tenants are made from; name it with { source }');
  }
  const table = tables.get(wanted);
  if (table === undefined) throw invalid(schema, 'source', `there is no table "${schema}"."${wanted}"`);
  if (table.primaryKey.length === 0) throw invalid(schema, 'source', `"${wanted}" has no primary key`);
  const known = candidates.find((candidate) => candidate.table === wanted);
  return known ?? { table: wanted, score: 0, leading: 0, reason: 'It was named as the source.' };
}
