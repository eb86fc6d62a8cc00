import { TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { checksumSettings } from '../checksum.ts';
import type { Lease } from '../run/lease.ts';
import { inStep, type RunnerSettings, runnerSettings, type Session } from '../run/session.ts';
import { execute } from '../sql-text.ts';
import type { RowModel } from './rows/table.ts';

/** Whether the role may keep triggers, the application's and those of foreign keys, from firing on its statements. */
async function mayReplicate(db: AnyDatabase): Promise<boolean> {
  const found = await execute<{ may: boolean }>(
    db,
    `select r.rolsuper or has_parameter_privilege('session_replication_role', 'set') as may from pg_roles r where r.rolname = current_user`,
  );
  return found.rows[0]?.may === true;
}

/**
 * A runner at work on a re-tenanting.
 *
 * @throws TenantryError `migration_right_missing` when triggers of the application would fire on the move and may not be
 * kept from it.
 */
export async function openSession(
  db: AnyDatabase,
  model: RowModel,
  lease: Lease,
  settings: RunnerSettings,
): Promise<Session> {
  const replica = await mayReplicate(db);
  const touched = model.tables.find(({ triggers }) => triggers.length > 0);
  if (touched !== undefined && !replica) {
    throw new TenantryError('migration_right_missing', {
      migration: model.name,
      table: touched.name,
      right: `the right to keep its triggers (${touched.triggers.join(', ')}) from firing on the move, which would change more than the tenant`,
      remedy: 'grant set on parameter session_replication_role to the role that runs this;',
    });
  }
  return { db, migration: model.name, lease, settings: runnerSettings(settings), replica };
}

/**
 * What becomes of rows is written down within the transaction that reads it, of which PostgreSQL has no statistics yet: it
 * would take the table to be empty, and read it whole for every row.
 */
export const byIndex = 'set local enable_seqscan = off';

/** How a piece of work touches rows: `free` of the triggers that would fire on it. */
export interface PieceOptions {
  readonly free?: boolean;
}

/** Runs one piece of work in a transaction that holds the lease. */
export function inPiece<Result>(
  session: Session,
  id: string,
  work: (tx: AnyDatabase) => Promise<Result>,
  { free = false }: PieceOptions = {},
): Promise<Result> {
  return inStep(session, { id, table: null, sql: [] }, async (tx) => {
    for (const setting of checksumSettings) await execute(tx, setting);
    await execute(tx, byIndex);
    if (free && session.replica) await execute(tx, 'set local session_replication_role = replica');
    return work(tx);
  });
}
