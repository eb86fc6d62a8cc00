import { createHash } from 'node:crypto';
import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { sqlstateOf } from '../database/install.ts';
import { withoutAdded } from './additions.ts';
import { type CatalogueTable, fingerprints, readCatalogue } from './catalogue.ts';
import type { AnyMigration } from './definition.ts';
import { estimateBasis, estimateStep, estimateTable, measureSlowness, readWidths } from './estimate.ts';
import { buildModel, type Model, tenantOfRow } from './model.ts';
import type { MigrationPlan, PlannedTable, Step, StepLock } from './plan.ts';
import { partStatements } from './populate.ts';
import { checkRights } from './rights.ts';
import { rolledBack } from './rolled-back.ts';
import { fillMapSql } from './source-sql.ts';
import { archiveSchema } from './stages/archive-schema.ts';
import { backfillSteps } from './stages/backfill.ts';
import { contractSteps } from './stages/contract.ts';
import { enforceSteps } from './stages/enforce.ts';
import { expandSteps } from './stages/expand.ts';
import { switchSteps } from './stages/switch.ts';
import { doneSteps } from './state.ts';
import { policyText, survey } from './survey.ts';

/**
 * Says what a migration will do, and proves before anything is written that every row leads to exactly one tenant: reads
 * the catalogue, groups the source rows, counts, and writes out the SQL of every step. It runs the real expressions in a
 * transaction that is rolled back.
 *
 * @throws TenantryError `schema_missing`, `migration_tables_unclassified`, `migration_definition_invalid`,
 * `migration_right_missing`, `migration_rows_unresolved`, `migration_rows_ambiguous`, `migration_conflict`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { type AnyMigration, planMigration } from 'tenantry/migrate';
 *
 * async function show(db: Kysely<Record<string, never>>, migration: AnyMigration): Promise<void> {
 *   const plan = await planMigration(db, migration);
 *   console.log(`${plan.source.rows} rows → ${plan.tenants} tenants, ${plan.members} members, ${plan.keys} keys`);
 * }
 * ```
 */
export async function planMigration(db: AnyDatabase, definition: AnyMigration): Promise<MigrationPlan> {
  const { model, catalogue } = await loadModel(db, definition);
  await checkRights(db, model);
  const begun = (await doneSteps(db, definition.name)).length > 0;
  if (!begun) refuseTakenColumn(model);
  const { counted, slowness, widths } = await rolledBack(db, async (tx) => ({
    counted: await survey(tx, model),
    slowness: await measureSlowness(tx),
    widths: await readWidths(tx, model),
  })).catch((error: unknown) => {
    throw ofDefinition(model, error);
  });
  const steps = stepsOf(model);
  const rows = new Map(counted.tables.map((each) => [each.table.name, each.rows]));
  const basis = estimateBasis(model, slowness, widths, rows);
  const planned = steps.map((step) => estimateStep(model, basis, step));
  const usual = planned.filter(({ stage }) => ['expand', 'backfill', 'enforce'].includes(stage));
  const tables = counted.tables.map(
    ({ table, rows, unresolved, samples }): PlannedTable => ({
      table: table.name,
      rows,
      path: table.path,
      unresolved: { rows: unresolved, policy: policyText(model, table), samples },
      lock: strongest(steps.filter((step) => step.table === table.name)),
      estimate: estimateTable(usual.filter((step) => step.table === table.name)),
    }),
  );
  const definitionHash = definitionFingerprint(model);
  const shapes = fingerprints(catalogue);
  return {
    migration: model.name,
    definitionHash,
    source: { table: model.source.name, rows: counted.sourceRows },
    tenants: counted.tenants,
    members: counted.members,
    keys: counted.keys,
    subscriptions: counted.subscriptions,
    grants: counted.grants,
    auditEntries: counted.auditEntries,
    tables,
    shared: model.shared,
    decisions: counted.decisions,
    steps: planned,
    catalogue: shapes,
    hash: hashOf([definitionHash, steps, shapes]),
  };
}

/** A column of that name is another's, unless the migration was begun and made it. */
function refuseTakenColumn(model: Model): void {
  for (const { name, table } of model.own) {
    const invalid = (problem: string): TenantryError =>
      new TenantryError('migration_definition_invalid', { migration: model.name, path: `tables.${name}`, problem });
    if (table.tenantColumn) {
      throw invalid(`has a column "${model.column}" already; name the tenant column otherwise with { column }`);
    }
  }
}

/**
 * Reads the catalogue and holds the definition against it. Tables that the contract stage archived already stand in as
 * they are in the archive.
 */
export async function loadModel(
  db: AnyDatabase,
  definition: AnyMigration,
): Promise<{ model: Model; catalogue: CatalogueTable[]; archived: string[] }> {
  const { schema = 'public', column = 'tenant_id', contract } = definition;
  const catalogue = withoutAdded(definition, await readCatalogue(db, schema, column));
  const missing = (contract?.archive ?? []).filter((name) => !catalogue.some((table) => table.name === name));
  const aside = missing.length === 0 ? [] : await readCatalogue(db, archiveSchema, column);
  const archived = aside.filter((table) => missing.includes(table.name));
  const model = buildModel(db, definition, [...catalogue, ...archived]);
  return { model, catalogue, archived: archived.map((table) => table.name) };
}

/** Every step of a migration, in the order in which they run. */
function stepsOf(model: Model): Step[] {
  return [
    ...expandSteps(model),
    ...backfillSteps(model),
    ...enforceSteps(model),
    ...switchSteps(model),
    ...contractSteps(model),
  ];
}

/** A fingerprint of everything in a definition that decides what happens to rows. */
export function definitionFingerprint(model: Model): string {
  const { from, to, tables, contract } = model.definition;
  return hashOf([
    model.name,
    model.schema,
    model.column,
    from.name,
    to.name,
    to.plan,
    model.own.map((table) => [table.name, table.unresolved, tenantOfRow(model, table, 't'), table.derivation ?? null]),
    Object.keys(tables).map((table) => [table, tables[table]?.kind]),
    model.additions,
    contract ?? null,
    model.definition.tenants.fallback ?? null,
    fillMapSql(model),
    partStatements(model).map(({ sql }) => sql),
  ]);
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

const strength: readonly StepLock[] = [
  'none',
  'row',
  'share update exclusive',
  'share row exclusive',
  'access exclusive',
];

function strongest(steps: readonly Step[]): StepLock {
  return strength[Math.max(0, ...steps.map((step) => strength.indexOf(step.lock)))] ?? 'none';
}

/** What PostgreSQL does not understand, or cannot compute on these rows, stands in the definition: nothing else was asked. */
function ofDefinition({ name }: Model, error: unknown): unknown {
  if (!(error instanceof Error) || !/^(42|22)/.test(sqlstateOf(error)) || sqlstateOf(error) === '42501') return error;
  const problem = `PostgreSQL refuses its SQL: ${error.message}`;
  return new TenantryError('migration_definition_invalid', { migration: name, path: 'sql', problem }, { cause: error });
}
