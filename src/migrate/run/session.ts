import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { sqlstateOf } from '../../database/install.ts';
import { quoteLiteral } from '../../database/isolation-sql.ts';
import { execute } from '../sql-text.ts';
import { type Lease, renewLease } from './lease.ts';

/** How a runner treats the database; all have defaults that suit a busy one. */
export interface RunnerSettings {
  /** How long a statement waits for a lock, in milliseconds; 2,000 when absent. */
  readonly lockTimeout?: number;
  /** How often a statement that found no lock, or met a deadlock, is tried again; 30 when absent. */
  readonly lockRetries?: number;
  /** How long to wait for another runner that may be gone, in milliseconds; 3,000 when absent. */
  readonly leasePatience?: number;
}

/** One runner at work: its connection, its lease and its manners. */
export interface Session {
  readonly db: AnyDatabase;
  readonly migration: string;
  readonly lease: Lease;
  readonly settings: Required<RunnerSettings>;
  /** Whether the role may keep the application's own triggers from firing on the backfill. */
  readonly replica: boolean;
}

/** A name for this runner that people recognise. */
export function runnerName(): string {
  return `${hostname()}:${process.pid}`;
}

/** Fills in the defaults of a runner's settings. */
export function runnerSettings({
  lockTimeout = 2000,
  lockRetries = 30,
  leasePatience = 3000,
}: RunnerSettings): Required<RunnerSettings> {
  return { lockTimeout, lockRetries, leasePatience };
}

const retried = ['55P03', '40P01', '40001'];

/**
 * Runs one piece of work in a transaction of its own that holds the lease. When a lock is not to be had in time the
 * transaction ends, so that nobody queues behind it, and the work is tried again a little later.
 *
 * @throws TenantryError `migration_lease_lost`; `migration_step_failed` with the SQLSTATE and what to do.
 */
export async function inStep<Result>(
  session: Session,
  step: {
    readonly id: string;
    readonly table: string | null;
    readonly sql: readonly string[];
    readonly quiet?: boolean;
  },
  work: (tx: AnyDatabase) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await session.db.transaction().execute(async (tx: AnyDatabase) => {
        await applySettings(tx, settingsOf(session, step.quiet === true));
        await renewLease(tx, session.lease);
        return work(tx);
      });
    } catch (error) {
      if (!retried.includes(sqlstateOf(error)) || attempt > session.settings.lockRetries) {
        throw await asStepFailure(session, step, error);
      }
      await wait(50 * Math.min(attempt, 20) * (0.5 + Math.random()));
    }
  }
}

/**
 * The settings of a step's transaction. A batch is quiet: the application's triggers do not fire on it, a right that is
 * missing is an error and not fewer rows, and its commit does not wait for the disk. Rows and checkpoint are written
 * together, so a batch that a crash of the server takes back is done again.
 */
function settingsOf(session: Session, quiet: boolean): Record<string, string> {
  const always = { lock_timeout: String(session.settings.lockTimeout), 'tenantry.runner': 'on' };
  if (!quiet) return always;
  const replica = session.replica ? { session_replication_role: 'replica' } : {};
  return { ...always, ...replica, row_security: 'off', synchronous_commit: 'off' };
}

/** One message for all settings: each costs a round trip. */
async function applySettings(tx: AnyDatabase, settings: Record<string, string>): Promise<void> {
  const calls = Object.entries(settings).map(
    ([name, value]) => `set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, true)`,
  );
  await execute(tx, `select ${calls.join(', ')}`);
}

/** Turns a driver's error into ours, with what a person can do about it. */
export async function asStepFailure(
  session: Session,
  step: { readonly id: string; readonly table: string | null; readonly sql: readonly string[] },
  error: unknown,
): Promise<unknown> {
  const sqlstate = sqlstateOf(error);
  if (error instanceof TenantryError || sqlstate === '' || !(error instanceof Error)) return error;
  const blockers = sqlstate === '55P03' && step.table !== null ? await blockersOf(session.db, step.table) : '';
  const remedy = remedies[sqlstate] ?? 'Mend the cause and run apply again; it goes on from here.';
  return new TenantryError(
    'migration_step_failed',
    {
      migration: session.migration,
      step: step.id,
      sql: step.sql[0] ?? '',
      sqlstate,
      remedy: `${error.message}. ${blockers}${remedy}`,
    },
    { cause: error },
  );
}

const remedies: Readonly<Record<string, string>> = {
  '55P03': 'End what blocks it, or wait, and run apply again; it goes on from here.',
  '57014': 'The statement was cancelled or ran into statement_timeout: raise it for this role and run apply again.',
  '53100': 'The disk is full: make room and run apply again; it goes on from here.',
  '42501': 'Run the migration as the owner of the tables, or grant what is missing, and run apply again.',
};

/** Who holds locks on a table for long, in one sentence. */
async function blockersOf(db: AnyDatabase, table: string): Promise<string> {
  const found = await execute<{ pid: number; state: string; seconds: string }>(
    db,
    `select a.pid, coalesce(a.state, 'unknown') as state, coalesce(extract(epoch from now() - a.xact_start), 0)::integer::text as seconds
from pg_locks l join pg_stat_activity a on a.pid = l.pid join pg_class c on c.oid = l.relation
where l.granted and c.relname = ${quoteLiteral(table)} and a.pid <> pg_backend_pid() order by a.xact_start limit 3`,
  ).catch(() => ({ rows: [] }));
  return found.rows.map((row) => `Blocked by pid ${row.pid}, ${row.state} for ${row.seconds} s. `).join('');
}
