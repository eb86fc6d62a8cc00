import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { sqlstateOf } from '../database/install.ts';
import { quoteIdentifier } from '../database/isolation-sql.ts';
import { type Model, setsAside } from './model.ts';
import { execute } from './sql-text.ts';

/** What the role that runs a migration may do. */
export interface RunnerRights {
  readonly role: string;
  /** Whether it may keep the application's triggers from firing on its own statements. */
  readonly replica: boolean;
}

interface RightsRow {
  readonly role: string;
  readonly replica: boolean;
  readonly service: boolean;
  readonly create: boolean;
  readonly bypass: boolean;
}

/**
 * Checks, before anything is written, that the role may do all that a migration does.
 *
 * @throws TenantryError `migration_right_missing` naming the table, the right and the statement that mends it;
 * `schema_missing`.
 */
export async function checkRights(db: AnyDatabase, model: Model): Promise<RunnerRights> {
  const rights = await readRights(db);
  const missing = (table: string, right: string, remedy: string): TenantryError =>
    new TenantryError('migration_right_missing', { migration: model.name, table, right, remedy });
  if (!rights.service) {
    throw missing('tenantry.tenants', 'membership in tenantry_service', `grant tenantry_service to ${rights.role};`);
  }
  if (!rights.create) {
    throw missing('tenantry', 'CREATE on the schema', `grant create on schema tenantry to ${rights.role};`);
  }
  for (const own of model.own) {
    const { name, table } = own;
    const sets = setsAside(own);
    if (!table.owned) throw missing(name, 'ownership', `alter table ${quoteIdentifier(name)} owner to ${rights.role};`);
    if (table.rowSecurity && !rights.bypass) {
      throw missing(name, 'sight of all rows past its row-level security', `alter role ${rights.role} bypassrls;`);
    }
    if (table.alwaysTriggers.length > 0) {
      throw missing(
        name,
        `a backfill on which ${table.alwaysTriggers.join(', ')} does not fire: what is enabled ALWAYS or for REPLICA fires there too, and could change more than the tenant`,
        table.alwaysTriggers.map((trigger) => `alter table ${quoteIdentifier(name)} enable ${trigger};`).join(' '),
      );
    }
    if (table.publishedWithoutIdentity) {
      throw missing(
        name,
        'a replica identity: a publication sends its updates, and PostgreSQL refuses those of a table whose rows it cannot name',
        `alter table ${quoteIdentifier(name)} replica identity full;`,
      );
    }
    const fired = [...new Set([...table.updateTriggers, ...(sets ? table.deleteTriggers : [])])];
    if (fired.length > 0 && !rights.replica) {
      throw missing(
        name,
        `the right to keep its triggers (${fired.join(', ')}) from firing on what the migration writes, which would change more than the tenant`,
        `grant set on parameter session_replication_role to ${rights.role};`,
      );
    }
  }
  return { role: rights.role, replica: rights.replica };
}

async function readRights(db: AnyDatabase): Promise<RightsRow> {
  try {
    const found = await execute<RightsRow>(
      db,
      `select quote_ident(current_user) as role, r.rolsuper or r.rolbypassrls as bypass,
  r.rolsuper or has_parameter_privilege('session_replication_role', 'set') as replica,
  pg_has_role('tenantry_service', 'usage') as service, has_schema_privilege('tenantry', 'create') as create
from pg_roles r where r.rolname = current_user`,
    );
    const row = found.rows[0];
    if (row === undefined) throw new TypeError('the database names no current role');
    return row;
  } catch (error) {
    if (!['3F000', '42704'].includes(sqlstateOf(error))) throw error;
    throw new TenantryError('schema_missing', { schema: 'tenantry' }, { cause: error });
  }
}
