import { TenantryError } from '../core/index.ts';
import { type AnyDatabase, inTransaction } from '../database/index.ts';
import { quoteIdentifier } from '../database/isolation-sql.ts';
import type { AnyMigration } from './definition.ts';
import { isSource } from './model.ts';
import { loadModel } from './plan-migration.ts';
import { refuseStopped } from './run/stop.ts';
import { execute } from './sql-text.ts';
import { doneSteps, readMigration } from './state.ts';
import { writesSequence } from './triggers.ts';
import type { Checker, VerifyCheck } from './verify/check.ts';
import { checkDerived } from './verify/derived.ts';
import { checkIsolation } from './verify/isolation.ts';
import { checkGrouping, checkParts } from './verify/people.ts';
import { checkClosed, checkConserved, checkOrphans, checkTenant, checkTotal, writesSince } from './verify/rows.ts';
import { checkWayBack } from './verify/way-back.ts';

/** Options of {@link verifyMigration}. */
export interface VerifyOptions {
  /** Ends the run before the next table, with `migration_stopped`. */
  readonly signal?: AbortSignal;
}

/** What {@link verifyMigration} found. */
export interface VerifyReport {
  readonly migration: string;
  readonly checks: readonly VerifyCheck[];
  /** How many checks failed. */
  readonly failed: number;
}

/**
 * Proves the result of a migration by another path than the one that made it: from the legacy columns, by joins and
 * counts of its own, in one snapshot, and through the application's role where isolation is the question.
 *
 * @throws TenantryError `migration_not_found`; `migration_stage_invalid` when nothing was backfilled yet;
 * `migration_stopped`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { type AnyMigration, verifyMigration } from 'tenantry/migrate';
 *
 * async function prove(db: Kysely<Record<string, never>>, migration: AnyMigration): Promise<void> {
 *   const { checks, failed } = await verifyMigration(db, migration);
 *   for (const check of checks) console.log(check.status, check.name, check.table, check.detail);
 *   if (failed > 0) throw new Error(`${failed} checks failed`);
 * }
 * ```
 */
export async function verifyMigration(
  db: AnyDatabase,
  definition: AnyMigration,
  { signal }: VerifyOptions = {},
): Promise<VerifyReport> {
  const stored = await readMigration(db, definition.name);
  if (stored === undefined) throw new TenantryError('migration_not_found', { migration: definition.name });
  const done = new Set(await doneSteps(db, definition.name));
  if (stored.plan.steps.some((step) => step.stage === 'backfill' && !done.has(step.id))) {
    const problem = 'there is nothing to verify before the backfill is whole';
    throw new TenantryError('migration_stage_invalid', { migration: definition.name, stage: stored.stage, problem });
  }
  const { model, archived } = await loadModel(db, definition);
  if (archived.length > 0) {
    const problem = `the legacy rows it would compare with are archived (${archived.join(', ')})`;
    throw new TenantryError('migration_stage_invalid', { migration: definition.name, stage: stored.stage, problem });
  }
  const switched = stored.plan.steps.some((step) => step.stage === 'switch' && done.has(step.id));
  const checks = await inTransaction(db, undefined, async (tx) => {
    await execute(tx, 'set local transaction isolation level repeatable read');
    const writes = new Map<string, number>();
    for (const table of model.own) {
      writes.set(table.name, await writesSince({ tx, model }, table, writesSequence(model, table)));
    }
    const checker: Checker = { tx, model, column: quoteIdentifier(model.column), done, switched, writes };
    const found: VerifyCheck[] = [];
    for (const table of model.own) {
      refuseStopped({ migration: definition.name, signal }, `verify ${table.name}`);
      found.push(await checkTotal(checker, table));
      if (!isSource(table)) found.push(await checkTenant(checker, table));
      found.push(await checkOrphans(checker, table), ...(await checkClosed(checker, table)));
      found.push(await checkConserved(checker, table), await checkIsolation(checker, table));
      found.push(...(await checkDerived(checker, table)));
    }
    found.push(...(await checkGrouping(checker)), ...(await checkParts(checker)), ...(await checkWayBack(checker)));
    return found;
  });
  return { migration: definition.name, checks, failed: checks.filter((check) => check.status === 'fail').length };
}
