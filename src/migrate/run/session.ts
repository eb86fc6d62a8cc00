import { hostname } from 'node:os';
import type { AnyDatabase } from '../../database/index.ts';
import { sqlstateOf } from '../../database/install.ts';
import { quoteLiteral } from '../../database/isolation-sql.ts';
import { execute } from '../sql-text.ts';
import { blockersOfStep } from './blockers.ts';
import type { MigrationHold } from './hold.ts';
import { type Lease, renewLease } from './lease.ts';
import { type FailedStep, stepFailure } from './step-failure.ts';
import { rest } from './stop.ts';

/** How a runner treats the database; all have defaults that suit a busy one. */
export interface RunnerSettings {
  /** How long a statement waits for a lock, in milliseconds; 2,000 when absent. */
  readonly lockTimeout?: number;
  /** How often a statement that found no lock, or met a deadlock, is tried again; 30 when absent. */
  readonly lockRetries?: number;
  /** How long to wait for another runner that may be gone, in milliseconds; 3,000 when absent. */
  readonly leasePatience?: number;
  /** Ends the run at the next step or batch, with `migration_stopped`; run again, it goes on from there. */
  readonly signal?: AbortSignal;
}

type Manners = Required<Omit<RunnerSettings, 'signal'>>;

/** One runner at work: its connection, its lease and its manners. */
export interface Session {
  readonly db: AnyDatabase;
  readonly migration: string;
  readonly lease: Lease;
  readonly settings: Manners;
  /** Whether the role may keep the application's own triggers from firing on the backfill. */
  readonly replica: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Hears why the step under way does not go on. */
  onHold?: (hold: MigrationHold) => void;
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
}: RunnerSettings): Manners {
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
  step: FailedStep & { readonly quiet?: boolean },
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
        throw await stepFailure(session.db, session.migration, step, error);
      }
      if (session.onHold !== undefined && sqlstateOf(error) === '55P03') {
        const blockers = await blockersOfStep(session.db, step);
        session.onHold({ why: 'lock', attempt, attempts: session.settings.lockRetries, blockers });
      }
      await rest(session, 50 * Math.min(attempt, 20) * (0.5 + Math.random()), step.id);
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
