import { type Clock, systemClock, TenantryError } from '../core/index.ts';
import { type AnyDatabase, inTransaction } from '../database/index.ts';
import { sqlstateOf } from '../database/install.ts';
import { changedTables } from './additions.ts';
import { refuseDrift } from './apply-migration.ts';
import { driftBetween, fingerprints } from './catalogue.ts';
import type { AnyMigration } from './definition.ts';
import { withoutValues } from './failure.ts';
import type { Model } from './model.ts';
import { type MigrationPlan, type PlannedStep, type StageName, stageNames } from './plan.ts';
import { loadModel, planMigration } from './plan-migration.ts';
import { checkRights } from './rights.ts';
import { blockersOfStep, blockerText } from './run/blockers.ts';
import { checkSettings } from './run/check-settings.ts';
import { refuseStopped } from './run/stop.ts';
import { execute } from './sql-text.ts';
import { batchSql } from './stages/backfill.ts';
import { doneSteps, readMigration, recordStep, storePlan } from './state.ts';
import { type VerifyReport, verifyMigration } from './verify-migration.ts';

/** Options of {@link dryRunMigration}. */
export interface DryRunOptions {
  /** The last stage to try; `enforce` when absent. */
  readonly to?: StageName;
  /** How long it waits for the locks, in milliseconds; 2,000 when absent. */
  readonly lockTimeout?: number;
  /** Hears of each step before it is tried. */
  readonly onStep?: (step: { readonly step: string; readonly place: number; readonly total: number }) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/** How a step was tried. */
export interface DryRunStep {
  readonly step: string;
  readonly stage: StageName;
  readonly table: string | null;
  /**
   * `as it is`; `one batch`: all rows in a single statement; `not concurrently`: the index was built within the
   * transaction, under a lock; `skipped`: PostgreSQL runs it in no transaction.
   */
  readonly how: 'as it is' | 'one batch' | 'not concurrently' | 'skipped';
  readonly rows: number;
  readonly seconds: number;
}

/** What {@link dryRunMigration} found. */
export interface DryRunReport {
  readonly migration: string;
  readonly planHash: string;
  /** The steps that were tried, and are undone; those that are done for good already are left out. */
  readonly steps: readonly DryRunStep[];
  /** The step that failed and ended the trial; null when all went well. */
  readonly failure: { readonly step: string; readonly sqlstate: string; readonly message: string } | null;
  /** What the verification found on the filled rows; null when it was not reached. */
  readonly verification: VerifyReport | null;
  readonly seconds: number;
}

/**
 * Runs the real statements of a migration, all in one transaction with a limit on waiting for locks, verifies the result
 * there, and rolls everything back: it leaves nothing behind but the numbers that sequences counted on. Statements that
 * PostgreSQL runs outside of transactions only are changed or left out, which the report says of each.
 *
 * **The tables of tenants are locked until it ends: nobody else reads or writes them meanwhile.** Run it on a copy of the
 * database, or when nobody is there. On a database where the migration was begun it tries the rest.
 *
 * @throws TenantryError everything that {@link planMigration} throws, `migration_drifted`, `migration_stage_invalid` while a
 * rollback is under way, `migration_step_failed` when the tables cannot be locked, and `migration_stopped`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { type AnyMigration, dryRunMigration } from 'tenantry/migrate';
 *
 * async function rehearse(copy: Kysely<Record<string, never>>, migration: AnyMigration): Promise<boolean> {
 *   const { steps, failure, verification } = await dryRunMigration(copy, migration);
 *   for (const { step, rows, seconds } of steps) console.log(step, rows, seconds);
 *   return failure === null && verification?.failed === 0;
 * }
 * ```
 */
export async function dryRunMigration(
  db: AnyDatabase,
  definition: AnyMigration,
  { to = 'enforce', lockTimeout = 2000, onStep = () => undefined, signal, clock = systemClock }: DryRunOptions = {},
): Promise<DryRunReport> {
  checkSettings({ to, lockTimeout });
  const begun = clock().getTime();
  const stored = await readMigration(db, definition.name);
  const done = new Set(await doneSteps(db, definition.name));
  if (stored?.stage === 'rolling-back') {
    const problem = 'a rollback was begun; finish it first';
    throw new TenantryError('migration_stage_invalid', { migration: definition.name, stage: stored.stage, problem });
  }
  const plan = stored !== undefined && done.size > 0 ? stored.plan : await planMigration(db, definition);
  const { model, catalogue, archived } = await loadModel(db, definition);
  const known = [...archived, ...changedTables(model, done)];
  const drifted = driftBetween(plan.catalogue, fingerprints(catalogue));
  refuseDrift(
    model,
    plan,
    drifted.filter((table) => !known.includes(table)),
  );
  const { replica } = await checkRights(db, model);
  const last = stageNames.indexOf(to);
  const open = plan.steps.filter((step) => stageNames.indexOf(step.stage) <= last && !done.has(step.id));
  const steps: DryRunStep[] = [];
  let failure: DryRunReport['failure'] = null;
  let verification: VerifyReport | null = null;
  let at = 'lock';
  const undo = new Error('rolled back');
  try {
    await inTransaction(db, undefined, async (tx) => {
      await lockTables(tx, model, archived, lockTimeout);
      await storePlan(tx, plan, 'dry run');
      const trial: Trial = { tx, model, plan, replica, clock };
      const verify = async (): Promise<boolean> => {
        at = 'verify';
        verification = await verifyMigration(tx, definition, signal === undefined ? {} : { signal });
        return verification.failed === 0;
      };
      let filled = false;
      for (const [place, step] of open.entries()) {
        refuseStopped({ migration: definition.name, signal }, step.id);
        if (step.stage === 'enforce' && !filled) {
          filled = true;
          // A real run would end here.
          if (!(await verify())) throw undo;
        }
        at = step.id;
        onStep({ step: step.id, place, total: open.length });
        steps.push(await tryStep(trial, step));
      }
      // The contract may have archived what a verification compares with.
      if (['backfill', 'enforce', 'switch'].includes(to)) await verify();
      throw undo;
    });
  } catch (error) {
    const sqlstate = sqlstateOf(error);
    if (error !== undo) {
      if (at === 'lock' && sqlstate === '55P03') throw await notLocked(db, model, error);
      if (error instanceof TenantryError || !/^[0-9A-Z]{5}$/.test(sqlstate)) throw error;
      failure = { step: at, sqlstate, message: withoutValues(error) };
    }
  }
  const seconds = (clock().getTime() - begun) / 1000;
  return { migration: definition.name, planHash: plan.hash, steps, failure, verification, seconds };
}

interface Trial {
  readonly tx: AnyDatabase;
  readonly model: Model;
  readonly plan: MigrationPlan;
  readonly replica: boolean;
  readonly clock: Clock;
}

/** Before the first look at rows, so that the one snapshot of the transaction holds what everybody committed. */
async function lockTables(tx: AnyDatabase, model: Model, archived: readonly string[], timeout: number): Promise<void> {
  await execute(tx, 'set local transaction isolation level repeatable read');
  await execute(tx, `set local lock_timeout = ${Math.round(timeout)}`);
  await execute(tx, `set local tenantry.runner = 'on'`);
  const tables = model.own.filter(({ name, derivation }) => derivation === undefined && !archived.includes(name));
  await execute(tx, `lock table ${tables.map(({ sql }) => sql).join(', ')} in access exclusive mode`);
}

async function notLocked(db: AnyDatabase, model: Model, error: unknown): Promise<TenantryError> {
  const sql = model.own.map((table) => table.sql);
  const blockers = await blockersOfStep(db, { table: null, sql, lock: 'access exclusive' });
  return new TenantryError(
    'migration_step_failed',
    {
      migration: model.name,
      step: 'dry run',
      sql: 'lock table … in access exclusive mode',
      sqlstate: '55P03',
      reason: 'the tables could not be locked in time',
      remedy: `${blockers.map(blockerText).join('')}Run it on a copy, or when nobody else uses the tables.`,
    },
    { cause: error },
  );
}

async function tryStep({ tx, model, plan, replica, clock }: Trial, step: PlannedStep): Promise<DryRunStep> {
  const started = clock();
  let rows = 0;
  let how: DryRunStep['how'] = 'as it is';
  if (step.kind === 'batches') {
    how = 'one batch';
    if (replica) await execute(tx, 'set local session_replication_role = replica');
    rows = await oneBatch(tx, model, step);
    if (replica) await execute(tx, 'set local session_replication_role = origin');
  } else if (step.sql.some((sql) => /^\s*vacuum/i.test(sql))) {
    how = 'skipped';
  } else {
    if (step.kind === 'concurrently') how = 'not concurrently';
    for (const sql of step.sql) {
      const statement = step.kind === 'concurrently' ? sql.replace(/\bindex concurrently\b/i, 'index') : sql;
      rows = (await execute(tx, statement)).affected;
    }
  }
  // Checks that the application put off to the end of its transactions stand in the way of what comes next.
  await execute(tx, 'set constraints all immediate');
  const place = plan.steps.findIndex(({ id }) => id === step.id);
  await recordStep(tx, plan.migration, step, place, started, rows);
  const seconds = (clock().getTime() - started.getTime()) / 1000;
  return { step: step.id, stage: step.stage, table: step.table, how, rows, seconds };
}

/** All rows up to the last: the statement of the first batch, with the bound as its edge. */
async function oneBatch(tx: AnyDatabase, model: Model, step: PlannedStep): Promise<number> {
  const table = model.own.find(({ name }) => name === step.table);
  if (table === undefined) throw new TypeError(`step ${step.id} names no table of the definition`);
  const sql = batchSql(model, table);
  const bound = await execute<{ key: readonly string[] }>(tx, sql.bound);
  const last = bound.rows[0]?.key;
  return last === undefined ? 0 : (await execute(tx, sql.first, [...last])).affected;
}
