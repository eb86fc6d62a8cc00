import type { AnyDatabase } from '../database/index.ts';
import type { StageName } from './plan.ts';
import { execute } from './sql-text.ts';
import { doneSteps, type MigrationStage, readMigration } from './state.ts';

/** Where a migration stands. */
export interface MigrationStatus {
  readonly migration: string;
  readonly stage: MigrationStage | 'none';
  readonly stepsDone: number;
  readonly stepsTotal: number;
  /** The next step; null when all are done. */
  readonly next: { readonly step: string; readonly stage: StageName } | null;
  /** Tables whose rows are being, or were, given their tenant. */
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly finished: boolean }[];
  /** Who works on it now; null when nobody does. */
  readonly holder: string | null;
}

/**
 * Tells where a migration stands, from its state alone.
 *
 * @throws TenantryError `schema_missing`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { migrationStatus } from 'tenantry/migrate';
 *
 * async function where(db: Kysely<Record<string, never>>): Promise<void> {
 *   const { stage, stepsDone, stepsTotal } = await migrationStatus(db, 'customers-to-organizations');
 *   console.log(`${stage}: ${stepsDone} of ${stepsTotal} steps`);
 * }
 * ```
 */
export async function migrationStatus(db: AnyDatabase, migration: string): Promise<MigrationStatus> {
  const stored = await readMigration(db, migration);
  if (stored === undefined) {
    return { migration, stage: 'none', stepsDone: 0, stepsTotal: 0, next: null, tables: [], holder: null };
  }
  const done = new Set(await doneSteps(db, migration));
  const tables = await execute<{ table: string; rows: string; finished: boolean }>(
    db,
    'select table_name as table, row_count::text as rows, finished from tenantry.migration_checkpoints where migration = $1 order by 1',
    [migration],
  );
  const next = stored.plan.steps.find((step) => !done.has(step.id));
  return {
    migration,
    stage: stored.stage,
    stepsDone: done.size,
    stepsTotal: stored.plan.steps.length,
    next: next === undefined ? null : { step: next.id, stage: next.stage },
    tables: tables.rows.map((row) => ({ table: row.table, rows: Number(row.rows), finished: row.finished })),
    holder: stored.holder,
  };
}
