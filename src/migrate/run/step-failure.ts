import { TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { sqlstateOf } from '../../database/install.ts';
import type { StepLock } from '../plan.ts';
import { blockersOfStep, blockerText } from './blockers.ts';

/** The part of a step that failed of which its error tells. */
export interface FailedStep {
  readonly id: string;
  readonly table: string | null;
  readonly sql: readonly string[];
  readonly lock?: StepLock;
}

/** PostgreSQL's code for a connection that was lost. */
const connectionLost = '08006';

/**
 * Turns a driver's error into ours, with what a person can do about it. An error that is neither a driver's nor a lost
 * connection comes back as it is.
 */
export async function stepFailure(
  db: AnyDatabase,
  migration: string,
  step: FailedStep,
  error: unknown,
): Promise<unknown> {
  const sqlstate = isConnectionLost(error) ? connectionLost : sqlstateOf(error);
  if (error instanceof TenantryError || !/^[0-9A-Z]{5}$/.test(sqlstate) || !(error instanceof Error)) return error;
  const blockers = sqlstate === '55P03' ? (await blockersOfStep(db, step)).map(blockerText).join('') : '';
  return new TenantryError(
    'migration_step_failed',
    {
      migration,
      step: step.id,
      sql: step.sql[0] ?? '',
      sqlstate,
      reason: error.message,
      remedy: `${blockers}${remedies[sqlstate] ?? remedies[sqlstate.slice(0, 2)] ?? 'Mend the cause and run it again; it goes on from here.'}`,
    },
    { cause: error },
  );
}

/** By SQLSTATE, or by its class. */
const remedies: Readonly<Record<string, string>> = {
  '55P03': 'End what blocks it, or wait, and run it again; it goes on from here.',
  '57014': 'The statement was cancelled or ran into statement_timeout: raise it for this role and run it again.',
  '53100': 'The disk is full: make room and run it again; it goes on from here.',
  '42501': 'Run the migration as the owner of the tables, or grant what is missing, and run it again.',
  '40P01': 'It met other transactions in deadlocks: run it again when there is less traffic; it goes on from here.',
  '23': 'Rows came in that do not go together with what the migration makes: mend them and run it again.',
  P0: 'A function or trigger raised it: change that, or the rows that it minds, and run it again.',
  '08': 'The connection was lost: run it again; it goes on from here.',
  '53': 'The server is short of resources: wait or make room, and run it again; it goes on from here.',
  '57': 'The server ended the connection: run it again; it goes on from here.',
};

/** Whether an error says that the connection is gone, in the words of pg or of the operating system. */
function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const words = /connection terminated|connection error and is not queryable|client was closed|connection ended/i;
  return ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNREFUSED'].includes(sqlstateOf(error)) || words.test(error.message);
}
