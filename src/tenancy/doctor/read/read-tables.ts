import { type RawBuilder, sql } from 'kysely';
import { type AnyDatabase, serviceRole } from '../../../database/index.ts';
import type { Catalogue, ForeignKeyRow, IndexRow, PolicyRow, RelationRow } from '../catalogue.ts';

/** Where the catalogue is read, and whose rights matter. */
export interface Extent {
  readonly schemas: readonly string[];
  readonly roles: readonly string[];
  /** The names of columns that may hold the tenant. */
  readonly columns: readonly string[];
  readonly setting: string;
}

/** A list of texts as one parameter. */
export function texts(list: readonly string[]): RawBuilder<string[]> {
  return sql`${sql.val([...list])}::text[]`;
}

/** Keeps what an extension made out of sight: it is not the application's to change. */
export function notOfExtension(catalogue: string, oid: string): RawBuilder<boolean> {
  return sql`not exists (select from pg_depend e where e.classid = ${sql.lit(catalogue)}::regclass
    and e.objid = ${sql.ref(oid)} and e.deptype = 'e')`;
}

/** Tables and what stands on them, each kind in one query however many there are. */
export async function readTables(
  db: AnyDatabase,
  { schemas, roles, columns }: Extent,
): Promise<Pick<Catalogue, 'relations' | 'foreignKeys' | 'indexes' | 'policies' | 'equalities'>> {
  const relations = await sql<RelationRow>`
    with asked as (select 0::oid as oid, 'public' as name
      union all select r.oid, r.rolname::text from pg_roles r where r.rolname = any(${texts([...roles, serviceRole])}))
    select c.oid::text as oid, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
      pg_get_userbyid(c.relowner)::text as owner, c.relrowsecurity as "rowSecurity", c.relforcerowsecurity as forced,
      c.relispartition as partition, (select i.inhparent::text from pg_inherits i where i.inhrelid = c.oid
        order by i.inhseqno limit 1) as parent,
      c.relkind = 'r' and exists (select from pg_inherits i where i.inhparent = c.oid) as inherited,
      coalesce((select o.option_value::boolean from pg_options_to_table(c.reloptions) o
        where o.option_name = 'security_invoker'), false) as invoker,
      pg_table_is_visible(c.oid) as visible,
      coalesce((select json_agg(json_build_object('name', a.attname, 'place', a.attnum, 'nullable', not a.attnotnull,
          'type', format_type(a.atttypid, a.atttypmod), 'default', pg_get_expr(d.adbin, d.adrelid)))
        from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attname = any(${texts(columns)}) and not a.attisdropped), '[]') as columns,
      coalesce((select json_agg(json_build_object('role', g.name, 'rights', g.rights) order by g.name) from (
          select asked.name, array_agg(a.privilege_type order by 1) as rights
          from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a join asked on asked.oid = a.grantee
          where a.grantee <> c.relowner group by asked.name) as g), '[]') as grants
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(${texts(schemas)}) and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and ${notOfExtension('pg_class', 'c.oid')}
    order by n.nspname, c.relname`.execute(db);
  const foreignKeys = await sql<ForeignKeyRow>`
    select f.conname::text as name, f.conrelid::text as from, f.confrelid::text as to,
      ${columnNames('f.conrelid', 'f.conkey')} as columns, ${columnNames('f.confrelid', 'f.confkey')} as targets,
      ${columnNames('f.conrelid', 'f.confdelsetcols')} as sets, f.confdeltype::text as "onDelete",
      f.confupdtype::text as "onUpdate", pg_get_constraintdef(f.oid) as definition
    from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_namespace n on n.oid = c.relnamespace
    where f.contype = 'f' and f.conparentid = 0 and n.nspname = any(${texts(schemas)})
    order by n.nspname, c.relname, f.conname`.execute(db);
  const indexes = await sql<IndexRow>`
    select x.relname::text as name, n.nspname::text as schema, i.indrelid::text as table, i.indisunique as unique,
      i.indisexclusion as exclusion, m.amname::text as method, i.indpred is not null as partial,
      array(select coalesce(a.attname::text, '') from unnest(i.indkey::int2[]) with ordinality as k (attnum, place)
        left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum and k.attnum > 0
        where k.place <= i.indnkeyatts order by k.place) as columns,
      pg_get_indexdef(i.indexrelid) as definition,
      (select json_build_object('name', p.conname, 'type', p.contype) from pg_constraint p
        where p.conindid = i.indexrelid and p.conrelid = i.indrelid and p.contype in ('p', 'u', 'x')) as constraint,
      i.indnkeyatts = 1 and exists (select from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = i.indrelid and a.attnum = i.indkey[0] and (a.atttypid = 'uuid'::regtype or a.attidentity <> ''
          or pg_get_expr(d.adbin, d.adrelid) like 'nextval(%')) as surrogate
    from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am m on m.oid = x.relam
    join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(${texts(schemas)}) and not x.relispartition and i.indisvalid
    order by n.nspname, c.relname, x.relname`.execute(db);
  const policies = await sql<PolicyRow>`
    select p.polname::text as name, p.polrelid::text as table, p.polcmd::text as command, p.polpermissive as permissive,
      array(select coalesce(r.rolname::text, 'public') from unnest(p.polroles) as g (oid) left join pg_roles r on r.oid = g.oid
        order by 1) as roles,
      p.polqual::text as using, p.polwithcheck::text as check,
      array(select distinct f.proname::text from regexp_matches(concat(p.polqual::text, p.polwithcheck::text),
          ':(?:op)?funcid (\\d+)', 'g') as m join pg_proc f on f.oid = m[1]::oid
        where f.provolatile = 'v' order by 1) as volatile
    from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(${texts(schemas)}) order by n.nspname, c.relname, p.polname`.execute(db);
  const equalities = await sql<{ oid: string }>`select oid::text as oid from pg_operator where oprname = '='`.execute(
    db,
  );
  return {
    relations: relations.rows,
    foreignKeys: foreignKeys.rows,
    indexes: indexes.rows,
    policies: policies.rows,
    equalities: new Set(equalities.rows.map(({ oid }) => oid)),
  };
}

function columnNames(table: string, places: string): RawBuilder<string[]> {
  return sql`array(select a.attname::text from unnest(${sql.ref(places)}) with ordinality as k (attnum, place)
    join pg_attribute a on a.attrelid = ${sql.ref(table)} and a.attnum = k.attnum order by k.place)`;
}
