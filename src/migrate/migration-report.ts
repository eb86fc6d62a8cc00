import { type Clock, systemClock } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { type MigrationAuditEntry, readAudit } from './audit-trail.ts';
import type { AnyMigration } from './definition.ts';
import { type MigrationFailure, readFailure } from './failure.ts';
import type { Decision, MigrationPlan, PlannedTable } from './plan.ts';
import { execute } from './sql-text.ts';
import { type MigrationStage, readMigration } from './state.ts';
import type { VerifyCheck } from './verify/check.ts';
import type { VerifyReport } from './verify-migration.ts';

/** Rows of one table that have no place in the new shape or the old one, and why. */
export interface KeptRows {
  readonly table: string;
  readonly reason: string;
  readonly rows: number;
  /** Keys of some of them. */
  readonly keys: readonly string[];
  /** Which rollback kept them, counted from 1; null for those of the present run. */
  readonly rollback: number | null;
}

/** What was done by a migration, as plain data. */
export interface MigrationReport {
  readonly migration: string;
  readonly from: string;
  readonly to: string;
  readonly stage: MigrationStage | 'none';
  readonly madeAt: Date;
  /** Of the plan that was applied last; null when there was none. */
  readonly plan: {
    readonly hash: string;
    readonly source: { readonly table: string; readonly rows: number };
    readonly tenants: number;
    readonly members: number;
    readonly keys: number;
    readonly subscriptions: number;
    readonly grants: number;
    readonly auditEntries: number;
    readonly tables: readonly PlannedTable[];
    readonly decisions: readonly Decision[];
  } | null;
  /** What was made, as counted when the backfill was whole; null before that. */
  readonly made: Readonly<Record<string, number>> | null;
  /** Rows in quarantine, and rows that rollbacks kept. */
  readonly kept: readonly KeptRows[];
  /** The verification that was handed in, or the last one that was recorded. */
  readonly verification: (Pick<VerifyReport, 'checks' | 'failed'> & { readonly at: Date }) | null;
  /** Stages and rollbacks as they ended, oldest first: when, by whom, with which steps. */
  readonly trail: readonly MigrationAuditEntry[];
  /** Steps of the stage that is not whole yet. */
  readonly underWay: readonly { readonly step: string; readonly rows: number; readonly seconds: number }[];
  readonly failure: MigrationFailure | null;
}

/** Options of {@link migrationReport}. */
export interface ReportOptions {
  /** A verification that was just made; the last one that was recorded when absent. */
  readonly verification?: VerifyReport;
  readonly clock?: Clock;
}

/**
 * Tells what a migration did: when, by whom, with which steps, rows and durations; what it made; which rows have no place
 * and why; what was verified; and what a rollback kept and brought back. It is read from the record of the migration, so
 * it can be asked for at any stage, also after a rollback.
 *
 * @throws TenantryError `schema_missing`.
 *
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises';
 * import type { Kysely } from 'kysely';
 * import { type AnyMigration, migrationReport, reportMarkdown } from 'tenantry/migrate';
 *
 * async function file(db: Kysely<Record<string, never>>, migration: AnyMigration): Promise<void> {
 *   await writeFile('report.md', reportMarkdown(await migrationReport(db, migration)));
 * }
 * ```
 */
export async function migrationReport(
  db: AnyDatabase,
  definition: AnyMigration,
  { verification, clock = systemClock }: ReportOptions = {},
): Promise<MigrationReport> {
  const { name, from, to } = definition;
  const stored = await readMigration(db, name);
  const trail = await readAudit(db, name);
  const backfill = trail.findLast((entry) => entry.made !== undefined);
  const verified = trail.findLast((entry) => entry.checks !== undefined);
  const madeAt = clock();
  return {
    migration: name,
    from: from.name,
    to: to.name,
    stage: stored?.stage ?? 'none',
    madeAt,
    plan: stored === undefined ? null : planned(stored.plan),
    made: backfill?.made ?? null,
    kept: await readKept(db, name),
    verification:
      verification !== undefined
        ? { at: madeAt, checks: verification.checks, failed: verification.failed }
        : verified?.checks === undefined
          ? null
          : { at: verified.endedAt, checks: verified.checks, failed: failures(verified.checks) },
    trail,
    underWay: await stepsUnderWay(db, name, trail),
    failure: await readFailure(db, name),
  };
}

function failures(checks: readonly VerifyCheck[]): number {
  return checks.filter(({ status }) => status === 'fail').length;
}

function planned(plan: MigrationPlan): NonNullable<MigrationReport['plan']> {
  const { hash, source, tenants, members, keys, subscriptions, grants, auditEntries, tables, decisions } = plan;
  return { hash, source, tenants, members, keys, subscriptions, grants, auditEntries, tables, decisions };
}

async function readKept(db: AnyDatabase, migration: string): Promise<KeptRows[]> {
  const found = await execute<Omit<KeptRows, 'rows'> & { rows: string }>(
    db,
    `select x.rollback, x.table_name as table, x.reason, count(*)::text as rows, (array_agg(x.row_key order by x.row_key))[1:5] as keys
from (
  select null::integer as rollback, table_name, row_key, reason from tenantry.migration_quarantine where migration = $1
  union all select rollback, table_name, row_key, reason from tenantry.migration_kept where migration = $1
) as x group by 1, 2, 3 order by 1 nulls last, 2, 3`,
    [migration],
  );
  return found.rows.map(({ rows, ...row }) => ({ ...row, rows: Number(rows) }));
}

/** What is done of a stage that has no entry of its own yet. */
async function stepsUnderWay(
  db: AnyDatabase,
  migration: string,
  trail: readonly MigrationAuditEntry[],
): Promise<MigrationReport['underWay']> {
  const since = trail.findLastIndex(({ event }) => event === 'rolled-back');
  const whole = trail.slice(since + 1).flatMap(({ event, stage }) => (event === 'stage' ? [stage] : []));
  const found = await execute<{ step: string; rows: string; seconds: string }>(
    db,
    `select step, row_count::text as rows, round(extract(epoch from finished_at - started_at)::numeric, 3)::text as seconds
from tenantry.migration_steps where migration = $1 and finished_at is not null and not stage = any($2::text[]) order by position`,
    [migration, whole],
  );
  return found.rows.map(({ step, rows, seconds }) => ({ step, rows: Number(rows), seconds: Number(seconds) }));
}
