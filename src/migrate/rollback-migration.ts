import { type Clock, systemClock, TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { auditEntrySql, thisRunner } from './audit-trail.ts';
import type { AnyMigration } from './definition.ts';
import type { Place } from './failure.ts';
import type { Model } from './model.ts';
import { resumeMigration } from './pause-migration.ts';
import type { Step } from './plan.ts';
import { loadModel } from './plan-migration.ts';
import { endBackWrites } from './reverse/back-statements.ts';
import { checkSettings } from './run/check-settings.ts';
import type { MigrationHold } from './run/hold.ts';
import { releaseLease, takeLease } from './run/lease.ts';
import { markStage } from './run/mark-stage.ts';
import { onConnection } from './run/on-connection.ts';
import type { OnProgress } from './run/progress.ts';
import { inStep, type RunnerSettings, runnerName, runnerSettings, type Session } from './run/session.ts';
import { refuseStopped } from './run/stop.ts';
import { execute } from './sql-text.ts';
import { columnStepId, expandBackwards } from './stages/expand.ts';
import { doneSteps, forgetStep, readMigration } from './state.ts';
import { dropTriggerStatements } from './triggers.ts';

/** Options of {@link rollbackMigration}. */
export interface RollbackOptions extends RunnerSettings {
  readonly onProgress?: OnProgress;
  /** Who does it, for the record; the name of the database role when absent. */
  readonly actor?: string;
  readonly clock?: Clock;
}

/** Rows of one table. */
export interface CountedRows {
  readonly table: string;
  readonly rows: number;
}

/** What {@link rollbackMigration} did. */
export interface RollbackResult {
  readonly migration: string;
  /** Steps that were taken back. */
  readonly steps: number;
  /**
   * Rows of the new shape for which the old one has no place, by table: rows that the new application made, and others
   * that it changed in a way that the legacy columns cannot say. They are kept in `tenantry.migration_quarantine`, each
   * with its reason, and move to `tenantry.migration_kept` when the migration is begun again.
   */
  readonly kept: readonly CountedRows[];
  /** Rows that were brought back: those that the new application wrote since the switch, and those that were set aside. */
  readonly returned: readonly CountedRows[];
  readonly seconds: number;
}

/**
 * Takes a migration back from whatever stage it stands at: the steps that ran, in reverse order, each in one transaction
 * with the record. The legacy tables are then as they were, with everything that was written to them since. It can be
 * killed and run again like {@link applyMigration}.
 *
 * @throws TenantryError `migration_not_found`, `migration_running`, `migration_lease_lost`, `migration_step_failed`,
 * `migration_stopped`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { type AnyMigration, rollbackMigration } from 'tenantry/migrate';
 *
 * async function back(db: Kysely<Record<string, never>>, migration: AnyMigration): Promise<void> {
 *   const { kept } = await rollbackMigration(db, migration);
 *   for (const { table, rows } of kept) console.log(`${rows} rows of ${table} had no place in the old shape`);
 * }
 * ```
 */
export async function rollbackMigration(
  db: AnyDatabase,
  definition: AnyMigration,
  { onProgress = () => undefined, actor, clock = systemClock, ...settings }: RollbackOptions = {},
): Promise<RollbackResult> {
  checkSettings(settings);
  const begun = clock().getTime();
  return onConnection(db, definition.name, async (connection, at) => {
    const lease = await takeLease(connection, definition.name, runnerName(), runnerSettings(settings).leasePatience);
    const here: Place = { stage: 'rollback', step: null };
    at.place = here;
    try {
      const stored = await readMigration(connection, definition.name);
      if (stored === undefined) throw new TenantryError('migration_not_found', { migration: definition.name });
      const session: Session = {
        db: connection,
        migration: definition.name,
        lease,
        settings: runnerSettings(settings),
        replica: false,
        signal: settings.signal,
      };
      const runner = thisRunner(actor);
      const { migration } = session;
      await markStage(session, 'rolling-back', auditEntrySql(migration, 'rollback-begun', null, runner));
      const done = await doneSteps(connection, definition.name);
      const begunSteps = stored.plan.steps.filter((step) => done.includes(step.id) || step.kind === 'batches');
      let stepsDone = 0;
      const takeBack = async (steps: readonly Step[]): Promise<void> => {
        for (const step of steps) {
          here.step = step.id;
          const tell = (finished: boolean, hold?: MigrationHold): void =>
            onProgress({
              stage: 'rollback',
              step: step.id,
              table: step.table,
              rows: 0,
              total: 0,
              rowsPerSecond: 0,
              secondsLeft: null,
              stepsDone,
              stepsTotal: begunSteps.length,
              finished,
              ...(hold === undefined ? {} : { hold }),
            });
          session.onHold = (hold) => tell(false, hold);
          refuseStopped(session, step.id);
          tell(false);
          await undoStep(session, step);
          stepsDone += 1;
          tell(true);
        }
      };
      await takeBack(begunSteps.filter(({ stage }) => stage !== 'expand').reverse());
      const { model } = await loadModel(connection, definition);
      await endDualWrites(session, model, done);
      const expanded = begunSteps.filter(({ stage }) => stage === 'expand');
      await takeBack(expandBackwards(model, expanded));
      for (const { kind, sql } of endBackWrites(model)) {
        await inStep(session, { id: `rollback:back:${kind}`, table: null, sql }, async (tx) => {
          for (const statement of sql) await execute(tx, statement);
        });
      }
      await markStage(session, 'rolled-back', auditEntrySql(migration, 'rolled-back', null, runner));
      await resumeMigration(connection, migration);
      const kept = await counted(
        connection,
        definition.name,
        'select table_name as table, count(*)::text as rows from tenantry.migration_quarantine where migration = $1 group by 1 order by 1',
      );
      const returned = await counted(
        connection,
        definition.name,
        'select table_name as table, row_count::text as rows from tenantry.migration_returned where migration = $1 order by 1',
      );
      return {
        migration: definition.name,
        steps: done.length,
        kept,
        returned,
        seconds: (clock().getTime() - begun) / 1000,
      };
    } finally {
      await releaseLease(connection, lease).catch(() => undefined);
    }
  });
}

/**
 * Before tenants are deleted the triggers go, so that a write of the old application makes none anew. What they would
 * do is not needed any more: the legacy columns hold everything.
 */
async function endDualWrites(session: Session, model: Model, done: readonly string[]): Promise<void> {
  for (const table of model.own.filter((own) => done.includes(columnStepId(own)))) {
    const sql = dropTriggerStatements(model, table);
    await inStep(session, { id: `rollback:${table.name}:triggers`, table: table.name, sql }, async (tx) => {
      for (const statement of sql) await execute(tx, statement);
    });
  }
}

async function undoStep(session: Session, step: Step): Promise<void> {
  await inStep(session, { ...step, sql: step.undo }, async (tx) => {
    for (const statement of step.undo) await execute(tx, statement);
    await forgetStep(tx, session.migration, step.id);
  });
}

/** Reads what a rollback counted, by table. */
async function counted(db: AnyDatabase, migration: string, query: string): Promise<CountedRows[]> {
  const found = await execute<{ table: string; rows: string }>(db, query, [migration]);
  return found.rows.map(({ table, rows }) => ({ table, rows: Number(rows) }));
}
