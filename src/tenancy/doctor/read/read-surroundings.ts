import { sql } from 'kysely';
import type { AnyDatabase } from '../../../database/index.ts';
import type { Catalogue, DefaultGrantRow, PublicationRow, RoutineRow, TriggerRow } from '../catalogue.ts';
import { type Extent, notOfExtension, texts } from './read-tables.ts';

type Surroundings = Omit<Catalogue, 'relations' | 'foreignKeys' | 'indexes' | 'policies' | 'equalities'>;

/** What reaches tables by another way, each kind in one query. Of functions only those that matter are read. */
export async function readSurroundings(
  db: AnyDatabase,
  extent: Extent,
  policyFunctions: readonly string[],
): Promise<Surroundings> {
  const { schemas, roles, setting } = extent;
  const asked = sql`(select 0::oid as oid, 'public' as name
    union all select r.oid, r.rolname::text from pg_roles r where r.rolname = any(${texts(roles)}))`;
  const routines = await sql<RoutineRow>`
    select p.oid::text as oid, n.nspname::text as schema, pg_get_userbyid(p.proowner)::text as owner,
      format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as sql,
      format('%s.%s(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as label,
      p.prosecdef as definer, p.proleakproof as leakproof, p.prorettype = 'trigger'::regtype as trigger,
      exists (select from unnest(p.proconfig) as s where s ~* '^search_path=') as "searchPath",
      exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a join ${asked} as asked
        on asked.oid = a.grantee where a.privilege_type = 'EXECUTE') as callable,
      p.prosrc as body, array(select distinct d.refobjid::text from pg_depend d where d.classid = 'pg_proc'::regclass
        and d.objid = p.oid and d.refclassid = 'pg_class'::regclass) as uses
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where (p.oid::text = any(${texts(policyFunctions)})
      or (p.prosecdef or p.proleakproof) and n.nspname = any(${texts(schemas)}))
      and ${notOfExtension('pg_proc', 'p.oid')}
    order by n.nspname, p.proname, p.oid`.execute(db);
  const triggers = await sql<TriggerRow>`
    select t.tgname::text as name, t.tgrelid::text as table, false as rule, t.tgfoid::text as routine
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
    where not t.tgisinternal and t.tgparentid = 0 and n.nspname = any(${texts(schemas)})
    union all
    select r.rulename::text, r.ev_class::text, true, null
    from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname = any(${texts(schemas)}) order by 2, 1`.execute(db);
  const reads = await sql<{ view: string; relation: string }>`
    select distinct r.ev_class::text as view, d.refobjid::text as relation
    from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
    where c.relkind in ('v', 'm') and d.refobjid <> c.oid and n.nspname = any(${texts(schemas)})`.execute(db);
  const sequences = await sql<Surroundings['sequences'][number]>`
    select n.nspname::text as schema, c.relname::text as name, asked.name as role,
      array_agg(a.privilege_type order by 1) as rights
    from pg_class c join pg_namespace n on n.oid = c.relnamespace,
      aclexplode(coalesce(c.relacl, acldefault('s', c.relowner))) a join ${asked} as asked on asked.oid = a.grantee
    where c.relkind = 'S' and n.nspname = any(${texts(schemas)}) and a.grantee <> c.relowner
    group by 1, 2, 3 order by 1, 2, 3`.execute(db);
  const numbered = await sql<Surroundings['numbered'][number]>`
    select a.attrelid::text as table, a.attname::text as column, a.attidentity <> '' as identity
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relkind in ('r', 'p') and not a.attisdropped and a.attnum > 0 and n.nspname = any(${texts(schemas)})
      and (a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) like 'nextval(%') order by 1, a.attnum`.execute(db);
  return {
    routines: routines.rows,
    triggers: triggers.rows,
    reads: reads.rows,
    sequences: sequences.rows,
    numbered: numbered.rows,
    publications: await readPublications(db, schemas),
    defaultGrants: await readDefaultGrants(db, extent),
    largeObjects: await readLargeObjects(db, roles),
    settings: await readSettings(db, roles, setting),
  };
}

/** Tables that are published whole; one with a row filter shows only what it lets through. */
async function readPublications(db: AnyDatabase, schemas: readonly string[]): Promise<PublicationRow[]> {
  const { rows } = await sql<PublicationRow>`
    select p.pubname::text as name, c.oid::text as table, case when p.puballtables then 'all'
      when exists (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = c.oid) then 'table' else 'schema' end as by
    from pg_publication p join pg_publication_tables t on t.pubname = p.pubname
    join pg_namespace n on n.nspname = t.schemaname join pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
    where t.rowfilter is null and t.schemaname = any(${texts(schemas)}) order by 1, t.schemaname, t.tablename`.execute(
    db,
  );
  return rows;
}

async function readDefaultGrants(db: AnyDatabase, { schemas, roles }: Extent): Promise<DefaultGrantRow[]> {
  const { rows } = await sql<DefaultGrantRow>`
    select distinct pg_get_userbyid(d.defaclrole)::text as owner, n.nspname::text as schema,
      coalesce(r.rolname::text, 'public') as role
    from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a
    left join pg_roles r on r.oid = a.grantee
    where d.defaclobjtype = 'r' and a.grantee <> d.defaclrole and (a.grantee = 0 or r.rolname = any(${texts(roles)}))
      and (d.defaclnamespace = 0 or n.nspname = any(${texts(schemas)})) order by 1, 2, 3`.execute(db);
  return rows;
}

async function readLargeObjects(db: AnyDatabase, roles: readonly string[]): Promise<Surroundings['largeObjects']> {
  const { rows } = await sql<Surroundings['largeObjects'][number]>`
    select held.role, held.owned, count(*)::integer as count from (
      select r.rolname::text as role, true as owned from pg_largeobject_metadata m join pg_roles r on r.oid = m.lomowner
      where r.rolname = any(${texts(roles)})
      union all
      select distinct on (m.oid, a.grantee) coalesce(r.rolname::text, 'public'), false
      from pg_largeobject_metadata m, aclexplode(m.lomacl) a left join pg_roles r on r.oid = a.grantee
      where a.grantee <> m.lomowner and (a.grantee = 0 or r.rolname = any(${texts(roles)}))
    ) as held group by 1, 2 order by 1, 2`.execute(db);
  return rows;
}

/** Where a tenant is set for everything that a role or a database does. */
async function readSettings(
  db: AnyDatabase,
  roles: readonly string[],
  setting: string,
): Promise<Surroundings['settings']> {
  const { rows } = await sql<Surroundings['settings'][number]>`
    select r.rolname::text as role, d.datname::text as database
    from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase,
      unnest(s.setconfig) as c
    where lower(split_part(c, '=', 1)) = ${setting.toLowerCase()} and (s.setrole = 0 or r.rolname = any(${texts(roles)}))
      and (s.setdatabase = 0 or d.datname = current_database()) order by 1, 2`.execute(db);
  return rows;
}
