import { hostname, userInfo } from 'node:os';
import type { AnyDatabase } from '../database/index.ts';
import { quoteLiteral } from '../database/isolation-sql.ts';
import type { StageName } from './plan.ts';
import { execute } from './sql-text.ts';
import type { VerifyCheck } from './verify/check.ts';

/** What an entry of the audit trail tells of. */
export type MigrationEvent = 'stage' | 'verified' | 'rollback-begun' | 'rolled-back';

/** Who runs a migration, each part as SQL of a text or NULL. */
export interface RunnerSql {
  readonly actor: string;
  readonly host: string;
  readonly osUser: string;
}

/** Whoever runs exported SQL, of which the database knows no machine. */
export const sqlRunner: RunnerSql = { actor: 'current_user', host: 'null', osUser: 'null' };

/** This process, for the audit trail. */
export function thisRunner(actor: string | undefined): RunnerSql {
  const host = hostname();
  const user = osUser();
  return {
    actor: actor === undefined ? 'current_user' : quoteLiteral(actor),
    host: quoteLiteral(host),
    osUser: user === null ? 'null' : quoteLiteral(user),
  };
}

/** A container may run under a number that has no name. */
function osUser(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null;
  }
}

/** How many of each part the backfill made; later a rollback takes the tables away from which it is counted. */
const made = `json_build_object(
    'tenants', (select count(distinct x.tenant_id) from tenantry.migration_map x where x.migration = m.name),
    'members', (select count(distinct x.member_id) from tenantry.migration_people x where x.migration = m.name),
    'keys', (select count(distinct x.made) from tenantry.migration_parts x where x.migration = m.name and x.part = 'apiKeys'),
    'subscriptions', (select count(*) from tenantry.migration_parts x where x.migration = m.name and x.part = 'subscriptions'),
    'grants', (select count(distinct x.made) from tenantry.migration_parts x where x.migration = m.name and x.part = 'grants'))`;

/** Rows that have no place where the migration now stands, by table and reason. */
const kept = `coalesce((select json_agg(json_build_object('table', k.table_name, 'reason', k.reason, 'rows', k.rows) order by k.table_name, k.reason)
    from (select q.table_name, q.reason, count(*) as rows from tenantry.migration_quarantine q where q.migration = m.name group by 1, 2) as k), '[]')`;

/** Where the migration stands or, on the way back, stood when that was begun. */
const stands = `case when m.stage <> 'rolling-back' then m.stage else coalesce((select a.stage from tenantry.migration_audit a
    where a.migration = m.name and a.event = 'rollback-begun' order by a.id desc limit 1), m.stage) end`;

const returned = `coalesce((select json_agg(json_build_object('table', r.table_name, 'rows', r.row_count) order by r.table_name)
    from tenantry.migration_returned r where r.migration = m.name), '[]')`;

/**
 * SQL that adds the entry of a stage that is whole, or of a rollback, to the audit trail. It reads the record of the
 * steps, so it stands in the transaction that ends the stage.
 *
 * @param stage - The stage that is whole; null for the one at which a migration stands that goes, or came, back.
 * @param rest - SQL of a JSON object; what the entry tells beside the steps.
 */
export function auditEntrySql(
  migration: string,
  event: MigrationEvent,
  stage: StageName | null,
  { actor, host, osUser: user }: RunnerSql,
  rest = `json_build_object(${stage === 'backfill' ? `'made', ${made}, ` : ''}'kept', ${kept}${event === 'rolled-back' ? `, 'returned', ${returned}` : ''})`,
): string {
  return `insert into tenantry.migration_audit
  (migration, event, stage, plan_hash, actor, role, application, host, os_user, began_at, ended_at, step_count, row_count, steps, details)
select m.name, ${quoteLiteral(event)}, ${stage === null ? stands : quoteLiteral(stage)}, m.plan_hash, ${actor}, current_user,
  nullif(current_setting('application_name'), ''), ${host}, ${user}, coalesce(min(s.started_at), clock_timestamp()), clock_timestamp(),
  count(s.step), coalesce(sum(s.row_count), 0),
  coalesce(json_agg(json_build_object('step', s.step, 'rows', s.row_count,
    'seconds', round(extract(epoch from s.finished_at - s.started_at)::numeric, 3)) order by s.position) filter (where s.step is not null), '[]'),
  ${rest}
from tenantry.migrations m left join tenantry.migration_steps s
  on ${event === 'stage'} and s.migration = m.name and s.stage = ${quoteLiteral(stage ?? '')} and s.finished_at is not null
where m.name = ${quoteLiteral(migration)} group by m.name, m.plan_hash`;
}

/** Adds what a verification found to the audit trail. */
export async function auditVerified(
  db: AnyDatabase,
  migration: string,
  stage: StageName,
  runner: RunnerSql,
  checks: readonly VerifyCheck[],
): Promise<void> {
  await execute(db, auditEntrySql(migration, 'verified', stage, runner, `json_build_object('checks', $1::json)`), [
    JSON.stringify(checks),
  ]);
}

/** One entry of the audit trail of a migration. */
export interface MigrationAuditEntry {
  readonly event: MigrationEvent;
  /** The stage that was reached, or at which it was verified or taken back. */
  readonly stage: string;
  readonly planHash: string;
  /** Who did it, as the caller said; the database role otherwise. */
  readonly actor: string;
  /** The database role. */
  readonly role: string;
  readonly application: string | null;
  /** The machine that ran it, and the user there; null for exported SQL. */
  readonly host: string | null;
  readonly osUser: string | null;
  readonly beganAt: Date;
  readonly endedAt: Date;
  readonly rows: number;
  readonly steps: readonly { readonly step: string; readonly rows: number; readonly seconds: number }[];
  /** How many of each were made, once they were. */
  readonly made?: Readonly<Record<string, number>>;
  /** Rows that have no place where the migration stood then, by table and reason. */
  readonly kept?: readonly { readonly table: string; readonly reason: string; readonly rows: number }[];
  /** Rows that a rollback brought back, by table. */
  readonly returned?: readonly { readonly table: string; readonly rows: number }[];
  readonly checks?: readonly VerifyCheck[];
}

interface Row extends Omit<MigrationAuditEntry, 'rows' | 'made' | 'kept' | 'returned' | 'checks'> {
  readonly rows: string;
  readonly details: Pick<MigrationAuditEntry, 'made' | 'kept' | 'returned' | 'checks'>;
}

/**
 * Reads the audit trail of a migration, oldest first. Entries outlive a rollback, and are never changed.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { readAudit } from 'tenantry/migrate';
 *
 * async function tell(db: Kysely<Record<string, never>>): Promise<void> {
 *   for (const entry of await readAudit(db, 'customers-to-organizations')) console.log(entry);
 * }
 * ```
 */
export async function readAudit(db: AnyDatabase, migration: string): Promise<MigrationAuditEntry[]> {
  const found = await execute<Row>(
    db,
    `select event, stage, plan_hash as "planHash", actor, role, application, host, os_user as "osUser", began_at as "beganAt",
  ended_at as "endedAt", row_count::text as rows, steps, details from tenantry.migration_audit where migration = $1 order by id`,
    [migration],
  );
  return found.rows.map(({ details, rows, ...entry }) => ({ ...entry, rows: Number(rows), ...details }));
}
