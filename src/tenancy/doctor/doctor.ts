import { sql } from 'kysely';
import { TenantryError } from '../../core/index.ts';
import { libraryOf } from '../../database/handle.ts';
import { type AnyDatabase, librarySchema, tenantSetting } from '../../database/index.ts';
import { tableRules } from '../scope/table-rules.ts';
import { checkCitus } from './checks/citus.ts';
import { checkKeys } from './checks/keys.ts';
import { checkLibrary } from './checks/library.ts';
import { checkPassages } from './checks/passages.ts';
import { checkPolicies } from './checks/policies.ts';
import { checkRoles, sessionFinding } from './checks/roles.ts';
import { checkTables } from './checks/tables.ts';
import { type Examination, examine } from './examination.ts';
import type { Finding, Severity } from './finding.ts';
import type { DoctorOptions } from './options.ts';
import { functionsOf } from './policy-shape.ts';
import { checkPooler } from './pooler.ts';
import { readSetup, type Setup } from './read/read-setup.ts';
import { readSurroundings } from './read/read-surroundings.ts';
import { readTables } from './read/read-tables.ts';

/** What {@link doctorReport} tells beside the findings. */
export interface DoctorReport {
  readonly database: string;
  readonly serverVersion: string;
  /** The role that was checked. */
  readonly role: string;
  /** How many tables were taken for tenants' own, and how many for shared. */
  readonly tables: { readonly own: number; readonly shared: number };
  /** The findings, the worst first. */
  readonly findings: readonly Finding[];
  /** How many findings are below the level that was asked for. */
  readonly below: number;
}

/**
 * Looks for holes in the isolation of a database: in its tables, keys, policies, views, functions and publications, in
 * what the application's role may do, and in the library's own schema. It reads the catalogue and changes nothing. A
 * database in order gives an empty list.
 *
 * Run it as the application's login, which is then checked itself; or as the owner of the library's schema, where
 * `tenantry_app` is checked in its place; or name the role to check.
 *
 * @throws TenantryError `config_invalid` for a role or a schema that is not there, and for declarations of tables that
 * cannot hold.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { installSchema } from 'tenantry/database';
 * import { doctor } from 'tenantry/tenancy';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * for (const { code, object, mend } of await doctor(db)) console.log(code, object, mend.join(';\n'));
 * ```
 */
export async function doctor(db: AnyDatabase, options: DoctorOptions = {}): Promise<readonly Finding[]> {
  return (await doctorReport(db, options)).findings;
}

/**
 * Does what {@link doctor} does, and tells whom and what it looked at as well.
 *
 * @throws TenantryError `config_invalid` as {@link doctor} does.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { doctorReport } from 'tenantry/tenancy';
 *
 * async function examine(db: Kysely<Record<string, never>>): Promise<void> {
 *   const { role, tables, findings } = await doctorReport(db, { level: 'info' });
 *   console.log(`${role} sees ${tables.own} tables of tenants; ${findings.length} findings`);
 * }
 * ```
 */
export async function doctorReport(db: AnyDatabase, options: DoctorOptions = {}): Promise<DoctorReport> {
  const { setting = tenantSetting, level = 'warning', ignore = [] } = options;
  const library = libraryOf(db);
  const setup = await readSetup(library, setting, options.role);
  const examination = await readExamination(db, setup, setting, options);
  const holes = [
    ...checkTables(examination),
    ...checkPolicies(examination),
    ...checkKeys(examination),
    ...checkPassages(examination),
    ...checkRoles(examination),
    ...(setup.library ? checkLibrary(examination, await installedVersion(library)) : []),
    ...(await checkSession(library, setup, setting)),
  ];
  const all = options.citus === true ? [...holes, ...checkCitus(examination, holes)] : holes;
  const wanted = all.filter((finding) => !isIgnored(finding, new Set(ignore)));
  const findings = wanted.filter(({ severity }) => ranks[severity] <= ranks[level]);
  return {
    database: setup.database,
    serverVersion: setup.serverVersion,
    role: setup.subject,
    tables: { own: examination.own.size, shared: examination.shared.size },
    findings: findings.toSorted((one, other) => ranks[one.severity] - ranks[other.severity]),
    below: wanted.length - findings.length,
  };
}

const ranks: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

function isIgnored({ code, object }: Finding, ignore: ReadonlySet<string>): boolean {
  return ignore.has(code) || ignore.has(object) || ignore.has(`${code}:${object}`);
}

async function readExamination(
  db: AnyDatabase,
  setup: Setup,
  setting: string,
  { tables, shared = [], tenantColumn = 'tenant_id', schemas }: DoctorOptions,
): Promise<Examination> {
  const declared = tableRules(tables, db.getExecutor()).declared;
  const own = [...declared.values()].flatMap((rule) => (rule.kind === 'own' ? [rule.column] : []));
  const extent = {
    schemas: [...schemasOf(setup, schemas), librarySchema],
    roles: setup.roles.map(({ name }) => name),
    columns: [...new Set([tenantColumn, 'tenant_id', ...own])],
    setting,
  };
  const library = libraryOf(db);
  const found = await readTables(library, extent);
  const functions = found.policies.flatMap(({ using, check }) => functionsOf(`${using ?? ''} ${check ?? ''}`));
  const catalogue = { ...found, ...(await readSurroundings(library, extent, [...new Set(functions)])) };
  return examine({ setup, catalogue, setting, librarySchema, tenantColumn, declared, shared: new Set(shared) });
}

/** A schema into which none of the roles in question may look is out of the application's reach. */
function schemasOf({ schemas }: Setup, named: readonly string[] | undefined): string[] {
  if (named === undefined) {
    return schemas.filter(({ name, usage }) => usage && name !== librarySchema).map(({ name }) => name);
  }
  for (const schema of named) {
    if (schemas.some(({ name }) => name === schema)) continue;
    throw new TenantryError('config_invalid', { path: 'schemas', problem: `there is no schema "${schema}"` });
  }
  return named.filter((schema) => schema !== librarySchema);
}

async function installedVersion(db: AnyDatabase): Promise<number> {
  const { rows } = await sql<{ version: number }>`
    select coalesce(max(version), 0)::integer as version from ${sql.table(`${librarySchema}.schema_versions`)}`.execute(
    db,
  );
  return rows[0]?.version ?? 0;
}

/** Within a transaction of the caller the tenant is there by right, and there is no second connection to compare with. */
async function checkSession(db: AnyDatabase, setup: Setup, setting: string): Promise<readonly Finding[]> {
  if (db.isTransaction) return [];
  return [
    ...(setup.sessionTenant === '' ? [] : [sessionFinding(setting, setup.sessionTenant)]),
    ...(setup.embedded ? [] : await checkPooler(db)),
  ];
}
