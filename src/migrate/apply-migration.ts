import { type Clock, systemClock, TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { changedTables } from './additions.ts';
import { auditEntrySql, auditVerified, type RunnerSql, thisRunner } from './audit-trail.ts';
import { driftBetween, fingerprints } from './catalogue.ts';
import type { AnyMigration } from './definition.ts';
import type { Place } from './failure.ts';
import type { Model } from './model.ts';
import { type MigrationPlan, type StageName, type Step, stageNames } from './plan.ts';
import { definitionFingerprint, loadModel, planMigration } from './plan-migration.ts';
import { checkRights } from './rights.ts';
import { type ThrottleSettings, turnsOf } from './run/await-turn.ts';
import { type BatchSettings, backfillTable } from './run/batches.ts';
import { checkSettings } from './run/check-settings.ts';
import type { MigrationHold } from './run/hold.ts';
import { releaseLease, takeLease } from './run/lease.ts';
import { markStage } from './run/mark-stage.ts';
import { onConnection } from './run/on-connection.ts';
import { type OnProgress, paceOf } from './run/progress.ts';
import { inStep, type RunnerSettings, runnerName, runnerSettings, type Session } from './run/session.ts';
import { stepFailure } from './run/step-failure.ts';
import { execute } from './sql-text.ts';
import { doneSteps, type MigrationStage, readMigration, recordStep, type StoredMigration, storePlan } from './state.ts';
import { verifyMigration } from './verify-migration.ts';

/** Options of {@link applyMigration}. */
export interface ApplyOptions extends RunnerSettings, BatchSettings, ThrottleSettings {
  /** The plan that was looked at; the database must still be as it was then. A new one is made when absent. */
  readonly plan?: MigrationPlan;
  /** The last stage to apply; `enforce` when absent. */
  readonly to?: StageName;
  readonly onProgress?: OnProgress;
  /** Who does it, for the record; the name of the database role when absent. */
  readonly actor?: string;
  readonly clock?: Clock;
}

/** What {@link applyMigration} did. */
export interface ApplyResult {
  readonly migration: string;
  readonly stage: MigrationStage;
  /** Steps that this call ran; those of an earlier call are not run again. */
  readonly steps: number;
  /** Rows that this call led to a tenant, or found to lead to none. */
  readonly rows: number;
  readonly seconds: number;
}

/**
 * Applies a migration up to a stage, or goes on with one that was interrupted. Each step stands in one transaction with
 * the record that it ran; the rows are filled in batches. The process may be killed at any moment and the call repeated.
 * Between backfill and enforce the result is verified; enforce is not begun when a check fails.
 *
 * @throws TenantryError everything that {@link planMigration} throws, and `migration_drifted` when the tables changed
 * since the plan, `migration_stage_invalid` when the definition did, `migration_running`, `migration_lease_lost`,
 * `migration_step_failed`, `migration_verify_failed`, `migration_stopped`; `config_invalid` for an option that cannot be.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { type AnyMigration, applyMigration } from 'tenantry/migrate';
 *
 * async function convert(db: Kysely<Record<string, never>>, migration: AnyMigration): Promise<void> {
 *   await applyMigration(db, migration, {
 *     to: 'backfill',
 *     onProgress: ({ step, rows, total }) => console.log(`${step}: ${rows} of ${total} rows`),
 *   });
 * }
 * ```
 */
export async function applyMigration(
  db: AnyDatabase,
  definition: AnyMigration,
  {
    plan: given,
    to = 'enforce',
    onProgress = () => undefined,
    actor,
    clock = systemClock,
    ...settings
  }: ApplyOptions = {},
): Promise<ApplyResult> {
  checkSettings({ ...settings, to });
  const begun = clock().getTime();
  return onConnection(db, definition.name, async (connection, at) => {
    const agreed = await agreedPlan(connection, definition, given, actor);
    const lease = await takeLease(connection, definition.name, runnerName(), runnerSettings(settings).leasePatience);
    const place: Place = { stage: 'expand', step: null };
    at.place = place;
    try {
      const { plan, stage: begunAt } = await underLease(connection, definition, agreed);
      const { model, catalogue, archived } = await loadModel(connection, definition);
      const done = new Set(await doneSteps(connection, plan.migration));
      const known = [...archived, ...changedTables(model, done)];
      const drifted = driftBetween(plan.catalogue, fingerprints(catalogue));
      refuseDrift(
        model,
        plan,
        drifted.filter((table) => !known.includes(table)),
      );
      const { replica } = await checkRights(connection, model);
      const session: Session = {
        db: connection,
        migration: plan.migration,
        lease,
        settings: runnerSettings(settings),
        replica,
        signal: settings.signal,
      };
      const runner = thisRunner(actor);
      const wanted = plan.steps.filter((step) => stageNames.indexOf(step.stage) <= stageNames.indexOf(to));
      let stage = begunAt;
      const work: Work = {
        session,
        model,
        plan,
        onProgress,
        clock,
        batches: settings,
        stepsTotal: wanted.length,
        stepsDone: done.size,
        turn: turnsOf(session, clock, settings),
      };
      let rows = 0;
      let steps = 0;
      for (const name of stageNames.slice(0, stageNames.indexOf(to) + 1)) {
        const open = wanted.filter((step) => step.stage === name && !done.has(step.id));
        if (name === 'enforce' && open.length > 0) {
          Object.assign(place, { stage: 'verify', step: null });
          await refuseUnverified(session, definition, runner);
        }
        for (const step of open) {
          Object.assign(place, { stage: name, step: step.id });
          rows += await runStep(work, step);
          steps += 1;
          work.stepsDone += 1;
        }
        if (open.length > 0 || stage === 'planned') {
          stage = name;
          await markStage(session, name, auditEntrySql(plan.migration, 'stage', name, runner));
        }
      }
      return { migration: plan.migration, stage, steps, rows, seconds: (clock().getTime() - begun) / 1000 };
    } finally {
      await releaseLease(connection, lease).catch(() => undefined);
    }
  });
}

interface Work {
  readonly session: Session;
  readonly model: Model;
  readonly plan: MigrationPlan;
  readonly onProgress: OnProgress;
  readonly clock: Clock;
  readonly batches: BatchSettings;
  readonly stepsTotal: number;
  stepsDone: number;
  readonly turn: ReturnType<typeof turnsOf>;
}

/** The plan that is under way, or the one that was handed in, or a new one. */
async function agreedPlan(
  db: AnyDatabase,
  definition: AnyMigration,
  given: MigrationPlan | undefined,
  actor: string | undefined,
): Promise<MigrationPlan> {
  const stored = await readMigration(db, definition.name);
  if (stored !== undefined && stored.stage !== 'rolled-back' && (await doneSteps(db, definition.name)).length > 0) {
    if (given !== undefined && given.hash !== stored.plan.hash) {
      throw new TenantryError('migration_stage_invalid', {
        migration: definition.name,
        stage: stored.stage,
        problem: 'it was begun with another plan; go on without a plan, or roll back first',
      });
    }
    return stored.plan;
  }
  const plan = given ?? (await planMigration(db, definition));
  await storePlan(db, plan, actor ?? runnerName());
  return plan;
}

/** The migration as it stands once this runner alone may change it. */
async function underLease(db: AnyDatabase, definition: AnyMigration, agreed: MigrationPlan): Promise<StoredMigration> {
  const stored = await readMigration(db, definition.name);
  if (stored === undefined) throw new TenantryError('migration_not_found', { migration: definition.name });
  const refused = (problem: string): TenantryError =>
    new TenantryError('migration_stage_invalid', { migration: definition.name, stage: stored.stage, problem });
  if (stored.stage === 'rolling-back') throw refused('a rollback was begun; finish it first');
  if (stored.plan.hash !== agreed.hash) throw refused('another runner began it with another plan');
  return stored;
}

/** Refuses a plan whose definition or tables are not what they were. */
export function refuseDrift(model: Model, plan: MigrationPlan, tables: readonly string[]): void {
  if (definitionFingerprint(model) !== plan.definitionHash) {
    throw new TenantryError('migration_stage_invalid', {
      migration: model.name,
      stage: 'planned',
      problem: 'the definition changed since the plan; make a new plan, or roll back first when it was begun',
    });
  }
  if (tables.length === 0) return;
  const remedy = 'Look at what changed, and make a new plan.';
  throw new TenantryError('migration_drifted', { migration: model.name, tables, remedy });
}

async function refuseUnverified(session: Session, definition: AnyMigration, runner: RunnerSql): Promise<void> {
  const { db, signal } = session;
  const report = await verifyMigration(db, definition, signal === undefined ? {} : { signal });
  await auditVerified(db, definition.name, 'backfill', runner, report.checks);
  if (report.failed === 0) return;
  const failed = report.checks
    .filter((check) => check.status === 'fail')
    .map((check) => `${check.name} (${check.detail})`);
  throw new TenantryError('migration_verify_failed', { migration: definition.name, failed });
}

/** Runs one step and records it. Gives the rows that it gave a tenant. */
async function runStep(work: Work, step: Step): Promise<number> {
  const { session, plan, clock } = work;
  const startedAt = clock();
  const position = plan.steps.findIndex(({ id }) => id === step.id);
  const total = step.kind === 'batches' ? (plan.tables.find((table) => table.table === step.table)?.rows ?? 0) : 0;
  let told = 0;
  const tell = (rows: number, finished: boolean, hold?: MigrationHold): void => {
    told = rows;
    work.onProgress({
      stage: step.stage,
      step: step.id,
      table: step.table,
      rows,
      total,
      ...paceOf(rows, total, clock().getTime() - startedAt.getTime()),
      stepsDone: work.stepsDone + (finished ? 1 : 0),
      stepsTotal: work.stepsTotal,
      finished,
      ...(hold === undefined ? {} : { hold }),
    });
  };
  session.onHold = (hold) => tell(told, false, hold);
  tell(0, false);
  await work.turn(step);
  const record = (rows: number) => (tx: AnyDatabase) =>
    recordStep(tx, session.migration, step, position, startedAt, rows);
  let rows = 0;
  if (step.kind === 'transaction') {
    await inStep(session, step, async (tx) => {
      for (const statement of step.sql) rows = (await execute(tx, statement)).affected;
      await record(rows)(tx);
    });
  } else if (step.kind === 'concurrently') {
    await concurrently(session, step);
    await inStep(session, step, record(0));
  } else {
    const table = work.model.own.find((candidate) => candidate.name === step.table);
    if (table === undefined) throw new TypeError(`step ${step.id} names no table of the definition`);
    rows = await backfillTable(session, work, table, step, (done) => tell(done, false));
    await inStep(session, step, record(rows));
  }
  tell(rows, true);
  return step.kind === 'batches' ? rows : 0;
}

/** Outside of a transaction, as PostgreSQL demands. What an interrupted run left half-built is dropped first. */
async function concurrently(session: Session, step: Step): Promise<void> {
  await inStep(session, step, async () => undefined);
  try {
    for (const statement of step.sql) await execute(session.db, statement);
  } catch (error) {
    throw await stepFailure(session.db, session.migration, step, error);
  }
}
