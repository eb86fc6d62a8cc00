import type { AnyDatabase } from '../../database/index.ts';
import type { StepLock } from '../plan.ts';
import { execute } from '../sql-text.ts';
import { withoutLiterals } from './without-literals.ts';

/**
 * Somebody who holds a lock that a migration waits for. A role without the rights of `pg_monitor` sees of other logins'
 * connections whose they are, and nothing else.
 */
export interface MigrationBlocker {
  readonly pid: number;
  /** The login, or what kind of process of the server it is. */
  readonly login: string;
  /** Its `application_name`; null when it has none. */
  readonly application: string | null;
  /** Such as `idle in transaction`. */
  readonly state: string | null;
  /** How long its transaction has been open, in seconds. */
  readonly seconds: number | null;
  /** What it runs, or ran last, with `?` for each value. */
  readonly query: string | null;
}

/** What of a step says which locks it needs. */
export interface LockedStep {
  readonly table: string | null;
  readonly sql: readonly string[];
  readonly lock?: StepLock;
}

/** Locks that keep others waiting, from what a step takes. */
const conflicts: Readonly<Record<StepLock, readonly string[]>> = {
  'access exclusive': ['AccessShareLock', 'RowShareLock'],
  'share row exclusive': [],
  'share update exclusive': [],
  row: ['RowShareLock'],
  none: [],
};
const always = [
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
];

interface Row {
  readonly pid: number;
  readonly login: string;
  readonly application: string | null;
  readonly state: string | null;
  readonly seconds: string | null;
  readonly query: string | null;
}

const columns = `a.pid, coalesce(a.usename, a.backend_type, 'unknown') as login, nullif(a.application_name, '') as application, a.state,
  extract(epoch from clock_timestamp() - min(a.xact_start))::integer::text as seconds,
  case when a.query <> '<insufficient privilege>' then a.query end as query`;
const grouping = `group by a.pid, a.usename, a.backend_type, a.application_name, a.state, a.query
order by min(a.xact_start) nulls last, a.pid limit 3`;

/** Who holds locks on the tables that a step names, oldest first, at most three. Gives none when it cannot be told. */
export async function blockersOfStep(
  db: AnyDatabase,
  { table, sql, lock = 'access exclusive' }: LockedStep,
  longerThan = 0,
): Promise<MigrationBlocker[]> {
  return found(
    db,
    `select ${columns}
from pg_locks l join pg_stat_activity a on a.pid = l.pid join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
where l.granted and l.locktype = 'relation' and a.pid <> pg_backend_pid() and l.mode = any($1::text[])
  and l.database = (select d.oid from pg_database d where d.datname = current_database())
  and (c.relname = $2 or position('"' || replace(n.nspname, '"', '""') || '"."' || replace(c.relname, '"', '""') || '"' in $3) > 0)
  and n.nspname !~ '^pg_' and ($4::integer = 0 or a.xact_start < clock_timestamp() - $4::integer * interval '1 second')
${grouping}`,
    [[...always, ...conflicts[lock]], table ?? '', sql.join(';'), longerThan],
  );
}

/** Who blocks a process of the server at this moment. */
export async function blockersOfProcess(db: AnyDatabase, pid: number): Promise<MigrationBlocker[]> {
  return found(
    db,
    `select ${columns} from pg_stat_activity a where a.pid = any(pg_blocking_pids($1::integer)) ${grouping}`,
    [pid],
  );
}

async function found(db: AnyDatabase, query: string, parameters: readonly unknown[]): Promise<MigrationBlocker[]> {
  const { rows } = await execute<Row>(db, query, parameters).catch(() => ({ rows: [] }));
  return rows.map((row) => ({
    ...row,
    seconds: row.seconds === null ? null : Number(row.seconds),
    query: row.query === null || row.query === '' ? null : withoutLiterals(row.query),
  }));
}

/** A blocker in a sentence. */
export function blockerText({ pid, login, application, state, seconds }: MigrationBlocker): string {
  const since = state === null || seconds === null ? '' : `, ${state} for ${seconds} s`;
  return `Blocked by pid ${pid} (${[login, application].filter((part) => part !== null).join(', ')})${since}. `;
}
