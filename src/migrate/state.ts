import { isTenantryError, TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { sqlstateOf } from '../database/install.ts';
import { forgetFailure } from './failure.ts';
import type { MigrationPlan, StageName, Step } from './plan.ts';
import { execute } from './sql-text.ts';

/** Where a migration stands: the last stage that is whole, or on the way back. */
export type MigrationStage = 'planned' | StageName | 'rolling-back' | 'rolled-back';

/** A migration as the database remembers it. */
export interface StoredMigration {
  readonly name: string;
  readonly stage: MigrationStage;
  /** A re-tenanting says its kind, and has no steps. */
  readonly plan: MigrationPlan & { readonly kind?: 'retenanting' };
  readonly holder: string | null;
}

/** Reads a migration; undefined when the database has none of that name. */
export async function readMigration(db: AnyDatabase, name: string): Promise<StoredMigration | undefined> {
  try {
    const found = await execute<StoredMigration>(
      db,
      'select name, stage, plan, holder from tenantry.migrations where name = $1',
      [name],
    );
    return found.rows[0];
  } catch (error) {
    if (['42P01', '3F000'].includes(sqlstateOf(error)) && !isTenantryError(error)) {
      throw new TenantryError('schema_missing', { schema: 'tenantry' }, { cause: error });
    }
    throw error;
  }
}

/** Stores a plan as the migration's, where there is none yet or the last one was rolled back. */
export async function storePlan(db: AnyDatabase, plan: MigrationPlan, actor: string): Promise<void> {
  await execute(
    db,
    `insert into tenantry.migrations (name, stage, definition_hash, plan_hash, catalogue, plan, actor, created_at, updated_at)
values ($1, 'planned', $2, $3, $4::jsonb, $5::jsonb, $6, date_trunc('milliseconds', now()), now())
on conflict (name) do update set stage = excluded.stage, definition_hash = excluded.definition_hash, plan_hash = excluded.plan_hash,
  catalogue = excluded.catalogue, plan = excluded.plan, actor = excluded.actor, created_at = excluded.created_at, updated_at = excluded.updated_at
where migrations.stage in ('planned', 'rolled-back') and migrations.holder is null`,
    [plan.migration, plan.definitionHash, plan.hash, JSON.stringify(plan.catalogue), JSON.stringify(plan), actor],
  );
}

/** Records that a stage is whole. */
export async function setStage(db: AnyDatabase, name: string, stage: MigrationStage): Promise<void> {
  await execute(db, 'update tenantry.migrations set stage = $2, updated_at = now() where name = $1', [name, stage]);
  await forgetFailure(db, name);
}

/** The ids of the steps that are done, in the order in which they were. */
export async function doneSteps(db: AnyDatabase, name: string): Promise<string[]> {
  const found = await execute<{ step: string }>(
    db,
    'select step from tenantry.migration_steps where migration = $1 and finished_at is not null order by position',
    [name],
  );
  return found.rows.map((row) => row.step);
}

/** Records a step as done; inside the step's own transaction, so that one is never without the other. */
export async function recordStep(
  tx: AnyDatabase,
  name: string,
  step: Step,
  position: number,
  startedAt: Date,
  rows: number,
): Promise<void> {
  await execute(
    tx,
    `insert into tenantry.migration_steps (migration, step, position, stage, started_at, finished_at, row_count)
values ($1, $2, $3::integer, $4, $5::timestamptz, clock_timestamp(), $6::bigint)
on conflict (migration, step) do update set finished_at = excluded.finished_at, row_count = excluded.row_count`,
    [name, step.id, position, step.stage, startedAt.toISOString(), rows],
  );
  await forgetFailure(tx, name);
}

/** Forgets that a step was done; inside the transaction that took it back. */
export async function forgetStep(tx: AnyDatabase, name: string, step: string): Promise<void> {
  await execute(tx, 'delete from tenantry.migration_steps where migration = $1 and step = $2', [name, step]);
  await forgetFailure(tx, name);
}
