import { sql } from 'kysely';
import { type Clock, systemClock } from '../core/clock.ts';
import { TenantryError } from '../core/errors.ts';
import { type AnyDatabase, inTransaction, type Library, libraryOf } from './handle.ts';
import { quoteIdentifier } from './isolation-sql.ts';
import { appRole, librarySchema, purgeRole, serviceRole } from './roles.ts';
import { schemaSteps } from './schema/steps.ts';

/** Options of {@link installSchema}. */
export interface InstallOptions {
  /** Logins of the application, which are granted the two roles. They must exist. */
  readonly grantTo?: readonly string[];
  /** Logins that may purge tenants for ever, as `tenantry_purge`; nobody when absent. They must exist. */
  readonly grantPurgeTo?: readonly string[];
  readonly clock?: Clock;
}

/** What {@link installSchema} did. */
export interface InstallResult {
  /** The version that the schema has now. */
  readonly version: number;
  /** The names of the steps that this call applied; empty when the schema was up to date. */
  readonly applied: readonly string[];
}

/**
 * Installs the library's schema `tenantry` or brings it up to date: roles, tables, row-level security and rights. It can
 * be called at every start and by many processes at once; what is there stays.
 *
 * Run it as the owner of the database: a role that may create a schema and, the first time on a server, roles.
 *
 * @throws TenantryError `database_right_missing` when the role may not; `schema_newer` when the database was installed
 * by a later version of the library; `config_invalid` when a login that is to be granted the roles is not there.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { installSchema } from 'tenantry/database';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * const { version } = await installSchema(db);
 * ```
 */
export async function installSchema(
  db: AnyDatabase,
  { grantTo = [], grantPurgeTo = [], clock = systemClock }: InstallOptions = {},
): Promise<InstallResult> {
  try {
    await createRoles(libraryOf(db));
    return await inTransaction(libraryOf(db), undefined, async (tx) => {
      await sql`select pg_advisory_xact_lock(hashtext('tenantry.install'))`.execute(tx);
      const result = await applySteps(tx, clock);
      await grantRoles(tx, grantTo);
      await grantPurge(tx, grantPurgeTo);
      return result;
    });
  } catch (error) {
    if (sqlstateOf(error) === '42704' && grantTo.length + grantPurgeTo.length > 0) {
      const problem = `${error instanceof Error ? error.message : 'a login is missing'}; make the login first`;
      throw new TenantryError('config_invalid', { path: 'installSchema({ grantTo })', problem }, { cause: error });
    }
    throw asRightMissing(error);
  }
}

/** Roles belong to the whole server: another database, or another process, may have made them already. */
async function createRoles(db: Library): Promise<void> {
  for (const role of [appRole, serviceRole, purgeRole]) {
    const found = await sql`select 1 from pg_roles where rolname = ${role}`.execute(db);
    if (found.rows.length > 0) continue;
    try {
      await sql`create role ${sql.id(role)} nologin`.execute(db);
    } catch (error) {
      if (!['42710', '23505'].includes(sqlstateOf(error))) throw error;
    }
  }
}

async function applySteps(tx: AnyDatabase, clock: Clock): Promise<InstallResult> {
  await sql`create schema if not exists ${sql.id(librarySchema)}`.execute(tx);
  await sql`create table if not exists ${sql.id(librarySchema, 'schema_versions')}
    (version integer primary key, name text not null, applied_at timestamptz not null)`.execute(tx);
  const versions = libraryOf(tx).selectFrom('tenantry.schema_versions').select('version');
  const known = schemaSteps.at(-1)?.version ?? 0;
  const installed = Math.max(0, ...(await versions.execute()).map((row) => row.version));
  if (installed > known) throw new TenantryError('schema_newer', { installed, known });
  const applied: string[] = [];
  for (const step of schemaSteps.filter((candidate) => candidate.version > installed)) {
    for (const statement of step.statements) await sql.raw(statement).execute(tx);
    await libraryOf(tx)
      .insertInto('tenantry.schema_versions')
      .values({ version: step.version, name: step.name, applied_at: clock() })
      .execute();
    applied.push(step.name);
  }
  return { version: known, applied };
}

/** Grants the roles to whoever installs (an owner under forced row-level security sees nothing without) and to logins. */
async function grantRoles(tx: AnyDatabase, logins: readonly string[]): Promise<void> {
  const missing = await sql<{ login: string }>`
    select login from unnest(array[current_user::text] || ${sql.val([...logins])}::text[]) as login
    where not exists (select 1 from pg_roles r where r.rolname = login and r.rolsuper)
      and not (pg_has_role(login, ${appRole}, 'member') and pg_has_role(login, ${serviceRole}, 'usage'))`.execute(tx);
  for (const { login } of missing.rows) {
    await sql.raw(`grant ${appRole}, ${serviceRole} to ${quoteIdentifier(login)}`).execute(tx);
  }
}

/** From PostgreSQL 16 on, whoever may purge has the right only where it acts as the role, as a purge does. */
async function grantPurge(tx: AnyDatabase, logins: readonly string[]): Promise<void> {
  const missing = await sql<{ login: string; apart: boolean }>`
    select login, current_setting('server_version_num')::int >= 160000 as apart
    from unnest(${sql.val([...logins])}::text[]) as login
    where not pg_has_role(login, ${purgeRole}, 'member')`.execute(tx);
  for (const { login, apart } of missing.rows) {
    await sql.raw(`grant ${purgeRole} to ${quoteIdentifier(login)}${apart ? ' with inherit false' : ''}`).execute(tx);
  }
}

/** Reads the SQLSTATE of a driver's error; an empty text when it has none. */
export function sqlstateOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

function asRightMissing(error: unknown): unknown {
  if (sqlstateOf(error) !== '42501' || !(error instanceof Error)) return error;
  const details = {
    right: error.message,
    remedy: 'Run installSchema as the owner of the database, with CREATEROLE the first time on a server.',
  };
  return new TenantryError('database_right_missing', details, { cause: error });
}
