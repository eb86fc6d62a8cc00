import type { Clock } from '../../core/index.ts';
import type { Step } from '../plan.ts';
import { execute } from '../sql-text.ts';
import { inStep, type Session } from './session.ts';
import { refuseStopped, rest } from './stop.ts';

/** When a backfill gives way to everybody else. */
export interface ThrottleSettings {
  /** Wait while a replica is further behind than this, in seconds, and go at half the pace from half of it on; 10 when absent. */
  readonly maxReplicaLag?: number;
  /** Wait while more sessions than this have waited for a lock for over 100 ms; 10 when absent. */
  readonly maxLockWaiters?: number;
  /** Asked before each batch: how long to wait, in milliseconds; 0 to go on at once. */
  readonly throttle?: () => number | Promise<number>;
}

interface Load {
  readonly by: string | null;
  readonly since: Date | null;
  readonly lag: string;
  readonly waiters: number;
}

/** How often the database is asked how it is, in milliseconds, and how long a runner waits before it asks again. */
const interval = 1000;

/**
 * Makes a function that returns when a runner may go on: at once, or after a pause, or when the database has caught up,
 * which only a backfill waits for. While it waits the lease is kept and `onHold` hears why. A role without the rights of
 * `pg_monitor` sees no replica.
 *
 * @returns Takes the step that is about to begin; within a step whose next batch is, with the milliseconds that the last
 * one took.
 */
export function turnsOf(
  session: Session,
  clock: Clock,
  { maxReplicaLag = 10, maxLockWaiters = 10, throttle }: ThrottleSettings,
): (step: Pick<Step, 'id' | 'stage'>, took?: number) => Promise<void> {
  let asked = Number.NEGATIVE_INFINITY;
  let lag = 0;
  return async ({ id, stage }, took) => {
    refuseStopped(session, id);
    const fills = stage === 'backfill';
    for (let again = took === undefined; again || clock().getTime() - asked >= interval; again = true) {
      const load = await readLoad(session, fills);
      asked = clock().getTime();
      lag = Number(load.lag);
      const { by, since } = load;
      if (by !== null && since !== null) session.onHold?.({ why: 'paused', by, since });
      else if (lag > maxReplicaLag) hold(session, `a replica is ${Math.round(lag)} s behind`);
      else if (load.waiters > maxLockWaiters) hold(session, `${load.waiters} sessions wait for locks`);
      else break;
      await keepLease(session, id);
      await rest(session, interval / 2, id);
    }
    if (took === undefined) return;
    if (lag > maxReplicaLag / 2) await rest(session, took, id);
    const wanted = (await throttle?.()) ?? 0;
    if (wanted > 0) hold(session, `throttle() asked for ${wanted} ms`);
    for (let left = wanted; left > 0; left -= interval) {
      await rest(session, Math.min(left, interval), id);
      if (left > interval) await keepLease(session, id);
    }
  };
}

async function keepLease(session: Session, id: string): Promise<void> {
  await inStep(session, { id, table: null, sql: [] }, async () => undefined);
}

function hold(session: Session, reason: string): void {
  session.onHold?.({ why: 'throttled', reason });
}

/** Sessions that wait for a moment are none of a busy database's troubles. */
async function readLoad({ db, migration }: Session, load: boolean): Promise<Load> {
  const found = await execute<Load>(
    db,
    `select p.paused_by as by, p.paused_at as since,
  ${load ? `(select coalesce(max(extract(epoch from r.replay_lag)), 0) from pg_stat_replication r)` : '0'}::text as lag,
  ${
    load
      ? `(select count(distinct l.pid) from pg_locks l where not l.granted and l.pid <> pg_backend_pid()
    and l.waitstart < clock_timestamp() - interval '100 milliseconds')`
      : '0'
  }::integer as waiters
from (select 1) as one left join tenantry.migration_pauses p on p.migration = $1`,
    [migration],
  );
  return found.rows[0] ?? { by: null, since: null, lag: '0', waiters: 0 };
}
