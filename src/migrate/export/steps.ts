import { quoteLiteral } from '../../database/isolation-sql.ts';
import type { Step } from '../plan.ts';
import { renewLease } from './lease.ts';
import type { Export, Piece } from './piece.ts';
import { attempts, block } from './plpgsql.ts';

/** SQL of a boolean: whether a step is recorded as done. */
export function isDone(x: Export, step: string): string {
  return `exists (select 1 from tenantry.migration_steps where migration = ${quoteLiteral(x.plan.migration)} and step = ${quoteLiteral(step)} and finished_at is not null)`;
}

/** Records a step as the engine does. `tenantry_started` and `tenantry_rows` are variables of the block around it. */
export function recordStep(x: Export, step: Step): string {
  const values = [
    quoteLiteral(x.plan.migration),
    quoteLiteral(step.id),
    String(x.plan.steps.findIndex((candidate) => candidate.id === step.id)),
    quoteLiteral(step.stage),
    'tenantry_started',
    'clock_timestamp()',
    'tenantry_rows',
  ];
  return `insert into tenantry.migration_steps (migration, step, position, stage, started_at, finished_at, row_count)
values (${values.join(', ')})
on conflict (migration, step) do update set finished_at = excluded.finished_at, row_count = excluded.row_count;
${forgetFailure(x)}`;
}

/** What stopped a run of the library before is told no more once a file got past it. */
function forgetFailure(x: Export): string {
  return `delete from tenantry.migration_failures where migration = ${quoteLiteral(x.plan.migration)};`;
}

export const stepVariables = ['tenantry_started timestamptz := clock_timestamp()', 'tenantry_rows bigint := 0'];

/** A step with its record, unless it is done. */
export function stepPiece(x: Export, step: Step): Piece {
  const statements = [
    `exit when ${isDone(x, step.id)};`,
    renewLease(x),
    ...step.sql.map((statement) => `${statement};`),
    ...(countsRows(step.sql.at(-1)) ? ['get diagnostics tenantry_rows = row_count;'] : []),
    recordStep(x, step),
  ];
  return {
    kind: 'transaction',
    title: step.id,
    body: block(stepVariables, attempts(x.lockRetries, statements.join('\n'))),
  };
}

/** Only such a statement sets the count; after any other it is still that of an earlier one. */
function countsRows(statement = ''): boolean {
  return /^\s*(?:insert|update|delete|merge|with)\b/i.test(statement);
}

/** A step that PostgreSQL runs outside of a transaction, with its record. */
export function outsidePiece(x: Export, step: Step): Piece {
  return {
    kind: 'outside',
    step,
    todo: `not ${isDone(x, step.id)}`,
    before: renewLease(x),
    after: recordPiece(x, step).body,
  };
}

/** The record alone of a step whose statement ran outside of a transaction. `check` is SQL of what must hold first. */
export function recordPiece(x: Export, step: Step, check = ''): Extract<Piece, { kind: 'transaction' }> {
  const statements = [`exit when ${isDone(x, step.id)};`, renewLease(x), check, recordStep(x, step)];
  return {
    kind: 'transaction',
    title: step.id,
    body: block(stepVariables, attempts(x.lockRetries, statements.filter((line) => line !== '').join('\n'))),
  };
}

/**
 * A step taken back as the engine does. A backfill leaves its checkpoint, and an index its half, also when it was not
 * finished.
 */
export function undoPiece(x: Export, step: Step): Piece {
  const statements = [
    ...(step.kind !== 'transaction' ? [] : [`exit when not ${isDone(x, step.id)};`]),
    renewLease(x),
    ...step.undo.map((statement) => `${statement};`),
    `delete from tenantry.migration_steps where migration = ${quoteLiteral(x.plan.migration)} and step = ${quoteLiteral(step.id)};`,
    forgetFailure(x),
  ];
  return { kind: 'transaction', title: `take back ${step.id}`, body: attempts(x.lockRetries, statements.join('\n')) };
}
