import { sql } from 'kysely';
import { TenantryError } from '../../../core/index.ts';
import { type AnyDatabase, appRole, librarySchema, purgeRole, serviceRole } from '../../../database/index.ts';
import type { RoleRow, SchemaRow } from '../catalogue.ts';

/** Who looks, who is looked at, and where. */
export interface Setup {
  readonly database: string;
  readonly serverVersion: string;
  /** The role under which statements run now. */
  readonly login: string;
  /** True for a database in the process, which has one user. */
  readonly embedded: boolean;
  /** The owner of the library's schema, or of the database where there is none: who changes tables. */
  readonly deployer: string;
  /** Whether the library's schema, its application's role and its service role are there. */
  readonly library: boolean;
  readonly app: boolean;
  readonly service: boolean;
  /** The role that is checked. */
  readonly subject: string;
  readonly roles: readonly RoleRow[];
  readonly schemas: readonly SchemaRow[];
  /** The tenant that is set as a session of the application begins. */
  readonly sessionTenant: string;
}

interface Facts extends Omit<Setup, 'subject' | 'roles' | 'schemas'> {
  readonly superuser: boolean;
  readonly known: boolean;
}

/**
 * Finds out who is checked: the role that is named, or else whoever is connected. The owner of the library's schema is
 * taken for who deploys, and the application's role is checked in its place; so it is on an embedded database.
 *
 * @throws TenantryError `config_invalid` when there is no such role.
 */
export async function readSetup(db: AnyDatabase, setting: string, role: string | undefined): Promise<Setup> {
  const found = await sql<Facts>`
    select current_database()::text as database, current_setting('server_version') as "serverVersion",
      current_user::text as login, version() ~* '(pglite|emscripten|wasm)' as embedded, me.rolsuper as superuser,
      pg_get_userbyid(coalesce((select n.nspowner from pg_namespace n where n.nspname = ${librarySchema}), d.datdba))::text
        as deployer,
      to_regclass(${`${librarySchema}.schema_versions`}) is not null as library,
      exists (select from pg_roles r where r.rolname = ${appRole}) as app,
      exists (select from pg_roles r where r.rolname = ${serviceRole}) as service,
      exists (select from pg_roles r where r.rolname = ${role ?? ''}) as known,
      coalesce(current_setting(${setting}, true), '') as "sessionTenant"
    from pg_database d, pg_roles me where d.datname = current_database() and me.rolname = current_user`.execute(db);
  const [facts] = found.rows;
  if (facts === undefined) throw new TypeError('the database names no current role');
  if (role !== undefined && !facts.known) {
    throw new TenantryError('config_invalid', { path: 'role', problem: `there is no role "${role}" on this server` });
  }
  const { superuser, known, ...rest } = facts;
  const deploys = facts.app && (facts.embedded || (facts.login === facts.deployer && !superuser));
  const subject = role ?? (deploys ? appRole : facts.login);
  const roles = await readRoles(db, subject);
  return { ...rest, subject, roles, schemas: await readSchemas(db, roles) };
}

/**
 * The roles that are reached from the one that is checked and from the application's. What is reached through the roles
 * that see all tenants is left out: a login is their member by design.
 */
async function readRoles(db: AnyDatabase, subject: string): Promise<readonly RoleRow[]> {
  const { rows } = await sql<RoleRow>`
    with recursive reach (oid, app) as (
      select r.oid, r.rolname = ${appRole} from pg_roles r where r.rolname in (${subject}, ${appRole})
      union
      select m.roleid, reach.app from pg_auth_members m join reach on m.member = reach.oid
      where m.roleid not in (select s.oid from pg_roles s where s.rolname in (${serviceRole}, ${purgeRole}))
    )
    select r.rolname::text as name, bool_or(reach.app) as app, r.rolsuper as superuser, r.rolbypassrls as bypass,
      r.rolcreaterole as "createRole", r.rolreplication as replication,
      coalesce((select array_agg(g.rolname::text order by g.rolname) from pg_auth_members m join pg_roles g on g.oid = m.roleid
        where m.member = r.oid), '{}') as "memberOf"
    from reach join pg_roles r on r.oid = reach.oid
    group by r.oid, r.rolname, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolreplication order by 1`.execute(db);
  return rows;
}

async function readSchemas(db: AnyDatabase, roles: readonly RoleRow[]): Promise<readonly SchemaRow[]> {
  // The login looks wherever the service role may.
  const names = [...roles.map(({ name }) => name), serviceRole];
  const { rows } = await sql<SchemaRow>`
    with asked as (select 0::oid as oid, 'public' as name
      union all select r.oid, r.rolname::text from pg_roles r where r.rolname = any(${sql.val(names)}::text[]))
    select n.nspname::text as name,
      exists (select from aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a join asked on asked.oid = a.grantee
        where a.privilege_type = 'USAGE') or exists (select from asked where asked.oid = n.nspowner) as usage,
      array(select asked.name from aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
        join asked on asked.oid = a.grantee where a.privilege_type = 'CREATE' and a.grantee <> n.nspowner order by 1) as creators
    from pg_namespace n where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1`.execute(db);
  return rows;
}
