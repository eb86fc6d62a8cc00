import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { refuseDrift } from './apply-migration.ts';
import { driftBetween, fingerprints } from './catalogue.ts';
import type { AnyMigration } from './definition.ts';
import type { Export } from './export/piece.ts';
import { prismaFiles } from './export/prisma.ts';
import { psqlFiles, type SqlFile } from './export/psql.ts';
import { readShapes } from './export/shapes.ts';
import type { Model } from './model.ts';
import { type MigrationPlan, type StageName, stageNames } from './plan.ts';
import { loadModel } from './plan-migration.ts';
import type { BatchSettings } from './run/batches.ts';
import { checkSettings } from './run/check-settings.ts';
import { type RunnerSettings, runnerSettings } from './run/session.ts';
import { execute } from './sql-text.ts';
import { batchSql } from './stages/backfill.ts';

/** What an export is written from: the database of the plan, and the definition. */
export interface ExportSource {
  readonly db: AnyDatabase;
  readonly definition: AnyMigration;
}

/** Options of {@link exportSql}. */
export interface ExportOptions extends Pick<RunnerSettings, 'lockTimeout' | 'lockRetries'>, BatchSettings {
  /**
   * `psql`: a numbered file per stage, and `rollback.sql` for the way back. `prisma`: numbered folders, each with
   * `migration.sql` and `down.sql`.
   */
  readonly format: 'psql' | 'prisma';
  /** The last stage to export; `enforce` when absent. */
  readonly to?: StageName;
  /**
   * The time in the name of Prisma's first folder; each further one is a second later. Choose one after that of the
   * application's last migration. 2026-01-01T00:00:00Z when absent.
   */
  readonly start?: Date;
}

/** Files that do what {@link applyMigration} and {@link rollbackMigration} do, without the library. */
export interface SqlExport {
  readonly files: readonly SqlFile[];
}

/**
 * Writes a plan out as SQL files that run without the library: the same statements in the same transactions, with the
 * same record, so that the library can verify, go on or roll back what the files began, and the files what the library
 * began. Files can be run again after an interruption, refuse a database that changed since the plan, hold the lease of
 * the migration while they run, and verify the backfill before they enforce. The same plan gives the same text. Samples
 * of rows that a plan shows are left out.
 *
 * @throws TenantryError `migration_drifted` when the tables changed since the plan, `migration_stage_invalid` when the
 * definition did, `migration_tables_unclassified`, `migration_definition_invalid`.
 *
 * @example
 * ```ts
 * import { mkdir, writeFile } from 'node:fs/promises';
 * import { dirname, join } from 'node:path';
 * import type { Kysely } from 'kysely';
 * import { type AnyMigration, exportSql, planMigration } from 'tenantry/migrate';
 *
 * async function save(db: Kysely<Record<string, never>>, definition: AnyMigration, folder: string): Promise<void> {
 *   const plan = await planMigration(db, definition);
 *   const { files } = await exportSql(plan, { db, definition }, { format: 'prisma', start: new Date('2026-05-01') });
 *   for (const { name, content } of files) {
 *     await mkdir(dirname(join(folder, name)), { recursive: true });
 *     await writeFile(join(folder, name), content);
 *   }
 * }
 * ```
 */
export async function exportSql(
  plan: MigrationPlan,
  { db, definition }: ExportSource,
  {
    format,
    to = 'enforce',
    start = new Date('2026-01-01T00:00:00Z'),
    batchSize = 500,
    batchMilliseconds = 20,
    pause = 0,
    ...settings
  }: ExportOptions,
): Promise<SqlExport> {
  checkSettings({ ...settings, to, batchSize, batchMilliseconds, pause });
  const { model, catalogue } = await loadModel(db, definition);
  refuseDrift(model, plan, driftBetween(plan.catalogue, fingerprints(catalogue)));
  refuseOtherVersion(model, plan);
  const { lockTimeout, lockRetries } = runnerSettings(settings);
  const path = await execute<{ path: string }>(db, `select current_setting('search_path') as path`);
  const x: Export = {
    plan,
    model,
    searchPath: path.rows[0]?.path ?? '',
    shapes: await readShapes(db, model),
    lockTimeout,
    lockRetries,
    batchSize,
    batchMilliseconds,
    pause,
  };
  const stages = stageNames.slice(0, stageNames.indexOf(to) + 1);
  return { files: format === 'psql' ? psqlFiles(x, stages) : prismaFiles(x, stages, start) };
}

/** The batches are written anew; they must be those of the plan. */
function refuseOtherVersion(model: Model, plan: MigrationPlan): void {
  const same = plan.steps.every((step) => {
    const table = model.own.find((candidate) => candidate.name === step.table);
    return step.kind !== 'batches' || (table !== undefined && step.sql[0] === batchSql(model, table).next);
  });
  if (same) return;
  throw new TenantryError('migration_stage_invalid', {
    migration: model.name,
    stage: 'planned',
    problem: 'the plan was made by another version of the library; make a new plan',
  });
}
