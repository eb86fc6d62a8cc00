import { type Clock, isTenantryError } from '../../core/index.ts';
import { forgetFailure } from '../failure.ts';
import type { Model, OwnTable } from '../model.ts';
import type { Step } from '../plan.ts';
import { execute } from '../sql-text.ts';
import { type BatchSql, batchSql } from '../stages/backfill.ts';
import { inStep, type Session } from './session.ts';
import { rest } from './stop.ts';

/** Options of a backfill. */
export interface BatchSettings {
  /**
   * How long one batch should take, in milliseconds; batches grow and shrink towards it. 20 when absent: a writer that
   * meets a row of the batch waits no longer, and smaller batches cost little (see docs/guides/migrations.md).
   */
  readonly batchMilliseconds?: number;
  /** The size of the first batch, in rows; 500 when absent. */
  readonly batchSize?: number;
  /** A pause after each batch, in milliseconds, for a database under load; none when absent. */
  readonly pause?: number;
}

type Key = readonly string[];

interface Checkpoint {
  readonly last_key: Key | null;
  readonly upper_bound: Key | null;
  readonly row_count: string | number;
  readonly finished: boolean;
}

/** What a backfill needs beside its table. */
interface BatchWork {
  readonly model: Model;
  readonly clock: Clock;
  readonly batches: BatchSettings;
  /** Returns when the next batch may run. */
  readonly turn: (step: Step, took: number) => Promise<void>;
}

/**
 * Fills the tenant column of one table in batches. Each batch and its checkpoint stand in one transaction, so a runner
 * that is killed anywhere leaves whole batches behind and the next one goes on after them. The bound is fixed when the
 * table is begun: rows beyond it were written with the trigger in place.
 */
export async function backfillTable(
  session: Session,
  { model, clock, batches: { batchMilliseconds = 20, batchSize = 500, pause = 0 }, turn }: BatchWork,
  table: OwnTable,
  step: Step,
  tell: (rows: number) => void,
): Promise<number> {
  const sql = batchSql(model, table);
  const quiet = { ...step, quiet: true };
  let checkpoint = await inStep(session, quiet, (tx) => openCheckpoint(tx, session.migration, table, sql));
  let size = batchSize;
  let smallest = 200;
  let past = false;
  let took = 0;
  while (!checkpoint.finished) {
    await turn(step, took);
    const begun = clock().getTime();
    const at = checkpoint;
    try {
      checkpoint = await inStep(session, quiet, async (tx) => {
        if (!past) await forgetFailure(tx, session.migration);
        return oneBatch(tx, session.migration, table, sql, at, size);
      });
    } catch (error) {
      if (size === 1 || !(await ranIntoTimeout(session, error, clock().getTime() - begun))) throw error;
      size = Math.ceil(size / 4);
      smallest = 1;
      continue;
    }
    past = true;
    took = Math.max(1, clock().getTime() - begun);
    size = Math.round(
      Math.min(50_000, Math.max(smallest, size * Math.min(2, Math.max(0.5, batchMilliseconds / took)))),
    );
    tell(Number(checkpoint.row_count));
    if (pause > 0) await rest(session, pause, step.id);
  }
  return Number(checkpoint.row_count);
}

/** Whether a batch took longer than the role's statement_timeout; one that a person cancelled did not. */
async function ranIntoTimeout(session: Session, error: unknown, took: number): Promise<boolean> {
  if (!isTenantryError(error, 'migration_step_failed') || error.details.sqlstate !== '57014') return false;
  const found = await execute<{ limit: number }>(
    session.db,
    `select setting::integer as limit from pg_settings where name = 'statement_timeout'`,
  );
  const limit = found.rows[0]?.limit ?? 0;
  return limit > 0 && took >= limit;
}

type Transaction = Parameters<Parameters<typeof inStep>[2]>[0];

async function openCheckpoint(tx: Transaction, migration: string, table: OwnTable, sql: BatchSql): Promise<Checkpoint> {
  const known = await execute<Checkpoint>(
    tx,
    'select last_key, upper_bound, row_count, finished from tenantry.migration_checkpoints where migration = $1 and table_name = $2',
    [migration, table.name],
  );
  if (known.rows[0] !== undefined) return known.rows[0];
  const bound = await execute<{ key: Key }>(tx, sql.bound);
  const upper = bound.rows[0]?.key ?? null;
  await execute(
    tx,
    `insert into tenantry.migration_checkpoints (migration, table_name, upper_bound, finished) values ($1, $2, $3::jsonb, $4::boolean)`,
    [migration, table.name, JSON.stringify(upper), upper === null],
  );
  return { last_key: null, upper_bound: upper, row_count: 0, finished: upper === null };
}

async function oneBatch(
  tx: Transaction,
  migration: string,
  table: OwnTable,
  sql: BatchSql,
  at: Checkpoint,
  size: number,
): Promise<Checkpoint> {
  const bound = at.upper_bound ?? [];
  const found = await (at.last_key === null
    ? execute<{ key: Key }>(tx, sql.firstEdge, [...bound, size])
    : execute<{ key: Key }>(tx, sql.nextEdge, [...at.last_key, ...bound, size]));
  const edge = found.rows[0]?.key;
  const done =
    edge === undefined
      ? 0
      : (await execute(tx, at.last_key === null ? sql.first : sql.next, [...(at.last_key ?? []), ...edge])).affected;
  const finished = edge === undefined || edge.every((part, place) => part === bound[place]);
  const rows = Number(at.row_count) + done;
  await execute(
    tx,
    `update tenantry.migration_checkpoints set last_key = $3::jsonb, row_count = $4::bigint, finished = $5::boolean
where migration = $1 and table_name = $2`,
    [migration, table.name, JSON.stringify(edge ?? at.last_key), rows, finished],
  );
  return { last_key: edge ?? at.last_key, upper_bound: at.upper_bound, row_count: rows, finished };
}
