import { type Clock, systemClock, TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { quoteLiteral } from '../database/isolation-sql.ts';
import type { AnyMigration } from './definition.ts';
import { type Model, mapTable } from './model.ts';
import type { Step } from './plan.ts';
import { loadModel } from './plan-migration.ts';
import { releaseLease, takeLease } from './run/lease.ts';
import { markStage } from './run/mark-stage.ts';
import type { OnProgress } from './run/progress.ts';
import { inStep, type RunnerSettings, runnerName, runnerSettings, type Session } from './run/session.ts';
import { keyIdSql, mappedRows, memberIdSql } from './source-sql.ts';
import { execute } from './sql-text.ts';
import { doneSteps, forgetStep, readMigration } from './state.ts';
import { dropTriggerStatements } from './triggers.ts';

/** Options of {@link rollbackMigration}. */
export interface RollbackOptions extends RunnerSettings {
  readonly onProgress?: OnProgress;
  readonly clock?: Clock;
}

/** What {@link rollbackMigration} did. */
export interface RollbackResult {
  readonly migration: string;
  /** Steps that were taken back. */
  readonly steps: number;
  /**
   * Rows that the new application made and the old shape has no place for, by table. They are kept in
   * `tenantry.migration_quarantine`.
   */
  readonly kept: readonly { readonly table: string; readonly rows: number }[];
  readonly seconds: number;
}

/**
 * Takes a migration back from whatever stage it stands at: the steps that ran, in reverse order, each in one transaction
 * with the record. The legacy tables are then as they were, with everything that was written to them since. It can be
 * killed and run again like {@link applyMigration}.
 *
 * @throws TenantryError `migration_not_found`, `migration_running`, `migration_lease_lost`, `migration_step_failed`.
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
  { onProgress = () => undefined, clock = systemClock, ...settings }: RollbackOptions = {},
): Promise<RollbackResult> {
  const begun = clock().getTime();
  return db.connection().execute(async (connection: AnyDatabase) => {
    const lease = await takeLease(connection, definition.name, runnerName(), runnerSettings(settings).leasePatience);
    try {
      const stored = await readMigration(connection, definition.name);
      if (stored === undefined) throw new TenantryError('migration_not_found', { migration: definition.name });
      const session: Session = {
        db: connection,
        migration: definition.name,
        lease,
        settings: runnerSettings(settings),
        replica: false,
      };
      await markStage(session, 'rolling-back');
      const done = await doneSteps(connection, definition.name);
      await endDualWrites(session, definition, done);
      const begunSteps = stored.plan.steps.filter((step) => done.includes(step.id) || step.kind === 'batches');
      const backwards = begunSteps.reverse();
      for (const [place, step] of backwards.entries()) {
        await undoStep(session, connection, definition, step);
        onProgress({
          stage: 'rollback',
          step: step.id,
          table: step.table,
          rows: 0,
          total: 0,
          rowsPerSecond: 0,
          secondsLeft: null,
          stepsDone: place + 1,
          stepsTotal: backwards.length,
          finished: true,
        });
      }
      await markStage(session, 'rolled-back');
      const kept = await execute<{ table: string; rows: string }>(
        connection,
        `select table_name as table, count(*)::text as rows from tenantry.migration_quarantine where migration = $1 group by 1 order by 1`,
        [definition.name],
      );
      return {
        migration: definition.name,
        steps: done.length,
        kept: kept.rows.map((row) => ({ table: row.table, rows: Number(row.rows) })),
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
async function endDualWrites(session: Session, definition: AnyMigration, done: readonly string[]): Promise<void> {
  const { model } = await loadModel(session.db, definition);
  for (const table of model.own.filter(({ name }) => done.includes(`expand:${name}`))) {
    if (done.includes(`contract:${table.name}:triggers`)) continue;
    const sql = dropTriggerStatements(model, table);
    await inStep(session, { id: `rollback:${table.name}:triggers`, table: table.name, sql }, async (tx) => {
      for (const statement of sql) await execute(tx, statement);
    });
  }
}

async function undoStep(session: Session, db: AnyDatabase, definition: AnyMigration, step: Step): Promise<void> {
  const keep = step.id === 'populate:tenants' ? keepSql((await loadModel(db, definition)).model) : [];
  await inStep(session, { ...step, sql: [...keep, ...step.undo] }, async (tx) => {
    for (const statement of [...keep, ...step.undo]) await execute(tx, statement);
    await forgetStep(tx, session.migration, step.id);
  });
}

/** Keeps what was made in the new shape alone before the tenants are deleted: members and keys without a source row. */
export function keepSql(model: Model): string[] {
  const mine = `(select m.tenant_id from ${mapTable} m where m.migration = ${quoteLiteral(model.name)})`;
  const rows = mappedRows(model, 'true');
  const keep = (table: string, id: string, made: string): string =>
    `insert into tenantry.migration_quarantine (migration, table_name, row_key, row_data, reason)
  select ${quoteLiteral(model.name)}, 'tenantry.${table}', n.${id}::text, row_to_json(n), 'made in the new shape; the old one has no place for it'
  from tenantry.${table} n where n.tenant_id in ${mine} ${made}
  on conflict (migration, table_name, row_key) do update set row_data = excluded.row_data`;
  const statements: string[] = [];
  if (model.definition.members !== undefined) {
    statements.push(
      keep('members', 'id', `and n.id not in (select ${memberIdSql(model, 'r.member_key')} from ${rows})`),
    );
  }
  if (model.definition.apiKeys !== undefined) {
    const known = `(select ${keyIdSql(model, 'r.digest')} from ${rows} where r.digest is not null)`;
    statements.push(keep('api_keys', 'id', `and n.id not in ${known}`));
  }
  statements.push(keep('usage_counters', `meter || ':' || n.period_start::text || ':' || n.tenant_id`, ''));
  return statements;
}
