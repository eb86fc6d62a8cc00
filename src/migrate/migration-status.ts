import type { AnyDatabase } from '../database/index.ts';
import { type MigrationFailure, readFailure } from './failure.ts';
import { readPause } from './pause-migration.ts';
import type { StageName, Step } from './plan.ts';
import { type RetenantingStatus, retenantingStatus } from './retenant/retenanting-status.ts';
import type { RetenantingStage } from './retenant/store.ts';
import { blockersOfProcess, blockersOfStep, type MigrationBlocker } from './run/blockers.ts';
import { execute } from './sql-text.ts';
import { doneSteps, type MigrationStage, readMigration } from './state.ts';

/** Where a migration or a re-tenanting stands. */
export interface MigrationStatus {
  readonly migration: string;
  readonly stage: MigrationStage | RetenantingStage;
  /** Steps that are done; tenants of a re-tenanting. */
  readonly stepsDone: number;
  readonly stepsTotal: number;
  /** The next step; null when all are done. */
  readonly next: { readonly step: string; readonly stage: StageName } | null;
  /** Tables whose rows are being, or were, given their tenant. */
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly finished: boolean }[];
  /** Who works on it now; null when nobody does. */
  readonly holder: string | null;
  /** Why the last run stopped; null once a later one got past it. */
  readonly failure: MigrationFailure | null;
  /** Who paused it, and when; null when nobody did. */
  readonly paused: { readonly by: string; readonly since: Date } | null;
  /** Who holds a lock that the runner at work waits for; empty when it waits for none, and when nobody works on it. */
  readonly blockers: readonly MigrationBlocker[];
  /** What else is known of a re-tenanting; null for a migration. */
  readonly retenanting: RetenantingStatus | null;
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
 *   const { stage, stepsDone, stepsTotal, failure } = await migrationStatus(db, 'customers-to-organizations');
 *   console.log(`${stage}: ${stepsDone} of ${stepsTotal} steps`);
 *   if (failure !== null) console.log(`${failure.step}: ${failure.message}. ${failure.remedy}`);
 * }
 * ```
 */
export async function migrationStatus(db: AnyDatabase, migration: string): Promise<MigrationStatus> {
  const stored = await readMigration(db, migration);
  if (stored === undefined) {
    return {
      migration,
      stage: 'none',
      stepsDone: 0,
      stepsTotal: 0,
      next: null,
      tables: [],
      holder: null,
      failure: null,
      paused: null,
      blockers: [],
      retenanting: null,
    };
  }
  if (stored.plan.kind === 'retenanting') return statusOfRetenanting(db, migration);
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
    failure: await readFailure(db, migration),
    paused: await readPause(db, migration),
    blockers: await blockersOf(db, migration, next),
    retenanting: null,
  };
}

async function statusOfRetenanting(db: AnyDatabase, migration: string): Promise<MigrationStatus> {
  const retenanting = await retenantingStatus(db, migration);
  return {
    migration,
    stage: retenanting.stage,
    stepsDone: retenanting.unitsDone,
    stepsTotal: retenanting.unitsTotal,
    next: null,
    tables: [],
    holder: retenanting.holder,
    failure: await readFailure(db, migration),
    paused: null,
    blockers: await blockersOf(db, migration, undefined),
    retenanting,
  };
}

/**
 * Who is in the runner's way at this moment. Between two tries it waits for no lock; whoever has held one on the tables
 * of the next step for longer than a try takes is in its way then, too.
 */
async function blockersOf(db: AnyDatabase, migration: string, next: Step | undefined): Promise<MigrationBlocker[]> {
  const held = await execute<{ pid: number | null }>(
    db,
    'select holder_pid as pid from tenantry.migrations where name = $1 and holder is not null',
    [migration],
  );
  const pid = held.rows[0]?.pid ?? null;
  if (pid === null) return [];
  const now = await blockersOfProcess(db, pid);
  if (now.length > 0 || next === undefined) return now;
  return (await blockersOfStep(db, next, 2)).filter((blocker) => blocker.pid !== pid);
}
